"""Made-up bars for the tests of reading and checking."""

from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).parents[1] / "data"
PRICES = ["open", "high", "low", "close"]


def made(rows: int, seed: int = 0, start: str = "2020-01-01", step: str = "1h") -> pd.DataFrame:
    """Return bars of a random walk that keep every rule, with a volume."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.01, rows)))
    opens = np.append(100.0, close[:-1])
    high = np.maximum(opens, close) * (1 + random.random(rows) / 100)
    low = np.minimum(opens, close) * (1 - random.random(rows) / 100)
    time = pd.date_range(start, periods=rows, freq=step, tz="UTC", name="timestamp")
    return pd.DataFrame(
        {"open": opens, "high": high, "low": low, "close": close, "volume": random.random(rows)}, index=time
    )


def marked(frame: pd.DataFrame, factor: float = 1.01) -> pd.DataFrame:
    """Return the frame with marks that are its prices times a factor."""
    return frame.assign(**{f"mark_{price}": frame[price] * factor for price in PRICES})

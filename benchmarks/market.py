"""The market and the signals that every benchmark runs on: seeded, so that each run times the same work.

One-minute bars walk at random around a trend that keeps its direction for about 150 bars. The signals know the trend,
which pays for fees and losses: the account lives and orders to the last bar, as no blind strategy at 10x does.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import backtest as bt

SEED = 20_260_101
START = pd.Timestamp("2023-01-01", tz="UTC")
VOLATILITY = 0.0004  # of a minute
TREND = 0.0000072  # per minute
HOLD = 154  # bars between two orders, on average: 6,500 orders in 1,000,000 bars
HOURLY = Path(__file__).parents[1] / "data" / "btcusdt_1h.parquet"


@dataclass(frozen=True)
class Market:
    """Frames by symbol, as `Bars.from_frames` takes them, and targets in {-1, 0, 1}, bars by instruments."""

    frames: dict[str, pd.DataFrame]
    targets: NDArray[np.float64]

    def bars(self) -> bt.Bars:
        """Return the frames as bars."""
        return bt.Bars.from_frames(self.frames)


def market(bars: int, instruments: int = 1, *, hold: int = HOLD, extras: bool = False) -> Market:
    """Return a market of minutes; an instrument is ordered after `hold` bars on average.

    With `extras` there are mark prices, and funding every eight hours.
    """
    random = np.random.default_rng(SEED)
    time = pd.date_range(START, periods=bars, freq="min", unit="ns", name="time")
    frames = {}
    targets = np.empty((bars, instruments))
    for i in range(instruments):
        targets[:, i] = regimes(random, bars, hold)
        frame = prices(random, targets[:, i], time)
        if extras:
            basis = 1.0 + 0.0001 * random.standard_normal(bars)
            for name in ("open", "high", "low", "close"):
                frame[f"mark_{name}"] = frame[name] * basis
            frame["funding_rate"] = np.where(time.asi8 % (8 * 3600 * 10**9) == 0, 0.00001, 0.0)
        frames[f"COIN{i:02}USDT"] = frame
    return Market(frames, targets)


def regimes(random: np.random.Generator, bars: int, hold: int) -> NDArray[np.float64]:
    """Return targets that change after `hold` bars on average, to one of the other two of -1, 0, 1."""
    changes = random.random(bars) < 1.0 / hold
    steps = np.where(changes, random.integers(1, 3, bars), 0)
    return np.cumsum(steps) % 3 - 1.0


def prices(random: np.random.Generator, target: NDArray[np.float64], time: pd.DatetimeIndex) -> pd.DataFrame:
    """Return open, high, low and close of a walk whose trend follows the target from the next bar on."""
    bars = len(target)
    trend = TREND * np.concatenate(([0.0], target[:-1]))
    close = 100.0 * np.exp(np.cumsum(VOLATILITY * random.standard_normal(bars) + trend - trend.mean()))
    opens = np.concatenate(([100.0], close[:-1]))
    reach = 0.5 * VOLATILITY * np.abs(random.standard_normal((2, bars)))
    high = np.maximum(opens, close) * (1.0 + reach[0])
    low = np.minimum(opens, close) * (1.0 - reach[1])
    return pd.DataFrame({"open": opens, "high": high, "low": low, "close": close}, index=time)


def hourly() -> Market:
    """Return the real hours of BTCUSDT that come with the project, with a moving-average cross of 20 and 50 bars."""
    bars = bt.read_bars(HOURLY)
    frame = bars.frame(bars.symbols[0])
    fast, slow = (frame["close"].rolling(length).mean() for length in (20, 50))
    return Market({bars.symbols[0]: frame}, (fast > slow).to_numpy().astype(np.float64)[:, None])


def venue(taker_fee: float = 0.0005) -> bt.Venue:
    """Return a ladder of ten tiers, with the fees of a large exchange."""
    floors = (0.0, 3e5, 8e5, 3e6, 1.2e7, 7e7, 1e8, 2.3e8, 4.8e8, 6e8)
    rates = (0.004, 0.005, 0.0065, 0.01, 0.02, 0.025, 0.05, 0.1, 0.125, 0.15)
    leverages = (125, 100, 75, 50, 25, 20, 10, 5, 4, 3)
    tiers = [
        bt.Tier(floor=floor, maintenance_rate=rate, max_leverage=leverage)
        for floor, rate, leverage in zip(floors, rates, leverages, strict=True)
    ]
    return bt.Venue(tiers=tiers, taker_fee=taker_fee, liquidation_fee=0.0125)

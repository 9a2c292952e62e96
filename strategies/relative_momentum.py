"""Relative momentum: of two assets, long the one that has gained more and short the other.

What has done better than its peer tends to go on doing so (Jegadeesh and Titman, "Returns to Buying Winners and
Selling Losers", Journal of Finance 48, 1993, here with two assets instead of deciles). The pair is nearly neutral to
the market, but each leg can still be liquidated by itself in isolated margin.

Parameters
----------
lookback : bars over which the gains are compared
hold : bars between two decisions
size : fraction of full leverage on each leg, up to 0.5 where both share one account
"""

import numpy as np
import pandas as pd

PARAMS = {"lookback": 1440, "hold": 48, "size": 0.5}  # a month and a day of 30-minute bars


def signals(data: dict[str, pd.DataFrame], lookback: int, hold: int, size: float) -> pd.DataFrame:
    """Return a column for each symbol: `size`, `-size`, or NaN (keep what you hold) between decisions."""
    if isinstance(data, pd.DataFrame) or len(data) != 2:
        raise ValueError("relative momentum compares two symbols: give it the bars of exactly two")
    close = pd.DataFrame({symbol: frame["close"] for symbol, frame in data.items()}).ffill()
    first, second = close.columns
    gain = close / close.shift(lookback) - 1
    # Counted from the first bar, never from the last, so that new bars move no old decision.
    decides = np.arange(len(close)) % hold == 0
    target = (size * np.sign(gain[first] - gain[second])).where(decides)
    return pd.DataFrame({first: target, second: -target})

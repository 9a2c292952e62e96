"""RSI mean reversion: buy what has fallen too fast, sell what has risen too fast, leave at the middle.

The relative strength index is 100 times the average gain over the average gain plus the average loss, in Wilder's
smoothing, which moves each average by 1/length of the distance to the newest change (J. Welles Wilder, "New Concepts
in Technical Trading Systems", 1978, section VI). The averages start from the first change, where Wilder starts from
the mean of the first `length`: after a few lengths the two agree.

Parameters
----------
length : bars in the smoothing
oversold : index below which a long is opened, 0 to 100
overbought : index above which a short is opened, 0 to 100
middle : index at which either is closed, between the two
"""

import pandas as pd

PARAMS = {"length": 14, "oversold": 30.0, "overbought": 70.0, "middle": 50.0}


def lookback(length: int, **_: float) -> int:
    """Return the earlier bars after which the smoothing has forgotten everything: exp(-40) is below rounding."""
    return 40 * length


LOOKBACK = lookback


def relative_strength_index(close: pd.Series, length: int) -> pd.Series:
    """Return the index, 0 to 100; NaN on the first `length` bars and while the price has never moved."""
    change = close.diff()
    smoothing = {"alpha": 1 / length, "adjust": False, "min_periods": length}
    gain = change.clip(lower=0).ewm(**smoothing).mean()
    loss = -change.clip(upper=0).ewm(**smoothing).mean()
    return 100 * gain / (gain + loss)


def signals(data: pd.DataFrame, length: int, oversold: float, overbought: float, middle: float) -> pd.DataFrame:
    """Return booleans under vectorbt's names; the engine folds them into a target."""
    if not 0 <= oversold < middle < overbought <= 100:
        raise ValueError(f"oversold < middle < overbought must hold, got {oversold}, {middle} and {overbought}")
    index = relative_strength_index(data["close"].dropna(), length).reindex(data.index)
    return pd.DataFrame(
        {  # comparisons with NaN are False: nothing is decided on missing bars
            "entries": index < oversold,
            "exits": index >= middle,
            "short_entries": index > overbought,
            "short_exits": index <= middle,
        }
    )

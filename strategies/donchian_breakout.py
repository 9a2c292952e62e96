"""Donchian breakout: enter when the close leaves the range of the last bars, leave on a smaller breakout back.

Long above the highest high of the previous `entry_bars` bars, closed below the lowest low of the previous `exit_bars`
bars; short the other way round. Richard Donchian's four-week rule with the shorter exit channel of the Turtles' first
system (20 and 10 days; Curtis Faith, "Way of the Turtle", 2007), without its filter and decided on closes.

Parameters
----------
entry_bars : bars in the channel that is entered on
exit_bars : bars in the channel that is left on
"""

import pandas as pd

PARAMS = {"entry_bars": 20, "exit_bars": 10}


def lookback(entry_bars: int, exit_bars: int) -> int:
    """Return the earlier bars that the longer channel covers."""
    return max(entry_bars, exit_bars)


LOOKBACK = lookback


def signals(data: pd.DataFrame, entry_bars: int, exit_bars: int) -> pd.DataFrame:
    """Return booleans under freqtrade's names; the engine folds them into a target."""
    bars = data[["high", "low", "close"]].dropna()
    before = bars.shift(1)  # the channel ends with the previous bar: no bar can leave a range that it belongs to
    table = pd.DataFrame(
        {
            "enter_long": bars["close"] > before["high"].rolling(entry_bars).max(),
            "exit_long": bars["close"] < before["low"].rolling(exit_bars).min(),
            "enter_short": bars["close"] < before["low"].rolling(entry_bars).min(),
            "exit_short": bars["close"] > before["high"].rolling(exit_bars).max(),
        }
    )
    return table.reindex(data.index, fill_value=False)  # nothing is decided on missing bars

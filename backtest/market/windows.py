"""Stretches of bars to train on, and those that follow them to test on."""

from datetime import timedelta
from typing import NamedTuple

import numpy as np

from backtest.errors import ConfigError, DataError
from backtest.market.bars import Bars
from backtest.market.funding import nanoseconds
from backtest.text import duration, moment

__all__ = ["Window", "length_of", "windows_of"]

SHORTEST = 3
"""Bars of a test window at least: one to hear the strategy, one to hold, one at whose open all is closed."""


class Window(NamedTuple):
    """A training window and the test window that follows it: positions of bars, and times in nanoseconds."""

    train: slice
    test: slice
    train_start: int
    test_start: int
    test_end: int


def length_of(name: str, given: str | timedelta) -> int:
    """Return a length in nanoseconds; `name` is what messages call it."""
    try:
        return nanoseconds(given)
    except ConfigError as error:
        raise ConfigError(f"{name}{str(error).removeprefix('every')}") from error


def windows_of(bars: Bars, train: int, test: int, anchored: bool) -> list[Window]:
    """Return every window, in time, lengths in nanoseconds; test windows too short for a trade are left out.

    Raises
    ------
    ConfigError                if test windows are shorter than SHORTEST bars
    DataError                  if there is no window, or a training window without bars
    """
    time, step = bars.nanoseconds, 0 if bars.interval is None else bars.interval.value
    if test < SHORTEST * step:
        raise ConfigError(f"test must be at least {SHORTEST} bars ({duration(SHORTEST * step)}), got {duration(test)}")
    end = int(time[-1]) + step
    windows = []
    for edge in range(int(time[0]) + train, int(time[-1]) + 1, test):
        start = int(time[0]) if anchored else edge - train
        first, middle, last = np.searchsorted(time, [start, edge, edge + test]).tolist()
        if last - middle < SHORTEST:  # a gap in the bars, or their end
            continue
        if first == middle:
            raise DataError(f"a training window must have bars, got none from {moment(start)} to {moment(edge)}")
        windows.append(Window(slice(first, middle), slice(middle, last), start, edge, min(edge + test, end)))
    if not windows:
        raise DataError(
            f"bars must reach beyond the first training window of {duration(train)}, got {moment(int(time[0]))} to "
            f"{moment(end)}: a test window has at least {SHORTEST} bars"
        )
    return windows

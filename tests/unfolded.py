"""Bars taken apart into their three legs, each a bar of its own that goes one way: what an order inside a bar is."""

from itertools import pairwise

import numpy as np
import pandas as pd

import backtest as bt

LEGS = 3
NAMES = ("open", "high", "low", "close")


def corners(bar, low_first):
    """Return the four prices between which the legs of a bar run, of (open, high, low, close)."""
    opened, high, low, close = bar
    return (opened, low, high, close) if low_first else (opened, high, low, close)


def legs_of(bar, low_first):
    """Return the three legs of a bar as (open, high, low, close)."""
    points = corners(bar, low_first)
    return [(a, max(a, b), min(a, b), b) for a, b in pairwise(points)]


def rising(bar):
    """Return whether a path goes to the low first."""
    return bar[3] >= bar[0]


def path_of(bars, low_first=None, parts=1):
    """Return bars inside the bars, which go straight along their legs, each in so many parts.

    The legs are in the order of a path, or as `low_first` (T, M) says.
    """
    frames = {}
    count = LEGS * parts
    for i, symbol in enumerate(bars.symbols):
        frame = bars.frame(symbol)
        trade = frame[list(NAMES)].to_numpy()
        order = [rising(bar) for bar in trade] if low_first is None else low_first[:, i]
        columns = {}
        for prefix in ("", "mark_") if bars.has_marks else ("",):
            given = frame[[f"{prefix}{name}" for name in NAMES]].to_numpy()
            pieces = [straight(bar, first, parts) for bar, first in zip(given, order, strict=True)]
            columns |= {f"{prefix}{name}": np.concatenate(pieces)[:, k] for k, name in enumerate(NAMES)}
        if len(bars.funding):
            due = np.repeat(bars.funding[:, i], count)
            columns["funding_rate"] = np.where(np.arange(len(due)) % count, 0.0, due)
        index = pd.DatetimeIndex([time + k * bars.interval / count for time in bars.time for k in range(count)])
        frames[symbol] = pd.DataFrame(columns, index)
    return bt.Bars.from_frames(frames)


def straight(bar, low_first, parts):
    """Return the parts of a bar's legs as (open, high, low, close), which meet its corners to the bit."""
    points = np.interp(np.arange(LEGS * parts + 1) / parts, range(LEGS + 1), corners(bar, low_first))
    return np.array([(a, max(a, b), min(a, b), b) for a, b in pairwise(points)])

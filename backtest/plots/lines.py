"""Lines over time: curves of which a figure needs some rows, and steps that end where there is nothing."""

from typing import Any

import numpy as np
import numpy.typing as npt

from backtest.plots.style import Trace, fits_single
from backtest.plots.thinning import BUCKETS, Rows, Times, Values

__all__ = ["curve", "ended", "held_at", "steps", "x_of"]


def curve(time: Times, values: Values, rows: Rows, *, role: str, name: str, look: Trace, digits: str) -> Trace:
    """Return a line through some rows of a curve.

    Parameters
    ----------
    time : ndarray of int64      (T,) milliseconds
    values : ndarray of float64  (T,)
    rows : ndarray of int64      what is drawn; fewer than all in single precision where `digits` do not tell it
    role : str                   what a page's script finds the line by
    name : str                   in the legend
    look : dict                  colour, width and what else the line has
    digits : str                 format of the values
    """
    drawn = values[rows]
    return {
        "type": "scatter",
        "mode": "lines" if len(rows) > 1 else "lines+markers",
        "x": x_of(time[rows]),
        "y": drawn if len(rows) == len(values) else _small(drawn, digits),
        "name": name,
        "hovertemplate": f"%{{y:{digits}}}",
        "meta": {"role": role},
        **look,
    }


def steps(time: Times, values: Values, *, role: str, name: str, look: Trace, digits: str) -> Trace:
    """Return a line that holds each value until the next, with gaps where there is none; see `ended`."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x_of(time),
        "y": values if len(values) <= 2 * BUCKETS else _small(values, digits),
        "name": name,
        "hovertemplate": f"%{{y:{digits}}}",
        "meta": {"role": role},
        **look,
        "line": {"shape": "hv", **look["line"]},
    }


def _small(values: Values, digits: str) -> npt.NDArray[np.floating[Any]]:
    """Return values in half the room where what is shown of them stays the same."""
    return values.astype(np.float32) if fits_single(values, digits) else values


def ended(time: Times, values: Values, side: Values, last: int) -> tuple[Times, Values]:
    """Return the points of a step function, each run of values with its end, so that lines do not stop short of it.

    Parameters
    ----------
    time : ndarray of int64      (N,) rising
    values : ndarray of float64  (N,), NaN where there is none
    side : ndarray of float64    (N,) a run ends where it changes: the next value is another position's
    last : int                   when the last run ends, if nothing follows
    """
    if len(values) == 0:
        return time, values
    held, before = ~np.isnan(values[1:]), ~np.isnan(values[:-1])
    turns = held & before & (side[1:] != side[:-1])
    ends = np.flatnonzero(before & (~held | turns)) + 1
    gaps = np.flatnonzero(turns) + 1
    at = np.concatenate((ends, gaps))
    values = np.insert(values, at, np.concatenate((values[ends - 1], np.full(len(gaps), np.nan))))
    time = np.insert(time, at, time[at])
    return np.append(time, max(last, int(time[-1]))), np.append(values, values[-1])


def held_at(moments: Times, time: Times, values: Values) -> tuple[Times, Values]:
    """Return the points of a step function with more of them, at moments at which it holds a value; it is the same."""
    latest = np.searchsorted(time, moments, side="right") - 1
    more = (latest >= 0) & ~np.isin(moments, time)
    more[more] &= ~np.isnan(values[latest[more]])
    at = latest[more] + 1
    return np.insert(time, at, moments[more]), np.insert(values, at, values[latest[more]])


def x_of(time: Times) -> npt.NDArray[np.datetime64]:
    """Return times as figures hold them: as dates, for numbers are shown in the zone of whoever looks at them."""
    return time.view("M8[ms]")

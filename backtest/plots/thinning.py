"""Rows that keep the shape of a long curve: the extremes of every stretch of time, all rows near the costliest events.

A picture shows of each column of pixels the lowest and the highest value, nothing else: rows that hold these would give
the same picture as all of them. How many columns there are is up to the reader's screen, so a stretch is about half of
one: an extreme at its edge may be drawn in the next. Every n-th row instead would lose the one bar in which an account
died.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = [
    *("BUCKETS", "MARKS", "NEAR", "TRUE_LIQUIDATIONS", "costliest", "extremes", "inside", "spans_around"),
    *("thinned", "without_flat_runs"),
]

BUCKETS = 2400
"""Stretches of time, each as long as the others, of which a curve keeps its extremes: two for each of 1 200 pixels.

Of the envelope of a walk of a million bars, on 1 166 by 420 pixels, they keep all but 0.4 pixels (7 at the worst);
1 200 lost 0.8 (10), and with the first and last row of each, for as many points as 2 400 have, 0.7 (9).
"""

TRUE_LIQUIDATIONS = 200
"""How many liquidations, the costliest, have every row around them kept."""

NEAR = 40
"""How many bars on either side of such a liquidation are kept, all of them."""

MARKS = 2000
"""How many marks of a kind a figure holds."""

Rows = npt.NDArray[np.int64]
Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


def costliest(cost: Values, most: int) -> Rows:
    """Return the rows (at most `most`) of the highest cost (N,), in their order; an unknown one is the lowest."""
    if len(cost) <= most:
        return np.arange(len(cost))
    known = np.where(np.isnan(cost), -np.inf, cost)
    return np.sort(np.argsort(-known, kind="stable")[:most])


def spans_around(time: Times, moments: Times, near: int = NEAR) -> Times:
    """Return the first and the last time (K, 2) of the bars within `near` of the bars that hold the moments.

    Parameters
    ----------
    time : ndarray of int64      (T,) rising
    moments : ndarray of int64   in any order, in the unit of `time`; those outside its range are left out
    near : int                   bars on either side
    """
    if len(time) == 0:
        return np.empty((0, 2), np.int64)
    moments = moments[(moments >= time[0]) & (moments <= time[-1])]
    rows = np.unique(np.searchsorted(time, moments, side="right") - 1)
    return np.column_stack((time[np.maximum(rows - near, 0)], time[np.minimum(rows + near, len(time) - 1)]))


def inside(time: Times, spans: Times) -> Rows:
    """Return the rows of `time` (T,), rising, that lie in one of the spans (K, 2), both ends with it."""
    first, after = np.searchsorted(time, spans[:, 0]), np.searchsorted(time, spans[:, 1], side="right")
    edges = np.zeros(len(time) + 1, np.int64)
    np.add.at(edges, first, 1)
    np.add.at(edges, after, -1)
    return np.flatnonzero(np.cumsum(edges[:-1]) > 0)


def extremes(
    time: Times, values: Values, highest: Values | None = None, *, buckets: int = BUCKETS, step: bool = False
) -> Rows:
    """Return the first and the last row and, of every bucket of time, the row of the lowest and of the highest value.

    Parameters
    ----------
    time : ndarray of int64       (T,) rising
    values : ndarray of float64   (T,); NaN is passed over, and keeps one row of a bucket that holds nothing else
    highest : ndarray of float64  (T,) whose highest values are looked for, as the highs of bars above their lows;
        default: the values
    buckets : int                 at least 1
    step : bool                   keep the last row of each bucket, too: a step function holds its value beyond it

    Returns
    -------
    ndarray of int64
        rising, without repetition; at most 2 rows a bucket (3 of a step function) and 2 more
    """
    if len(time) == 0:
        return np.empty(0, np.int64)
    below = _without_gaps(values, np.inf)
    above = _without_gaps(values if highest is None else highest, -np.inf)
    edges = np.linspace(time[0], time[-1], buckets + 1)[:-1]
    bounds = np.append(np.unique(np.searchsorted(time, edges)), len(time)).tolist()
    rows = [0, len(time) - 1]
    for first, after in pairwise(bounds):
        rows.append(first + int(below[first:after].argmin()))
        rows.append(first + int(above[first:after].argmax()))
    if step:
        rows.extend(after - 1 for after in bounds[1:])
    return np.unique(np.array(rows, np.int64))


def _without_gaps(values: Values, filler: float) -> Values:
    """Return the values with a filler for NaN."""
    missing = np.isnan(values)
    return np.where(missing, filler, values) if missing.any() else values


def without_flat_runs(values: Values, rows: Rows) -> Rows:
    """Return the rows without those whose neighbours among them have the same value: the line is the same.

    Parameters
    ----------
    values : ndarray of float64  (T,)
    rows : ndarray of int64      rising
    """
    kept = values[rows]
    same = (kept[1:] == kept[:-1]) | (np.isnan(kept[1:]) & np.isnan(kept[:-1]))
    needed = np.ones(len(rows), np.bool_)
    needed[1:-1] = ~(same[1:] & same[:-1])
    return rows[needed]


def thinned(
    time: Times,
    curves: Sequence[Values],
    spans: Times | None = None,
    *,
    band: tuple[Values, Values] | None = None,
    step: bool = False,
) -> Rows:
    """Return the rows that a figure needs of its curves, the same for all of them: all where they are short.

    Parameters
    ----------
    time : ndarray of int64      (T,) rising
    curves : sequence of ndarray (T,) each, of float64, whose extremes are kept
    spans : ndarray of int64     (K, 2), see `spans_around`: every row inside is kept
    band : pair of ndarray       (T,) each, such as lows and highs: the lowest of the one, the highest of the other
    step : bool                  the curves are step functions

    Returns
    -------
    ndarray of int64
        rising; at most those of `extremes` of each curve and of the band, and those in the spans
    """
    if len(time) <= 2 * BUCKETS:
        return np.arange(len(time))
    found = [extremes(time, curve, step=step) for curve in curves]
    if band is not None:
        found.append(extremes(time, *band))
    if spans is not None:
        found.append(inside(time, spans))
    return np.unique(np.concatenate(found))

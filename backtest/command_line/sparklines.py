"""A curve in one line of blocks, and a line of marks below it: what a screen of 80 columns has room for."""

import numpy as np
import numpy.typing as npt

from backtest.kernels.orders import RUIN

__all__ = ["blocks", "ends", "marks"]

LEVELS = " ▁▂▃▄▅▆▇█"
"""From nothing to the highest."""

MARK = "x"

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def blocks(values: Floats, cells: int, highest: float) -> str:
    """Return a curve as blocks from 0 to the highest: each cell is as high as the last of its values.

    Parameters
    ----------
    values : (T,) float64      T >= 1, finite; below 0 they count as 0
    cells : int                at least 1; where there are fewer values, each fills several cells
    highest : float            what a full block stands for; where it is 0, all are empty
    """
    last = -(-np.arange(1, cells + 1) * len(values) // cells) - 1
    shares = values[last] / highest if highest > 0.0 else np.zeros(cells)
    full = len(LEVELS) - 1
    levels = np.clip(np.rint(shares * full), 1, full).astype(np.int64)
    levels[shares <= RUIN] = 0  # an account whose cell is empty is dead; what is left of one is never drawn as nothing
    return "".join(LEVELS[level] for level in levels.tolist())


def marks(rows: Integers, count: int, cells: int) -> str:
    """Return a mark below each cell in which something happened, at these rows of `count`."""
    marked = np.zeros(cells, np.bool_)
    marked[rows * cells // count] = True
    return "".join(MARK if each else " " for each in marked.tolist())


def ends(left: str, right: str, width: int, middle: str = "") -> str:
    """Return a line with a text at either end, and one between them where there is room for it."""
    room = width - len(left) - len(right)
    if room < 1:
        return left[:width]
    return left + (middle.center(room) if len(middle) + 4 <= room else " " * room) + right

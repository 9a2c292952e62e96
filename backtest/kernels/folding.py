"""Signals before the replay: the check of their values, and entries and exits folded into one target."""

import numpy as np
import numpy.typing as npt

from backtest.kernels._jit import entry


@entry
def first_outside(values: npt.NDArray[np.float64], start: int, step: int, low: float, high: float, also: float) -> int:
    """Return the index of the first value outside [low, high] that is not `also`, or -1; NaN passes.

    NaN compares false. Looked at are `start` and every `step`-th after it: one column of a flattened array, or all.
    """
    for position in range(start, values.shape[0], step):
        value = values[position]
        if (value < low or value > high) and value != also:
            return position
    return -1


@entry
def fold(
    enter_long: npt.NDArray[np.bool_],
    exit_long: npt.NDArray[np.bool_],
    enter_short: npt.NDArray[np.bool_],
    exit_short: npt.NDArray[np.bool_],
    target: npt.NDArray[np.float64],
) -> None:
    """Write 1 (long), -1 (short) or 0 into `target`, bar by bar; `entries.fold_entries` states the rules."""
    held = 0.0
    for t in range(target.shape[0]):
        if enter_long[t] and not enter_short[t] and not exit_long[t]:
            held = 1.0
        elif enter_short[t] and not enter_long[t] and not exit_short[t]:
            held = -1.0
        elif (held > 0.0 and exit_long[t]) or (held < 0.0 and exit_short[t]):
            held = 0.0
        target[t] = held

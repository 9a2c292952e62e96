"""Entries and exits, folded into one target."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.errors import DataError
from backtest.kernels.folding import fold
from backtest.signalling.signal_names import FREQTRADE_NAMES, VECTORBT_NAMES, check_names

__all__ = ["fold_entries"]


def fold_entries(frame: pd.DataFrame, held: float = 0.0) -> pd.Series:
    """Return the target, 1 (long), -1 (short) or 0, that columns of entries and exits add up to.

    The columns bear vectorbt's names (entries, exits, short_entries, short_exits) or freqtrade's (enter_long,
    exit_long, enter_short, exit_short) and hold booleans, or 0 and 1; NaN counts as False. One that is absent is
    False throughout; columns of other names are ignored, but not misspelt ones. Bar by bar, starting from what is
    `held` before the first, 1, -1 or 0:

    - an entry opens its side, or flips a position of the other side;
    - an exit closes a position of its own side, and only that;
    - an exit beats an entry of its own side in the same bar: a position held is closed, none is opened;
    - two entries in one bar cancel out: neither opens, and only an exit can still close.

    Raises
    ------
    DataError                  if both vocabularies are mixed, no column enters, or a column is not boolean
    """
    names = _vocabulary(frame)
    absent = np.zeros(len(frame), np.bool_)
    enter_long, exit_long, enter_short, exit_short = (
        _as_booleans(frame[name]) if name in frame.columns else absent for name in names
    )
    target = np.empty(len(frame) + 1)
    fold(
        np.append(held > 0.0, enter_long),
        np.append(False, exit_long),
        np.append(held < 0.0, enter_short),
        np.append(False, exit_short),
        target,
    )
    return pd.Series(target[1:], frame.index, name="target")


def _vocabulary(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the four names in use."""
    check_names(frame.columns)
    vectorbt = [name for name in VECTORBT_NAMES if name in frame.columns]
    freqtrade = [name for name in FREQTRADE_NAMES if name in frame.columns]
    if vectorbt and freqtrade:
        raise DataError(f"entries and exits must not mix {vectorbt[0]} with {freqtrade[0]}: use one set of names")
    names = VECTORBT_NAMES if vectorbt else FREQTRADE_NAMES
    if names[0] not in frame.columns and names[2] not in frame.columns:
        raise DataError(f"entries and exits need a column {names[0]} or {names[2]}, got {(vectorbt or freqtrade)[:2]}")
    return names


def _as_booleans(column: pd.Series) -> npt.NDArray[np.bool_]:
    if column.dtype == np.bool_:
        return column.to_numpy()
    try:
        # The nullable type takes booleans, 0 and 1 of any width, and NaN; it refuses everything else.
        return column.astype("boolean").to_numpy(np.bool_, na_value=False)
    except (TypeError, ValueError) as error:
        message = f"{column.name} must hold booleans, or 0 and 1, got values of dtype {column.dtype}"
        raise DataError(f"{message} such as {column.iloc[0]!r}" if len(column) else message) from error

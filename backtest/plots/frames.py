"""What figures take from frames: the columns they need, times as numbers, and a word for what is missing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.errors import DataError
from backtest.text import shown

__all__ = ["by_time", "numbers", "of_one_symbol", "times_of", "with_columns"]


def with_columns(frame: object, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Return the frame itself.

    Raises
    ------
    DataError                  if it is no DataFrame, or lacks one of the columns
    """
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{name} must be a DataFrame, got {shown(frame)}")
    missing = [column for column in columns if column not in frame]
    if missing:
        there = ", ".join(map(str, frame.columns)) or "none"
        raise DataError(f"{name} must have a column {missing[0]}, got the columns {there}")
    return frame


def by_time(frame: object, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Return the frame itself, which has a row per bar.

    Raises
    ------
    DataError                  as `with_columns`, and if its index is not of rising times
    """
    frame = with_columns(frame, name, columns)
    if not isinstance(frame.index, pd.DatetimeIndex):
        raise DataError(f"{name} must be indexed by time, got an index of {frame.index.dtype}")
    if not frame.index.is_monotonic_increasing:
        raise DataError(f"{name} must be in order of time, got an index that falls")
    return frame


def of_one_symbol(frame: object, name: str, columns: Sequence[str]) -> pd.DataFrame | None:
    """Return the frame itself, None where there is none or it has no row.

    Raises
    ------
    DataError                  as `with_columns`, and if it tells of several symbols
    """
    if frame is None:
        return None
    frame = with_columns(frame, name, columns)
    symbols = frame["symbol"].unique() if "symbol" in frame else ()
    if len(symbols) > 1:
        raise DataError(f"{name} must be those of one symbol, got {', '.join(map(str, symbols[:3]))}")
    return frame if len(frame) else None


def times_of(times: "pd.Index[Any] | pd.Series[Any]") -> npt.NDArray[np.int64]:
    """Return times as milliseconds since 1970."""
    return pd.DatetimeIndex(times).as_unit("ms").asi8


def numbers(frame: pd.DataFrame, column: str) -> npt.NDArray[np.float64]:
    """Return a column as numbers."""
    return frame[column].to_numpy(np.float64)

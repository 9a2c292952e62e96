"""One instrument's bars as plain columns: taken from a frame, joined with marks, gathered into longer bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtest.errors import DataError
from backtest.kernels import schema
from backtest.kernels.packing import new_carried, pack_instrument
from backtest.kernels.schema import Records
from backtest.market.funding import landed
from backtest.text import place

PRICES = ("open", "high", "low", "close")
MARKS = ("mark_open", "mark_high", "mark_low", "mark_close")
OPTIONAL = ("volume", *MARKS, "funding_rate")

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

__all__ = ["MARKS", "PRICES", "Columns", "columns_of", "has_marks", "numbers", "packed", "times_of", "union", "utc"]


@dataclass(frozen=True)
class Columns:
    """The rows of one instrument: `time` in nanoseconds since the epoch, `values` by column name, NaN where absent."""

    time: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.time)

    def with_marks(self, marks: "Columns") -> "Columns":
        """Return these rows with the mark prices of the same times; a row without one has NaN marks."""
        at = np.searchsorted(marks.time, self.time)
        at[at == len(marks)] = 0
        found = marks.time[at] == self.time
        joined = {f"mark_{price}": np.where(found, marks.values[price][at], np.nan) for price in PRICES}
        return replace(self, values={**self.values, **joined})

    def resampled(self, every: int) -> "Columns":
        """Return longer bars of `every` nanoseconds, out of rows that all have prices."""
        if not len(self):
            return self
        start = self.time // every * every
        first = np.flatnonzero(np.diff(start, prepend=start[0] - 1))
        last = np.append(first[1:], len(self)) - 1
        values = {}
        for name, column in self.values.items():
            if name == "volume":
                values[name] = np.add.reduceat(column, first)
            elif name == "funding_rate":
                values[name] = landed(start[first], self.time, column)
            elif name.endswith("open"):
                values[name] = column[first]
            elif name.endswith("close"):
                values[name] = column[last]
            else:
                gather = np.maximum if name.endswith("high") else np.minimum
                values[name] = gather.reduceat(column, first)
        return Columns(start[first], values)


def union(times: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return all times, rising, each once; a stable sort merges columns that rise already."""
    merged = np.sort(np.concatenate(times), kind="stable")
    first: Bools = np.diff(merged, prepend=merged[0] - 1) != 0
    return merged[first]


def packed(
    columns: Sequence[Columns], time: NDArray[np.int64], carried: Records | None = None
) -> tuple[Records, Records, Floats, Bools, Floats | None]:
    """Return trade, mark, funding, present and volume, bars by instruments, on `time`, which holds all their times.

    Without marks they are the very trade records; without funding or a missing bar those arrays have no rows. Columns
    that go on from earlier bars are given what is `carried` from those, and have marks wherever there is a column of
    them.
    """
    shape = (len(time), len(columns))
    given = {name for column in columns for name in column.values}
    marked = given.issuperset(MARKS) if carried is not None else any(map(has_marks, columns))
    carried = new_carried(len(columns)) if carried is None else carried
    trade = np.empty(shape, dtype=schema.PRICES)
    mark = np.empty(shape, dtype=schema.PRICES) if marked else trade
    funding = np.zeros(shape if "funding_rate" in given else (0, len(columns)))
    present = np.empty(shape, dtype=np.bool_)
    volume = np.full(shape if "volume" in given else (0, len(columns)), np.nan)
    time, nothing, missing = np.array(time), np.empty(0), 0
    names = (*PRICES, *MARKS, "funding_rate", "volume")
    for i, column in enumerate(columns):
        # Frames hand out read-only views, which would be compiled for a second time.
        fields = tuple(np.array(column.values.get(name, nothing)) for name in names)
        records = (trade, mark, funding, volume, present)
        missing += pack_instrument(fields, np.array(column.time), time, records, carried, i)
    return trade, mark, funding, present if missing else present[:0], volume if len(volume) else None


def has_marks(column: Columns) -> bool:
    """Return whether any mark price is given."""
    return MARKS[0] in column.values and not np.isnan(column.values[MARKS[0]]).all()


def columns_of(frame: pd.DataFrame, name: str, *, required: tuple[str, ...] = PRICES) -> Columns:
    """Return the columns of a frame, named in any case, on a DatetimeIndex (UTC, also where it has no zone).

    Raises
    ------
    DataError                  if it is empty, has no such index, lacks a column, or a column holds no numbers
    """
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"bars must be a DataFrame, got {type(frame).__name__} in {name}")
    time = times_of(frame.index, name)
    frame = frame.set_axis([each.lower() if isinstance(each, str) else each for each in frame.columns], axis=1)
    wanted = [*required, *(column for column in OPTIONAL if column in frame.columns and column not in required)]
    if any(column in MARKS for column in wanted):
        wanted = list(dict.fromkeys([*wanted, *MARKS]))
    for column in wanted:
        if column not in frame.columns:
            got = ", ".join(map(str, frame.columns)) or "none"
            raise DataError(f"there must be a column {column}, got {got} in {name}")
        if not isinstance(frame[column], pd.Series):
            raise DataError(f"there must be one column {column}, got several in {name}")
    return Columns(time, {column: numbers(frame[column], time, name) for column in wanted})


def times_of(index: pd.Index, name: str) -> NDArray[np.int64]:
    """Return an index of times as nanoseconds since the epoch."""
    if len(index) == 0:
        raise DataError(f"there must be at least one row, got none in {name}")
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(f"the index must be a DatetimeIndex, got {type(index).__name__} of {index.dtype} in {name}")
    absent = index.isna()
    if absent.any():
        raise DataError(f"time must be given, got NaT {place(name, int(absent.argmax()))}")
    try:
        return index.as_unit("ns").asi8
    except pd.errors.OutOfBoundsDatetime:
        raise DataError(f"times must be between 1677 and 2262, got {index.min()} to {index.max()} in {name}") from None


def utc(end: object) -> object:
    """Return one end of a slice, as UTC where it has no zone; strings are left to pandas, which knows their length."""
    if end is None or isinstance(end, str):
        return end
    stamp = pd.Timestamp(end)  # type: ignore[arg-type]
    return stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp


def numbers(column: pd.Series, time: NDArray[np.int64], name: str, first: int = 0) -> NDArray[np.float64]:
    """Return a column as float64; booleans, texts and complex numbers are refused. `first` is the number of its row."""
    types = pd.api.types
    if types.is_float_dtype(column.dtype) or types.is_integer_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if types.is_object_dtype(column.dtype) or types.is_string_dtype(column.dtype):
        given = column.notna()
        strange = given & pd.to_numeric(column, errors="coerce").isna()
        row = int((strange if strange.any() else given).to_numpy().argmax())
        where = place(name, first + row, int(time[row]))
        raise DataError(f"{column.name} must hold numbers, got {column.iloc[row]!r} {where}")
    raise DataError(f"{column.name} must hold numbers, got {column.dtype} in {name}")

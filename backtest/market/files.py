"""One file of bars, marks or settlements as columns, under whatever usual names it has."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from backtest.errors import DataError
from backtest.market.columns import MARKS, PRICES, Columns, numbers
from backtest.text import place

__all__ = [
    "BARS",
    "FUNDING",
    "MARK_PRICES",
    "Piece",
    "columns_from",
    "read_columns",
    "readable",
    "symbol_of",
    "time_columns",
    "times_from",
    "useful",
]

# Names are compared in small letters, without spaces, underscores and hyphens; the first that is there is taken.
SHORT = {price: (price, price[0]) for price in PRICES}
BARS: Mapping[str, tuple[str, ...]] = {
    **SHORT,
    "volume": ("volume", "vol", "v"),
    **{mark: (mark.replace("_", ""),) for mark in MARKS},
    "funding_rate": ("fundingrate",),
}
MARK_PRICES: Mapping[str, tuple[str, ...]] = {price: (f"mark{price}", *names) for price, names in SHORT.items()}
FUNDING: Mapping[str, tuple[str, ...]] = {"funding_rate": ("fundingrate", "rate", "lastfundingrate")}
TIMES = ("timestamp", "time", "date", "datetime", "opentime", "calctime", "fundingtime")
INDEX = ("index", "indexlevel0")  # pandas names an index so that has no name of its own

# Sizes from which epochs are milliseconds, microseconds, nanoseconds: of each unit they are times of 1973 and later.
EPOCHS = (1e11, 1e14, 1e17)
LEAST = 1e8


class Piece(NamedTuple):
    """Some rows of a file: the number of the first, and the file's first row where that is another."""

    first: int = 0
    head: pa.Table | None = None


WHOLE = Piece()


def read_columns(path: Path, fields: Mapping[str, tuple[str, ...]] = BARS, required: Sequence[str] = PRICES) -> Columns:
    """Return the times of a Parquet, CSV or Feather file and those of `fields` that it has, unchecked.

    Raises
    ------
    DataError                  for a file that is missing, damaged, empty or of another kind, a column that is not
        there, times that cannot be read, and values that are no numbers
    """
    table, columns = _table(path)
    if not table.num_rows:
        raise DataError(f"there must be at least one row, got none in {path}")
    return columns_from(table, columns, str(path), fields, required)


def columns_from(
    table: pa.Table,
    columns: Sequence[str],
    name: str,
    fields: Mapping[str, tuple[str, ...]] = BARS,
    required: Sequence[str] = PRICES,
    piece: Piece = WHOLE,
) -> Columns:
    """Return the times in a table and those of `fields` that it has, unchecked; `columns` are all that its file has."""
    keys = [_key(column) for column in table.column_names]
    found = {field: next((alias for alias in names if alias in keys), None) for field, names in fields.items()}
    present = {field: alias for field, alias in found.items() if alias is not None}
    if any(mark in present for mark in MARKS):
        required = [*required, *MARKS]
    for field in required:
        if field not in present:
            raise DataError(f"there must be a column {field}, got {', '.join(columns)} in {name}")
    for field, alias in present.items():
        if keys.count(alias) > 1:
            raise DataError(f"there must be one column {field}, got {keys.count(alias)} in {name}")
    time = times_from(table, name, piece)
    values = {}
    for field, alias in present.items():
        column = table.column(keys.index(alias))
        if pa.types.is_decimal(column.type) or pa.types.is_null(column.type):
            column = column.cast(pa.float64())
        values[field] = numbers(pd.Series(column.to_pandas(), name=field), time, name, piece.first)
    return Columns(time, values)


def symbol_of(path: Path) -> str:
    """Return the symbol that a file is named after: its stem up to the first "_", in capitals."""
    return path.name[: -len(_ending(path))].split("_")[0].upper()


def _ending(path: Path) -> str:
    known = (".parquet", ".pq", ".csv", ".csv.gz", ".feather")
    ending = next((ending for ending in known if path.name.lower().endswith(ending)), None)
    if ending is None:
        raise DataError(f"a file of bars must end in {', '.join(known)}, got {path}")
    return ending


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "").replace(" ", "").replace("-", "")


def _table(path: Path) -> tuple[pa.Table, list[str]]:
    """Return the columns of a file that may be of use, and the names of all."""
    ending = _ending(path)
    if not path.is_file():
        raise DataError(f"there must be a file, got none at {path}")
    if not path.stat().st_size:
        raise DataError(f"there must be at least one row, got an empty file in {path}")
    with readable(path, ending[1:]):
        if ending.startswith(".csv"):
            return _csv(path, ending)
        if ending == ".feather":
            from pyarrow import feather

            table = feather.read_table(path, memory_map=False)
            return table.select(useful(table.column_names)), table.column_names
        from pyarrow import parquet

        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            return file.read(columns=useful(names)), names


@contextmanager
def readable(path: Path, kind: str = "parquet") -> Iterator[None]:
    """Turn what goes wrong while a file is read into a DataError that names it."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError, ValueError, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        reason = str(error).split("\n")[0].strip()[:120].rstrip(".")
        raise DataError(f"the file must be readable as {kind}, got {reason!r} from {path}") from error


def useful(names: Sequence[str]) -> list[str]:
    """Return the names of columns that may be of use."""
    known = {alias for fields in (BARS, MARK_PRICES, FUNDING) for aliases in fields.values() for alias in aliases}
    return [name for name in dict.fromkeys(names) if _key(name) in known.union(TIMES, INDEX)]


def _csv(path: Path, ending: str) -> tuple[pa.Table, list[str]]:
    """Return a CSV file whose first line that is neither empty nor a comment (#) is the header."""
    from pyarrow import csv as arrow_csv

    zipped = ending == ".csv.gz"
    with gzip.open(path, "rt", encoding="utf-8-sig") if zipped else path.open(encoding="utf-8-sig") as file:
        lines = ((row, line) for row, line in enumerate(file) if line.strip() and not line.startswith("#"))
        skipped, header = next(lines, (0, ""))
    names = next(csv.reader([header]), [])
    if not names:
        raise DataError(f"there must be at least one row, got none in {path}")
    if len(names) == 1 and (other := [mark for mark in ";\t|" if mark in header]):
        raise DataError(f"the columns of a CSV file must be separated by commas, got {other[0]!r} in {path}")
    if any(_is_number(name) for name in names):
        raise DataError(f"a CSV file must begin with a header, got {header.strip()!r} in {path}")
    with pa.input_stream(str(path), compression="gzip" if zipped else None) as stream:
        table = arrow_csv.read_csv(
            stream,
            read_options=arrow_csv.ReadOptions(skip_rows=skipped),
            convert_options=arrow_csv.ConvertOptions(include_columns=useful(names), strings_can_be_null=True),
        )
    return table, names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def times_from(table: pa.Table, name: str, piece: Piece = WHOLE) -> NDArray[np.int64]:
    """Return the times of the one column that holds them; several are good where they agree."""
    at = time_columns(table.column_names)
    if not at:
        raise DataError(f"there must be a column timestamp, time, date, datetime or open_time, got none in {name}")
    times = _moments(table, at[0], name, piece)
    for other in at[1:]:
        if not np.array_equal(times, _moments(table, other, name, piece)):
            given = " and ".join(table.column_names[i] for i in at)
            raise DataError(f"there must be one column of times, got {given}, which differ, in {name}")
    return times


def time_columns(names: Sequence[str]) -> list[int]:
    """Return which columns hold times, by their names."""
    keys = [_key(name) for name in names]
    return [i for i, key in enumerate(keys) if key in TIMES] or [i for i, key in enumerate(keys) if key in INDEX]


def _moments(table: pa.Table, at: int, name: str, piece: Piece) -> NDArray[np.int64]:
    """Return times in nanoseconds since the epoch: of timestamps and dates, ISO texts, or epochs."""
    column, field, types = table.column(at), table.column_names[at], pa.types
    if column.null_count:
        row = int(column.is_null().to_numpy().argmax())
        raise DataError(f"{field} must be given in every row, got none {place(name, piece.first + row)}")
    if types.is_integer(column.type) or types.is_floating(column.type):
        head = None if piece.head is None else piece.head.column(at).to_numpy()
        return _epochs(column.to_numpy(), field, name, piece.first, head)
    if types.is_string(column.type) or types.is_large_string(column.type):
        texts = pd.Series(column.to_pandas(), dtype="str")
        stamps = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
        if stamps.isna().any():
            row = int(stamps.isna().to_numpy().argmax())
            raise DataError(
                f"{field} must be an ISO time or an epoch, got {texts[row]!r} {place(name, piece.first + row)}"
            )
        return pd.DatetimeIndex(stamps).as_unit("ns").asi8
    if types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    if not types.is_timestamp(column.type):
        raise DataError(f"{field} must hold times, got {column.type} in {name}")
    try:
        times: NDArray[np.int64] = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise DataError(f"{field} must lie between 1677 and 2262, got other times in {name}") from error
    return times


def _epochs(
    values: NDArray[Any], field: str, name: str, first: int, head: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """Return epochs in nanoseconds: below 1e11 they are seconds, below 1e14 ms, below 1e17 us, else ns.

    Numbers that are all below 1e8 are no epochs (an index, or dates such as 20200312), and two units in one column are
    refused, `head` being the column's first value where the values go on from earlier ones.
    """
    finite = np.isfinite(values)
    if not finite.all():
        row = int(finite.argmin())
        raise DataError(f"{field} must be finite, got {values[row]} {place(name, first + row)}")
    size = np.abs(values.astype(np.float64))
    if size.max() < LEAST:
        raise DataError(f"{field} must be an ISO time or an epoch, got {values[0]} {place(name, first)}")
    head = values[:1] if head is None else head
    unit, usual = (np.searchsorted(EPOCHS, each, side="right") for each in (size, np.abs(head.astype(np.float64))))
    if (unit != usual).any():
        row = int((unit != usual).argmax())
        raise DataError(f"epochs must be in one unit, got {head[0]} and then {values[row]} {place(name, first + row)}")
    factor = int(1_000 ** (3 - usual[0]))
    whole = np.floor(values).astype(np.int64)
    times: NDArray[np.int64] = whole * factor + np.rint((values - whole) * factor).astype(np.int64)
    return times

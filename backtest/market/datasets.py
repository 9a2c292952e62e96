"""Parquet files of each symbol, found by their layout and read a few rows at a time."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import parquet

from backtest.errors import DataError
from backtest.market.files import Piece, readable, symbol_of, times_from, useful
from backtest.text import shown

__all__ = ["PARTITION", "Files", "Rows", "files_of", "rows_of"]

ENDINGS = (".parquet", ".pq")
PARTITION = "symbol="
TAIL = re.compile(r"([-. ]\d+(S|M|MIN|H|D|W|MO)?)+$")
"""An interval, a date or a number after a name: of BTCUSDT-1H-2024-01."""
NUMBERED = re.compile(
    r"\d[\d.:TZ-]*|[A-Z]\d*|(BARS|CANDLES|CHUNK|DATA|FILE|KLINES|OHLCV|PART)\d*([-. ].*)?|[\dA-F-]{32,}.*"
)
"""What names no symbol: a date or a number, a letter, a word for any file, a hash."""


class Rows(NamedTuple):
    """Some rows of a file."""

    path: Path
    piece: Piece
    names: list[str]  # of every column that the file has
    table: pa.Table


@dataclass(frozen=True)
class Files:
    """The files of one symbol, in order of time, or of all symbols together where they stand in one table.

    Attributes
    ----------
    paths : tuple of Path
    states : tuple             size and time of change of each, as they were when they were found; the size alone where
        they were found at another machine, whose clock and file system may tell another time
    """

    paths: tuple[Path, ...]
    states: tuple[tuple[int, ...], ...]

    def check(self) -> None:
        """Refuse files that have changed since they were found."""
        for path, state in zip(self.paths, self.states, strict=True):
            if not path.is_file() or state_of(path)[: len(state)] != state:
                raise DataError(f"the files of a history must stay as they are, got a change of {path}")

    def absolute(self) -> "Files":
        """Return the same files for a process that may stand elsewhere, at another machine."""
        return Files(tuple(path.absolute() for path in self.paths), tuple(state[:1] for state in self.states))


def files_of(source: str | PathLike[str]) -> dict[str, Files]:
    """Return the files of each symbol: of a file, of a folder of files, or of a folder partitioned by `symbol=`.

    A folder `symbol=NAME` may be given by itself. Files of one symbol are put into the order of their first times.

    Raises
    ------
    DataError                  for anything else, a file that is damaged or empty
    """
    path = Path(source)
    if not path.is_dir():
        if path.suffix.lower() not in ENDINGS:
            raise DataError(f"a history in pieces must be a Parquet file or a folder of them, got {shown(str(source))}")
        if not path.is_file():
            raise DataError(f"there must be a file or a folder, got none at {path}")
        return {_named(symbol_of(path), path): _in_order([path])}
    if path.name.startswith(PARTITION):
        return _partition(path)
    partitions = sorted(each for each in path.iterdir() if each.is_dir() and each.name.startswith(PARTITION))
    loose = _parquet(path, path.iterdir())
    if partitions and loose:
        raise DataError(
            f"a folder must hold files or folders {PARTITION}NAME, got {loose[0].name} beside them in {path}"
        )
    if not partitions:
        if not loose:
            raise DataError(f"a folder must hold Parquet files, or folders {PARTITION}NAME of them, got none in {path}")
        return {_named(_symbol_of_all(loose, path), path): _in_order(loose)}
    found: dict[str, Files] = {}
    for partition in partitions:
        found |= _partition(partition)
    return found


def rows_of(path: Path, most: int, only_useful: bool = True) -> Iterator[Rows]:
    """Yield the rows of a Parquet file, at most so many at a time, row group by row group.

    Raises
    ------
    DataError                  for a file that is damaged or has no rows
    """
    if not path.stat().st_size:
        raise DataError(f"there must be at least one row, got an empty file in {path}")
    with readable(path):
        file = parquet.ParquetFile(path)
    with file:
        names = file.schema_arrow.names
        wanted = useful(names) if only_useful else None
        first, head = 0, None
        for group in range(file.num_row_groups):
            batches = file.iter_batches(most, [group], wanted)
            while True:
                with readable(path):
                    batch = next(batches, None)
                if batch is None:
                    break
                if not batch.num_rows:
                    continue
                table = pa.Table.from_batches([batch])
                head = table.take([0]) if head is None else head
                yield Rows(path, Piece(first, head), names, table)
                first += batch.num_rows
        if head is None:
            raise DataError(f"there must be at least one row, got none in {path}")


def state_of(path: Path) -> tuple[int, int]:
    """Return what tells one state of a file from another."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _partition(folder: Path) -> dict[str, Files]:
    """Return the files of the symbol that a folder `symbol=NAME` names."""
    paths = _parquet(folder, folder.rglob("*"))
    if not paths:
        raise DataError(f"a folder must hold Parquet files, got none in {folder}")
    return {_named(unquote(folder.name.removeprefix(PARTITION)), folder): _in_order(paths)}


def _named(symbol: str, path: Path) -> str:
    if not symbol:
        raise DataError(f"a name must begin with a symbol, got {path}")
    return symbol


def _symbol_of_all(paths: Sequence[Path], folder: Path) -> str:
    """Return the symbol that files are named after, that of their folder where they bear dates or numbers."""
    names = {symbol_of(path) for path in paths}
    if len(names) == 1:
        return names.pop()
    symbols = sorted({symbol for name in names if not NUMBERED.fullmatch(symbol := TAIL.sub("", name))})
    if len(symbols) > 1:
        raise DataError(
            f"files of one folder must be of one symbol, got {symbols[0]} and {symbols[1]} in {folder}; "
            f"write {PARTITION}NAME folders"
        )
    return symbols[0] if symbols else folder.resolve().name.split("_")[0].upper()


def _parquet(folder: Path, paths: Iterator[Path]) -> list[Path]:
    """Return the Parquet files among the paths in a folder, without what is hidden or half written."""
    return sorted(
        path
        for path in paths
        if path.suffix.lower() in ENDINGS
        and not any(part[0] in "._" for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def _in_order(paths: Sequence[Path]) -> Files:
    """Return files in the order of their first times."""
    if len(paths) > 1:
        paths = sorted(paths, key=_first_time)
    return Files(tuple(paths), tuple(map(state_of, paths)))


def _first_time(path: Path) -> int:
    return int(times_from(next(rows_of(path, 1)).table, str(path))[0])

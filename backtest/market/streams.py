"""Histories larger than memory: bars of Parquet files, read, checked and packed in pieces."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backtest.errors import DataError
from backtest.kernels.packing import new_carried
from backtest.market.bars import Bars, stamps_of
from backtest.market.columns import Columns, has_marks, packed, union
from backtest.market.datasets import Files, files_of, rows_of
from backtest.market.files import columns_from
from backtest.market.fingerprints import Fingerprint
from backtest.market.quality import check, check_rising

__all__ = ["Stream", "columns_in", "joined", "open_stream"]

PIECE = 1 << 17
"""Bars x instruments of a piece: some ten megabytes, however short the row groups of the files."""


@dataclass(frozen=True, eq=False)
class Stream:
    """The bars of one or several instruments, which are read anew, piece by piece, whenever they are asked for.

    Attributes
    ----------
    source : str               where the bars come from, for messages
    files : dict by symbol     the files of each instrument, in order of time
    bars : int                 of every piece but the last
    lengths : iterable of int  the bars of each piece, in turn, where they are not all alike: at most `bars`
    """

    source: str
    files: dict[str, Files]
    bars: int
    lengths: Iterable[int] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The instruments, in the order of the columns."""
        return tuple(self.files)

    def read(self) -> "Reading":
        """Return the bars in pieces, for one time."""
        return Reading(self)

    @cached_property
    def fingerprint(self) -> str:
        """The hash of all bars, equal to that of `Bars`: one more reading of the files."""
        fingerprint, reading = Fingerprint(), self.read()
        for bars in reading:
            fingerprint.update(bars)
        return fingerprint.text(self.symbols, reading.has_marks)


class Reading:
    """One reading of a stream: an iterable of bars in order of time, in pieces that are packed as if they were one.

    Attributes
    ----------
    has_marks : bool           whether mark prices were given so far
    has_funding : bool         whether there is funding
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.has_marks = False
        self.has_funding = False

    def __iter__(self) -> Iterator[Bars]:
        """Yield the pieces.

        Raises
        ------
        DataError                  naming file, row, time and value, for anything that `read_bars` refuses, and for
            files that have changed since they were found
        """
        stream = self._stream
        rows = [_Rows(files, stream.bars) for files in stream.files.values()]
        carried = new_carried(len(rows))
        lengths = chain(stream.lengths, repeat(stream.bars))
        first = 0
        self._check_files()
        while sum(each.fill() for each in rows):
            time = _next_times(rows, next(lengths))
            columns = [each.take(int(time[-1])) for each in rows]
            self.has_marks = self.has_marks or any(map(has_marks, columns))
            bars = Bars(stream.symbols, stamps_of(time), *packed(columns, time, carried), stream.source, first=first)
            self.has_funding = len(bars.funding) > 0
            yield bars
            first += len(bars)
        self._check_files()
        for symbol, listed in zip(stream.symbols, carried["listed"], strict=True):
            if not listed:
                raise DataError(
                    f"there must be at least one bar, got NaN prices in every row of {symbol} in {stream.source}"
                )

    def _check_files(self) -> None:
        for files in self._stream.files.values():
            files.check()


def open_stream(source: str | PathLike[str], least: int = 0) -> Stream:
    """Return the bars of a Parquet file, of a folder of files of one symbol, or of a folder partitioned by `symbol=`.

    Parameters
    ----------
    source : path
    least : int                bars of a piece at least, but of the last

    Raises
    ------
    DataError                  if there are no such files
    """
    files = files_of(source)
    return Stream(Path(source).name, files, max(PIECE // len(files), least, 1))


class _Rows:
    """The rows of one instrument that have been read and not yet taken."""

    def __init__(self, files: Files, most: int) -> None:
        self._columns = columns_in(files, most)
        self._most = most
        self._waiting = Columns(np.empty(0, np.int64), {})
        self.ended = False

    @property
    def time(self) -> NDArray[np.int64]:
        """The times of the waiting rows."""
        return self._waiting.time

    def fill(self) -> bool:
        """Read on until the rows of a piece are waiting or the instrument has no more, and return whether any is."""
        read = [self._waiting] if len(self.time) else []
        count = len(self.time)
        while count < self._most and not self.ended:
            columns = next(self._columns, None)
            if columns is None:
                self.ended = True
            else:
                read.append(columns)
                count += len(columns)
        if len(read) > 1:
            self._waiting = joined(read)
        elif read:
            self._waiting = read[0]
        return count > 0

    def take(self, until: int) -> Columns:
        """Return the waiting rows up to a time, that included."""
        count = int(np.searchsorted(self.time, until, side="right"))
        taken, self._waiting = (_cut(self._waiting, rows) for rows in (slice(count), slice(count, None)))
        return taken


def joined(pieces: Sequence[Columns]) -> Columns:
    """Return the rows of pieces that follow one another and have the same columns."""
    values = {name: np.concatenate([piece.values[name] for piece in pieces]) for name in pieces[0].values}
    return Columns(np.concatenate([piece.time for piece in pieces]), values)


def _cut(columns: Columns, rows: slice) -> Columns:
    return Columns(columns.time[rows], {name: values[rows] for name, values in columns.values.items()})


def _next_times(rows: list[_Rows], most: int) -> NDArray[np.int64]:
    """Return the next times of all instruments, up to the last that is known of every one that goes on."""
    times = [each.time for each in rows if len(each.time)]
    if len(times) == 1:
        return times[0][:most]
    until = min(
        (int(each.time[-1]) for each in rows if not each.ended),
        default=max(int(time[-1]) for time in times),
    )
    return union([time[: np.searchsorted(time, until, side="right")] for time in times])[:most]


def columns_in(files: Files, most: int = PIECE) -> Iterator[Columns]:
    """Yield the rows of one instrument, at most so many at a time.

    Raises
    ------
    DataError                  for rows that break a rule of `quality`, and files that do not follow one another
    """
    before: int | None = None
    given: set[str] = set()
    for path in files.paths:
        for _, piece, names, table in rows_of(path, most):
            columns = columns_from(table, names, str(path), piece=piece)
            if before is not None:
                check_rising(np.array([before, columns.time[0]]), str(path), piece.first - 1)
            check(columns, str(path), first=piece.first)
            given = given or set(columns.values)
            if given != set(columns.values):
                odd = sorted(given.symmetric_difference(columns.values))
                raise DataError(f"the files of a symbol must have the same columns, got {odd[0]} not in all, in {path}")
            yield columns
            before = int(columns.time[-1])

"""Signals beside bars that come in pieces: from memory, from files of their own, or of a strategy that looks back."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import gcd
from os import PathLike
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from backtest.errors import ConfigError, DataError
from backtest.market.bars import Bars, stamps_of
from backtest.market.datasets import PARTITION, Files, files_of, rows_of
from backtest.market.files import Piece, time_columns, times_from
from backtest.market.streams import Stream
from backtest.signalling.lookahead import TOLERANCE
from backtest.signalling.signals import FloatArray, Signals, Times, Timetable, as_signals
from backtest.signalling.strategies import Strategy
from backtest.text import moment, place

__all__ = ["Asked", "Feed", "Given", "Read", "feed_of", "least_bars"]

SMALL_PRIMES = 2 * 3 * 5 * 7 * 11 * 13
ENOUGH = 4
"""Times what a strategy looks back: the bars that show whether it looks back further."""

Fed = Iterator[tuple[Bars, Signals]]
Frames = Mapping[str, pd.DataFrame]


class Feed(Protocol):
    """Where the signals of a history in pieces come from."""

    def beside(self, pieces: Iterable[Bars]) -> Fed:
        """Yield every piece of bars with its signals."""


def feed_of(signals: object, params: Mapping[str, object] | None, stream: Stream) -> "Feed":
    """Return signals of any kind as they come beside a stream of bars.

    Those in memory are held against the times of all bars, which takes one more reading.

    Raises
    ------
    ConfigError                for a strategy that does not say how far it looks back
    DataError                  for signals that do not fit the bars
    """
    if isinstance(signals, Strategy):
        return Asked(signals, params, signals.earlier_bars(params))
    if isinstance(signals, (str, PathLike)):
        return _read_of(signals)
    time = np.concatenate([bars.time.asi8 for bars in stream.read()])
    return Given(as_signals(signals, Times(stream.symbols, stamps_of(time))))


def least_bars(signals: object, params: Mapping[str, object] | None) -> int:
    """Return the bars that a piece should have for signals of some kind: some times what a strategy looks back."""
    return ENOUGH * signals.earlier_bars(params) if isinstance(signals, Strategy) else 0


@dataclass(frozen=True, eq=False)
class Given:
    """Signals in memory."""

    signals: Signals

    def beside(self, pieces: Iterable[Bars]) -> Fed:
        """Yield every piece of bars with its signals."""
        for bars in pieces:
            yield bars, _rows(self.signals, slice(bars.first, bars.first + len(bars)))


@dataclass(frozen=True, eq=False)
class Read:
    """Signals in Parquet files with the times of the bars: one table, or one for every symbol."""

    source: str
    files: dict[str, Files]  # by symbol; the one table of all by ""

    def beside(self, pieces: Iterable[Bars]) -> Fed:
        """Yield every piece of bars with its signals.

        Raises
        ------
        DataError              where the times are not those of the bars, and for anything that `as_signals` refuses
        """
        tables = {symbol: _Table(files) for symbol, files in self.files.items()}
        held: dict[str, float] = {}
        for files in self.files.values():
            files.check()
        for bars in pieces:
            frames = {symbol: table.take(len(bars)) for symbol, table in tables.items()}
            given: object = frames.get("", frames)
            try:
                signals = as_signals(given, Times(bars.symbols, bars.time, bars.first), held)
            except DataError as error:
                raise DataError(f"{error}, of the signals {self.source}") from error
            yield bars, signals
        for files, table in zip(self.files.values(), tables.values(), strict=True):
            files.check()
            rest = table.take(1)
            if len(rest):
                found = moment(rest.index[0].value)
                raise DataError(
                    f"signals must have the times of the bars, got {found} after the last bar in {self.source}"
                )


def _read_of(source: str | PathLike[str]) -> Read:
    """Return the signals in a Parquet file, a folder of them, or a folder partitioned by `symbol=`."""
    files = files_of(source)
    partitioned = any(PARTITION in str(path.parent.name) for each in files.values() for path in each.paths)
    return Read(Path(source).name, files if partitioned else {"": next(iter(files.values()))})


class _Table:
    """The rows of a table in files that have been read and not yet taken."""

    def __init__(self, files: Files) -> None:
        self._rows = (rows for path in files.paths for rows in rows_of(path, 1 << 16, only_useful=False))
        self._waiting: list[pd.DataFrame] = []

    def take(self, count: int) -> pd.DataFrame:
        """Return the next rows, fewer where there are no more."""
        found = sum(map(len, self._waiting))
        while found < count and (rows := next(self._rows, None)) is not None:
            self._waiting.append(_frame(rows.table, str(rows.path), rows.piece))
            found += len(self._waiting[-1])
        joined = pd.concat(self._waiting) if len(self._waiting) > 1 else self._waiting[0]
        self._waiting = [joined.iloc[count:]]
        return joined.iloc[:count]


def _frame(table: pa.Table, name: str, piece: Piece) -> pd.DataFrame:
    """Return a table on the index of its times."""
    index = stamps_of(times_from(table, name, piece))
    at = time_columns(table.column_names)
    rest = [column for i, column in enumerate(table.column_names) if i not in at]
    frame: pd.DataFrame = table.select(rest).to_pandas(ignore_metadata=True)
    return frame.set_axis(index)


@dataclass(frozen=True, eq=False)
class Asked:
    """The signals of a strategy, which is called for every piece with as many earlier bars as it looks back.

    It is given all earlier bars until there are some times what it looks back. At the next edge it is asked for the
    last of them once more, without the first bars of the history: a strategy that then says something else depends on
    more than it looks back. Positions that entries and exits hold, and targets that are kept, are handed from piece to
    piece and need no looking back.
    """

    strategy: Strategy
    params: Mapping[str, object] | None
    lookback: int

    def beside(self, pieces: Iterable[Bars]) -> Fed:
        """Yield every piece of bars with its signals.

        Raises
        ------
        ConfigError            where a signal depends on more bars than the strategy says
        """
        earlier: Frames = {}
        held: dict[str, float] = {}
        said: Signals | None = None
        checked = False
        for bars in pieces:
            if not checked and bars.first >= max(ENOUGH * self.lookback, 2):
                self._check(earlier, said)
                checked, earlier = True, self._last(earlier)
            frames = bars.frames()
            if earlier:
                frames = {symbol: pd.concat([earlier[symbol], frame]) for symbol, frame in frames.items()}
            signals = self._ask(frames, bars, held)
            said = signals if bars.first == 0 else None
            earlier = self._last(frames) if checked else frames
            yield bars, signals

    def _last(self, frames: Frames) -> Frames:
        """Return as many of the last bars as the strategy looks back."""
        return {symbol: frame.iloc[max(len(frame) - self.lookback, 0) :].copy() for symbol, frame in frames.items()}

    def _ask(self, frames: Frames, bars: Timetable, held: dict[str, float]) -> Signals:
        """Return what the strategy says of the last bars of some frames."""
        times = Times(bars.symbols, bars.time, bars.first)
        result = self.strategy.call(frames, self.params)
        return self.strategy.read(_after(result, len(frames[bars.symbols[0]]) - len(bars.time)), times, held)

    def _check(self, frames: Frames, said: Signals | None) -> None:
        """Refuse a strategy that says something else of bars when it sees no more before them than it looks back."""
        symbols, time = tuple(frames), pd.DatetimeIndex(next(iter(frames.values())).index)
        if said is None:  # the bars came in several pieces
            said = self._ask(frames, Times(symbols, time), {})
        spare = len(time) - self.lookback
        # Nothing that recurs every so many bars falls on its old places.
        left_out = next((bars for bars in range(spare // 2, spare) if gcd(bars, SMALL_PRIMES) == 1), 1)
        row = left_out + self.lookback
        held = {} if said.hedged else dict(zip(symbols, said.target[row - 1].tolist(), strict=True))
        cut = {symbol: frame.iloc[left_out:] for symbol, frame in frames.items()}
        again = self._ask(cut, Times(symbols, time[row:], row), held)
        for name in said.columns | again.columns:
            whole, rest = _column(said, name), _column(again, name)
            usual, found = (_in_force(name, whole[:row], after) for after in (whole[row:], rest))
            differs = ~np.isclose(usual, found, TOLERANCE, TOLERANCE, equal_nan=True)
            if differs.any():
                t, i = np.argwhere(differs)[0].tolist()
                raise ConfigError(
                    f"LOOKBACK of strategy {self.strategy.name} must cover every bar that a signal depends on, "
                    f"got {self.lookback}: without the first {left_out} bars of the history {name} is {found[t, i]:g}, "
                    f"not {usual[t, i]:g}, {place(symbols[i], row + t, time[row + t].value)}"
                )


def _column(signals: Signals, name: str) -> FloatArray:
    """Return a column, NaN throughout where it is not given."""
    columns = signals.columns
    return columns[name] if name in columns else np.full_like(next(iter(columns.values())), np.nan)


def _in_force(name: str, before: FloatArray, after: FloatArray) -> FloatArray:
    """Return what a column puts into force, bar by bar, after what it said before."""
    if name != "margin_add":
        after = pd.DataFrame(np.concatenate([before, after])).ffill().to_numpy()[len(before) :]
    return np.nan_to_num(after, nan=0.0, posinf=np.inf)


def _after(result: object, rows: int) -> object:
    """Return what a strategy returned, without its first rows."""
    if isinstance(result, (pd.Series, pd.DataFrame)):
        return result.iloc[rows:]
    if isinstance(result, np.ndarray):
        return result[rows:]
    if isinstance(result, Signals):
        return _rows(result, slice(rows, None))
    if isinstance(result, dict):
        return {symbol: _after(each, rows) for symbol, each in result.items()}
    return result


def _rows(signals: Signals, rows: slice) -> Signals:
    """Return signals of some bars."""
    return Signals(signals.target[rows], signals.hedged, **{name: a[rows] for name, a in signals.settings.items()})

"""Bars: the market that a replay walks, checked and packed once into records."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtest.errors import ConfigError, DataError
from backtest.kernels.schema import Records
from backtest.market.columns import MARKS, PRICES, Columns, columns_of, packed, union, utc
from backtest.market.fingerprints import Fingerprint
from backtest.market.funding import nanoseconds, paid, rates_of
from backtest.market.quality import Repair, check, common_step
from backtest.text import duration, grouped, moment, shown

__all__ = ["Bars", "stamps_of"]


@dataclass(frozen=True, eq=False, repr=False)
class Bars:
    """T bars of M instruments on one rising time index; treat every array as read-only.

    Made by `read_bars` and `Bars.from_frames`; every method returns new bars. Prices in `trade` and `mark` are never
    NaN: a bar without marks has its trade prices as marks, and an instrument missing from a bar counts there at its
    last mark close (1.0 before its first bar).

    Attributes
    ----------
    symbols : tuple of str     M names, in the order of the columns
    time : DatetimeIndex       T open times, UTC, nanoseconds
    trade, mark : records      (T, M), see `kernels.schema.PRICES`, quote per base unit; without marks the same object
    funding : float64          (T, M), the fraction settled at each open; (0, M) where none is given
    present : bool             (T, M), whether the instrument has the bar; (0, M) where no bar is missing
    volume : float64 or None   (T, M), base units, NaN where not given
    source : str               where the bars come from, for messages
    repairs : tuple of Repair  every change that reading with `repair=True` has made
    first : int                the number of the first bar, for messages: above 0 in a later piece of a long history
    """

    symbols: tuple[str, ...]
    time: pd.DatetimeIndex
    trade: Records
    mark: Records
    funding: NDArray[np.float64]
    present: NDArray[np.bool_]
    volume: NDArray[np.float64] | None
    source: str = "frames"
    repairs: tuple[Repair, ...] = ()
    first: int = 0

    @classmethod
    def from_frames(cls, frames: Mapping[str, pd.DataFrame]) -> "Bars":
        """Return the bars of one frame per symbol, on the union of their times.

        Parameters
        ----------
        frames : dict of DataFrame by symbol, on a DatetimeIndex of open times (UTC, also where it has no zone) with the
            columns open high low close and, where there are any, volume, mark_open mark_high mark_low mark_close,
            funding_rate, in any case; others are ignored. A row whose prices are all NaN is a bar from which the
            instrument is missing: its marks and volume are not used, and its funding is due at its next bar.

        Raises
        ------
        DataError                  naming symbol, row, time and value, for anything that `quality` refuses
        """
        if not isinstance(frames, Mapping):
            raise DataError(f"frames must be a dict of frames by symbol, got {type(frames).__name__}")
        columns = {symbol: columns_of(frame, str(symbol)) for symbol, frame in frames.items()}
        for symbol, given in columns.items():
            check(given, symbol)
        return cls.from_columns(columns)

    @classmethod
    def from_columns(cls, columns: Mapping[str, Columns], source: str = "frames") -> "Bars":
        """Return the bars of columns that have been checked, by symbol."""
        if not columns:
            raise DataError(f"there must be at least one symbol, got none in {source}")
        for symbol, given in columns.items():
            if not isinstance(symbol, str) or not symbol:
                raise DataError(f"a symbol must be a name, got {symbol!r} in {source}")
            if np.isnan(given.values["close"]).all():
                raise DataError(f"there must be at least one bar, got NaN prices in every row of {symbol} in {source}")
        times = [given.time for given in columns.values()]
        same = all(np.array_equal(times[0], other) for other in times[1:])
        return _packed(columns, times[0] if same else union(times), source)

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        names = ", ".join(self.symbols[:4]) + (f" and {len(self.symbols) - 4} more" if len(self.symbols) > 4 else "")
        first, last = moment(self.time[0].value), moment(self.time[-1].value)
        step = "" if self.interval is None else f" of {duration(self.interval.value)}"
        return f"Bars({names}: {grouped(len(self))} bars{step}, {first} to {last} UTC)"

    @property
    def shape(self) -> tuple[int, int]:
        """Return (T, M)."""
        return len(self.time), len(self.symbols)

    @property
    def has_marks(self) -> bool:
        """Return whether mark prices were given; if not, marks are the traded prices."""
        return self.mark is not self.trade

    @cached_property
    def interval(self) -> pd.Timedelta | None:
        """Return the most common time from one bar to the next, None for a single bar."""
        step = common_step(self.time.asi8)
        return None if step is None else pd.Timedelta(step)

    @cached_property
    def nanoseconds(self) -> NDArray[np.int64]:
        """Return the open times since the epoch, in an array of their own, as kernels take it."""
        return self.time.asi8.copy()

    @cached_property
    def appointments(self) -> NDArray[np.int64]:
        """Return the bars at which some instrument settles funding or returns after it was missing."""
        due = np.zeros(len(self), dtype=np.bool_)
        if len(self.funding):
            due |= (self.funding != 0).any(axis=1)
        if len(self.present):
            due[1:] |= (self.present[1:] & ~self.present[:-1]).any(axis=1)
        return np.flatnonzero(due).astype(np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of symbols, times, prices, marks and funding: the same for equal data, however it was read."""
        fingerprint = Fingerprint()
        fingerprint.update(self)
        return fingerprint.text(self.symbols, self.has_marks)

    def frame(self, symbol: str) -> pd.DataFrame:
        """Return an instrument's bars: prices, volume, marks and funding where given, NaN where it is missing."""
        if not isinstance(symbol, str) or symbol not in self.symbols:
            raise DataError(f"a symbol must be one of {', '.join(self.symbols)}, got {shown(symbol)}")
        i = self.symbols.index(symbol)
        values = {price: self.trade[price][:, i].copy() for price in PRICES}
        if self.volume is not None:
            values["volume"] = self.volume[:, i].copy()
        if self.has_marks:
            values |= {mark: self.mark[price][:, i].copy() for price, mark in zip(PRICES, MARKS, strict=True)}
        if len(self.funding):
            values["funding_rate"] = self.funding[:, i].copy()
        if len(self.present):
            for column in values.values():
                column[~self.present[:, i]] = np.nan
        return pd.DataFrame(values, index=self.time, copy=False)

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the frame of every instrument, by symbol."""
        return {symbol: self.frame(symbol) for symbol in self.symbols}

    def __getitem__(self, span: slice) -> "Bars":
        """Return a stretch of bars: `bars["2020-03":"2020-04"]` by time, both included, or `bars[:100]` by position.

        As in pandas, a start given as a string means the beginning of that period, a stop the end of it.
        """
        if not isinstance(span, slice) or span.step is not None:
            raise ConfigError(f"bars are sliced by start and stop, got {span!r}")
        ends = [end for end in (span.start, span.stop) if end is not None]
        if not all(isinstance(end, (int, np.integer)) for end in ends):
            try:
                span = self.time.slice_indexer(utc(span.start), utc(span.stop))
            except (TypeError, ValueError) as error:
                raise ConfigError(f"bars are sliced by times or by positions, got {span!r}") from error
        start, stop, _ = span.indices(len(self))
        if start >= stop:
            asked = " to ".join(map(str, ends))
            raise DataError(f"there must be at least one bar, got none in {asked} of {self.source}")
        return self._cut(start, stop)

    def _cut(self, start: int, stop: int) -> "Bars":
        trade, present = self.trade[start:stop], self.present[start:stop]
        mark = self.mark[start:stop] if self.has_marks else trade
        if present.all():
            present = present[:0]
        elif (unlisted := ~np.logical_or.accumulate(present)).any():
            # Whoever has had no bar yet counts at 1.0, as if the earlier bars had never been read.
            trade = trade.copy()
            trade[unlisted] = 1.0
            mark = mark.copy() if self.has_marks else trade
            mark[unlisted] = 1.0
        volume = None if self.volume is None else self.volume[start:stop]
        return replace(
            self,
            time=self.time[start:stop],
            trade=trade,
            mark=mark,
            present=present,
            funding=self.funding[start:stop],
            volume=volume,
        )

    def with_funding(
        self, rate: float | pd.Series | Mapping[str, float | pd.Series], every: str | timedelta = "8h"
    ) -> "Bars":
        """Return the same bars with funding, in the place of what they had.

        Parameters
        ----------
        rate : float               fraction charged at every multiple of `every` (since the epoch, UTC) that lies after
            the open of the instrument's previous bar and not after this bar's: a daily bar pays three times 8 hours
        rate : Series              fractions by settlement time, in any order, rounded to the nearest second since
            exchanges stamp them some milliseconds late; each is paid at the first bar of the instrument that opens at
            or after it. Those before the first and after the last open are not paid.
        rate : dict by symbol      of either; the others keep what they have

        Raises
        ------
        DataError                  for a rate that is not finite, a settlement given twice, settlements none of which
            could fall in the bars, an unknown symbol
        """
        step = nanoseconds(every)
        funding = self.funding.copy() if len(self.funding) else np.zeros(self.shape)
        time = self.time.asi8
        for symbol, given in rates_of(rate, self.symbols).items():
            i = self.symbols.index(symbol)
            own = self.present[:, i] if len(self.present) else slice(None)
            opens = time[own]
            if len(opens):
                funding[own, i] = paid(opens, given, step, symbol)
        return replace(self, funding=funding)

    def with_marks(self, marks: Mapping[str, pd.DataFrame]) -> "Bars":
        """Return the same bars with the mark prices of frames by symbol, in the place of what they had.

        Each frame has open high low close on a DatetimeIndex, as in `from_frames`. A bar without marks counts at its
        trade prices; marks at times that the instrument has no bar for are not used. Others keep what they have.

        Raises
        ------
        DataError                  for bad marks, an unknown symbol, or a frame that shares no time with the bars
        """
        if not isinstance(marks, Mapping):
            raise DataError(f"marks must be a dict of frames by symbol, got {shown(marks)}")
        given = {symbol: columns_of(frame, f"the marks of {symbol}") for symbol, frame in marks.items()}
        for symbol, mark in given.items():
            check(mark, f"the marks of {symbol}")
        return self.with_mark_columns(given)

    def with_mark_columns(self, marks: Mapping[str, Columns]) -> "Bars":
        """Return the same bars with mark prices that have been checked, by symbol."""
        columns = {symbol: self._columns(symbol) for symbol in self.symbols}
        for symbol, given in marks.items():
            if symbol not in columns:
                raise DataError(f"marks must be for one of {', '.join(self.symbols)}, got {symbol!r}")
            columns[symbol] = columns[symbol].with_marks(given)
            if np.isnan(columns[symbol].values["mark_open"]).all():
                span = f"{moment(given.time[0])} to {moment(given.time[-1])}"
                raise DataError(f"marks must share a time with the bars, got none from {span} in the marks of {symbol}")
        return replace(_packed(columns, self.time.asi8, self.source), repairs=self.repairs)

    def resample(self, every: str | timedelta) -> "Bars":
        """Return longer bars: first open, highest high, lowest low, last close, volume and funding summed.

        New bars open at multiples of `every` since the epoch (UTC), so weeks start on Thursdays; one in which an
        instrument has no bar is missing for it, and left out where none has any. Funding is never paid before it is
        due: a settlement at an old bar's open is paid at the first new bar that opens at or after it. What falls due
        after the last new bar's open is not paid, just as if the longer bars had been read from a file and then given
        the same settlements.

        Raises
        ------
        ConfigError                if `every` is not a whole multiple of the interval
        """
        step = nanoseconds(every)
        if self.interval is not None and step % self.interval.value:
            raise ConfigError(
                f"every must be a whole multiple of {duration(self.interval.value)}, the bars' interval, got {every!r}"
            )
        columns = {symbol: self._columns(symbol).resampled(step) for symbol in self.symbols}
        time = union([column.time for column in columns.values()])
        return replace(_packed(columns, time, self.source), repairs=self.repairs)

    def _columns(self, symbol: str) -> Columns:
        """Return the bars that an instrument has."""
        frame = self.frame(symbol)
        own = self.present[:, self.symbols.index(symbol)] if len(self.present) else slice(None)
        return Columns(self.time.asi8[own], {str(name): frame[name].to_numpy()[own] for name in frame})


def _packed(columns: Mapping[str, Columns], time: NDArray[np.int64], source: str) -> Bars:
    return Bars(tuple(columns), stamps_of(time), *packed(list(columns.values()), time), source)


def stamps_of(time: NDArray[np.int64]) -> pd.DatetimeIndex:
    """Return nanoseconds since the epoch as times."""
    return pd.DatetimeIndex(np.array(time).view("M8[ns]")).tz_localize("UTC")

"""A result whose bars are never in memory together: what happened is held, the history is replayed on demand."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from backtest.errors import DataError
from backtest.kernels.curves import end_falls, start_falls, walk_falls
from backtest.kernels.schema import DETAIL, Book, Columns, Int64Array1D, Logs, Records, Rules
from backtest.kernels.sums_schema import TOTALS
from backtest.kernels.trips import tally
from backtest.market.bar_times import EventTimes
from backtest.market.bars import Bars, stamps_of
from backtest.market.long_bars import bars_from, long_frame
from backtest.market.streams import Stream
from backtest.outcome.events import Events, verdict_table
from backtest.outcome.metrics import Calendar, calendar_of, nothing_left, summary_of, years_of
from backtest.outcome.sources import described, history_of
from backtest.outcome.wealth import Flows, wealth_of
from backtest.replaying.pieces import Replay, Step, Wanted
from backtest.replaying.records import new_logs, rules_of
from backtest.signalling.feeds import Feed
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue

__all__ = ["Streamed", "streamed"]


@dataclass(frozen=True, eq=False)
class Streamed:
    """A result's source: a stream of bars, and all that it takes to replay it.

    It holds what happened and the equity of every day; the whole history is held only by the caller who asks for it.
    """

    stream: Stream
    feed: Feed
    account: Account
    venue: Venue
    strategy: dict[str, Any] | None
    rules: Rules

    @cached_property
    def run(self) -> "Run":
        """The replay, all of it."""
        reading, run = self.stream.read(), Run(Replay(self.rules))
        for step in run.replay.steps(self.feed.beside(reading)):
            run.add(step)
        run.has_marks, run.has_funding = reading.has_marks, reading.has_funding
        return run

    def __len__(self) -> int:
        """Return the number of bars."""
        return self.run.bars

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of FRAMES; of the history every bar."""
        if name == "positions":
            return pd.concat(list(self.pieces(name)), ignore_index=True)
        if name == "verdicts":
            return self._verdicts()
        if name != "history":
            return self.events.frame(name)
        bars = len(self)
        time = np.empty(bars, np.int64)
        columns = Columns(np.empty(bars), np.empty(bars), np.empty((len(DETAIL), bars)))
        for step in self._again("history"):
            rows = slice(step.first, step.first + len(step.columns.equity))
            time[rows] = step.time[: len(step.columns.equity)]
            for whole, piece in zip(columns[:-1], step.columns[:-1], strict=True):
                whole[..., rows] = piece
        return history_of(stamps_of(time).rename("time"), columns)

    def equity(self) -> pd.Series:
        """Return equity at every close."""
        time, equity = np.empty(len(self), np.int64), np.empty(len(self))
        for step in self._again("equity"):
            rows = slice(step.first, step.first + len(step.columns.equity))
            time[rows], equity[rows] = step.time[: len(step.columns.equity)], step.columns.equity
        return pd.Series(equity, index=stamps_of(time).rename("time"), name="equity", copy=False)

    def pieces(self, name: str) -> Iterator[pd.DataFrame]:
        """Yield one of LONG in pieces, in order of time: the replay, or the reading, once more."""
        if name == "bars":
            for bars in self.stream.read():
                yield long_frame(bars, self.run.has_marks, self.run.has_funding)
        elif name == "positions":
            for step in self._again("positions"):
                step.holdings["bar"] -= step.first
                yield replace(self.events, time=stamps_of(step.time)).positions(step.holdings)
        else:
            for step in self._again("history"):
                time = stamps_of(step.time[: len(step.columns.equity)])
                yield history_of(time.rename("time"), step.columns)

    def bars(self) -> Bars:
        """Return the bars, all of them in memory."""
        frame = pd.concat(list(self.pieces("bars")), ignore_index=True)
        return bars_from(frame, self.stream.symbols, self.stream.source)

    def _verdicts(self) -> pd.DataFrame:
        """Return how sure each liquidation is."""
        happened = len(self.run.logs.liquidations) > 0
        alarms = [alarm for step in self._again("verdicts") for alarm in step.alarms] if happened else []
        return verdict_table(alarms, self.run.times, self.stream.symbols, self.run.replay.rules)

    def _again(self, wanted: Wanted) -> Iterator[Step]:
        """Yield the steps of one more replay."""
        expected = self.run.replay.signals_fingerprint
        replay = Replay(self.rules, wanted)
        yield from replay.steps(self.feed.beside(self.stream.read()))
        if replay.signals_fingerprint != expected:
            raise DataError("signals must be the same whenever they are asked for, got others in the second replay")

    @cached_property
    def events(self) -> Events:
        """What happened."""
        run = self.run
        return Events(self.stream.symbols, run.times, run.replay.rules, run.book, run.logs)

    def summary(self) -> pd.Series:
        """Return the summary."""
        return self.run.summary(self.events.trips)

    def description(self) -> dict[str, Any]:
        """Return settings, venue, data fingerprint and versions."""
        run = self.run
        data = {
            "symbols": list(self.stream.symbols),
            "bars": run.bars,
            "first": str(pd.Timestamp(run.first, tz="UTC")),
            "last": str(pd.Timestamp(run.last, tz="UTC")),
            "source": self.stream.source,
            "marks": run.has_marks,
            "funding": run.has_funding,
            "fingerprint": self.stream.fingerprint,
        }
        return described(self.account, self.venue, self.strategy, run.replay.signals_fingerprint, data)


def streamed(
    stream: Stream, feed: Feed, account: Account, venue: Venue, strategy: dict[str, Any] | None = None
) -> Streamed:
    """Replay a stream of bars, and return what happened."""
    source = Streamed(stream, feed, account, venue, strategy, rules_of(account, venue, stream.symbols))
    source.run  # noqa: B018 (errors are due now)
    return source


class Run:
    """What a replay in pieces comes to, added up step by step: it grows with events and days, not with bars."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.bars = 0
        self.first = self.last = 0  # open times, ns
        self.has_marks = self.has_funding = False
        self._settings = replay.rules.settings
        self._flows = Flows()
        self._logs: list[Logs] = []
        self._times: list[tuple[Int64Array1D, Int64Array1D]] = []
        self._days: list[tuple[Int64Array1D, Int64Array1D, Any]] = []
        self._interval = 0
        self._falls: Any = None
        self._cash = 0.0
        self._equity = (0.0, 0.0)  # the account's, and what returns are taken on, at the last close

    def add(self, step: Step) -> None:
        """Add a step."""
        count = len(step.columns.equity)
        time = step.time[:count]
        calls = step.logs.calls.copy()
        calls["bar"] -= step.first
        curve = wealth_of(stamps_of(time), step.columns, calls, self._settings, self._flows)
        if self._falls is None:
            self.first, self._cash = int(time[0]), curve.cash
            self._falls = start_falls(curve.cash, self.first)
        self._falls = walk_falls(self._falls, time, curve.equity, curve.equity_low)
        self._add_days(step, curve.equity)
        self._add_events(step)
        self.bars, self.last = step.first + count, int(time[-1])
        self._equity = float(step.columns.equity[-1]), float(curve.equity[-1])

    def _add_days(self, step: Step, equity: Any) -> None:
        """Add the days that have ended; the one of the last bar given goes on, unless the history ends there."""
        calendar = calendar_of(step.time, has_marks=False)
        ended = len(calendar.day) - (len(step.time) > len(equity))
        last = calendar.last[:ended]
        self._days.append((calendar.day[:ended], last + step.first, equity[last]))
        if calendar.interval:
            self._interval = min(self._interval or calendar.interval, calendar.interval)

    def _add_events(self, step: Step) -> None:
        if step.logs.counts.any():
            self._logs.append(step.logs)
            bars = np.unique(np.concatenate([log["bar"] for log in step.logs[:-1]]))
            self._times.append((bars, step.time[bars - step.first]))

    @property
    def book(self) -> Book:
        """The books after the last bar."""
        return self.replay.book

    @cached_property
    def logs(self) -> Logs:
        """Everything that happened."""
        counts = sum((logs.counts for logs in self._logs), np.zeros(4, np.int64))
        none = new_logs(0, 0, 0, 0)
        fills, liquidations, orders, calls = (
            np.concatenate([empty, *(logs[log] for logs in self._logs)]).view(empty.dtype)
            for log, empty in enumerate(none[:-1])
        )
        return Logs(fills, liquidations, orders, calls, counts)

    @cached_property
    def times(self) -> EventTimes:
        """The times of the bars on which something happened, and of the last."""
        last = np.array([self.bars - 1]), np.array([self.last])
        bars, times = (np.concatenate(parts) for parts in zip(*self._times, last, strict=True))
        bars, rows = np.unique(bars, return_index=True)
        return EventTimes(bars, stamps_of(times[rows]), self.bars)

    def summary(self, trips: Records) -> pd.Series:
        """Return the summary."""
        totals = np.empty(1, TOTALS)
        own, equity = self._equity
        tally(self.logs, trips, end_falls(self._falls, self.last), equity, totals[0])
        day, last, daily = (np.concatenate(parts) for parts in zip(*self._days, strict=True))
        years = years_of(self.first, self.last, self._interval)
        calendar = Calendar(self.bars, day, last, self._interval, years, self.has_marks)
        is_lost = bool(nothing_left(own, self._settings.cash))
        return summary_of(calendar, self.book.account, totals, daily, self._cash, is_lost)

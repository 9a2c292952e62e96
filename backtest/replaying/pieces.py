"""A replay in pieces: what travels from one to the next, and what each leaves."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from backtest.errors import DataError
from backtest.kernels import loop
from backtest.kernels.schema import (
    DETAIL,
    HOLDING,
    NO_TRACK,
    Book,
    Columns,
    Int64Array1D,
    Logs,
    Records,
    Rules,
    Schedule,
    Track,
)
from backtest.market.bars import Bars
from backtest.replaying.engine import (
    InForce,
    Inputs,
    bytes_of,
    check_columns,
    hedged_market,
    hedged_rules,
    market_of,
    rows_of,
    schedule_of,
)
from backtest.replaying.records import new_book, new_logs, new_track
from backtest.replaying.verdicts import Alarm, alarms_of
from backtest.signalling.signals import Signals
from backtest.text import moment

__all__ = ["Replay", "Step", "Wanted"]


Wanted = Literal["equity", "history", "positions", "verdicts"]
"""What a replay leaves besides its logs: equity always, and one thing more."""


class Step(NamedTuple):
    """What n bars of a replay leave."""

    first: int  # the number of the first of them
    time: Int64Array1D  # (n,) open times, or (n + 1,) with that of the bar after them where there is one
    columns: Columns  # (n,)
    holdings: Records  # how positions change, where that is wanted
    alarms: list[Alarm]  # how sure liquidations are, where that is wanted
    logs: Logs  # complete, by the numbers of bars and fills in the whole history


class Window(NamedTuple):
    """Bars that have come, from the one before the first that is still to be replayed."""

    bars: Bars
    schedule: Schedule  # of these bars, counted from the first of them
    start: int  # the first that is still to be replayed


class Replay:
    """A replay whose bars come in pieces; it stops one bar before the last that has come until there are no more.

    Attributes
    ----------
    rules : Rules              those of hedge mode, once the signals have said so
    book : Book                complete after the last step; between steps its bars are counted from the window's first
    """

    def __init__(self, rules: Rules, wanted: Wanted = "equity") -> None:
        self.rules = rules
        self.book = new_book(0)
        self._given = rules
        self._wanted = wanted
        self._latest = NO_TRACK.latest
        self._in_force: InForce = {}
        self._fills = 0
        self._digest = hashlib.sha256()

    @property
    def signals_fingerprint(self) -> str:
        """A hash of everything that the signals have changed, as `engine.Inputs` has it."""
        return f"sha256:{self._digest.hexdigest()}"

    def steps(self, fed: Iterable[tuple[Bars, Signals]]) -> Iterator[Step]:
        """Yield what pieces of bars and signals leave, at most one step for each and a last one."""
        window: Window | None = None
        for bars, signals in fed:
            check_columns(bars, signals, self._given)
            changes = schedule_of(signals, self._given, self._in_force)
            self._digest.update(bytes_of(changes._replace(bar=changes.bar + bars.first)))
            if window is None:
                self._open(signals)
                window = Window(bars, changes, 0)
            else:
                self._check_legs(bars, signals)
                window = self._moved(window, bars, changes)
            stop = len(window.bars) - 1
            if window.start < stop:
                yield self._advance(window, stop)
                window = window._replace(start=stop)
        if window is None:
            raise DataError("there must be at least one bar, got none")
        yield self._advance(window, len(window.bars))
        self._count_from(-window.bars.first)

    def _open(self, signals: Signals) -> None:
        self.rules = hedged_rules(self._given) if signals.hedged else self._given
        self.book = new_book(len(self.rules.contracts))
        if self._wanted == "positions":
            self._latest = new_track(len(self.rules.contracts), 0).latest

    def _check_legs(self, bars: Bars, signals: Signals) -> None:
        if signals.hedged != bool(self.rules.settings.hedged):
            since = moment(bars.time[0].value)
            raise DataError(f"hedge mode must be for all bars or none, got another from {since} on")

    def _moved(self, window: Window, bars: Bars, changes: Schedule) -> Window:
        """Return the window with a piece behind it, and without what has been replayed but for one bar."""
        past = max(window.start - 1, 0)
        self._count_from(past)
        kept = rows_of(window.schedule, np.flatnonzero(window.schedule.bar >= past))
        kept = kept._replace(bar=kept.bar - past)
        changes = changes._replace(bar=changes.bar + (len(window.bars) - past))
        schedule = Schedule(*(np.concatenate(pair) for pair in zip(kept, changes, strict=True)))
        return Window(joined(window.bars, past, bars), schedule, window.start - past)

    def _count_from(self, bar: int) -> None:
        """Count the bars in the book from another one on."""
        self.book.positions["exit_bar"] -= bar
        self.book.positions["called_bar"] -= bar
        self.book.account.refill_bar -= bar

    def _advance(self, window: Window, stop: int) -> Step:
        """Replay up to a bar of the window."""
        bars, schedule, start = window
        market = market_of(bars, bool(self.rules.settings.inverse))
        market = hedged_market(market) if self.rules.settings.hedged else market
        detail = np.empty((len(DETAIL), stop if self._wanted == "history" else 0))
        before, latest = self.book, self._latest
        room, changes = (4 * len(schedule.bar) + 256, 64, len(schedule.bar) + 64, 64), 256
        while True:
            self.book = Book(before.account.copy(), before.positions.copy())
            track = Track(np.zeros(changes, HOLDING), latest.copy(), np.zeros(1, np.int64))
            columns, logs = Columns(np.empty(stop), np.empty(stop), detail, track), new_logs(*room)
            loop.replay(market, schedule, self.rules, self.book, logs, columns, start, stop)
            counts = logs.counts.tolist()
            if track.changes[0] <= changes and all(count <= size for count, size in zip(counts, room, strict=True)):
                break
            room, changes = tuple(counts), int(track.changes[0])
        self._latest = track.latest
        holdings = track.holdings[: track.changes[0]]
        holdings["bar"] += bars.first
        left = Columns(columns.equity[start:], columns.equity_low[start:], columns.detail[:, start:])
        alarms = list[Alarm]()
        if self._wanted == "verdicts" and logs.counts[1]:
            inputs = Inputs(market, schedule, self.rules)
            found, _, _ = alarms_of(inputs, bars.symbols, book=before, start=start, stop=stop)
            alarms = [alarm._replace(bar=alarm.bar + bars.first) for alarm in found]
        logs = self._counted(logs, bars.first)
        return Step(bars.first + start, market.time[start : stop + 1], left, holdings, alarms, logs)

    def _counted(self, logs: Logs, first: int) -> Logs:
        """Return logs without the room that is left in them, by the numbers of bars and fills in the whole history."""
        fills, liquidations, orders, calls = (
            log[:count].copy() for log, count in zip(logs[:-1], logs.counts.tolist(), strict=True)
        )
        for log in (fills, liquidations, orders, calls):
            log["bar"] += first
        liquidations["fill_row"] += self._fills
        self._fills += len(fills)
        return Logs(fills, liquidations, orders, calls, logs.counts)


def joined(bars: Bars, start: int, more: Bars) -> Bars:
    """Return bars from `start` on, and the ones that follow them."""
    trade = np.concatenate([bars.trade[start:], more.trade])
    present = more.present
    if len(bars.present) or len(more.present):
        full = [each.present if len(each.present) else np.ones(each.shape, np.bool_) for each in (bars, more)]
        present = np.concatenate([full[0][start:], full[1]])
    return replace(
        more,
        time=pd.DatetimeIndex(bars.time[start:].append(more.time)),
        trade=trade,
        mark=np.concatenate([bars.mark[start:], more.mark]) if more.has_marks else trade,
        funding=np.concatenate([bars.funding[start:], more.funding]),
        present=present,
        volume=None,
        first=bars.first + start,
    )

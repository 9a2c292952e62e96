"""The kernel as frames call it: inputs packed, outputs allocated, logs enlarged until everything fits."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backtest.errors import ConfigError, MarginError
from backtest.kernels import loop
from backtest.kernels.enums import Change, MarginMode
from backtest.kernels.schedule import fill_schedule
from backtest.kernels.schema import (
    DETAIL,
    PRICES,
    Book,
    Columns,
    Float64Array1D,
    Float64Array2D,
    Logs,
    Market,
    Records,
    Rules,
    Schedule,
)
from backtest.market.bars import Bars
from backtest.replaying.records import called_leverages, new_book, new_logs, new_track
from backtest.signalling.signals import Signals
from backtest.text import place

LEGS = 2

PIECE = 1 << 17
"""Bars x instruments of a piece of what may be too long to be held."""


class Inputs(NamedTuple):
    """All that a replay reads."""

    market: Market
    schedule: Schedule
    rules: Rules

    @property
    def signals_fingerprint(self) -> str:
        """A hash of everything that signals change: the same for signals that trade alike."""
        return f"sha256:{hashlib.sha256(bytes_of(self.schedule)).hexdigest()}"


class Outcome(NamedTuple):
    """All that a replay leaves."""

    book: Book
    logs: Logs
    columns: Columns


def inputs_of(bars: Bars, signals: Signals, rules: Rules) -> Inputs:
    """Return bars, what signals change, and rules as the kernel reads them.

    Raises
    ------
    MarginError                for a leverage above what the first tier of a symbol allows
    ConfigError                for margin that is added in a cross account
    """
    check_columns(bars, signals, rules)
    market = market_of(bars, inverse=bool(rules.settings.inverse))
    schedule = schedule_of(signals, rules)
    if signals.hedged:
        market, rules = hedged_market(market), hedged_rules(rules)
    return Inputs(market, schedule, rules)


def check_columns(bars: Bars, signals: Signals, rules: Rules) -> None:
    """Refuse per-bar settings that the venue or the margin mode does not allow."""
    if signals.leverage is not None:
        highest = rules.tiers["max_leverage"][: len(bars.symbols), 0]
        below = called_leverages(rules)
        above = np.argwhere((signals.leverage > highest) | (signals.leverage >= below))
        if len(above):
            t, i = above[0].tolist()
            rule = f"at most {highest[i]:g}, the first tier's max_leverage"
            if signals.leverage[t, i] <= highest[i]:
                rule = f"below 1 / (call.level * maintenance_rate) = {below[i]:g}"
            where = place(bars.symbols[i], bars.first + t, bars.time[t].value)
            raise MarginError(f"leverage must be {rule}, got {signals.leverage[t, i]:g} {where}")
    if signals.margin_add is not None and rules.settings.margin_mode == MarginMode.CROSS:
        added = np.argwhere(signals.margin_add > 0.0)
        if len(added):
            t, i = added[0].tolist()
            raise ConfigError(
                f"margin_add needs isolated margin, for a cross account backs every position with all it has, "
                f"got {signals.margin_add[t, i]:g} {place(bars.symbols[i], bars.first + t, bars.time[t].value)}"
            )


def market_of(bars: Bars, inverse: bool = False) -> Market:
    """Return the bars as the kernel reads them: for inverse contracts, as prices of the quote currency in coin."""
    if not inverse:
        return Market(bars.nanoseconds, bars.trade, bars.mark, bars.funding, bars.present, bars.appointments)
    trade = reciprocal(bars.trade)
    mark = trade if bars.mark is bars.trade else reciprocal(bars.mark)
    return Market(bars.nanoseconds, trade, mark, -bars.funding, bars.present, bars.appointments)


def reciprocal(prices: Records) -> Records:
    """Return 1 / price, whose highest is that of the lowest."""
    turned = np.empty(prices.shape, PRICES)
    for name, source in (("open", "open"), ("high", "low"), ("low", "high"), ("close", "close")):
        np.divide(1.0, prices[source], out=turned[name])
    return turned


def hedged_market(market: Market) -> Market:
    """Return the market with every instrument twice, for its two legs."""
    trade = np.repeat(market.trade, LEGS, axis=1)
    mark = trade if market.mark is market.trade else np.repeat(market.mark, LEGS, axis=1)
    funding = np.repeat(market.funding, LEGS, axis=1)
    present = np.repeat(market.present, LEGS, axis=1)
    return Market(market.time, trade, mark, funding, present, market.appointments)


def hedged_rules(rules: Rules) -> Rules:
    """Return the rules with every instrument twice, for its two legs."""
    settings = rules.settings.copy()
    settings.hedged = 1
    sides = np.split(rules.tiers, 2)
    tiers = np.concatenate([np.repeat(side, LEGS, axis=0) for side in sides])
    return Rules(settings, tiers, np.repeat(rules.contracts, LEGS))


InForce = dict[Change, Float64Array1D]


def schedule_of(signals: Signals, rules: Rules, in_force: InForce | None = None) -> Schedule:
    """Return everything that signals change, in order of bar, kind and instrument.

    `in_force` is what is in force before their first bar, where that is not the settings' own, and comes back with
    what is after their last.
    """
    settings = rules.settings
    in_force = {} if in_force is None else in_force
    target = -signals.target if settings.inverse else signals.target
    parts = [changes_of(target, Change.SIGNAL, 0.0, in_force)]
    terms = (
        (signals.leverage, Change.LEVERAGE, settings.leverage),
        (signals.stop_loss, Change.STOP_LOSS, settings.stop_loss),
        (signals.take_profit, Change.TAKE_PROFIT, settings.take_profit),
    )
    for values, kind, first in terms:
        if values is not None:
            parts.append(on_both_legs(changes_of(values, kind, first, in_force), signals.hedged))
    if signals.margin_add is not None:
        parts.append(on_both_legs(additions_of(signals.margin_add), signals.hedged))
    if len(parts) == 1:
        return parts[0]
    joined = Schedule(
        np.concatenate([part.bar for part in parts]),
        np.concatenate([part.instrument for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.value for part in parts]),
    )
    return rows_of(joined, np.argsort(joined.bar, kind="stable"))


def bytes_of(schedule: Schedule) -> bytes:
    """Return everything in a schedule, change by change."""
    columns = (schedule.bar, schedule.instrument, schedule.kind, schedule.value.view(np.int64))
    return np.stack(columns, axis=1).tobytes()


def changes_of(values: Float64Array2D, kind: Change, first: float, in_force: InForce) -> Schedule:
    """Return every change of a value (T, M) that is `first` before the first bar, where none is in force."""
    capacity = len(values) // 64 + 64
    before = in_force.get(kind, np.full(values.shape[1], first))
    while True:
        latest: Float64Array1D = before.copy()
        bar, instrument, kinds = (np.empty(capacity, np.int64) for _ in range(3))
        schedule = Schedule(bar, instrument, kinds, np.empty(capacity))
        count = fill_schedule(values, latest, int(kind), schedule)
        if count <= capacity:
            in_force[kind] = latest
            return rows_of(schedule, slice(count))
        capacity = count


def rows_of(schedule: Schedule, rows: slice | npt.NDArray[np.int64]) -> Schedule:
    """Return some rows of a schedule."""
    return Schedule(schedule.bar[rows], schedule.instrument[rows], schedule.kind[rows], schedule.value[rows])


def additions_of(values: Float64Array2D) -> Schedule:
    """Return every amount above 0: unlike a setting, one that is said again is meant again."""
    bar, instrument = np.nonzero(values > 0.0)
    return Schedule(bar, instrument, np.full(len(bar), int(Change.MARGIN_ADD)), values[bar, instrument])


def on_both_legs(schedule: Schedule, hedged: bool) -> Schedule:
    """Return changes of symbols as those of both their legs."""
    if not hedged:
        return schedule
    twice = rows_of(schedule, np.repeat(np.arange(len(schedule.bar)), LEGS))
    leg = np.tile(np.arange(LEGS), len(schedule.bar))
    return twice._replace(instrument=twice.instrument * LEGS + leg)


def replay_once(inputs: Inputs, logs: Logs, detailed: bool = False) -> Outcome:
    """Run the kernel on new books; rows that do not fit the logs are counted only."""
    bars, instruments = inputs.market.trade.shape
    detail = np.empty((len(DETAIL), bars if detailed else 0))
    columns = Columns(np.empty(bars), np.empty(bars), detail)
    book = new_book(instruments)
    loop.replay(*inputs, book, logs, columns, 0, bars)
    return Outcome(book, logs, columns)


def replay(inputs: Inputs) -> Outcome:
    """Return books, complete logs, and equity at every bar."""
    changes = len(inputs.schedule.bar)
    outcome = replay_once(inputs, new_logs(4 * changes + 1024, 256, changes + 256, 256))
    counts = outcome.logs.counts.tolist()
    if any(count > len(log) for count, log in zip(counts, outcome.logs[:-1], strict=True)):
        outcome = replay_once(inputs, new_logs(*counts))
    logs = outcome.logs
    fills, liquidations, orders, calls = counts
    complete = (logs.fills[:fills], logs.liquidations[:liquidations], logs.orders[:orders], logs.calls[:calls])
    return outcome._replace(logs=Logs(*complete, logs.counts))


def replay_in_detail(inputs: Inputs) -> Columns:
    """Return every column that a bar leaves, by the same replay once more."""
    return replay_once(inputs, new_logs(0, 0, 0, 0), detailed=True).columns


def positions_in_pieces(inputs: Inputs) -> Iterator[Records]:
    """Yield how positions change from close to close, by the same replay once more, some bars at a time."""
    bars, instruments = inputs.market.trade.shape
    stride = max(1, PIECE // instruments)
    track, book = new_track(instruments, min(stride, bars) * instruments), new_book(instruments)
    columns = Columns(np.empty(bars), np.empty(bars), np.empty((len(DETAIL), 0)), track)
    logs = new_logs(0, 0, 0, 0)
    for start in range(0, bars, stride):
        track.changes[0] = 0
        loop.replay(*inputs, book, logs, columns, start, min(start + stride, bars))
        yield track.holdings[: track.changes[0]].copy()

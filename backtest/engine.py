"""The kernel as frames call it: inputs packed, outputs allocated, logs enlarged until everything fits."""

import hashlib
from typing import NamedTuple

import numpy as np

from backtest.bars import Bars
from backtest.kernels import loop
from backtest.kernels.schedule import fill_schedule
from backtest.kernels.schema import DETAIL, Book, Columns, Float64Array2D, Logs, Market, Rules, Schedule
from backtest.records import new_book, new_logs


class Inputs(NamedTuple):
    """All that a replay reads."""

    market: Market
    schedule: Schedule
    rules: Rules

    @property
    def signals_fingerprint(self) -> str:
        """A hash of every change of a signal: the same for signals that trade alike."""
        digest = hashlib.sha256()
        for changes in self.schedule[:3]:
            digest.update(changes.tobytes())
        return f"sha256:{digest.hexdigest()}"


class Outcome(NamedTuple):
    """All that a replay leaves."""

    book: Book
    logs: Logs
    columns: Columns


def inputs_of(bars: Bars, targets: Float64Array2D, rules: Rules) -> Inputs:
    """Return bars, the changes of targets (T, M) and rules as the kernel reads them."""
    return Inputs(market_of(bars), schedule_of(targets), rules)


def market_of(bars: Bars) -> Market:
    """Return the bars as the kernel reads them."""
    return Market(bars.nanoseconds, bars.trade, bars.mark, bars.funding, bars.present, bars.appointments)


def schedule_of(targets: Float64Array2D) -> Schedule:
    """Return every change of a target."""
    capacity = len(targets) // 64 + 64
    while True:
        schedule = Schedule(
            np.empty(capacity, np.int64), np.empty(capacity, np.int64), np.empty(capacity), np.zeros(targets.shape[1])
        )
        count = fill_schedule(targets, schedule)
        if count <= capacity:
            return Schedule(schedule.bar[:count], schedule.instrument[:count], schedule.signal[:count], schedule.latest)
        capacity = count


def replay_once(inputs: Inputs, logs: Logs, detailed: bool) -> Outcome:
    """Run the kernel on new books; rows that do not fit the logs are counted only."""
    bars, instruments = inputs.market.trade.shape
    detail = np.empty((len(DETAIL), bars if detailed else 0))
    columns = Columns(np.empty(bars), np.empty(bars), detail)
    book = new_book(inputs.rules.settings.cash, instruments)
    loop.replay(inputs.market, inputs.schedule, inputs.rules, book, logs, columns)
    return Outcome(book, logs, columns)


def replay(inputs: Inputs) -> Outcome:
    """Return books, complete logs, and equity at every bar."""
    orders = len(inputs.schedule.bar)
    outcome = replay_once(inputs, new_logs(4 * orders + 1024, 256, orders + 256), detailed=False)
    fills, liquidations, rows = outcome.logs.counts.tolist()
    logs = outcome.logs
    if fills > len(logs.fills) or liquidations > len(logs.liquidations) or rows > len(logs.orders):
        outcome = replay_once(inputs, new_logs(fills, liquidations, rows), detailed=False)
        logs = outcome.logs
    complete = Logs(logs.fills[:fills], logs.liquidations[:liquidations], logs.orders[:rows], logs.counts)
    return outcome._replace(logs=complete)


def replay_in_detail(inputs: Inputs) -> Columns:
    """Return every column that a bar leaves, by the same replay once more."""
    return replay_once(inputs, new_logs(0, 0, 0), detailed=True).columns

"""Lanes: the same bars and signals under many settings, each replayed to the figures of its summary, on threads."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar, cast

from backtest.kernels.schema import Market, Rules, Schedule
from backtest.market.bars import Bars
from backtest.outcome.sources import Replayed
from backtest.replaying.engine import Inputs, hedged_market, hedged_rules, market_of, replay, schedule_of
from backtest.signalling.signals import Signals
from backtest.sweeping.batches import FEWEST, Batches, covers
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue

__all__ = ["FAST", "GENERAL", "Keep", "Lane", "summaries"]

GENERAL, FAST = "general", "fast"
"""The ways through the engine."""

AHEAD = 2
"""Lanes that wait for each worker."""

ROUNDS, MOST = 4, 128
"""Batches for each worker, so that none waits long for another, and the lanes of one at most."""

Figures = dict[str, object]
Keep = Callable[[int, Replayed], None]
Given = TypeVar("Given")
Found = TypeVar("Found")


class Lane(NamedTuple):
    """A setting, as the kernel reads it."""

    row: int
    account: Account
    venue: Venue
    rules: Rules


def summaries(
    bars: Bars, signals: Signals, lanes: Sequence[Lane], workers: int, keep: Keep | None = None, shared_by: int = FEWEST
) -> Iterator[tuple[int, Figures, str]]:
    """Yield the row of every lane, its summary by name, and the way that it went, in any order.

    Parameters
    ----------
    bars : Bars                T bars x M instruments
    signals : Signals          what all lanes trade
    lanes : sequence of Lane   whose rules allow what the signals set
    workers : int              threads; not a bit depends on them
    keep : function            called with row and replay of every lane, on its thread, before the row is yielded
    shared_by : int            settings of the whole sweep that trade these signals, here or elsewhere: that decides the
        way, so that no bit depends on which of them are replayed here
    """
    shared = Shared(bars, signals)
    together = keep is None and shared_by >= FEWEST
    covered = [lane for lane in lanes if together and covers(bars, signals, lane.account, lane.venue)]
    yield from _together(shared, covered, workers)
    rows = {lane.row for lane in covered}
    yield from _alone(shared, [lane for lane in lanes if lane.row not in rows], workers, keep)


def _together(shared: "Shared", lanes: Sequence[Lane], workers: int) -> Iterator[tuple[int, Figures, str]]:
    """Yield the lanes replayed in batches, on what they have in common."""
    alike: dict[tuple[str, int, int], list[Lane]] = {}
    for lane in lanes:
        alike.setdefault((lane.venue.contract, id(lane.rules.tiers), id(lane.rules.contracts)), []).append(lane)
    size = max(1, min(MOST, math.ceil(len(lanes) / (ROUNDS * workers))))
    batches = [group[start : start + size] for group in alike.values() for start in range(0, len(group), size)]
    prepared: dict[str, Batches] = {}
    for (contract, *_), group in alike.items():
        if contract not in prepared:
            prepared[contract] = shared.batches(group[0].rules)

    def replay_batch(batch: list[Lane]) -> list[tuple[int, Figures, str]]:
        found = prepared[batch[0].venue.contract].summaries([lane.rules for lane in batch])
        return [(lane.row, figures, FAST) for lane, figures in zip(batch, found, strict=True)]

    for found in on_threads(replay_batch, batches, min(workers, len(batches))):
        yield from found


def _alone(
    shared: "Shared", lanes: Sequence[Lane], workers: int, keep: Keep | None
) -> Iterator[tuple[int, Figures, str]]:
    """Yield the lanes replayed one by one."""

    def finish(given: tuple[Lane, Inputs]) -> tuple[int, Figures, str]:
        lane, inputs = given
        replayed = Replayed(shared.bars, lane.account, lane.venue, None, inputs, replay(inputs))
        if keep is not None:
            keep(lane.row, replayed)
        return lane.row, cast("Figures", replayed.summary().to_dict()), GENERAL

    return on_threads(finish, ((lane, shared.inputs(lane.rules)) for lane in lanes), min(workers, len(lanes)))


class Shared:
    """What lanes have in common: market and schedule, made when a lane first needs them."""

    def __init__(self, bars: Bars, signals: Signals) -> None:
        self.bars = bars
        self._signals = signals
        self._markets: dict[bool, Market] = {}
        self._schedules: dict[tuple[float, ...], Schedule] = {}

    def inputs(self, rules: Rules) -> Inputs:
        """Return what a replay reads, as `inputs_of` makes it of rules that have been checked."""
        market, schedule = self._market(bool(rules.settings.inverse)), self._schedule(rules)
        return Inputs(market, schedule, hedged_rules(rules) if self._signals.hedged else rules)

    def batches(self, rules: Rules) -> Batches:
        """Return what replays lanes together, those of one kind of contract."""
        return Batches(self._market(bool(rules.settings.inverse)), self._schedule(rules), self.bars.has_marks)

    def _market(self, inverse: bool) -> Market:
        if inverse not in self._markets:
            market = market_of(self.bars, inverse)
            self._markets[inverse] = hedged_market(market) if self._signals.hedged else market
        return self._markets[inverse]

    def _schedule(self, rules: Rules) -> Schedule:
        given = ("leverage", "stop_loss", "take_profit")
        first = [float(rules.settings[name]) for name in given if getattr(self._signals, name) is not None]
        key = (float(rules.settings.inverse), *first)
        if key not in self._schedules:
            self._schedules[key] = schedule_of(self._signals, rules)
        return self._schedules[key]


def on_threads(function: Callable[[Given], Found], given: Iterable[Given], workers: int) -> Iterator[Found]:
    """Yield what a function returns of each, in their order; with one worker on the thread that asks."""
    if workers <= 1:
        yield from map(function, given)
        return
    pool = ThreadPoolExecutor(workers, "backtest")
    try:
        pending: deque[Future[Found]] = deque()
        for each in given:
            pending.append(pool.submit(function, each))
            if len(pending) > AHEAD * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)

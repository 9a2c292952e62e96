"""Settings that share the signals of one instrument, replayed together: what many of them have in common is found once.

Between orders and fundings a position stands still, whatever the leverage, so the bars are cut into segments whose
extremes and peaks serve all settings (`kernels.segments`); each setting is then replayed from event to event.
"""

from collections.abc import Sequence

import numpy as np

from backtest.kernels.lanes import Batch, Rooms, replay_lanes
from backtest.kernels.schema import ACCOUNT, CALL, FILL, LIQUIDATION, ORDER, POSITION, SETTINGS, Market, Rules, Schedule
from backtest.kernels.segments import PEAK, SEGMENT, Index, fill_segments
from backtest.kernels.sums_schema import FALLS, TOTALS, TRIP
from backtest.market.bars import Bars
from backtest.outcome.metrics import Calendar, calendar_of, figures, nothing_left
from backtest.signalling.signals import Signals
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue

__all__ = ["FEWEST", "Batches", "covers"]

FEWEST = 4
"""Settings from which on it pays to look for what they have in common."""

BLOCK = 64
"""Settings that go through the bars together: many share what is fetched, and their books still lie near a core."""

ROOM = (32, 32, 4, 16)
"""Fills, liquidations, orders and calls that one bar is expected to bring at most."""

LONGEST = 512
"""Bars of a segment at most: as many are looked at one by one where something happens to a setting within."""


def covers(bars: Bars, signals: Signals, account: Account, venue: Venue) -> bool:
    """Return whether a setting can be replayed together with others.

    It holds one instrument, whose signals say nothing but a target, and orders when it changes. Interest accrues on
    every bar, so that no position stands still; a reserve and refills are part of the curve that returns are taken on.
    """
    return (
        len(bars.symbols) == 1
        and not (signals.hedged or signals.settings)
        and not (venue.borrow_rate or venue.short_borrow_rate or account.reserve)
        and account.rebalance == "signal"
        and account.on_liquidation != "refill"
    )


class Batches:
    """Bars and a schedule with their segments, and replays of many rules over them."""

    def __init__(self, market: Market, schedule: Schedule, has_marks: bool) -> None:
        self._market = market
        self._schedule = schedule
        self._calendar = calendar_of(market.time, has_marks)
        self._index = index_of(market, schedule, self._calendar)

    def summaries(self, rules: Sequence[Rules]) -> list[dict[str, object]]:
        """Return the summary of every replay, by name; all rules have the same tiers and contracts.

        Figures agree with those of a single replay: events and money to the bit, falls of the curve, ratios and
        records at the closes to rounding.
        """
        batch = self._replayed(rules)
        cash = batch.settings["cash"].copy()
        is_lost = nothing_left(batch.totals["equity"], cash)
        found = figures(self._calendar, batch.accounts, batch.totals, batch.daily, cash, is_lost)
        return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]

    def _replayed(self, rules: Sequence[Rules]) -> Batch:
        """Return what becomes of rules; those that had more to log than there was room are replayed once more."""
        settings = np.frombuffer(b"".join(each.settings.tobytes() for each in rules), SETTINGS).copy()
        daily = np.empty((len(rules), len(self._calendar.day)))
        accounts, positions = np.zeros(len(rules), ACCOUNT), np.zeros((len(rules), 1), POSITION)
        totals = np.zeros(len(rules), TOTALS)
        sizes: Sequence[int] = ROOM
        done = 0
        while done < len(rules):
            rooms = new_rooms(min(BLOCK, len(rules) - done), sizes)
            accounts[done:], positions[done:] = np.zeros(1, ACCOUNT), np.zeros(1, POSITION)
            batch = Batch(
                settings[done:], rules[0].tiers, rules[0].contracts, accounts[done:], positions[done:], totals[done:],
                daily[done:],
            )  # fmt: skip
            done += int(replay_lanes(self._market, self._schedule, self._index, batch, rooms))
            sizes = np.maximum(sizes, rooms.most.max(axis=0)).tolist()
        return Batch(settings, rules[0].tiers, rules[0].contracts, accounts, positions, totals, daily)


def new_rooms(lanes: int, sizes: Sequence[int]) -> Rooms:
    """Return room for so many fills, liquidations, orders and calls in one bar of every lane of a block."""
    fills, liquidations, orders, calls = sizes
    return Rooms(
        np.empty((lanes, fills), FILL),
        np.empty((lanes, liquidations), LIQUIDATION),
        np.empty((lanes, orders), ORDER),
        np.empty((lanes, calls), CALL),
        np.zeros((lanes, len(sizes)), np.int64),
        np.zeros((lanes, len(sizes)), np.int64),
        np.empty(lanes, FALLS),
        np.empty(lanes, TRIP),
    )


def index_of(market: Market, schedule: Schedule, calendar: Calendar) -> Index:
    """Return the segments of one instrument, with their peaks."""
    day_ends = np.append(calendar.last, calendar.bars)
    events = len(schedule.bar) + len(market.appointments)
    rooms = [events + calendar.bars // LONGEST + 2, calendar.bars // 8 + 64, calendar.bars // 8 + 64]
    while True:
        index = Index(np.zeros(rooms[0], SEGMENT), np.zeros(rooms[1], PEAK), np.zeros(rooms[2], PEAK), day_ends)
        segments, long_peaks, short_peaks = fill_segments(market, schedule, LONGEST, index)
        if segments < rooms[0] and long_peaks <= rooms[1] and short_peaks <= rooms[2]:
            return index._replace(segments=index.segments[: segments + 1])
        rooms = [segments + 1, long_peaks, short_peaks]

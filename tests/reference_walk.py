"""Step 4 of the slow engine: three straight legs, and the events on them in order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference_liquidation import breach
from reference_settings import MARK, ONE, TRADE, ZERO, distance, tame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from fractions import Fraction

    from reference_book import Book, Unit
    from reference_settings import Point


@dataclass
class Event:
    """A stop, take-profit or breach ahead on a leg; `gap(λ)` is how far, relatively, it is from happening at λ."""

    at: Fraction
    reason: str
    instrument: int
    here: Fraction
    unit: Unit | None
    gap: Callable[[Fraction], float]

    def turn(self) -> tuple[Fraction, bool, int, str]:
        """Return the key by which events happen: λ, then breaches, then instruments, stop before take-profit."""
        return (self.at, self.unit is None, self.instrument, self.reason)


@dataclass
class Leg:
    """The straight lines that values of trade and mark of all instruments walk in step while λ runs from 0 to 1."""

    start: list[Point]
    end: list[Point]

    def stand(self, i: int, which: int, at: Fraction) -> Fraction:
        """Return the trade or mark of instrument i at λ."""
        return self.start[i][which] + (self.end[i][which] - self.start[i][which]) * at


class Walk:
    """One bar's walk; `bars` holds the four points of each row of the book, None where it is missing."""

    def __init__(self, book: Book, bars: list[dict[str, Point] | None], start: int, length: int):
        self.book, self.bars = book, bars
        self.start, self.length = start, length  # of the bar (ns)

    def run(self) -> Fraction:
        """Walk the three legs; return the lowest equity at their ends and after events."""
        book, lows = self.book, []
        corners = [self.corners(i) for i in range(len(book.positions))]
        for k in range(3):
            leg = Leg([points[k] for points in corners], [points[k + 1] for points in corners])
            stand = ZERO
            while (event := self.next_event(leg, stand)) is not None:
                stand = event.at
                self.move(leg, stand)
                book.now, book.on_the_way = self.start + math.floor((k + stand) / 3 * self.length), True
                if event.unit is not None:
                    breach(book, event.unit, gap=False)
                else:
                    book.leave(event.instrument, event.here, event.reason)
                book.absorb_shortfall()
                lows.append(book.equity())
            self.move(leg, ONE)
            lows.append(book.equity())
        return min(lows)

    def corners(self, i: int) -> list[Point]:
        """Return the four points between which the legs of row i run; a missing one stands still."""
        p, bar = self.book.positions[i], self.bars[i]
        if bar is None:
            return [(p.trade, p.mark)] * 4
        legs = [other.quantity for other in self.book.positions if other.symbol == p.symbol]
        low_first = sum(legs) >= 0
        if self.book.account.intrabar == "best":
            low_first = not low_first
        elif self.book.account.intrabar == "path":
            low_first = bar["close"][TRADE] >= bar["open"][TRADE]
        turns = ("low", "high") if low_first else ("high", "low")
        return [bar[name] for name in ("open", *turns, "close")]

    def move(self, leg: Leg, at: Fraction) -> None:
        """Let all prices stand at λ."""
        for i, position in enumerate(self.book.positions):
            position.trade, position.mark = leg.stand(i, TRADE, at), leg.stand(i, MARK, at)

    def next_event(self, leg: Leg, stand: Fraction) -> Event | None:
        """Return the first event on the rest of the leg."""
        found = [self.breach(unit, leg, stand) for unit in self.book.live_units()]
        for i in self.book.held(only_present=True):
            side, (stop, take) = self.book.positions[i].side, self.book.exits(i)
            found.append(None if stop is None else self.touch(i, "stop_loss", -side, stop, leg, stand))
            found.append(None if take is None else self.touch(i, "take_profit", side, take, leg, stand))
        events = sorted((event for event in found if event is not None), key=Event.turn)
        for other in events[1:]:
            if other.at > stand:
                gap = min(other.gap(events[0].at), events[0].gap(other.at))
                self.book.outcome.closest = min(self.book.outcome.closest, gap)
        return events[0] if events else None

    def touch(self, i: int, reason: str, direction: int, level: Fraction, leg: Leg, stand: Fraction) -> Event | None:
        """Return where the trade price reaches the level in the direction, at once where it already has."""

        def gap(at: Fraction) -> float:
            return distance(leg.stand(i, TRADE, at), level)

        here, start, end = leg.stand(i, TRADE, stand), leg.start[i][TRADE], leg.end[i][TRADE]
        if self.book.reached(direction, here, level):
            return Event(stand, reason, i, here, None, gap)
        if self.book.reached(direction, end, level):
            return Event(max(stand, tame((level - start) / (end - start))), reason, i, level, None, gap)
        return None

    def breach(self, unit: Unit, leg: Leg, stand: Fraction) -> Event | None:
        """Return where the surplus of the unit, concave and straight between corners, meets 0 on the rest of a leg."""
        book, level = self.book, self.book.level(unit)
        first = book.members(unit)[0]

        def sides(at: Fraction) -> tuple[Fraction, Fraction]:
            balance, required = book.figures(unit, lambda i: leg.stand(i, MARK, at))
            return balance, level * required

        def surplus(at: Fraction) -> Fraction:
            balance, required = sides(at)
            return balance - required

        def gap(at: Fraction) -> float:
            return distance(*sides(at), book.account.cash)

        book.outcome.closest = min(book.outcome.closest, gap(stand), gap(ONE))
        left, above = stand, surplus(stand)
        if book.fails(above):
            return Event(stand, "breach", first, ZERO, unit, gap)
        if not book.fails(surplus(ONE)):
            return None
        corners = sorted(at for at in self.tier_changes(unit, leg) if stand < at < 1)
        for right in [*corners, ONE]:
            below = surplus(right)
            if below <= 0:
                root = left + (right - left) * above / (above - below) if above != below else left
                return Event(max(stand, tame(root)), "breach", first, ZERO, unit, gap)
            left, above = right, below
        raise AssertionError("unreachable: the surplus ends the leg at or below 0")

    def tier_changes(self, unit: Unit, leg: Leg) -> Iterator[Fraction]:
        """Yield the λ at which a notional of the unit passes the floor of a tier."""
        book = self.book
        for i in book.members(unit) if book.venue.maintenance_on != "entry" else []:
            size, start, end = book.size(i)[0], abs(leg.start[i][MARK]), abs(leg.end[i][MARK])
            for tier in book.venue.tiers[book.positions[i].symbol] if start != end and size else []:
                yield (tier.floor / size - start) / (end - start)

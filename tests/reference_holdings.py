"""What the slow engine holds at a close, and the marks at which that fails: roots found line by line, in fractions."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from reference_settings import ZERO

if TYPE_CHECKING:
    from fractions import Fraction

    from reference_book import Book


def holdings(book: Book) -> list[dict | None]:
    """Return every row of the book at the close with its prices, None where nothing is held."""
    return [holding(book, i) if p.quantity else None for i, p in enumerate(book.positions)]


def holding(book: Book, i: int) -> dict:
    """Return quantity in contracts, margin and prices; None for a price that there is not."""
    p, venue = book.positions[i], book.venue
    stop, take = book.exits(i)
    prices = {"entry": p.entry, "liquidation": failing_value(book, i), "stop": stop, "take_profit": take}
    quoted = {f"{name}_price": None if value is None else venue.price(value) for name, value in prices.items()}
    return {"quantity": book.contracts(i, p.quantity), "margin": p.margin, **quoted}


def failing_value(book: Book, i: int) -> Fraction | None:
    """Return the value of the mark at which the unit of a position has no surplus, where only its symbol moves.

    Of two, that against the position; of a hedged symbol in a cross account the nearer one, seen from the mark.
    """
    legs = [j for j in book.held() if book.positions[j].symbol == book.positions[i].symbol] if book.cross else [i]
    found = roots(book, i, legs)
    net = sum(book.positions[j].quantity for j in legs)
    down = [value for value, rising in found if rising]  # the surplus rises there: below it there is none
    up = [value for value, rising in found if not rising]
    sides = [down, up] if net >= 0 else [up, down]
    if not book.hedged or not book.cross:
        sides = sides[:1]
    values = [value for side in sides for value in side]
    here = book.venue.price(book.positions[i].mark)
    return min(values, key=lambda value: abs(book.venue.price(value) / here - 1), default=None)


def roots(book: Book, i: int, legs: list[int]) -> list[tuple[Fraction, bool]]:
    """Return the values of the mark where the unit's surplus crosses 0, and whether it rises there."""
    unit = next(unit for unit in book.units if unit.instrument in (None, i))

    def surplus(value: Fraction) -> Fraction:
        balance, required = book.figures(unit, lambda j: value if j in legs else book.positions[j].mark)
        return balance - required

    sizes = {book.size(j)[0] for j in legs} - {ZERO}
    floors = {tier.floor / size for size in sizes for tier in book.venue.tiers[book.positions[i].symbol]} - {ZERO}
    sign = -1 if book.venue.contract == "inverse" else 1
    edges = sorted([ZERO, *(sign * floor for floor in floors)])
    edges = [edges[0] - 1, *edges] if sign < 0 else [*edges, edges[-1] + 1]
    found = []
    for low, high in pairwise(edges):
        left, right = surplus(low), surplus(high)
        if left == right:
            continue
        root = low - left * (high - low) / (right - left)
        beyond = (sign < 0 and low == edges[0] and root < low) or (sign > 0 and high == edges[-1] and root > high)
        if (low <= root <= high or beyond) and root != 0 and (root, right > left) not in found:
            found.append((root, right > left))
    return found

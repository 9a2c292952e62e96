"""One bar in every order in which it may reach its extremes, from the same book."""

from typing import NamedTuple

import numpy as np

from backtest.kernels.enums import Intrabar, MarginMode, Reason
from backtest.kernels.schema import Book, Records, Rules
from backtest.replaying.courses import Course, Piece
from backtest.replaying.engine import LEGS

__all__ = ["ORDERS", "Trial", "at_open", "ordered", "tried", "unit_of", "units_of"]

ORDERS = ("worst", "path", "best")
ACCOUNT = 0  # the margin unit of a cross account


class Trial(NamedTuple):
    """What a bar leaves in every order."""

    pieces: dict[str, Piece]
    met: dict[str, set[int]]  # by order, the margin units that are liquidated inside the bar
    held: set[int]  # symbols held inside the bar

    def orders(self, unit: int) -> list[str]:
        """Return the orders in which a margin unit is liquidated."""
        return [name for name, units in self.met.items() if unit in units]

    @property
    def certain(self) -> set[int]:
        """Return the margin units that every order liquidates."""
        return set.intersection(*self.met.values())

    @property
    def mildest(self) -> str:
        """Return the order with the fewest liquidations that others avoid."""
        certain = self.certain
        return min(self.met, key=lambda name: len(self.met[name] - certain))


def tried(course: Course, book: Book, t: int, symbols: tuple[str, ...], rules: Rules) -> Trial:
    """Return what bar `t` leaves in every order.

    In a cross account that holds several symbols these are, besides worst, path and best, each symbol alone at its
    worst with the others at their best.
    """
    pieces = {name: course.replay(book, t, t + 1, ordered(rules, Intrabar[name.upper()])) for name in ORDERS}
    bought = pieces["worst"].fills[pieces["worst"].fills["reason"] == Reason.SIGNAL]
    positions = {*np.flatnonzero(book.positions["quantity"]).tolist(), *bought["instrument"].tolist()}
    held = {i // LEGS if rules.settings.hedged else i for i in positions}
    if rules.settings.margin_mode == MarginMode.CROSS and len(held) > 1:
        for i in sorted(held):
            alone = ordered(rules, Intrabar.ALONE, i)
            pieces[f"{symbols[i]} alone"] = course.replay(book, t, t + 1, alone)
    return Trial(pieces, {name: units_of(inside(piece.liquidations), rules) for name, piece in pieces.items()}, held)


def ordered(rules: Rules, intrabar: Intrabar, alone: int = 0) -> Rules:
    """Return the rules with another order inside the bar."""
    settings = rules.settings.copy()
    settings.intrabar = intrabar
    settings.alone = alone
    return rules._replace(settings=settings)


def inside(liquidations: Records) -> Records:
    """Return the liquidations after the open."""
    rows: Records = liquidations[liquidations["gap"] == 0]
    return rows


def at_open(liquidations: Records) -> Records:
    """Return the liquidations at the open, which every order finds."""
    rows: Records = liquidations[liquidations["gap"] != 0]
    return rows


def units_of(liquidations: Records, rules: Rules) -> set[int]:
    """Return the margin units that are liquidated."""
    return {unit_of(instrument, rules) for instrument in liquidations["instrument"].tolist()}


def unit_of(instrument: int, rules: Rules) -> int:
    """Return the margin unit of a position: itself, or the account."""
    return ACCOUNT if rules.settings.margin_mode == MarginMode.CROSS else instrument

"""How sure liquidations are: each bar that has one is tried in every order, from the book before it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from backtest.kernels.enums import Intrabar
from backtest.kernels.schema import Book, Rules
from backtest.replaying.courses import Course, Trail
from backtest.replaying.engine import Inputs
from backtest.replaying.orders_inside import Trial, tried, unit_of
from backtest.replaying.records import new_book
from backtest.replaying.settling import POSSIBLE, Settled, Settler

__all__ = ["CERTAIN", "Alarm", "alarms_of"]

CERTAIN = "certain"


class Alarm(NamedTuple):
    """A liquidation, and how sure it is."""

    bar: int
    instrument: int
    gap: bool
    verdict: str
    happens_in: str


def alarms_of(
    inputs: Inputs,
    symbols: tuple[str, ...],
    settler: Settler | None = None,
    *,
    book: Book | None = None,
    start: int = 0,
    stop: int | None = None,
) -> tuple[list[Alarm], Trail, Book]:
    """Walk from one liquidation to the next, and return all; a bar that is settled goes as the finer bars say.

    Parameters
    ----------
    inputs : Inputs            whose rules say in which order each bar is walked: "worst", "path" or "best"
    symbols : tuple of str     of the bars
    settler : Settler          of what is only possible, where there are finer bars
    book : Book                before bar `start`, where that is not the first of a history; it is left as it is
    start, stop : int          the bars to walk; default: all

    Returns
    -------
    tuple
        the liquidations in the order in which they are met, the replay that they are of, and the book after it.
    """
    course, alarms = Course(inputs), list[Alarm]()
    order = Intrabar(inputs.rules.settings.intrabar).name.lower()
    stop = len(inputs.market.time) if stop is None else stop
    trail = Trail(stop)
    book = new_book(len(inputs.market.trade[0])) if book is None else book
    t, book = course.advance(book, start, stop, ("liquidations",), trail)
    while t < stop:
        trial = tried(course, book, t, symbols, inputs.rules)
        piece, settled = trial.pieces[order], None
        if settler is not None and trial.met[order] - trial.certain:
            settled = settler.settle(book, t, trial)
        if settled is not None:
            piece = settled.piece
        alarms += judged(t, trial, order, settled, inputs.rules)
        trail.keep(t, piece)
        t, book = course.advance(piece.book, t + 1, stop, ("liquidations",), trail)
    return alarms, trail, book


def judged(t: int, trial: Trial, order: str, settled: Settled | None, rules: Rules) -> Iterator[Alarm]:
    """Yield the verdicts on what an order liquidates, and on what only finer bars do."""
    rows = [trial.pieces[order].liquidations]
    if settled is not None:
        known = [unit_of(i, rules) in trial.met[order] for i in settled.piece.liquidations["instrument"].tolist()]
        only = settled.piece.liquidations[np.logical_not(np.array(known, np.bool_))]
        rows.append(only[only["gap"] == 0])
    for row in np.concatenate(rows):
        unit = unit_of(int(row["instrument"]), rules)
        gap = bool(row["gap"])
        orders = list(trial.met) if gap else trial.orders(unit)
        certain = len(orders) == len(trial.met)
        verdict = CERTAIN if certain else POSSIBLE if settled is None else settled.verdict(unit)
        yield Alarm(t, int(row["instrument"]), gap, verdict, ", ".join(orders))

"""Replays that go on piece by piece, each from a copy of a book."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backtest.kernels import loop
from backtest.kernels.schema import CALL, DETAIL, Book, Columns, Float64Array1D, Records, Rules
from backtest.replaying.engine import Inputs, rows_of
from backtest.replaying.records import new_logs

__all__ = ["Course", "Piece", "Trail"]

STRIDE = 64  # bars that are looked ahead at first; each look is twice as far
ROOM = 64  # rows of each log at first


class Piece(NamedTuple):
    """What some bars in a row left: the book after them, all that they logged, and equity at their closes."""

    book: Book
    fills: Records
    liquidations: Records
    calls: Records
    equity: Float64Array1D

    def first_bar(self, logs: Sequence[str], otherwise: int) -> int:
        """Return the first bar that some of the logs have a row of."""
        found: list[Records] = [getattr(self, name) for name in logs]
        return min((int(log["bar"][0]) for log in found if len(log)), default=otherwise)


class Trail:
    """The pieces that were kept, put together."""

    def __init__(self, bars: int) -> None:
        self.equity: Float64Array1D = np.empty(bars)
        self.liquidations = 0
        self._calls: list[Records] = []

    def keep(self, start: int, piece: Piece) -> None:
        """Put a piece in its place."""
        self.equity[start : start + len(piece.equity)] = piece.equity
        self.liquidations += len(piece.liquidations)
        self._calls.append(piece.calls)

    @property
    def calls(self) -> Records:
        """Return all rows of the log of calls."""
        return np.concatenate([np.zeros(0, CALL), *self._calls])


class Course:
    """A replay that can be taken up at any bar, from any book."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        bars = len(inputs.market.time)
        self._columns = Columns(np.empty(bars), np.empty(bars), np.empty((len(DETAIL), 0)))

    def replay(self, book: Book, start: int, stop: int, rules: Rules | None = None) -> Piece:
        """Return what the bars from `start` up to `stop` leave, and leave the book as it is."""
        market, schedule, usual = self.inputs
        # from where a piece begins, so that the kernel need not look for it
        market = market._replace(appointments=market.appointments[np.searchsorted(market.appointments, start) :])
        schedule = rows_of(schedule, slice(int(np.searchsorted(schedule.bar, start - 1)), None))
        room = [ROOM, ROOM, 0, ROOM]
        while True:
            after, logs = Book(book.account.copy(), book.positions.copy()), new_logs(*room)
            loop.replay(market, schedule, rules or usual, after, logs, self._columns, start, stop)
            fills, liquidations, _, calls = counts = logs.counts.tolist()
            if fills <= room[0] and liquidations <= room[1] and calls <= room[3]:
                break
            room = counts
        equity = self._columns.equity[start:stop].copy()
        return Piece(after, logs.fills[:fills], logs.liquidations[:liquidations], logs.calls[:calls], equity)

    def advance(self, book: Book, start: int, stop: int, logs: Sequence[str], trail: Trail) -> tuple[int, Book]:
        """Keep the bars before the first one, up to `stop`, that has a row in some of the logs; return it and the book.

        Bars are looked at twice at most, but for the last look, which goes no further beyond the bar than it has come.
        """
        stride = STRIDE
        while start < stop:
            end = min(start + stride, stop)
            piece = self.replay(book, start, end)
            bar = piece.first_bar(logs, end)
            if bar < end:
                piece = self.replay(book, start, bar)
            trail.keep(start, piece)
            start, book = bar, piece.book
            if bar < end:
                break
            stride *= 2
        return start, book

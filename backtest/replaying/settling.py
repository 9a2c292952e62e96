"""One bar through the finer bars inside it: which liquidations happened, which were averted."""

from typing import NamedTuple

import numpy as np

from backtest.kernels.enums import Rebalance
from backtest.kernels.schema import Book, Records, Rules
from backtest.market.finer_bars import FinerBars
from backtest.replaying.courses import Course, Piece, Trail
from backtest.replaying.engine import Inputs, hedged_market, market_of, rows_of
from backtest.replaying.orders_inside import Trial, at_open, tried, units_of

__all__ = ["AVERTED", "HAPPENED", "POSSIBLE", "Settled", "Settler"]

POSSIBLE, HAPPENED, AVERTED = "possible", "happened", "averted"
EVENTS = ("fills", "calls")
NEVER = 2**62  # a bar


class Settled(NamedTuple):
    """What finer bars say of a bar."""

    piece: Piece  # of that bar, where each finer bar goes the worst way
    met: set[int]  # margin units that are liquidated on that way
    met_mildly: set[int]  # those on the mildest way
    certain: set[int]  # those on the mildest way that no other order of a finer bar avoids

    def verdict(self, unit: int) -> str:
        """Return what became of a margin unit that some order of the whole bar liquidates."""
        if unit in self.met & self.certain:
            return HAPPENED
        return POSSIBLE if unit in self.met | self.met_mildly else AVERTED


class Settler:
    """Bars of a replay that can be replayed through finer ones.

    Inside a bar no signal is traded, nothing accrues, and no call, refill or re-entry is answered: all that waits for
    the next bar, as if there were no finer ones.
    """

    def __init__(self, inputs: Inputs, finer: FinerBars, symbols: tuple[str, ...]) -> None:
        self._inputs, self._finer, self._symbols = inputs, finer, symbols

    def settle(self, book: Book, t: int, trial: Trial) -> Settled | None:
        """Return what becomes of a bar with the book before it, nothing where the finer bars do not cover it.

        A finer bar has an order inside as well. So they are walked twice: the worst way, and the mildest, on which
        only what is certain happens. What both liquidate happened, what neither does was averted.
        """
        course = self._course(t, trial.held)
        if course is None:
            return None
        piece, met, _ = self._walk(course, book, t, mild=False)
        return Settled(piece, met, *self._walk(course, book, t, mild=True)[1:])

    def _course(self, t: int, held: set[int]) -> Course | None:
        """Return the replay of the finer bars: from 1 on, with the bar before as 0."""
        window = self._finer.inside(t, held)
        if window is None:
            return None
        _, schedule, rules = self._inputs
        market = market_of(window, bool(rules.settings.inverse))
        if rules.settings.hedged:
            market = hedged_market(market)
        first, last = np.searchsorted(schedule.bar, [t - 1, t]).tolist()
        schedule = rows_of(schedule, slice(first, last))
        return Course(Inputs(market, schedule._replace(bar=np.zeros(last - first, np.int64)), _resting(rules)))

    def _walk(self, course: Course, book: Book, t: int, mild: bool) -> tuple[Piece, set[int], set[int]]:
        """Return what the finer bars leave, the margin units that are liquidated inside them, and which for certain."""
        stop = len(course.inputs.market.time) - 1
        trail, waiting = Trail(stop + 1), Waiting(t, len(book.positions))
        events: list[Piece] = []
        met: set[int] = set()
        certain: set[int] = set()
        bar, book = 1, waiting.begin(book)
        while bar < stop:
            rules = self._inputs.rules if bar == 1 else course.inputs.rules
            trial = tried(course, book, bar, self._symbols, rules)
            name = trial.mildest if mild else "worst"
            piece = trial.pieces[name]
            # what is found at the first open no order of the whole bar changes
            gaps = units_of(at_open(piece.liquidations), rules) if bar > 1 else set()
            met |= trial.met[name] | gaps
            certain |= trial.certain | gaps
            events.append(piece)
            trail.keep(bar, piece)
            waiting.hold_back(piece.book)
            bar, book = course.advance(piece.book, bar + 1, stop, EVENTS, trail)
        waiting.let_go(book)
        fills, liquidations, calls = (
            _at(t, [getattr(piece, log) for piece in events]) for log in ("fills", "liquidations", "calls")
        )
        return Piece(book, fills, liquidations, calls, trail.equity[stop - 1 : stop]), met, certain


class Waiting:
    """What waits inside a bar until the next one; bars count from the one before, as 0, while the bar lasts."""

    def __init__(self, t: int, positions: int) -> None:
        self._t = t
        self._reenter = np.zeros(positions, np.bool_)
        self._called_bar = np.zeros(positions, np.int64)
        self._refill = False

    def begin(self, book: Book) -> Book:
        """Return a copy of the book before the bar, in whose time no bar has passed since."""
        account, positions = book.account.copy(), book.positions.copy()
        account.refill_bar = 1 if account.refill_bar == self._t else 0
        for name in ("exit_bar", "called_bar"):
            positions[name] -= self._t - 1
        return Book(account, positions)

    def hold_back(self, book: Book) -> None:
        """Put aside what the next of the finer bars would act on."""
        account, positions = book
        self._reenter |= positions["reenter"] == 1
        positions["reenter"] = 0
        self._refill = self._refill or account.refill_bar > 1
        account.refill_bar = 0
        called = (positions["called"] == 1) & (positions["called_bar"] != NEVER)
        self._called_bar[called] = positions["called_bar"][called]
        positions["called_bar"][called] = NEVER

    def let_go(self, book: Book) -> None:
        """Bring the book after the bar to the time of the bars again, with all that was put aside."""
        account, positions = book
        called = positions["called_bar"] == NEVER
        positions["called_bar"][called] = self._called_bar[called]
        for name in ("exit_bar", "called_bar"):
            positions[name] = np.minimum(positions[name], 1) + self._t - 1
        positions["reenter"][self._reenter] = 1
        account.refill_bar = self._t + 1 if self._refill else 0
        if self._refill or self._reenter.any():
            account.busy = 1


def _resting(rules: Rules) -> Rules:
    """Return rules under which nothing accrues and nothing is ordered that has not been asked for."""
    settings = rules.settings.copy()
    settings.borrow_rate = settings.short_borrow_rate = 0.0
    settings.rebalance = Rebalance.SIGNAL
    return rules._replace(settings=settings)


def _at(t: int, logs: list[Records]) -> Records:
    """Return rows of several logs as those of one bar, whose open is that of the first finer one."""
    rows: Records = np.concatenate(logs)
    if "gap" in (rows.dtype.names or ()):
        rows["gap"][rows["bar"] > 1] = 0
    rows["bar"] = t
    return rows

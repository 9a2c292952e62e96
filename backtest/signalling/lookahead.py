"""The prefix check: what a strategy says of a bar must not change when later bars are taken away."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.errors import BacktestError, ConfigError
from backtest.signalling.signals import FloatArray, Signals
from backtest.signalling.strategies import Strategy
from backtest.text import grouped, place

if TYPE_CHECKING:
    from backtest.market.bars import Bars

TOLERANCE = 1e-9  # two values nearer than this, or this fraction of them, differ by rounding only
SEED = 0

BoolArray = npt.NDArray[np.bool_]
Pairs = list[tuple[str, FloatArray, FloatArray]]  # a column with all bars, and with the first ones only


@dataclass(frozen=True)
class Leak:
    """The earliest signal found that depends on later bars.

    Attributes
    ----------
    time, row, symbol          the bar, its row from 0, and the instrument
    column : str               what differs: "target" or another column of signals, such as "leverage"
    with_all_bars : float      its value when the strategy sees all bars; NaN = keep the last
    with_prefix : float        its value when it sees the first `prefix` bars only
    prefix : int               more than `row`; one more bar than a prefix that leaks nothing
    """

    time: pd.Timestamp
    row: int
    symbol: str
    column: str
    with_all_bars: float
    with_prefix: float
    prefix: int


@dataclass(frozen=True)
class LookaheadReport:
    """What the prefix check found; `str()` says it in one sentence.

    Attributes
    ----------
    strategy : str             the strategy's name
    bars : int                 the number of bars
    cuts : tuple of int        the lengths of the prefixes compared
    skipped : tuple of int     the lengths at which the strategy fails, mostly because they are too short for it
    repeatable : bool          whether two runs on the same bars agree; where they don't, nothing else is compared
    leak : Leak or None        the earliest difference found
    """

    strategy: str
    bars: int
    cuts: tuple[int, ...]
    skipped: tuple[int, ...]
    repeatable: bool
    leak: Leak | None

    @property
    def passed(self) -> bool:
        """Whether the strategy is repeatable and no look-ahead was found."""
        return self.repeatable and self.leak is None

    def __str__(self) -> str:
        if not self.repeatable:
            return f"{self.strategy} gives other signals when it is run again on the same bars, so it cannot be checked"
        if self.leak is None:
            return f"{self.strategy} shows no look-ahead in {len(self.cuts)} prefixes of {grouped(self.bars)} bars"
        leak = self.leak
        what = "signal" if leak.column == "target" else leak.column
        return (
            f"{self.strategy} looks ahead: its {what} {place(leak.symbol, leak.row, leak.time.value)} is "
            f"{leak.with_all_bars} with all bars, but {leak.with_prefix} with the first {leak.prefix} only"
        )


def check_lookahead(
    strategy: Strategy, bars: "Bars", params: Mapping[str, object] | None = None, cuts: int = 32
) -> LookaheadReport:
    """Return whether the signals of a prefix are the prefix of the signals, over `cuts` prefixes.

    Compared is every column: targets or their legs, leverage, stops, take-profits and added margin. Half of the
    prefixes end with a bar on which one of them changes, each in its turn, for there a leak shows most; the others are
    spread over the length, with a few side by side near the end. The choice is the same on every call. Where one
    leaks, the bars before it are bisected for a shorter one that leaks.

    Parameters
    ----------
    strategy : Strategy        the strategy to check
    bars : Bars                T bars x M instruments, at least 2 bars
    params : Mapping           values that replace the strategy's defaults
    cuts : int                 the number of prefixes, at least 1; each is one more run of the strategy

    Raises
    ------
    ConfigError                if `cuts` or a parameter does not fit, there are not 2 bars, or the strategy fails on all
                               bars or on every prefix
    DataError                  if what the strategy returns is not a signal for these bars
    """
    if cuts < 1:
        raise ConfigError(f"cuts must be at least 1, got {cuts}")
    if len(bars.time) < 2:
        raise ConfigError(f"the prefix check needs at least 2 bars, got {len(bars.time)}")
    check = _PrefixCheck(strategy, bars, params)
    if check.differing_row(len(bars.time)) is not None:
        return LookaheadReport(strategy.name, len(bars.time), (), (), repeatable=False, leak=None)
    lengths = _choose(check.full, cuts)
    rows = {length: check.differing_row(length) for length in lengths}
    compared = tuple(length for length in lengths if length not in check.failures)
    if not compared:
        raise check.failures[lengths[-1]]
    skipped = tuple(length for length in lengths if length in check.failures)
    leaking = [length for length in compared if rows[length] is not None]
    leak = check.leak_at(_bisect(check, compared, leaking[0])) if leaking else None
    repeatable = leak is not None or not leaking
    return LookaheadReport(strategy.name, len(bars.time), compared, skipped, repeatable, leak)


class _PrefixCheck:
    """One strategy on one set of bars: its signals on all of them, and what differs on a prefix."""

    def __init__(self, strategy: Strategy, bars: "Bars", params: Mapping[str, object] | None) -> None:
        self.strategy = strategy
        self.params = params
        self.symbols = bars.symbols
        self.time = bars.time
        self.frames = {symbol: bars.frame(symbol) for symbol in bars.symbols}
        self.full = strategy.signals_of(self.frames, params)
        self.failures: dict[int, BacktestError] = {}

    def signals(self, length: int) -> Signals:
        """Return the signals when only the first `length` bars exist."""
        return self.strategy.signals_of({s: frame.iloc[:length] for s, frame in self.frames.items()}, self.params)

    def differing_row(self, length: int) -> int | None:
        """Return the first row whose signals differ; None also where the strategy fails, which `failures` keeps."""
        try:
            return _first_row(_pairs(self.full, self.signals(length)))
        except BacktestError as error:
            self.failures[length] = error
            return None

    def leak_at(self, length: int) -> Leak | None:
        """Return the first difference of a prefix; None where the strategy does not repeat what it said of it."""
        pairs = _pairs(self.full, self.signals(length))
        t = _first_row(pairs)
        if t is None:
            return None
        column, one, other = next((name, a[t], b[t]) for name, a, b in pairs if _differs(a[t], b[t]).any())
        i = int(_differs(one, other).argmax())
        return Leak(self.time[t], t, self.symbols[i], column, float(one[i]), float(other[i]), length)


def _pairs(full: Signals, prefix: Signals) -> Pairs:
    """Return every column of either by name, over the bars of `prefix`; one that is not there is NaN throughout."""
    bars = len(prefix.target)
    one, other = ({name: column[:bars] for name, column in given.columns.items()} for given in (full, prefix))
    absent = np.full_like(next(iter(one.values())), np.nan)
    return [(name, one.get(name, absent), other.get(name, absent)) for name in one | other]


def _first_row(pairs: Pairs) -> int | None:
    """Return the first row in which any column differs."""
    rows = [_differs(one, other).any(axis=1) for _, one, other in pairs]
    return min((int(differs.argmax()) for differs in rows if differs.any()), default=None)


def _differs(one: FloatArray, other: FloatArray) -> BoolArray:
    return ~np.isclose(one, other, TOLERANCE, TOLERANCE, equal_nan=True)


def _choose(full: Signals, cuts: int) -> list[int]:
    """Return at most `cuts` lengths in [1, T - 1], ascending."""
    bars = len(full.target)
    random = np.random.default_rng(SEED)
    changes = [2 + np.flatnonzero(_differs(column[1:-1], column[:-2]).any(axis=1)) for column in full.columns.values()]
    changing = [lengths for lengths in changes if len(lengths)]
    chosen: set[int] = set()
    for turn, lengths in enumerate(changing):
        share = len(range(turn, cuts // 2, len(changing)))
        chosen.update(random.choice(lengths, min(share, len(lengths)), replace=False).tolist())
    chosen.update(range(max(1, bars - min(4, cuts // 4)), bars))
    # One draw from each of equal parts: spread, and yet not in step with days or weeks.
    edges = np.linspace(1, bars, max(1, cuts - len(chosen)) + 1).astype(np.int64)
    chosen.update(int(random.integers(low, max(low + 1, high))) for low, high in pairwise(edges))
    return sorted(chosen)


def _bisect(check: _PrefixCheck, lengths: tuple[int, ...], leaking: int) -> int:
    """Return a leaking length whose neighbour below leaks nothing, between the last clean cut and `leaking`."""
    clean = max((length for length in lengths if length < leaking), default=0)
    while leaking - clean > 1:
        middle = (clean + leaking) // 2
        if check.differing_row(middle) is None:
            clean = middle
        else:
            leaking = middle
    return leaking

"""Signals in any kind of frame, taken apart into the columns of each instrument."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from backtest.errors import DataError
from backtest.signalling.entries import fold_entries
from backtest.signalling.signal_names import ENTRY_NAMES, LEG_NAMES, SETTING_NAMES, check_names, meant
from backtest.text import moment, place

Table = Mapping[str, pd.Series]  # the columns of one instrument by name: the target or its legs, and settings

ACCEPTED = "a Series, a DataFrame, an array or a dict of these frames by symbol"
TARGETS = "target, target_long and target_short, or entries and exits"

__all__ = ["Table", "Times", "Timetable", "tables_of"]


class Timetable(Protocol):
    """What signals must fit: anything with the symbols and the times of bars, `Bars` above all."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The instruments, in the order of the columns."""

    @property
    def time(self) -> pd.DatetimeIndex:
        """The open times of the bars, UTC."""

    @property
    def first(self) -> int:
        """The number of the first bar, for messages: above 0 where the bars are a later piece of a history."""


@dataclass(frozen=True)
class Times:
    """The plainest timetable, for signals of frames that are not bars (yet)."""

    symbols: tuple[str, ...]
    time: pd.DatetimeIndex
    first: int = 0


def tables_of(signals: object, bars: Timetable, held: dict[str, float]) -> Mapping[str, Table]:
    """Return the columns of every symbol by name, each on the times of the bars.

    `held` is what entries and exits hold before these bars, 1, -1 or 0 by symbol (0 where it is not named), and comes
    back with what they hold after them.
    """
    if isinstance(signals, pd.Series):
        symbol = _only_symbol(bars, "a Series")
        _check_times(signals.index, bars, symbol)
        return {symbol: {"target": signals}}
    if isinstance(signals, pd.DataFrame) and _is_table(signals, bars.symbols):
        names = ", ".join(name for name in map(str, signals.columns) if meant(name))
        symbol = _only_symbol(bars, f"a DataFrame with {names}")
        _check_times(signals.index, bars, symbol)
        return {symbol: _table(signals, symbol, held)}
    if isinstance(signals, pd.DataFrame):
        _check_symbols(signals.columns, bars.symbols)
        _check_times(signals.index, bars, "all columns")
        return {symbol: {"target": signals[symbol]} for symbol in bars.symbols}
    if isinstance(signals, dict):
        _check_symbols(signals, bars.symbols)
        alone = {symbol: Times((symbol,), bars.time, bars.first) for symbol in bars.symbols}
        return {symbol: tables_of(signals[symbol], alone[symbol], held)[symbol] for symbol in bars.symbols}
    raise DataError(f"signals must be {ACCEPTED}, got {'None' if signals is None else type(signals).__name__}")


def _is_table(frame: pd.DataFrame, symbols: tuple[str, ...]) -> bool:
    """Return whether the columns are those of one instrument, and not symbols, whatever the symbols are called."""
    names = set(frame.columns)
    if names <= set(symbols) or (len(symbols) > 1 and names >= set(symbols)):
        return False
    found = [name for name in map(str, frame.columns) if meant(name)]
    return any(meant(name) == name for name in found) or (bool(found) and names.isdisjoint(symbols))


def _table(frame: pd.DataFrame, symbol: str, held: dict[str, float]) -> Table:
    """Return the target, or its legs, and the settings in the columns of one instrument."""
    check_names(frame.columns, symbol)
    kinds = [[name for name in kind if name in frame.columns] for kind in (("target",), LEG_NAMES, ENTRY_NAMES)]
    found = [names for names in kinds if names]
    settings = [name for name in SETTING_NAMES if name in frame.columns]
    if not found:
        raise DataError(f"signals must have a column {TARGETS}, got only {', '.join(settings)} in {symbol}")
    if len(found) > 1:
        raise DataError(f"signals must have either {TARGETS}, got {found[0][0]} beside {found[1][0]} in {symbol}")
    table = {name: frame[name] for name in settings}
    if not kinds[2]:
        return {name: frame[name] for name in found[0]} | table
    target = fold_entries(frame, held.get(symbol, 0.0))
    held[symbol] = float(target.iloc[-1])
    return {"target": target} | table


def _only_symbol(bars: Timetable, kind: str) -> str:
    if len(bars.symbols) != 1:
        raise DataError(
            f"signals of several symbols must be a DataFrame with a column, or a dict with an entry, for each of "
            f"{', '.join(bars.symbols)}, got {kind}"
        )
    return bars.symbols[0]


def _check_symbols(given: Iterable[object], symbols: tuple[str, ...]) -> None:
    counts = Counter(list(given))
    if counts == Counter(symbols):
        return
    missing = [symbol for symbol in symbols if symbol not in counts]
    extra = [str(name) for name in counts if name not in symbols]
    repeated = [symbol for symbol in symbols if counts[symbol] > 1]
    faults = (("missing", missing), ("unknown", extra), ("repeated", repeated))
    listed = ", ".join(f"{word} {', '.join(found[:5])}" for word, found in faults if found)
    raise DataError(f"signals must have every symbol of the bars once and no other, got {listed}")


def _check_times(index: pd.Index, bars: Timetable, symbol: str) -> None:
    time = bars.time
    if index is time:
        return
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(f"signals must be indexed by the times of the bars, got a {type(index).__name__} in {symbol}")
    try:
        given, wanted = index.as_unit("ns").asi8, time.asi8  # both count from 1970 UTC, whatever the zone
    except pd.errors.OutOfBoundsDatetime as error:
        raise DataError(f"signals must have the times of the bars, got {error} in {symbol}") from error
    shared = min(len(given), len(wanted))
    differs = given[:shared] != wanted[:shared]
    if len(given) == len(wanted) and not differs.any():
        return
    t = int(differs.argmax()) if differs.any() else shared
    found = moment(given[t]) if t < len(given) else "no row"
    due = moment(wanted[t]) if t < len(wanted) else "no bar"
    raise DataError(
        f"signals must have the times of the bars, got {found} instead of {due} {place(symbol, bars.first + t)}"
    )

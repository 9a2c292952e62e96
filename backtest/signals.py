"""What a strategy says, as one array: the target of every bar and instrument.

A target is the fraction of full leverage wanted, in [-1, 1], known at the close of its bar; NaN keeps the last one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.errors import DataError
from backtest.kernels.folding import first_outside, fold
from backtest.text import moment, place

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# The same four meanings, in the order enter long, exit long, enter short, exit short.
VECTORBT_NAMES = ("entries", "exits", "short_entries", "short_exits")
FREQTRADE_NAMES = ("enter_long", "exit_long", "enter_short", "exit_short")
ENTRY_NAMES = VECTORBT_NAMES + FREQTRADE_NAMES
ACCEPTED = "a Series, a DataFrame, an array or a dict of these frames by symbol"


class Timetable(Protocol):
    """What signals must fit: anything with the symbols and the times of bars, `Bars` above all."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The instruments, in the order of the columns."""

    @property
    def time(self) -> pd.DatetimeIndex:
        """The open times of the bars, UTC."""


@dataclass(frozen=True)
class Times:
    """The plainest timetable, for signals of frames that are not bars (yet)."""

    symbols: tuple[str, ...]
    time: pd.DatetimeIndex


def as_target_array(signals: object, bars: Timetable) -> FloatArray:
    """Return signals of any accepted kind as a C-contiguous, writable array of targets.

    Parameters
    ----------
    signals : Series           targets of one instrument, on the times of the bars (a naive index counts as UTC)
              DataFrame        targets with a column for every symbol, in any order; or, for one instrument,
                               boolean columns as `fold_entries` takes them
              dict             a Series or such a DataFrame of booleans for every symbol
              ndarray          targets (T, M), or (T,) for one instrument
    bars : Bars                T bars x M instruments (its symbols and times are all that is used)

    Returns
    -------
    ndarray                    float64 (T, M). A fitting float64 array comes back as it is, sharing its memory;
                               anything else is copied.

    Raises
    ------
    DataError                  if the kind, the symbols, the times or the type do not fit, or a value is infinite or
                               outside [-1, 1]
    """
    if isinstance(signals, np.ndarray):
        target = _from_array(signals, bars)
    else:
        target = np.empty((len(bars.time), len(bars.symbols)))
        columns = _columns(signals, bars)
        for i, symbol in enumerate(bars.symbols):
            target[:, i] = _as_floats(columns[symbol], symbol)
    _check_values(target, bars)
    return target


def fold_entries(frame: pd.DataFrame) -> pd.Series:
    """Return the target, 1 (long), -1 (short) or 0, that columns of entries and exits add up to.

    The columns bear vectorbt's names (entries, exits, short_entries, short_exits) or freqtrade's (enter_long,
    exit_long, enter_short, exit_short) and hold booleans, or 0 and 1; NaN counts as False. One that is absent is
    False throughout; columns of other names are ignored, but not misspelt ones. Bar by bar, starting flat:

    - an entry opens its side, or flips a position of the other side;
    - an exit closes a position of its own side, and only that;
    - an exit beats an entry of its own side in the same bar: a position held is closed, none is opened;
    - two entries in one bar cancel out: neither opens, and only an exit can still close.

    Raises
    ------
    DataError                  if both vocabularies are mixed, no column enters, or a column is not boolean
    """
    names = _vocabulary(frame)
    absent = np.zeros(len(frame), np.bool_)
    enter_long, exit_long, enter_short, exit_short = (
        _as_booleans(frame[name]) if name in frame.columns else absent for name in names
    )
    target = np.empty(len(frame))
    fold(enter_long, exit_long, enter_short, exit_short, target)
    return pd.Series(target, frame.index, name="target")


def _from_array(signals: npt.NDArray[np.generic], bars: Timetable) -> FloatArray:
    shape = (len(bars.time), len(bars.symbols))
    if signals.shape != shape and (shape[1] != 1 or signals.shape != shape[:1]):
        raise DataError(f"signals must have the shape of the bars {shape}, got an array of shape {signals.shape}")
    if signals.dtype.kind not in "fiub":
        raise DataError(f"signals must be numbers, got an array of {signals.dtype}")
    # The kernels are compiled for writable arrays only; a float64 array that fits passes without a copy.
    return np.require(signals, np.float64, ["C", "A", "W"]).reshape(shape)


def _columns(signals: object, bars: Timetable) -> Mapping[str, pd.Series]:
    """Return the targets of every symbol, each on the times of the bars."""
    if isinstance(signals, pd.Series):
        symbol = _only_symbol(bars, "a Series")
        _check_times(signals.index, bars.time, symbol)
        return {symbol: signals}
    if isinstance(signals, pd.DataFrame) and _has_entries(signals, bars):
        symbol = _only_symbol(bars, "a DataFrame of entries and exits")
        _check_times(signals.index, bars.time, symbol)
        return {symbol: fold_entries(signals)}
    if isinstance(signals, pd.DataFrame):
        _check_symbols(signals.columns, bars.symbols)
        _check_times(signals.index, bars.time, "all columns")
        return {symbol: signals[symbol] for symbol in bars.symbols}
    if isinstance(signals, dict):
        _check_symbols(signals, bars.symbols)
        return {symbol: _columns(signals[symbol], Times((symbol,), bars.time))[symbol] for symbol in bars.symbols}
    raise DataError(f"signals must be {ACCEPTED}, got {'None' if signals is None else type(signals).__name__}")


def _has_entries(frame: pd.DataFrame, bars: Timetable) -> bool:
    return not set(frame.columns) <= set(bars.symbols) and any(name in frame.columns for name in ENTRY_NAMES)


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


def _check_times(index: pd.Index, time: pd.DatetimeIndex, symbol: str) -> None:
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
    raise DataError(f"signals must have the times of the bars, got {found} instead of {due} {place(symbol, t)}")


def _check_values(target: FloatArray, bars: Timetable) -> None:
    position = int(first_outside(target.reshape(-1)))
    if position >= 0:
        t, i = divmod(position, target.shape[1])
        where = place(bars.symbols[i], t, bars.time[t].value)
        raise DataError(f"signal must be in [-1, 1] or NaN, got {float(target[t, i])} {where}")


def _as_floats(column: pd.Series, symbol: str) -> FloatArray:
    if column.dtype == np.float64:
        return column.to_numpy()
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_complex_dtype(column.dtype):
        raise DataError(f"signals must be numbers, got dtype {column.dtype} in {symbol}")
    return column.to_numpy(np.float64, na_value=np.nan)


def _as_booleans(column: pd.Series) -> BoolArray:
    if column.dtype == np.bool_:
        return column.to_numpy()
    try:
        # The nullable type takes booleans, 0 and 1 of any width, and NaN; it refuses everything else.
        return column.astype("boolean").to_numpy(np.bool_, na_value=False)
    except (TypeError, ValueError) as error:
        message = f"{column.name} must hold booleans, or 0 and 1, got values of dtype {column.dtype}"
        raise DataError(f"{message} such as {column.iloc[0]!r}" if len(column) else message) from error


def _vocabulary(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the four names in use."""
    _check_names(frame)
    vectorbt = [name for name in VECTORBT_NAMES if name in frame.columns]
    freqtrade = [name for name in FREQTRADE_NAMES if name in frame.columns]
    if vectorbt and freqtrade:
        raise DataError(f"entries and exits must not mix {vectorbt[0]} with {freqtrade[0]}: use one set of names")
    names = VECTORBT_NAMES if vectorbt else FREQTRADE_NAMES
    if names[0] not in frame.columns and names[2] not in frame.columns:
        raise DataError(f"entries and exits need a column {names[0]} or {names[2]}, got {(vectorbt or freqtrade)[:2]}")
    return names


def _check_names(frame: pd.DataFrame) -> None:
    """Refuse near misses: an exit ignored for its spelling would be a position held for ever."""
    for name in map(str, frame.columns):
        nearest = get_close_matches(name, ENTRY_NAMES, 1, 0.85)
        if nearest and name not in ENTRY_NAMES:
            raise DataError(f"entries and exits must be named as documented, got {name}; did you mean {nearest[0]}?")
    for name in ENTRY_NAMES:
        if list(frame.columns).count(name) > 1:
            raise DataError(f"entries and exits must have one column of each name, got {name} twice")

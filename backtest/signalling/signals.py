"""What a strategy says, as arrays: the target of every bar and instrument, and what else it sets bar by bar.

A target is the fraction of full leverage wanted, in [-1, 1], known at the close of its bar; NaN keeps the last one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.errors import DataError
from backtest.kernels.folding import first_outside
from backtest.signalling.signal_names import LEG_NAMES, SETTING_NAMES
from backtest.signalling.signal_tables import Table, Times, Timetable, tables_of
from backtest.text import place

FloatArray = npt.NDArray[np.float64]

__all__ = ["FloatArray", "Signals", "Times", "Timetable", "as_signals"]


@dataclass(frozen=True, eq=False)
class Signals:
    """Signals as the engine reads them: C-contiguous, writable float64 arrays, known at the close of their bar.

    Attributes
    ----------
    target : ndarray           (T, M) in [-1, 1]; in hedge mode (T, 2 M), the long leg of a symbol in [0, 1] before its
                               short leg in [-1, 0]; NaN keeps the last one
    hedged : bool              whether every symbol has two legs

    Each of the following is None where no symbol sets it; NaN in `margin_add` is nothing, elsewhere it keeps the last.

    leverage : ndarray         (T, M), at least 1
    stop_loss : ndarray        (T, M), a fraction of the entry price in (0, 1), or inf for none
    take_profit : ndarray      (T, M), a fraction of the entry price above 0, or inf for none
    margin_add : ndarray       (T, M), money for the isolated position, or for each leg of a hedge, at least 0
    """

    target: FloatArray
    hedged: bool = False
    leverage: FloatArray | None = None
    stop_loss: FloatArray | None = None
    take_profit: FloatArray | None = None
    margin_add: FloatArray | None = None

    @property
    def columns(self) -> dict[str, FloatArray]:
        """What is given, (T, M) by the name of its column: `target` or its two legs, then settings."""
        legs = {name: self.target[:, leg::2] for leg, name in enumerate(LEG_NAMES)}
        return (legs if self.hedged else {"target": self.target}) | self.settings

    @property
    def settings(self) -> dict[str, FloatArray]:
        """The settings that are given, (T, M) by name."""
        found = {name: getattr(self, name) for name in SETTING_NAMES}
        return {name: values for name, values in found.items() if values is not None}


class Bounds(NamedTuple):
    """The values that a column may hold: from `low` to `high`, `also` one beyond, and NaN."""

    low: float
    high: float
    also: float
    rule: str


ABOVE_ZERO, BELOW_ONE = float(np.nextafter(0.0, 1.0)), float(np.nextafter(1.0, 0.0))
LARGEST = float(np.finfo(np.float64).max)
NONE_BEYOND = float("nan")
SHORT_RANGES = ((-1.0, 0.0), (0.0, 1.0))
BOUNDS = {
    "target": Bounds(-1.0, 1.0, NONE_BEYOND, "signal must be in [-1, 1] or NaN"),
    "target_long": Bounds(0.0, 1.0, NONE_BEYOND, "target_long must be in [0, 1] or NaN"),
    "target_short": Bounds(-1.0, 0.0, NONE_BEYOND, "target_short must be in [-1, 0] or NaN"),
    "leverage": Bounds(1.0, LARGEST, NONE_BEYOND, "leverage must be finite and at least 1, or NaN"),
    "stop_loss": Bounds(ABOVE_ZERO, BELOW_ONE, float("inf"), "stop_loss must be in (0, 1), inf for none, or NaN"),
    "take_profit": Bounds(ABOVE_ZERO, float("inf"), NONE_BEYOND, "take_profit must be above 0, inf for none, or NaN"),
    "margin_add": Bounds(0.0, LARGEST, NONE_BEYOND, "margin_add must be finite and at least 0, or NaN"),
}


def as_signals(signals: object, bars: Timetable, held: dict[str, float] | None = None) -> Signals:
    """Return signals of any accepted kind as arrays.

    A table is a DataFrame of one instrument with a column `target` (or `target_long` and `target_short`: hedge mode; or
    booleans as `fold_entries` takes them) and any of `leverage`, `stop_loss`, `take_profit` and `margin_add`. Columns
    of other names are ignored, but not misspelt ones.

    Parameters
    ----------
    signals : Series           targets of one instrument, on the times of the bars (a naive index counts as UTC)
              DataFrame        targets with a column for every symbol, in any order; or, for one instrument, a table
              dict             a Series or a table for every symbol; hedge mode is for all of them or none
              ndarray          targets (T, M), or (T,) for one instrument
              Signals          what this function returned, or its like
    bars : Bars                T bars x M instruments (its symbols and times are all that is used)
    held : dict by symbol      what entries and exits hold before the first bar, 1, -1 or 0, where the bars are a later
                               piece of a history; comes back with what they hold after the last

    Returns
    -------
    Signals                    a fitting float64 array comes back as it is, sharing its memory; anything else is copied.
                               A setting that a symbol lacks is NaN, a leg 0.

    Raises
    ------
    DataError                  if the kind, the symbols, the times, the names or the type do not fit, or a value is
                               outside the bounds of its column
    """
    if isinstance(signals, Signals):
        made = _from_signals(signals, bars)
    elif isinstance(signals, np.ndarray):
        made = Signals(_from_array(signals, (len(bars.time), len(bars.symbols))))
    else:
        made = _from_tables(tables_of(signals, bars, {} if held is None else held), bars)
    for name in made.columns:
        _check_values(made, name, bars)
    return made


def _from_signals(signals: Signals, bars: Timetable) -> Signals:
    shape = (len(bars.time), len(bars.symbols))
    target = _from_array(signals.target, (shape[0], shape[1] * (2 if signals.hedged else 1)))
    return Signals(target, signals.hedged, **{name: _from_array(a, shape) for name, a in signals.settings.items()})


def _from_array(signals: npt.NDArray[np.generic], shape: tuple[int, int]) -> FloatArray:
    if signals.shape != shape and (shape[1] != 1 or signals.shape != shape[:1]):
        raise DataError(f"signals must have the shape of the bars {shape}, got an array of shape {signals.shape}")
    if signals.dtype.kind not in "fiub":
        raise DataError(f"signals must be numbers, got an array of {signals.dtype}")
    # The kernels are compiled for writable arrays only; a float64 array that fits passes without a copy.
    return np.require(signals, np.float64, ["C", "A", "W"]).reshape(shape)


def _from_tables(tables: Mapping[str, Table], bars: Timetable) -> Signals:
    shape = (len(bars.time), len(bars.symbols))
    plain = [symbol for symbol in bars.symbols if "target" in tables[symbol]]
    legged = [symbol for symbol in bars.symbols if "target" not in tables[symbol]]
    if plain and legged:
        raise DataError(
            f"hedge mode must be for all symbols or none, got target in {plain[0]} and target_long or target_short "
            f"in {legged[0]}"
        )
    settings: dict[str, FloatArray] = {}
    for name in SETTING_NAMES:
        if any(name in table for table in tables.values()):
            settings[name] = np.empty(shape)
            _fill(settings[name], name, np.nan, tables, bars)
    target = np.empty((shape[0], shape[1] * (2 if legged else 1)))
    if legged:
        for leg, name in enumerate(LEG_NAMES):
            _fill(target[:, leg::2], name, 0.0, tables, bars)
        _make_negative(target, bars)
    else:
        _fill(target, "target", np.nan, tables, bars)
    return Signals(target, bool(legged), **settings)


def _fill(values: FloatArray, name: str, absent: float, tables: Mapping[str, Table], bars: Timetable) -> None:
    for i, symbol in enumerate(bars.symbols):
        column = tables[symbol].get(name)
        values[:, i] = absent if column is None else _as_floats(column, name, symbol)


def _make_negative(target: FloatArray, bars: Timetable) -> None:
    """Make the short legs of targets in hedge mode negative where they are given as sizes."""
    flat = target.reshape(-1)
    for i, column in enumerate(range(1, target.shape[1], 2)):
        negative, positive = (first_outside(flat, column, target.shape[1], *ends, NONE_BEYOND) for ends in SHORT_RANGES)
        if positive < 0:
            np.subtract(0.0, target[:, column], out=target[:, column])
        elif negative >= 0:
            t = max(negative, positive) // target.shape[1]
            rule = "target_short must be in [0, 1], or throughout in [-1, 0], or NaN"
            where = place(bars.symbols[i], bars.first + t, bars.time[t].value)
            raise DataError(f"{rule}, got {float(target[t, column])} {where}")


def _as_floats(column: pd.Series, name: str, symbol: str) -> FloatArray:
    if column.dtype == np.float64:
        return column.to_numpy()
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_complex_dtype(column.dtype):
        what = "signals" if name == "target" else name
        raise DataError(f"{what} must be numbers, got dtype {column.dtype} in {symbol}")
    return column.to_numpy(np.float64, na_value=np.nan)


def _check_values(made: Signals, name: str, bars: Timetable) -> None:
    legs, leg = (2, LEG_NAMES.index(name)) if name in LEG_NAMES else (1, 0)
    values = made.settings.get(name, made.target)
    low, high, also, rule = BOUNDS[name]
    position = int(first_outside(values.reshape(-1), leg, legs, low, high, also))
    if position >= 0:
        t, column = divmod(position, values.shape[1])
        where = place(bars.symbols[column // legs], bars.first + t, bars.time[t].value)
        raise DataError(f"{rule}, got {float(values[t, column])} {where}")

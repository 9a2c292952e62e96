"""Which bar pays which settlement: never before it is due, and each one once."""

import re
from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtest.errors import ConfigError, DataError
from backtest.text import moment, place, shown

__all__ = ["landed", "nanoseconds", "paid", "rates_of", "settlements"]

# Exchanges stamp a settlement up to 31 ms after the hour; a second is far above that and far below any bar.
JITTER = SECOND = 1_000_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
LENGTHS = {
    "s": SECOND,
    "m": MINUTE,
    "min": MINUTE,
    "h": HOUR,
    "H": HOUR,
    "d": DAY,
    "D": DAY,
    "w": 7 * DAY,
    "W": 7 * DAY,
}


def nanoseconds(every: str | timedelta) -> int:
    """Return a fixed length of time in nanoseconds: "15min", "8h", "1D" and the like, or a timedelta."""
    if isinstance(every, timedelta):
        length = every // timedelta(microseconds=1) * 1_000 + getattr(every, "nanoseconds", 0)  # of a Timedelta
    else:
        # Not left to pandas, for which 8 is 8 nanoseconds and "1MS" a millisecond.
        found = re.fullmatch(r"(\d+) ?([a-zA-Z]+)", every) if isinstance(every, str) else None
        if found is None or found[2] not in LENGTHS:
            raise ConfigError(f"every must be a fixed length of time such as '15min', '8h' or '1D', got {every!r}")
        length = int(found[1]) * LENGTHS[found[2]]
    if not 0 < length < 2**63:
        raise ConfigError(f"every must be above 0 and below 292 years, got {every!r}")
    return length


def paid(opens: NDArray[np.int64], rate: float | pd.Series, every: int, name: str) -> NDArray[np.float64]:
    """Return what each bar pays: of a constant rate every so many nanoseconds, or of a Series of settlements."""
    return settled(opens, rate, name) if isinstance(rate, pd.Series) else crossed(opens, rate, every)


def landed(opens: NDArray[np.int64], times: NDArray[np.int64], rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of rates that each bar pays: a settlement falls to the first bar that opens at or after it.

    Those before the first bar met no position, and those after the last open are due at a bar that is not there.
    """
    bar = np.searchsorted(opens, times)
    due = (times >= opens[0]) & (bar < len(opens))
    paid: NDArray[np.float64] = np.zeros(len(opens))
    np.add.at(paid, bar[due], rates[due])
    return paid


def crossed(opens: NDArray[np.int64], rate: float, every: int) -> NDArray[np.float64]:
    """Return `rate` times the multiples of `every` (since the epoch) in (previous open, open].

    The first bar pays one if it opens on a multiple, else none.
    """
    passed = np.diff(opens // every, prepend=0)
    passed[0] = opens[0] % every == 0
    return passed * rate


def settled(opens: NDArray[np.int64], rates: pd.Series, name: str) -> NDArray[np.float64]:
    """Return what each bar pays of a Series of rates by settlement time."""
    times, values = settlements(rates, name)
    if times[-1] < opens[0] or times[0] > opens[-1]:
        span = f"{moment(times[0])} to {moment(times[-1])}"
        raise DataError(f"settlements must fall between the first and the last bar, got {span} in {name}")
    return landed(opens, times, values)


def settlements(rates: pd.Series, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return times, rounded to the nearest second and rising, and rates of a Series of settlements.

    Raises
    ------
    DataError                  if there is none, one is not finite, or two fall into the same second
    """
    if not isinstance(rates.index, pd.DatetimeIndex):
        raise DataError(f"settlements must stand on a DatetimeIndex, got {rates.index.dtype} in {name}")
    if not len(rates):
        raise DataError(f"there must be at least one settlement, got none in {name}")
    if not (pd.api.types.is_float_dtype(rates.dtype) or pd.api.types.is_integer_dtype(rates.dtype)):
        raise DataError(f"funding rates must be numbers, got {rates.dtype} in {name}")
    values = rates.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~np.isfinite(values) | rates.index.isna()
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(f"funding rates must be finite, got {values[row]} at {rates.index[row]} {place(name, row)}")
    exact = rates.index.as_unit("ns").asi8
    order = np.argsort(exact, kind="stable")
    times = (exact[order] + JITTER // 2) // JITTER * JITTER
    twice = np.flatnonzero(np.diff(times) == 0)
    if len(twice):
        row = int(order[twice[0] + 1])
        raise DataError(f"a settlement must be given once, got two at {moment(times[twice[0]])} {place(name, row)}")
    return times, values[order]


def rates_of(
    rate: float | pd.Series | Mapping[str, float | pd.Series], symbols: tuple[str, ...]
) -> dict[str, float | pd.Series]:
    """Return the rate of each symbol that has one: a single rate is meant for all."""
    by_symbol = dict(rate) if isinstance(rate, Mapping) else dict.fromkeys(symbols, rate)
    for symbol, given in by_symbol.items():
        if symbol not in symbols:
            raise DataError(f"funding must be for one of {', '.join(symbols)}, got {symbol!r}")
        if isinstance(given, pd.Series):
            continue
        if isinstance(given, bool) or not isinstance(given, (int, float, np.integer, np.floating)):
            raise DataError(f"funding must be a rate or a Series of rates, got {type(given).__name__} in {symbol}")
        if not abs(given) < np.inf:
            raise DataError(f"funding rates must be finite, got {given} in {symbol}")
        try:
            by_symbol[symbol] = float(given)
        except OverflowError:
            raise DataError(f"funding rates must be finite, got {shown(given)} in {symbol}") from None
    return by_symbol

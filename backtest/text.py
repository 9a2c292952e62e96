"""How numbers, times, names and places are written, in messages, on screens and on pages."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

UNITS = ((86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "min"), (1_000_000_000, "s"), (1, "ns"))

__all__ = [
    *("HUGE", "UNDEFINED", "duration", "grouped", "moment", "moment_of", "place", "price", "prices", "quantities"),
    *("quantity", "readable", "several", "shown", "signed", "some"),
]

UNDEFINED = "-"

HUGE = 1e10
"""Numbers whose digits nobody reads."""

TINY = 1e-8
"""Prices and quantities whose zeros nobody counts."""

LISTED = 4
"""Names that are listed before it says how many more there are."""


def grouped(number: float, digits: int = 0) -> str:
    """Return a number with its thousands set apart, as in 22 305, and no minus before a zero."""
    return f"{number:z,.{digits}f}".replace(",", " ")


def readable(number: float, digits: int = 0, unit: str = "") -> str:
    """Return a number as a person reads it: as `grouped`, one beyond all measure as in 3.04e+13, none as `-`."""
    if math.isnan(number):
        return UNDEFINED
    return f"{grouped(number, digits)}{unit}" if abs(number) < HUGE else f"{number:.3g}"


def signed(number: float) -> str:
    """Return a difference with its sign, as in +0.12."""
    if math.isnan(number):
        return UNDEFINED
    return f"{number:+.2f}" if abs(number) < HUGE else f"{number:+.3g}"


def prices(values: Iterable[float]) -> list[str]:
    """Return prices with one count of decimals: to the cent, or what gives the smallest five digits."""
    return _aligned(list(values), 5, 2)


def price(value: float) -> str:
    """Return one price, as `prices` writes it."""
    return prices([value])[0]


def quantities(values: Iterable[float]) -> list[str]:
    """Return quantities with one count of decimals, which gives the smallest four digits."""
    return _aligned(list(values), 4, 0)


def quantity(value: float) -> str:
    """Return one quantity, as `quantities` writes it."""
    return quantities([value])[0]


def _aligned(values: Sequence[float], significant: int, least: int) -> list[str]:
    """Return numbers with as many decimals as give the smallest its significant digits, and at least so many."""
    sizes = [abs(value) for value in values if TINY <= abs(value) < HUGE]
    digits = max(significant - 1 - math.floor(math.log10(min(sizes))), least) if sizes else least
    return [f"{value:.{significant}g}" if 0.0 < abs(value) < TINY else readable(value, digits) for value in values]


def several(number: int, noun: str) -> str:
    """Return a number of things, as in 1 bar or 2 bars."""
    return f"{grouped(number)} {noun}{'s' if number != 1 else ''}"


def some(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def moment(time: int) -> str:
    """Return a time in nanoseconds as text, to the minute where that says it all."""
    stamp = pd.Timestamp(time)
    return f"{stamp:%Y-%m-%d %H:%M}" if stamp == stamp.floor("min") else str(stamp)


def moment_of(time: pd.Timestamp) -> str:
    """Return a time as `moment` does; nothing for one that has not come."""
    return "" if pd.isna(time) else moment(time.as_unit("ns").value)


def duration(length: int) -> str:
    """Return a length in nanoseconds as text in its largest whole unit, as in 30min or 8h."""
    size, unit = next((size, unit) for size, unit in UNITS if length % size == 0)
    return f"{grouped(length // size)}{unit}"


def place(name: str, row: int, time: int | None = None) -> str:
    """Return where a bad value stands, as the tail of a message."""
    when = "" if time is None else f"at {moment(time)} "
    return f"{when}in {name} (row {grouped(row)})"


def shown(value: object, length: int = 60) -> str:
    """Return a value as code would write it, in one line and cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= length else f"{text[:length]}..."

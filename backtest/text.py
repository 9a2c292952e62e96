"""How numbers, times and places are written in messages."""

import pandas as pd

UNITS = ((86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "min"), (1_000_000_000, "s"), (1, "ns"))

__all__ = ["duration", "grouped", "moment", "place", "shown"]


def grouped(number: float, digits: int = 0) -> str:
    """Return a number with its thousands set apart, as in 22 305, and no minus before a zero."""
    return f"{number:z,.{digits}f}".replace(",", " ")


def moment(time: int) -> str:
    """Return a time in nanoseconds as text, to the minute where that says it all."""
    stamp = pd.Timestamp(time)
    return f"{stamp:%Y-%m-%d %H:%M}" if stamp == stamp.floor("min") else str(stamp)


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

"""What is in a file of bars, however dirty it is."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from backtest.market.columns import PRICES, Columns, union
from backtest.market.files import read_columns
from backtest.market.quality import common_step, faults, sound
from backtest.text import duration, grouped, moment

__all__ = ["Inspection", "inspect_file"]


@dataclass(frozen=True)
class Inspection:
    """What a file of bars holds; counts are rows, moves are fractions of the bar's open.

    Attributes
    ----------
    path : str
    columns : tuple of str         what was recognised, under the names that the project uses
    rows : int
    first, last : Timestamp        earliest and latest time, UTC
    interval : Timedelta or None   the most common step from one time to the next
    gaps : int                     steps longer than the interval
    missing_bars : int             bars that would fill the gaps
    longest_gap : tuple or None    the two times around the longest gap
    duplicates : int               rows whose time stands in the file before
    unsorted : int                 rows that are earlier than the row above
    empty_bars : int               rows without any price
    bad_rows : dict                by rule, the rows that break it; a row counts under each
    zero_volume : int or None      rows with a volume of 0, None where there is no volume
    worst_fall, worst_rise : tuple or None   time and move of the bar with the deepest fall from its open to its low,
        and of the one with the highest rise to its high, among the rows that break no rule
    """

    path: str
    columns: tuple[str, ...]
    rows: int
    first: pd.Timestamp
    last: pd.Timestamp
    interval: pd.Timedelta | None
    gaps: int
    missing_bars: int
    longest_gap: tuple[pd.Timestamp, pd.Timestamp] | None
    duplicates: int
    unsorted: int
    empty_bars: int
    bad_rows: dict[str, int]
    zero_volume: int | None
    worst_fall: tuple[pd.Timestamp, float] | None
    worst_rise: tuple[pd.Timestamp, float] | None

    @property
    def clean(self) -> bool:
        """Return whether `read_bars` accepts the rows as they are."""
        return not (self.duplicates or self.unsorted or any(self.bad_rows.values()))

    def lines(self) -> list[tuple[str, str]]:
        """Return what was found as pairs of label and text, for printing."""
        bad = ", ".join(f"{grouped(count)} {rule}" for rule, count in self.bad_rows.items() if count)
        gaps = f"{grouped(self.gaps)}, of {grouped(self.missing_bars)} bars together" if self.gaps else "none"
        if self.longest_gap is not None:
            gaps += f"; longest from {moment(self.longest_gap[0].value)} to {moment(self.longest_gap[1].value)}"
        return [
            ("columns", " ".join(self.columns)),
            ("rows", grouped(self.rows)),
            ("range", f"{moment(self.first.value)} to {moment(self.last.value)} UTC"),
            ("interval", "unknown" if self.interval is None else duration(self.interval.value)),
            ("gaps", gaps),
            ("duplicates", grouped(self.duplicates)),
            ("out of order", grouped(self.unsorted)),
            ("empty bars", grouped(self.empty_bars)),
            ("bad rows", bad or "none"),
            ("zero volume", "no volume" if self.zero_volume is None else grouped(self.zero_volume)),
            ("worst bar of a long", _move(self.worst_fall)),
            ("worst bar of a short", _move(self.worst_rise)),
        ]


def inspect_file(path: str | PathLike[str]) -> Inspection:
    """Return what is in a Parquet, CSV or Feather file of bars, found as `read_bars` finds it.

    Raises
    ------
    DataError                      only if the file, its times or its numbers cannot be read at all
    """
    columns = read_columns(Path(path))
    time = union([columns.time])
    step = common_step(time)
    steps = np.diff(time)
    wide = steps > step if step is not None else np.zeros(0, dtype=np.bool_)
    longest = int(steps.argmax()) if wide.any() else None
    volume = columns.values.get("volume")
    return Inspection(
        path=str(path),
        columns=("timestamp", *columns.values),
        rows=len(columns),
        first=_stamp(time[0]),
        last=_stamp(time[-1]),
        interval=None if step is None else pd.Timedelta(step),
        gaps=int(wide.sum()),
        missing_bars=0 if step is None else int((steps[wide] // step - 1).sum()),
        longest_gap=None if longest is None else (_stamp(time[longest]), _stamp(time[longest + 1])),
        duplicates=len(columns) - len(time),
        unsorted=int((np.diff(columns.time) < 0).sum()),
        empty_bars=int(np.all([np.isnan(columns.values[price]) for price in PRICES], axis=0).sum()),
        bad_rows=faults(columns),
        zero_volume=None if volume is None else int((volume == 0).sum()),
        worst_fall=_worst(columns, "low", -1),
        worst_rise=_worst(columns, "high", 1),
    )


def _worst(columns: Columns, price: str, side: int) -> tuple[pd.Timestamp, float] | None:
    """Return time and size of the largest move from the open of a sound row to its low or high."""
    rows = np.flatnonzero(sound(columns))
    if not len(rows):
        return None
    moves = columns.values[price][rows] / columns.values["open"][rows] - 1
    worst = int((side * moves).argmax())
    return _stamp(columns.time[rows[worst]]), float(moves[worst])


def _stamp(time: int) -> pd.Timestamp:
    return pd.Timestamp(int(time), unit="ns", tz="UTC")


def _move(worst: tuple[pd.Timestamp, float] | None) -> str:
    return "unknown" if worst is None else f"{worst[1]:+.1%} inside the bar of {moment(worst[0].value)}"

"""Tables of a page: cells as they are read, with what each is sorted by, and where in time a row belongs."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from backtest.figures_in_words import ALARMS, Amount, money, titled, written
from backtest.text import moment_of, several

__all__ = [
    *("ROWS", "Column", "Span", "Table", "costliest", "figure_column", "number_column", "rest_in_words"),
    *("times_column", "words"),
]

ROWS = 300
"""Rows of a long table that a page shows."""


class Span(NamedTuple):
    """The bars around an event, as times of the charts (ms since 1970), and the symbol that it is about."""

    start: int
    end: int
    symbol: str


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes
    ----------
    title : str
    cells : sequence of str    by row
    keys : sequence of float   what rows are sorted by, of numbers, which stand to the right; NaN: none; None for words
    tones : sequence of str    "good", "bad" or "" by row; empty where none has any
    """

    title: str
    cells: Sequence[str]
    keys: Sequence[float] | None = None
    tones: Sequence[str] = ()


@dataclass(frozen=True)
class Table:
    """A table; each row may have a Span, so that a click on it goes there."""

    columns: Sequence[Column]
    note: str = ""
    spans: Sequence[Span] = ()

    def __len__(self) -> int:
        return len(self.columns[0].cells) if self.columns else 0


def number_column(title: str, values: Iterable[Any], write: Callable[[Any], str], tone: str = "") -> Column:
    """Return a column of numbers; with a `tone` those above 0 have it, with "sign" gains and losses have theirs."""
    given = list(values)
    return Column(title, [write(value) for value in given], *_keys(given, tone))


def _keys(values: Iterable[Any], tone: str) -> tuple[list[float], list[str]]:
    """Return what numbers are sorted by, and their tones."""
    keys = [math.nan if pd.isna(value) else float(value) for value in values]
    return keys, [_tone(key, tone) for key in keys] if tone else []


def _tone(value: float, tone: str) -> str:
    if tone == "sign":
        return "good" if value > 0.0 else "bad" if value < 0.0 else ""
    return tone if value > 0.0 else ""


def figure_column(name: str, values: "pd.Series[Any]", amount: Amount = money) -> Column:
    """Return a column of one figure of summaries or comparisons, red where it alarms."""
    title, cells = titled(name), [written(name, value, amount) for value in values]
    if name == "ruined":
        return words(title, cells, ["bad" if ruined else "" for ruined in values])
    return Column(title, cells, *_keys(values, "bad" if name in ALARMS else ""))


def times_column(title: str, values: "pd.Series[Any]") -> Column:
    """Return a column of times; as texts they sort as they follow each other."""
    return Column(title, [moment_of(value) for value in values])


def words(title: str, values: Iterable[object], tones: Sequence[str] = ()) -> Column:
    """Return a column of words."""
    return Column(title, [str(value) for value in values], None, tones)


def costliest(frame: pd.DataFrame, costs: "pd.Series[Any]") -> pd.DataFrame:
    """Return the rows that a page has room for: those that cost most, in their order."""
    if len(frame) <= ROWS:
        return frame
    worst = np.argsort(-costs.fillna(0.0).to_numpy(np.float64), kind="stable")[:ROWS]
    return frame.iloc[np.sort(worst)]


def rest_in_words(total: int, noun: str, which: str) -> str:
    """Return how many rows are not shown, "" where all are."""
    if total <= ROWS:
        return ""
    return f"The {which} {ROWS} of {several(total, noun)}; the other {several(total - ROWS, noun)} are not shown."

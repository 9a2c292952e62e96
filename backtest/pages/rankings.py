"""The rows of a sweep that are worth showing: the best by a figure, and the reasons why others could not run."""

import re
from typing import NamedTuple

import pandas as pd

from backtest.figures_in_words import is_better_low

__all__ = ["Reason", "best_of", "reasons_of"]

NUMBER = re.compile(r"\d+(\.\d+)?")


class Reason(NamedTuple):
    """Why settings could not run: the reason of the first, with a word where others differ in numbers, and the rows."""

    said: str
    rows: list[int]


def best_of(ran: pd.DataFrame, by: str, most: int) -> pd.DataFrame:
    """Return the best rows by a figure, best first, the first of equal ones first."""
    return ran.sort_values(by, ascending=is_better_low(by), kind="stable", na_position="last").head(most)


def reasons_of(refused: pd.DataFrame) -> list[Reason]:
    """Return why settings could not run, the most frequent first, those whose reasons differ in numbers only as one."""
    reasons, kinds = refused["reason"].tolist(), dict[str, list[int]]()
    for row, reason in enumerate(reasons):
        kinds.setdefault(NUMBER.sub("#", reason), []).append(row)
    found = []
    for rows in sorted(kinds.values(), key=len, reverse=True):
        also = "" if len({reasons[row] for row in rows}) == 1 else ", and the like"
        found.append(Reason(f"{reasons[rows[0]]}{also}", rows))
    return found

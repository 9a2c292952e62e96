"""Tables of a sweep: the best settings with their figures, and those that could not run with the reason."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from backtest.figures_in_words import FIRST, Amount, count, money, spoken
from backtest.pages.rankings import best_of, reasons_of
from backtest.pages.tables import ROWS, Column, Table, figure_column, number_column, words
from backtest.plots.swept import is_numeric
from backtest.terms.facts_in_words import label_of, worth
from backtest.text import several

__all__ = ["best_table", "reasons_table", "settings_in_words"]

BY = "cagr"
"""What is best."""


def best_table(ran: pd.DataFrame, settings: Sequence[str], amount: Amount = money) -> Table:
    """Return the settings that ran, those that grew most first: as many as a page has room for."""
    best = best_of(ran, BY, ROWS)
    columns = [_setting(name, best[name]) for name in settings]
    columns += [figure_column(name, best[name], amount) for name in FIRST if name in best]
    more = len(ran) - len(best)
    note = f"The best {ROWS} by {spoken(BY)}; {several(more, 'other setting')} ran, too." if more else ""
    return Table(columns, note)


def settings_in_words(row: "pd.Series[Any]", settings: Sequence[str]) -> str:
    """Return what was set in a row."""
    return ", ".join(f"{label_of(name)} {worth(row[name])}" for name in settings)


def _setting(name: str, values: "pd.Series[Any]") -> Column:
    """Return a column of what was set."""
    if is_numeric(values):
        return number_column(label_of(name), values.tolist(), worth)
    return words(label_of(name), map(worth, values.tolist()))


def reasons_table(refused: pd.DataFrame, settings: Sequence[str]) -> Table:
    """Return why settings could not run, those whose reasons differ in numbers only together."""
    reasons = reasons_of(refused)
    shown = reasons[:ROWS]
    first = [refused.iloc[reason.rows[0]] for reason in shown]
    columns = [
        number_column("settings", [len(reason.rows) for reason in shown], count),
        words("why", [reason.said for reason in shown]),
        words("the first of them", [settings_in_words(row, settings) for row in first]),
    ]
    more = len(reasons) - len(shown)
    return Table(columns, f"{several(more, 'other reason')} not shown." if more else "")

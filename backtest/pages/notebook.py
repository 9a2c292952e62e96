"""A summary as a table in a notebook."""

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from backtest.figures_in_words import Figures, alarms, amount_of, groups_of, spoken, written
from backtest.pages.documents import fragment

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["rows_of", "summary_html"]


def summary_html(summary: "pd.Series[Any]", currency: str = "quote") -> str:
    """Return the figures of a summary as HTML, in two columns as the screen has them, in the colours of the notebook.

    Parameters
    ----------
    summary : Series           as Result.summary
    currency : str             "quote", or "base" where money is coins
    """
    columns = [rows_of(groups, summary, currency) for groups in groups_of(summary)]
    return fragment("notebook.html", rows=list(zip_longest(*columns)))


def rows_of(groups: dict[str, Figures], summary: "pd.Series[Any]", currency: str) -> list[tuple[str, str, str]]:
    """Return label, value and kind of every line: titles of groups, figures, and figures that alarm."""
    amount = amount_of(currency)
    rows: list[tuple[str, str, str]] = []
    for title, names in groups.items():
        rows.append((title, "", "title"))
        for name in names:
            value = summary[name]
            rows.append((spoken(name), written(name, value, amount), "alarm" if alarms(name, value) else ""))
    return rows

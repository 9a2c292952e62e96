"""A summary as a table in a notebook."""

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from backtest.figures_in_words import ALARMS, LEFT, OCCASIONAL, RIGHT, Figures, spoken
from backtest.pages.documents import fragment
from backtest.pages.wording import figure, money_of

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
    calls, insurance = OCCASIONAL.items()
    has_more = any(summary[name] for name in calls[1]) or summary["socialised_loss"]
    left: dict[str, Figures] = {**LEFT, **(dict([calls]) if has_more else {})}
    right: dict[str, Figures] = {**RIGHT, **(dict([insurance]) if has_more else {})}
    columns = [rows_of(groups, summary, currency) for groups in (left, right)]
    return fragment("notebook.html", rows=list(zip_longest(*columns)))


def rows_of(groups: dict[str, Figures], summary: "pd.Series[Any]", currency: str) -> list[tuple[str, str, str]]:
    """Return label, value and kind of every line: titles of groups, figures, and figures that alarm."""
    amount = money_of(currency)
    rows: list[tuple[str, str, str]] = []
    for title, names in groups.items():
        rows.append((title, "", "title"))
        for name in names:
            alarms = name in ALARMS and summary[name] > 0
            rows.append((spoken(name), figure(name, summary[name], amount), "alarm" if alarms else ""))
    return rows

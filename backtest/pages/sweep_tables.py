"""Tables of a sweep: the best settings with their figures, and those that could not run with the reason."""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from backtest.figures_in_words import ALARMS, WRITERS, spoken
from backtest.pages.tables import ROWS, Column, Table, number_column, words
from backtest.pages.wording import count, figure, several, worth

__all__ = ["best_table", "label_of", "reasons_table"]

FIRST = (
    *("cagr", "max_drawdown_low", "liquidations", "ruined", "sharpe", "total_return", "max_drawdown", "trades"),
    *("liquidation_loss", "fees", "funding", "calmar", "sortino", "volatility", "smallest_liquidation_distance"),
)
"""Figures in the order in which they matter."""

NUMBER = re.compile(r"\d+(\.\d+)?")


def label_of(name: str) -> str:
    """Return a swept setting's name as it is read: without whose it is."""
    return spoken(name.rpartition(".")[2])


def best_table(ran: pd.DataFrame, settings: Sequence[str], by: str = "cagr") -> Table:
    """Return the settings that ran, the best by a figure first: as many as a page has room for."""
    best = ran.sort_values(by, ascending=False, kind="stable", na_position="last").head(ROWS)
    columns = [_setting(name, best[name]) for name in settings]
    columns += [_figure(name, best[name]) for name in FIRST if name in best]
    more = len(ran) - len(best)
    note = f"The best {ROWS} by {spoken(by)}; {several(more, 'other setting')} ran, too." if more else ""
    return Table(columns, note)


def _setting(name: str, values: "pd.Series[Any]") -> Column:
    """Return a column of what was set."""
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return number_column(label_of(name), values.tolist(), worth)
    return words(label_of(name), map(worth, values.tolist()))


def _figure(name: str, values: "pd.Series[Any]") -> Column:
    """Return a column of one figure."""
    if name == "ruined":
        return words(name, map(WRITERS[name], values), ["bad" if ruined else "" for ruined in values])
    return number_column(
        spoken(name), values.tolist(), lambda value: figure(name, value), "bad" if name in ALARMS else ""
    )


def reasons_table(refused: pd.DataFrame, settings: Sequence[str]) -> Table:
    """Return why settings could not run, those whose reasons differ in numbers only together."""
    kinds: dict[str, list[int]] = {}
    for row, reason in enumerate(refused["reason"].tolist()):
        kinds.setdefault(NUMBER.sub("#", reason), []).append(row)
    groups = sorted(kinds.values(), key=len, reverse=True)[:ROWS]
    reasons = refused["reason"].tolist()
    also = ["" if len({reasons[row] for row in rows}) == 1 else ", and the like" for rows in groups]
    first = [
        ", ".join(f"{label_of(name)} {worth(refused[name].iloc[rows[0]])}" for name in settings) for rows in groups
    ]
    columns = [
        number_column("settings", [len(rows) for rows in groups], count),
        words("why", [f"{reasons[rows[0]]}{more}" for rows, more in zip(groups, also, strict=True)]),
        words("the first of them", first),
    ]
    more = len(kinds) - len(groups)
    return Table(columns, f"{several(more, 'other reason')} not shown." if more else "")

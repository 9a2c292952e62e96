"""What the command line prints of a sweep: the best settings, which accounts lived, and what could not run."""

import re
import shlex
from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from backtest.command_line.bases import Base
from backtest.command_line.headings import heading
from backtest.command_line.progress import bars_each, number, speed
from backtest.command_line.survival import print_survival
from backtest.command_line.tables import fitted, listing, show, terminal
from backtest.figures_in_words import FIRST, WRITERS, amount_of, count, is_better_low, spoken, written
from backtest.pages.rankings import best_of, reasons_of
from backtest.terms.facts_in_words import label_of, worth
from backtest.text import several

__all__ = ["print_place", "print_sweep"]

BEST = 10
"""Rows that are printed; the saved table has them all."""

REASONS = 6
"""Reasons that are printed."""

RESERVED = re.compile(
    "all|and|any|array|as|asc|both|case|cast|check|collate|column|constraint|create|default|"
    "deferrable|desc|describe|distinct|do|else|end|except|false|fetch|for|foreign|from|grant|group|"
    "having|in|initially|intersect|into|lambda|lateral|leading|limit|not|null|offset|on|only|or|"
    "order|pivot|primary|qualify|references|returning|select|show|some|summarize|symmetric|table|then|"
    "to|trailing|true|union|unique|unpivot|using|when|where|window|with"
)
"""Words of SQL that are names only in quotes."""


def print_sweep(table: pd.DataFrame, base: Base[Any], by: str, before: int = 0) -> None:
    """Print a sweep's table in short; `before` of its rows had been finished when it began."""
    ran = table[table["reason"] == ""]
    names = list(table.columns[: table.columns.get_loc("reason")])
    show(heading_of(table, base, len(ran), before), "")
    if len(ran):
        print_best(ran, names, by, base)
        print_survival(ran, names)
    if len(ran) < len(table):
        print_reasons(table[table["reason"] != ""])


def print_place(table: pd.DataFrame, by: str, out: str | None) -> None:
    """Print where the table was saved, and how it is asked which of it was best."""
    if out is None:
        show("Not saved: --out FOLDER keeps every figure of every setting.", style="dim")
    else:
        names = list(table.columns[: table.columns.get_loc("reason")])
        asked = shlex.join(["backtest", "query", out, question(names, by)])
        show(f"Saved to {out}: {asked}", style="dim", whole=True)


def question(names: Sequence[str], by: str) -> str:
    """Return a query of what was swept and which of it was best."""
    columns = ", ".join(map(column_of, dict.fromkeys([*names, by, "ruined"])))
    way = "ASC" if is_better_low(by) else "DESC"
    return f"SELECT {columns} FROM sweep ORDER BY {by} {way} LIMIT 5"  # noqa: S608  # it is printed, for a reader


def column_of(name: str) -> str:
    """Return a name as SQL takes it."""
    return name if name.isidentifier() and not RESERVED.fullmatch(name.lower()) else f'"{name}"'


def heading_of(table: pd.DataFrame, base: Base[Any], ran: int, before: int) -> Table:
    """Return what was swept, how many settings ran and on which path."""
    lines = heading(base)
    said = f"{count(ran)} of {several(len(table), 'setting')}"
    if ran:
        said += f", on the {table.attrs['path']} path"
    if before:
        said += f"; {count(before)} were finished before"
    lines.add_row("ran", said)
    seconds = float(table.attrs["seconds"])
    if terminal().is_terminal and ran and seconds > 0:  # elsewhere the same sweep prints the same
        rate = "" if before else f": {speed(ran * bars_each(base.bars) / seconds)}"
        lines.add_row("took", f"{number(seconds)} s, {several(table.attrs['workers'], 'worker')}{rate}")
    return lines


def print_best(ran: pd.DataFrame, names: Sequence[str], by: str, base: Base[Any]) -> None:
    """Print the best rows by a figure, in as many columns as fit."""
    best = best_of(ran, by, BEST)
    amount = amount_of(base.account.currency)
    columns = {label_of(name): [worth(value) for value in best[name].tolist()] for name in names}
    refills = ["refills"] if (ran["refills"] > 0).any() else []  # an account that was brought back has died
    first = dict.fromkeys([by, *refills])
    for figure in dict.fromkeys([*first, *FIRST, *WRITERS]):
        if figure in best:
            columns[spoken(figure)] = [written(figure, value, amount) for value in best[figure].tolist()]
    left = {label_of(name) for name in names if best[name].map(lambda value: isinstance(value, str)).any()}
    shown, _ = fitted(columns, kept=len(names) + len(first), left=left, width=terminal().width)
    title = f"best by {spoken(by)}" if len(best) == len(ran) else f"best {len(best)} by {spoken(by)}"
    show(Text(title, style="bold"), "", shown, "")


def print_reasons(refused: pd.DataFrame) -> None:
    """Print why settings could not run, those that differ in numbers only together."""
    reasons = reasons_of(refused)
    table = listing("could not run", "why", left=("why",))
    table.columns[1].no_wrap = False
    for reason in reasons[:REASONS]:
        table.add_row(count(len(reason.rows)), reason.said)
    show(table)
    if len(reasons) > REASONS:
        show(f"and {several(len(reasons) - REASONS, 'other reason')}", style="dim")
    show("")

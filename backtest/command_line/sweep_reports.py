"""The report of a sweep, for which the same settings are swept a second time where the order inside bars may matter."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from backtest.command_line.bases import Base
from backtest.command_line.headings import heading_lines
from backtest.command_line.reports import Written, written_at
from backtest.command_line.shell import INTERRUPTED, complain
from backtest.sweeping.sweep_tables import SweepTable
from backtest.text import several

__all__ = ["note_on", "write_report"]

Sweeper = Callable[[Base[Any]], SweepTable]


def write_report(table: SweepTable, base: Base[Any], page: Path, again: Sweeper) -> Written:
    """Write the report of a sweep, and return where it is.

    Parameters
    ----------
    table : SweepTable         what the sweep came to
    base : Base                what was swept
    page : Path                of the report
    again : function           sweeps another base, for what the best order inside bars would come to
    """
    try:
        best = again(in_best_order(base)) if has_span(base) else None
    except KeyboardInterrupt:
        complain("interrupted", "the sweep is finished, its report is not")
        raise typer.Exit(INTERRUPTED) from None
    table.report(page, best=best, facts=heading_lines(base))
    return written_at(page)


def has_span(base: Base[Any]) -> bool:
    """Return whether a report can show what the order inside bars is worth by leverage: from the worst to the best."""
    swept = set(base.over)
    return "leverage" in swept and "intrabar" not in swept and base.account.intrabar == "worst"


def in_best_order(base: Base[Any]) -> Base[Any]:
    """Return the same settings, with bars that go to the best price first."""
    return replace(base, account=base.account.model_copy(update={"intrabar": "best"}))


def note_on(table: SweepTable, base: Base[Any]) -> str:
    """Return what was replayed for the report beside the sweep itself."""
    if not has_span(base):
        return ""
    again = f"The same {several(len(table), 'setting')} ran once more for it, with intrabar best"
    return f"{again}: between the two lies what the order inside bars can do."

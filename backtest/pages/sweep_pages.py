"""The page of a sweep: which settings lived, which grew most, and what could not run."""

import os
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pandas as pd

from backtest import plots
from backtest.figures_in_words import amount_of, count, spoken
from backtest.pages.charts import Chart, Choice, chart_of
from backtest.pages.documents import write_page
from backtest.pages.embedding import Arrays, json_text
from backtest.pages.sweep_tables import best_table, reasons_table
from backtest.pages.sweep_verdicts import sweep_tiles, sweep_verdict
from backtest.plots.swept import Swept, is_numeric
from backtest.terms.facts_in_words import label_of

__all__ = ["sweep_context", "write_sweep_page"]

FIELDS = ("cagr", "max_drawdown_low", "liquidations", "ruined")
"""Figures that heat maps show."""

PAIRS = 6
"""Pairs of settings that heat maps show."""


def write_sweep_page(
    table: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    best: pd.DataFrame | None = None,
    facts: Mapping[str, str] | None = None,
    shared_script: bool = False,
) -> None:
    """Write a sweep as one page of HTML that opens by double click and needs no network.

    Parameters
    ----------
    table : DataFrame          as `bt.sweep` returns it; money is written as coins where its `attrs` or a setting have
        the currency "base"
    path : path                a file that is not there yet, or a page
    best : DataFrame           the same sweep under intrabar="best", for the span that bars leave open
    facts : dict               what was swept on which bars: text by label
    shared_script : bool       leave the script of the charts, 4.8 MB, in `plotly.min.js` beside the page

    Raises
    ------
    DataError                  for a table that is none of a sweep, something other than a page at `path`, or a place
        where nothing can be written
    ConfigError                for a table without a swept setting, or a `best` of other settings
    """
    write_page(path, "sweep.html", shared_script, **sweep_context(table, best, facts or {}))


def sweep_context(table: pd.DataFrame, best: pd.DataFrame | None, facts: Mapping[str, str]) -> dict[str, Any]:
    """Return what the template of a sweep is filled with."""
    swept, arrays = Swept.of(table), Arrays()
    ran, settings = swept.rows, swept.settings
    refused = pd.DataFrame(table)[(table["reason"] != "").to_numpy()]
    names = ", ".join(label_of(name) for name in settings)
    context = {
        "title": f"Sweep of {names}",
        "name": names,
        "facts": list(facts.items()),
        "verdict": sweep_verdict(swept),
        "tiles": sweep_tiles(swept, len(table)),
        "charts": [*_curves(table, best, swept, arrays), *_fields(table, swept, arrays)],
        "best": best_table(ran, settings, amount_of(_currency(table, swept))) if len(ran) else None,
        "ran": count(len(ran)),
        "refused": reasons_table(refused, settings) if len(refused) else None,
        "number_refused": count(len(refused)),
        "data": json_text({}),
    }
    return context | {"arrays": arrays.texts}


def _currency(table: pd.DataFrame, swept: Swept) -> str:
    """Return what money is: "base" where any account holds coins, which have more digits."""
    if "currency" in swept.settings:
        return "base" if (table["currency"] == "base").any() else "quote"
    return str(table.attrs.get("currency", "quote"))


def _curves(table: pd.DataFrame, best: pd.DataFrame | None, swept: Swept, arrays: Arrays) -> list[Chart]:
    """Return growth and ruin against each swept number that varies."""
    numbers = [name for name in swept.settings if is_numeric(table[name]) and table[name].nunique() > 1]
    numbers.sort(key=lambda name: name != "leverage")
    if not numbers:
        return []
    figures = {name if len(numbers) > 1 else "": plots.sweep(table, name, best=best) for name in numbers}
    choices = [Choice("against", {name: label_of(name) for name in numbers})] if len(numbers) > 1 else []
    title = "Growth and ruin" if choices else ""
    return [chart_of("growth", figures, arrays, title=title, choices=choices, follows_time=False)]


def _fields(table: pd.DataFrame, swept: Swept, arrays: Arrays) -> list[Chart]:
    """Return a heat map for every pair of swept settings and each of a few figures."""
    varied = sorted(swept.varied, key=lambda name: name != "leverage")
    pairs = list(combinations(varied, 2))[:PAIRS]
    if not pairs:
        return []
    figures, named = {}, {}
    for x, y in pairs:
        pair = f"{x} and {y}"
        named[pair] = f"{label_of(x)} and {label_of(y)}"
        for field in FIELDS:
            figures[f"{field}|{pair}" if len(pairs) > 1 else field] = plots.heatmap(table, x, y, figure=field)
    choices = [Choice("Figure", {name: spoken(name) for name in FIELDS})]
    choices += [Choice("over", named)] if len(pairs) > 1 else []
    title = "Two settings at once" if len(pairs) > 1 else f"{named[pair].capitalize()}"
    return [chart_of("fields", figures, arrays, title=title, choices=choices, follows_time=False)]

"""The page of a comparison: the same signals under several settings, where they part, and what each came to."""

import os
from typing import Any, NamedTuple

import pandas as pd

from backtest import plots
from backtest.figures_in_words import Amount, amount_of, count
from backtest.pages.chances import LOST_COUNTS, none_differs
from backtest.pages.charts import chart_of, in_currency
from backtest.pages.comparison_tables import Compared, differing_table, figures_table, growth_table
from backtest.pages.documents import write_page
from backtest.pages.embedding import Arrays, json_text
from backtest.pages.liquidation_tables import liquidations_table
from backtest.pages.run_charts import thinning_in_words
from backtest.pages.runs import Run, Timeline
from backtest.pages.survival import lived_in_words
from backtest.pages.tables import Table
from backtest.pages.verdicts import Tile, Verdict, tiles, verdict_on
from backtest.terms.facts_in_words import facts_of, name_of

__all__ = ["comparison_context", "write_comparison_page"]

PART = 3
"""Settings whose verdicts stand at the top."""

OWN = ("parameters", "account", "venue", "rates")
"""What may differ between settings."""


DIFFERING = "that not all settings have"


class Side(NamedTuple):
    """One setting: what it was, and what it came to."""

    name: str
    setting: str
    verdict: Verdict
    tiles: list[Tile]
    liquidations: Table


def write_comparison_page(comparison: Compared, path: str | os.PathLike[str], *, shared_script: bool = False) -> None:
    """Write a comparison as one page of HTML that opens by double click and needs no network.

    Parameters
    ----------
    comparison : Comparison    or whatever has its frames
    path : path                a file that is not there yet, or a page
    shared_script : bool       leave the script of the charts, 4.8 MB, in `plotly.min.js` beside the page

    Raises
    ------
    DataError                  if there is something other than a page at `path`, or nothing can be written there
    """
    write_page(path, "comparison.html", shared_script, **comparison_context(comparison))


def comparison_context(comparison: Compared) -> dict[str, Any]:
    """Return what the template of a comparison is filled with."""
    results, arrays = comparison.results, Arrays()
    first = next(iter(results.values()))
    timeline, currency = Timeline(first.bars), first.description["account"].get("currency", "quote")
    amount = amount_of(currency)
    sides = [_side(name, run, timeline) for name, run in results.items()]
    events = comparison.liquidations
    curves = pd.DataFrame({name: run.history["equity"] for name, run in results.items()})
    figure = plots.comparison(curves, parts=events)
    own = [label for label in OWN if _differs(comparison, label)]
    facts = facts_of(first.description, first.bars.interval)
    has_reserve = any(run.description["account"].get("reserve") for run in results.values())
    total = int(comparison.table["liquidations"].sum())
    context = {
        "title": f"{name_of(first.description)}: {', '.join(results)}",
        "name": name_of(first.description),
        "facts": [*(fact for fact in facts.items() if fact[0] not in own), ("compared", ", ".join(results))],
        "verdict": _verdict(comparison, sides),
        "figures": figures_table(comparison.table, amount, has_reserve),
        "charts": [in_currency(chart_of("equity", figure, arrays, height=420), currency)],
        "thinning": thinning_in_words(len(first.bars), len(events), DIFFERING),
        "growth": growth_table(comparison.growth, comparison.table["ruined"]) if len(comparison.growth) else None,
        "first": next(iter(results)),
        "warning": LOST_COUNTS if comparison.table["ruined"].any() else "",
        "differing": differing_table(comparison, timeline),
        "number_differing": count(len(events)),
        "none_differs": none_differs(total),
        "sides": sides,
        "version": first.description["versions"].get("margin-backtest", "of unknown version"),
        "data": json_text({"interval": timeline.interval, "span": timeline.ends}),
    }
    return context | {"arrays": arrays.texts}


def _side(name: str, run: Run, timeline: Timeline) -> Side:
    amount: Amount = amount_of(run.description["account"].get("currency", "quote"))
    table = liquidations_table(run, timeline, amount)
    setting = "; ".join(said for label, said in facts_of(run.description, None).items() if label in OWN)
    return Side(name, setting, verdict_on(run, amount), tiles(run, amount), table)


def _differs(comparison: Compared, label: str) -> bool:
    """Return whether settings differ in a line of the heading."""
    lines = {facts_of(run.description, None).get(label, "") for run in comparison.results.values()}
    return len(lines) > 1


def _verdict(comparison: Compared, sides: list[Side]) -> Verdict:
    """Return how many of the accounts lived."""
    ruined = comparison.table["ruined"].astype(bool)
    lived = [str(name) for name in ruined.index[~ruined]]
    said = lived_in_words(ruined)
    if 0 < len(lived) < len(ruined):
        said += f": {', '.join(lived[:PART])}{' and others' if len(lived) > PART else ''}"
    more = tuple(f"{side.name}: {side.verdict.sentence}." for side in sides[:PART])
    return Verdict(said, "" if lived else "bad", more)

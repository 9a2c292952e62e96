"""The page of a run: what became of the account and why, on one screen and then in every detail."""

import os
from typing import Any

from backtest.figures_in_words import OCCASIONAL, Amount, alarms, amount_of, count, groups_of, spoken, written
from backtest.pages.documents import write_page
from backtest.pages.embedding import Arrays, json_text
from backtest.pages.event_tables import calls_table, orders_table, trades_table
from backtest.pages.liquidation_tables import liquidations_table
from backtest.pages.run_charts import CANDLES, candles, charts_of, drawn_symbols, thinning_in_words
from backtest.pages.runs import Run, Timeline
from backtest.pages.settings_tables import dependencies, ladder_tables
from backtest.pages.verdicts import Tile, tiles, verdict_on
from backtest.terms.facts_in_words import facts_of, name_of
from backtest.text import several, some

__all__ = ["run_context", "write_run_page"]


def write_run_page(run: Run, path: str | os.PathLike[str], shared_script: bool = False) -> None:
    """Write a run as one page of HTML that opens by double click and needs no network.

    Parameters
    ----------
    run : Result               or whatever has its frames
    path : path                a file that is not there yet, or a page
    shared_script : bool       leave the script of the charts, 4.8 MB, in `plotly.min.js` beside the page

    Raises
    ------
    DataError                  if there is something other than a page at `path`, or nothing can be written there
    """
    write_page(path, "run.html", shared_script, **run_context(run))


def run_context(run: Run) -> dict[str, Any]:
    """Return what the template of a run is filled with."""
    description, arrays = run.description, Arrays()
    amount, timeline = amount_of(description["account"].get("currency", "quote")), Timeline(run.bars)
    symbols = drawn_symbols(run)
    left_out = len(run.bars.symbols) - len(symbols)
    bars = candles(run, symbols, arrays)
    context = {
        "title": f"{name_of(description)}: {some(description['data']['symbols'])}",
        "name": name_of(description),
        "facts": list(facts_of(description, run.bars.interval).items()),
        "verdict": verdict_on(run, amount),
        "tiles": tiles(run, amount),
        "charts": charts_of(run, symbols, arrays),
        "thinning": thinning_in_words(len(run.bars), len(run.liquidations)),
        "candles": CANDLES,
        "left_out": f"Prices of {several(left_out, 'other symbol')} are not on this page." if left_out else "",
        "numbers": {name: count(len(getattr(run, name))) for name in ("liquidations", "trades", "orders", "calls")},
        "liquidations": liquidations_table(run, timeline, amount),
        "trades": trades_table(run.trades, timeline, amount),
        "orders": orders_table(run.orders, timeline),
        "calls": calls_table(run.calls, timeline, amount),
        "groups": summary_groups(run.summary, amount),
        "dependencies": dependencies(description),
        "ladders": ladder_tables(description),
        "version": description["versions"].get("margin-backtest", "of unknown version"),
        "data": json_text({"interval": timeline.interval, "span": timeline.ends, "close": CANDLES, "candles": bars}),
    }
    return context | {"arrays": arrays.texts}


def summary_groups(summary: Any, amount: Amount) -> dict[str, list[Tile]]:
    """Return every figure of a summary by group, alarms red where they are not 0."""
    left, right = groups_of(summary)
    groups = sorted({**left, **right}.items(), key=lambda group: group[0] in OCCASIONAL)  # these come last
    return {title: [_line(name, summary[name], amount) for name in names] for title, names in groups}


def _line(name: str, value: Any, amount: Amount) -> Tile:
    """Return one figure of a summary."""
    return Tile(spoken(name), written(name, value, amount), "", "bad" if alarms(name, value) else "")

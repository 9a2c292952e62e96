"""The documents of commands that replay: what --json prints of a run, a sweep, a comparison, a bracket and a walk.

Each holds `description`: strategy, account, venue, data and versions, as `Result.description` has them, with the
interval of the bars; settings that are swept stand there as they are without the sweep, and their values in `swept`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from backtest.ambiguity import Bracket
from backtest.command_line.bases import Base
from backtest.command_line.headings import data_of
from backtest.command_line.reports import Written
from backtest.comparison import Comparison
from backtest.forward import WalkForward
from backtest.market.bars import Bars
from backtest.market.universes import Universe
from backtest.outcome.results import Result
from backtest.outcome.sources import described
from backtest.sweeping.figures import figure_types
from backtest.terms.venues import Venue

__all__ = ["bracket_document", "comparison_document", "run_document", "sweep_document", "walk_document"]

Document = dict[str, Any]

COUNTED = ("trades", "fills", "orders", "calls", "liquidations")


def run_document(result: Result, base: Base[Any], out: str | None, report: Written | None) -> Document:
    """Return description, summary, final_equity, liquidations, counts (of events), saved_to, report (path, bytes).

    The equity of a history that was read in pieces takes another replay: final_equity is null there.
    """
    whole = isinstance(base.bars, Bars)
    return {
        "description": dated(result.description, base.bars.interval if whole else None),
        "summary": result.summary.to_dict(),
        "final_equity": float(result.equity.iloc[-1]) if whole else None,
        "liquidations": result.liquidations,
        "counts": {name: len(getattr(result, name)) for name in COUNTED},
        "saved_to": out,
        "report": place_of(report),
    }


def sweep_document(table: pd.DataFrame, base: Base[Any], out: str | None, report: Written | None) -> Document:
    """Return description, swept (values by name), rows (all of the table), attrs, saved_to, report.

    `attrs` are those of the table: path, rows (by path), bars, seconds, workers.
    """
    attrs: Document = {str(name): value for name, value in table.attrs.items()}
    attrs["rows"] = {name.replace(" ", "_"): number for name, number in attrs["rows"].items()}
    whole = {name: "Int64" for name, kind in figure_types().items() if str(kind) == "int64"}
    return {
        "description": description_of(base),
        "swept": swept_of(base),
        "rows": pd.DataFrame(table).astype(whole),  # which are fractions beside rows that did not run
        "attrs": attrs,
        "saved_to": out,
        "report": place_of(report),
    }


def comparison_document(
    found: Comparison, base: Base[Bars], settings: Sequence[Mapping[str, object]], report: Written | None
) -> Document:
    """Return description, settings (by name), table, growth (against the first), liquidations, differing, report.

    `liquidations` are all of them by setting; `differing` those that not every setting has, true for those that do.
    """
    return {
        "description": description_of(base),
        "settings": {
            name: {each: named(value) for each, value in setting.items()}
            for name, setting in zip(found.results, settings, strict=True)
        },
        "table": found.table.reset_index(),
        "growth": found.growth.reset_index(),
        "liquidations": {name: result.liquidations for name, result in found.results.items()},
        "differing": found.liquidations,
        "report": place_of(report),
    }


def bracket_document(found: Bracket, base: Base[Bars], without: Sequence[str]) -> Document:
    """Return description, final (a row for each order), liquidations, settled, ambiguous, without_detail (symbols)."""
    events = found.liquidations
    orders = [[each for each in text.split(", ") if each] for text in events["happens_in"]]
    return {
        "description": description_of(base),
        "final": found.final.reset_index(),
        "liquidations": events.assign(happens_in=pd.Series(orders, index=events.index, dtype=object)),
        "settled": found.settled,
        "ambiguous": found.ambiguous,
        "without_detail": list(without),
    }


def walk_document(found: WalkForward, base: Base[Bars], settings: Mapping[str, Any]) -> Document:
    """Return description, swept, train, test, objective, anchored, windows, summary, final_equity, liquidations, ended.

    `ended` says why the walk ended before its last window, null where it did not.
    """
    return {
        "description": description_of(base),
        "swept": swept_of(base),
        **settings,
        "windows": found.windows,
        "summary": found.summary.to_dict(),
        "final_equity": float(found.equity.iloc[-1]),
        "liquidations": pd.concat([result.liquidations for result in found.results], ignore_index=True),
        "ended": found.ended or None,
    }


def description_of(base: Base[Any]) -> Document:
    """Return what settings have in common, under the names of `Result.description`."""
    strategy = {"name": base.strategy.name, "source": base.strategy.source_hash, "params": base.params}
    bars, interval = base.bars, None
    data: Document = {**data_of(bars), "fingerprint": bars.fingerprint}
    if isinstance(bars, Universe):
        data["bars_by_symbol"] = bars.lengths
    else:
        data["source"], interval = bars.source, bars.interval
    found = described(base.account, base.venue, strategy, "", data)
    del found["signals"]
    return dated(found, interval)


def dated(description: Mapping[str, Any], interval: pd.Timedelta | None) -> Document:
    """Return a description whose times are times, with the interval of the bars, null where it is not known."""
    data = dict(description["data"])
    data |= {name: pd.Timestamp(data[name]) for name in ("first", "last") if name in data}
    data["interval_seconds"] = interval
    return {**description, "data": data}


def swept_of(base: Base[Any]) -> Document:
    """Return the values of what is swept."""
    return {name: [named(value) for value in values] for name, values in base.over.items()}


def named(value: object) -> object:
    """Return the value of a setting, of a venue its name."""
    return value.name if isinstance(value, Venue) else value


def place_of(report: Written | None) -> Document | None:
    """Return where a report is, and how big."""
    return None if report is None else report._asdict()

"""The documents of commands that look at data: what --json prints of `inspect`, `check` and `query`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from backtest.market.inspection import Inspection
from backtest.signalling.lookahead import LookaheadReport

__all__ = ["check_document", "inspection_document", "query_document"]

Document = dict[str, Any]


def inspection_document(inspections: Sequence[Inspection]) -> Document:
    """Return files: of each path, columns, rows, first, last, interval_seconds, gaps and what is wrong with it.

    `longest_gap` is null or an object of from and to, `worst_fall` and `worst_rise` are null or objects of time and
    move (a fraction of the bar's open); `clean` says whether the file is taken as it is.
    """
    return {"files": [file_document(inspection) for inspection in inspections]}


def file_document(inspection: Inspection) -> Document:
    """Return what is in a file."""
    found = asdict(inspection)
    pairs = {"longest_gap": ("from", "to"), "worst_fall": ("time", "move"), "worst_rise": ("time", "move")}
    for name, parts in pairs.items():
        found[name] = None if found[name] is None else dict(zip(parts, found[name], strict=True))
    found["interval_seconds"] = found.pop("interval")
    return {**found, "clean": inspection.clean}


def check_document(report: LookaheadReport) -> Document:
    """Return strategy, bars, cuts and skipped (lengths of prefixes), repeatable, passed, leak (null for none).

    A leak has time, row, symbol, column, with_all_bars, with_prefix and prefix.
    """
    return {**asdict(report), "passed": report.passed}


def query_document(answer: pd.DataFrame) -> Document:
    """Return columns (their names, in order) and rows."""
    return {"columns": [str(name) for name in answer], "rows": answer}

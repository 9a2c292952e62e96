"""What the command line prints of equity over time: a line of blocks for each account, with its liquidations below."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from rich.text import Text

from backtest.command_line.sparklines import MARK, Integers, blocks, ends, marks
from backtest.command_line.tables import WIDTH, show, terminal
from backtest.figures_in_words import Amount
from backtest.text import moment_of

__all__ = ["Curve", "curve_of", "print_curves"]

LEAST = 24
"""Cells with fewer of which no curve is read, nor the dates below it."""

MANY = 8
"""More accounts than this are a table, and not a picture."""

GAP = 2
SHORT = pd.Timedelta(days=3)
"""Spans that are dated to the minute."""


class Curve(NamedTuple):
    """Equity at every close, by time, and the bars in which something was liquidated."""

    equity: pd.Series
    liquidated: Integers


def curve_of(equity: pd.Series, liquidations: Iterable[pd.DataFrame]) -> Curve:
    """Return equity together with the bars of these liquidations."""
    times = [pd.DatetimeIndex(events["time"]) for events in liquidations]
    bars = [np.asarray(equity.index.get_indexer(each), np.int64) for each in times]
    return Curve(equity, np.concatenate([np.zeros(0, np.int64), *bars]))


def print_curves(curves: Mapping[str, Curve], amount: Amount) -> None:
    """Print the curves of accounts on the same bars from 0 to the highest of all, a line for each under its name.

    Nothing is printed of too many, or on a screen that is too narrow.
    """
    indent = max(map(len, curves)) + GAP if len(curves) > 1 else 0
    width = min(terminal().width, WIDTH)
    cells = width - indent
    if cells < LEAST or len(curves) > MANY:
        return
    highest = max(float(curve.equity.max()) for curve in curves.values())
    show(Text(ends("equity over time", f"highest {amount(highest)}", width), style="bold"))
    for name, curve in curves.items():
        label = name.ljust(indent) if indent else ""
        show(Text.assemble(label, blocks(curve.equity.to_numpy(np.float64), cells, highest)))
        if len(curve.liquidated):
            show(Text(" " * indent + marks(curve.liquidated, len(curve.equity), cells), style="red"))
    time = next(iter(curves.values())).equity.index
    first, last = date(time[0], time), date(time[-1], time)
    legend = f"{MARK} liquidated" if any(len(curve.liquidated) for curve in curves.values()) else ""
    show(Text(" " * indent + ends(first, last, cells, legend), style="dim"), "")


def date(time: pd.Timestamp, within: pd.Index) -> str:
    """Return a time as a date, to the minute within a span of a few days."""
    return moment_of(time) if within[-1] - within[0] < SHORT else f"{time:%Y-%m-%d}"

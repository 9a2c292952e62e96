"""What the command line prints of settings side by side."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from rich.table import Table
from rich.text import Text

from backtest.command_line.bases import Base
from backtest.command_line.curve_screens import curve_of, print_curves
from backtest.command_line.headings import heading
from backtest.command_line.tables import fitted, show, squeezed, terminal
from backtest.comparison import Comparison
from backtest.figures_in_words import amount_of, count, final_first, percent, titled, written
from backtest.market.bars import Bars
from backtest.pages.chances import LOST_COUNTS, chance_of, interval_of, interval_title, none_differs
from backtest.text import moment_of, signed

__all__ = ["print_comparison"]

Columns = dict[str, Sequence[str]]

SENTENCES = 2
"""Differences that are said in sentences; more are a table."""

ROWS = 20
"""Differing liquidations that are printed."""

FEW = 4
"""Names without room of which only the ends are printed."""

STYLES = {"alike": "", "ruined": "bold red", "more than chance": "bold green", "may be chance": "bold yellow"}


def print_comparison(found: Comparison, base: Base[Bars]) -> None:
    """Print the settings side by side, how sure the difference in growth is, and which liquidations differ."""
    amount = amount_of(base.account.currency)
    cells = {
        titled(name): [written(name, value, amount) for value in found.table[name].tolist()]
        for name in final_first(found.table.columns)
    }
    show(heading(base, "compared"), "")
    curves = {name: curve_of(result.equity, [result.liquidations]) for name, result in found.results.items()}
    print_curves(curves, amount)
    print_figures(cells, [str(name) for name in found.table.index])
    print_growth(found)
    print_liquidations(found)


def print_figures(cells: dict[str, list[str]], settings: list[str]) -> None:
    """Print figures by setting, a column for each, in as many tables as it takes."""
    columns: Columns = {name: [row[k] for row in cells.values()] for k, name in enumerate(settings)}
    while columns:
        table, columns = fitted({"": list(cells), **columns}, kept=2, left={""}, width=terminal().width)
        show(table, "")


def print_growth(found: Comparison) -> None:
    """Print the differences in growth, and whether they are more than chance."""
    first = str(found.table.index[0])
    show(Text(f"growth against {first}, in logarithms", style="bold"), "")
    ruined = found.table["ruined"]
    if len(found.growth) > SENTENCES:
        show(growth_table(found.growth, ruined))
    else:
        for name, row in found.growth.iterrows():
            show(growth_in_words(str(name), first, row, bool(ruined[str(name)])))
    if ruined.any():
        show(LOST_COUNTS, style="dim")
    show("")


def growth_table(growth: pd.DataFrame, ruined: pd.Series) -> Table:
    """Return differences in growth, a line each; of a narrow one the share above 0 goes first."""
    share = "above 0 in"
    columns: dict[str, Sequence[str | Text]] = {
        "setting": [str(name) for name in growth.index],
        "a year": [signed(value) for value in growth["difference"].tolist()],
        interval_title(growth["confidence"].iloc[0]): [interval_of(row) for _, row in growth.iterrows()],
        share: [percent(value) for value in growth["share_above_zero"].tolist()],
        "": [verdict(row, bool(ruined[str(name)])) for name, row in growth.iterrows()],
    }
    table, _ = squeezed(columns, dispensable=(share,), left=("setting", ""), width=terminal().width)
    table.columns[0].no_wrap = False
    return table


def verdict(row: pd.Series, ruined: bool) -> Text:
    """Return what an interval says of a difference."""
    said = chance_of(row, ruined)
    return Text(said, style=STYLES[said])


def growth_in_words(name: str, first: str, row: pd.Series, ruined: bool) -> Text:
    """Return how much more or less a setting grew than the first, and what its interval says of that."""
    said = verdict(row, ruined)
    if said.plain == "alike":
        return Text(f"{name} grew as {first} did")
    difference, share = float(row["difference"]), float(row["share_above_zero"])
    more, share = ("more", share) if difference > 0 else ("less", 1 - share)
    interval = f"{interval_title(row['confidence'])} {interval_of(row)}"
    by = f"{name} grew by {abs(difference):.2f} a year {more}; {interval}, {more} in {percent(share)} of resamples: "
    return Text(by).append_text(said)


def print_liquidations(found: Comparison) -> None:
    """Print the liquidations that not every setting has, in time."""
    events = found.liquidations
    total = int(found.table["liquidations"].sum())
    if not len(events):
        show(none_differs(total), style="dim")
        return
    settings = [str(name) for name in found.table.index]
    columns: Columns = {"liquidated": [moment_of(time) for time in events["time"]]}
    for name in ("symbol", "leg"):
        if name in events:
            columns[name] = [str(each) for each in events[name]]
    kept = len(columns)
    columns |= {name: ["yes" if happened else "-" for happened in events[name]] for name in settings}
    width = terminal().width
    _, dropped = fitted(columns, kept=kept + 2, left=set(columns), width=width)
    fitting = [name for name in settings if name not in dropped]
    rows = np.flatnonzero(events[fitting].nunique(axis=1) > 1)[:ROWS]
    columns = {name: [cells[row] for row in rows] for name, cells in columns.items() if name not in dropped}
    if len(rows):
        show(fitted(columns, kept=len(columns), left=set(columns), width=width)[0])
    if len(events) > len(rows):
        rest = count(len(events) - len(rows))
        show(
            f"and {rest} more that not all of them have" if len(rows) else f"{rest} that differ elsewhere", style="dim"
        )
    if dropped:
        show(Text(f"Without {ends_of(list(dropped))}, for want of room.", style="dim"))


def ends_of(names: Sequence[str]) -> str:
    """Return names that follow each other in short."""
    return ", ".join(names) if len(names) < FEW else f"{names[0]} to {names[-1]}, {count(len(names))} of them"

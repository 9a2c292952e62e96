"""What the command line prints of one replay."""

from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from backtest.command_line.bases import Base
from backtest.command_line.curve_screens import curve_of, print_curves
from backtest.command_line.headings import heading
from backtest.command_line.tables import WIDTH, listing, show, squeezed, terminal
from backtest.figures_in_words import (
    Amount,
    Figures,
    alarms,
    amount_of,
    count,
    groups_of,
    spoken,
    written,
)
from backtest.market.bars import Bars
from backtest.outcome.results import Result
from backtest.outcome.sources import FILES
from backtest.terms.accounts import Account
from backtest.text import moment_of, prices, quantities

__all__ = ["print_place", "print_result"]

ROWS = 20
"""Liquidations that are printed; the saved run has them all."""

DISPENSABLE = ("forfeited", "fill price", "how", "quantity", "bad debt", "penalty", "mark price", "price")
"""Their columns that go first where not all of them fit."""

HALF = 38
"""Width of the groups of figures that stand side by side."""


def print_result(result: Result, base: Base[Any]) -> None:
    """Print what was replayed, the summary and the liquidations."""
    width, amount = terminal().width, amount_of(base.account.currency)
    if isinstance(base.bars, Bars):
        facts = heading(base)
        facts.add_row("equity", outcome(result, base.account, amount))
    else:  # a history in a folder may be too long for its equity at every close
        facts = heading(base, history=result.description["data"])
    show(facts, "")
    if isinstance(base.bars, Bars):
        print_curves({"": curve_of(result.equity, [result.liquidations])}, amount)
    show(figures(result.summary, width, amount))
    if len(result.liquidations):
        table, dropped = liquidation_table(result.liquidations.head(ROWS), width, amount)
        show(table)
        if len(result.liquidations) > ROWS:
            show(f"and {count(len(result.liquidations) - ROWS)} more", style="dim")
        if dropped:
            show(f"Without {', '.join(dropped)}, for want of room.", style="dim")
        show("")


def print_place(folder: str | None) -> None:
    """Print where the run was saved."""
    if folder is None:
        show("Not saved: --out FOLDER keeps every bar, fill, trade and order.", style="dim")
    else:
        show(f"Saved to {folder}:", whole=True)
        show(Text(f"{', '.join(FILES)}, run.json"))


def outcome(result: Result, account: Account, amount: Amount) -> Text:
    """Return what became of the money."""
    equity, cash, refilled = float(result.equity.iloc[-1]), account.cash, result.summary["refilled"]
    text = Text(f"{amount(cash)} -> ")
    text.append(amount(equity), style="bold green" if equity >= cash + refilled else "bold red")
    if refilled:
        text.append(f", of which {amount(refilled)} refilled")
    if account.reserve:
        text.append(f"; reserve {amount(account.reserve)} -> {amount(account.reserve - result.summary['deposits'])}")
    return text


def figures(summary: pd.Series, width: int, amount: Amount) -> Table:
    """Return the summary as groups of figures, in two columns where they fit."""
    table = Table.grid(padding=(0, WIDTH - 2 * HALF if width >= WIDTH else 0, 0, 0))
    left, right = groups_of(summary)
    for parts in zip(left.items(), right.items(), strict=True):
        groups = [group(*part, summary, min(HALF, width), amount) for part in parts]
        for row in [groups] if width >= WIDTH else zip(groups):
            table.add_row(*row)
    return table


def group(title: str, names: Figures, summary: pd.Series, width: int, amount: Amount) -> Table:
    """Return one group of figures of a summary, a line each."""
    table = listing(title, left=(title,))
    for name in names:
        value = written(name, summary[name], amount)
        line = Text(spoken(name).ljust(width - len(value) - 1) + " ")
        line.append(value, style="red" if alarms(name, summary[name]) else "")
        table.add_row(line)
    table.add_row("")
    return table


def liquidation_table(events: pd.DataFrame, width: int, amount: Amount) -> tuple[Table, list[str]]:
    """Return liquidations, a line each, in as many columns as fit, and the titles of the others."""
    left = ("liquidated", "symbol", "how")
    return squeezed(liquidation_columns(events, amount), dispensable=DISPENSABLE, left=left, width=width)


def liquidation_columns(events: pd.DataFrame, amount: Amount) -> dict[str, list[str]]:
    """Return the cells of liquidations by title, without columns that say nothing."""
    columns = {
        "liquidated": [moment_of(time) for time in events["time"]],
        "symbol": list(events["symbol"]),
        "quantity": quantities(events["quantity"]),
        "mark price": prices(events["mark_price"]),
        "fill price": prices(events["fill_price"]),
    }
    if columns["mark price"] == columns["fill price"]:
        columns["price"] = columns.pop("mark price")
        del columns["fill price"]
    lost = "margin_lost" if events["margin_lost"].notna().any() else "loss"  # a cross account has no margin to lose
    for name in (lost, "penalty", "forfeited", "bad_debt"):
        if events[name].fillna(0.0).any():
            columns[spoken(name)] = [amount(each) for each in events[name]]
    flags = {name: list(events[name]) for name in ("gap", "joint", "partial")}
    how = [" ".join(name for name, flag in flags.items() if flag[row]) for row in range(len(events))]
    return {**columns, "how": how} if any(how) else columns

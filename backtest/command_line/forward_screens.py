"""What the command line prints of a walk forward."""

from collections.abc import Sequence

import pandas as pd
from rich.text import Text

from backtest.command_line.bases import Base
from backtest.command_line.curve_screens import curve_of, print_curves
from backtest.command_line.headings import heading
from backtest.command_line.run_screens import figures
from backtest.command_line.tables import fitted, show, terminal
from backtest.figures_in_words import Amount, amount_of, count, spoken, written
from backtest.forward import WalkForward
from backtest.market.bars import Bars
from backtest.terms.facts_in_words import label_of, worth
from backtest.text import moment_of

__all__ = ["print_walk"]

EDGES = ("train_start", "test_start", "test_end")
FIGURES = ("total_return", "max_drawdown_low", "liquidations", "ruined", "trades", "sharpe", "fees", "funding")


def print_walk(found: WalkForward, base: Base[Bars], objective: str, lengths: str) -> None:
    """Print what was chosen on each window and what came of it on the next, and all of them as one account.

    `lengths` says how long the windows are.
    """
    width, amount = terminal().width, amount_of(base.account.currency)
    facts = heading(base, "chosen from")
    facts.add_row("windows", f"{count(len(found.windows))} {lengths}, chosen by {spoken(objective)}")
    cash, equity = base.account.cash + base.account.reserve, float(found.equity.iloc[-1])
    outcome = Text(f"{amount(cash)} -> ")
    facts.add_row("equity", outcome.append(amount(equity), style="bold green" if equity >= cash else "bold red"))
    show(facts, "")
    columns = columns_of(found.windows, objective, amount)
    table, _ = fitted(columns, kept=len(columns) - len(FIGURES), left={"test from"}, width=width)
    show(table, "", Text("all test windows as one account", style="bold"), "")
    print_curves({"": curve_of(found.equity, [result.liquidations for result in found.results])}, amount)
    show(figures(found.summary, width, amount))
    if found.ended:
        show(f"{found.ended[0].upper()}{found.ended[1:]}.", style="red")


def columns_of(windows: pd.DataFrame, objective: str, amount: Amount) -> dict[str, list[str]]:
    """Return the cells of the windows by title: when, what was chosen, its objective, and what else came out."""
    columns = {"test from": [day(time) for time in windows["test_start"]]}
    for name in chosen(windows.columns.tolist()):
        columns[label_of(name)] = [worth(value) for value in windows[name].tolist()]
    for name in ("in_sample", "out_of_sample"):
        columns[f"{spoken(objective)} {spoken(name)}"] = [
            written(objective, value, amount) for value in windows[name].tolist()
        ]
    for name in FIGURES:
        columns[spoken(name)] = [written(name, value, amount) for value in windows[name].tolist()]
    return columns


def chosen(columns: Sequence[str]) -> list[str]:
    """Return the columns of the settings that were chosen."""
    return list(columns[len(EDGES) : columns.index("in_sample")])


def day(time: pd.Timestamp) -> str:
    """Return a time, to the day where that says it all."""
    return f"{time:%Y-%m-%d}" if time == time.floor("D") else moment_of(time)

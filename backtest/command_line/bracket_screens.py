"""What the command line prints of the orders that bars may have had inside."""

from collections.abc import Sequence

import pandas as pd
from rich.text import Text

from backtest.ambiguity import Bracket
from backtest.command_line.bases import Base
from backtest.command_line.headings import heading
from backtest.command_line.tables import fitted, listing, show, terminal
from backtest.figures_in_words import Amount, amount_of, count, spoken, written
from backtest.market.bars import Bars
from backtest.text import moment_of, several

__all__ = ["print_bracket"]

ROWS = 20
"""Liquidations that are printed."""

GOES = {
    "worst": "each bar goes to the worst price first",
    "path": "low first in a rising bar, high first in a falling one",
    "best": "to the best price first",
    "resolved": "as the finer bars went",
}
STYLES = {"certain": "red", "happened": "red", "possible": "yellow", "averted": "green"}


def print_bracket(found: Bracket, base: Base[Bars], without: Sequence[str] = ()) -> None:
    """Print what the account comes to in every order, and how sure each liquidation is.

    Symbols `without` finer bars are named where a bar is left open.
    """
    show(heading(base), "")
    print_orders(found.final, amount_of(base.account.currency))
    if len(found.liquidations):
        print_liquidations(found.liquidations)
    else:
        show("No liquidation, whichever way the bars go.")
    if "resolved" in found.final.index:
        left = f"{several(found.ambiguous, 'bar')} left open" if found.ambiguous else "none is left open"
        why = f": no finer bars of {', '.join(without)}" if found.ambiguous and without else ""
        show(f"The finer bars settled {several(found.settled, 'bar')}; {left}{why}.")
    elif found.ambiguous:
        show(f"{several(found.ambiguous, 'bar')} may have gone either way: --detail FILE of finer bars may tell.")


def print_orders(final: pd.DataFrame, amount: Amount) -> None:
    """Print the outcome in every order."""
    table = listing("order", "final equity", "total return", "liquidations", "ruined", left=("order",))
    for order, row in final.iterrows():
        figures = [written(name, row[name], amount) for name in ("total_return", "liquidations", "ruined")]
        table.add_row(str(order), amount(row["final_equity"]), *figures)
    show(table, "")
    show(Text("; ".join(f"{order}: {GOES[str(order)]}" for order in final.index), style="dim"), "")


def print_liquidations(events: pd.DataFrame) -> None:
    """Print liquidations with their verdicts, and how many there are of each."""
    shown = events.head(ROWS)
    columns = {"liquidated": [moment_of(time) for time in shown["time"]]}
    for name in ("symbol", "leg", "verdict", "happens_in"):
        if name in shown:
            columns[spoken(name)] = [str(each) for each in shown[name]]
    if shown["gap"].any():
        columns["how"] = ["gap" if gap else "" for gap in shown["gap"]]
    table, _ = fitted(columns, kept=len(columns), left=set(columns), width=terminal().width)
    table.columns[list(columns).index("happens in")].no_wrap = False
    for column in table.columns:
        column.vertical = "top"  # a row begins with its date
    show(table)
    if len(events) > ROWS:
        show(f"and {count(len(events) - ROWS)} more", style="dim")
    verdicts = [
        Text(f"{count(number)} {verdict}", style=STYLES[str(verdict)])
        for verdict, number in events["verdict"].value_counts().items()
    ]
    show("", Text(", ").join(verdicts), "")

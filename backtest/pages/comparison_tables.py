"""Tables of settings side by side: their figures, differences in growth, and liquidations that not all of them have."""

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from backtest.figures_in_words import Amount, count, final_first, percent
from backtest.pages.chances import chance_of, interval_of, interval_title
from backtest.pages.runs import Run, Timeline
from backtest.pages.tables import ROWS, Table, figure_column, number_column, rest_in_words, times_column, words
from backtest.text import signed

__all__ = ["Compared", "differing_table", "figures_table", "growth_table"]


class Compared(Protocol):
    """Settings side by side: the frames that Comparison documents."""

    @property
    def table(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def liquidations(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def growth(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def results(self) -> Mapping[str, Run]: ...  # noqa: D102


def figures_table(table: pd.DataFrame, amount: Amount, has_reserve: bool = False) -> Table:
    """Return a row of figures for each setting; with a reserve it says that the end has what is left of it."""
    columns = [words("setting", table.index)]
    columns += [figure_column(name, table[name], amount) for name in final_first(table.columns)]
    return Table(columns, "Final equity is with what is left in the reserve." if has_reserve else "")


def growth_table(growth: pd.DataFrame, ruined: "pd.Series[bool]") -> Table:
    """Return the differences in growth to the first setting, and whether they are more than chance."""
    rows = {str(name): row for name, row in growth.iterrows()}
    chances = [chance_of(row, bool(ruined[name])) for name, row in rows.items()]
    tones = [_tone(said, row) for said, row in zip(chances, rows.values(), strict=True)]
    columns = [
        words("setting", growth.index),
        number_column("log growth a year", growth["difference"], signed),
        words(interval_title(growth["confidence"].iloc[0]), map(interval_of, rows.values())),
        number_column("above 0 in resamples", growth["share_above_zero"], percent),
        number_column("days", growth["days"], count),
        words("", chances, tones),
    ]
    return Table(columns)


def _tone(chance: str, row: "pd.Series[Any]") -> str:
    """Return the tone of what is said of a difference."""
    if chance == "more than chance":
        return "good" if row["low"] > 0 else "bad"
    return "bad" if chance == "ruined" else ""


def differing_table(comparison: Compared, timeline: Timeline) -> Table:
    """Return the liquidations that not every setting has, the first of them where there are many."""
    events = comparison.liquidations
    shown = events.head(ROWS)
    columns = [times_column("time", shown["time"])]
    columns += [words(name, shown[name]) for name in ("symbol", "leg") if name in shown]
    for name in comparison.results:
        had = shown[name].tolist()
        columns.append(
            words(name, ["liquidated" if each else "-" for each in had], ["bad" if each else "" for each in had])
        )
    note = rest_in_words(len(events), "liquidation", "first")
    return Table(columns, note, timeline.around(shown["time"], list(shown["symbol"])))

"""Tables of settings side by side: their figures, differences in growth, and liquidations that not all of them have."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pandas as pd

from backtest.figures_in_words import ALARMS, WRITERS, Amount, percent, spoken
from backtest.pages.runs import Run, Timeline
from backtest.pages.tables import ROWS, Column, Table, number_column, rest_in_words, times_column, words
from backtest.pages.wording import count, figure, signed

__all__ = ["Compared", "differing_table", "figures_table", "growth_table"]

ALIKE = 1e-9
"""Differences in growth that are rounding."""

TITLES = {"pressure": "time under margin pressure"}


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


def figures_table(table: pd.DataFrame, amount: Amount) -> Table:
    """Return a row of figures for each setting."""
    own: dict[str, Callable[[Any], str]] = {
        "final_equity": amount,
        "loss_per_liquidation": amount,
        "pressure": percent,
    }
    columns = [words("setting", table.index)]
    for name in sorted(table.columns, key=lambda name: name != "final_equity"):
        title, values = TITLES.get(name, spoken(name)), table[name].tolist()
        if name == "ruined":
            columns.append(words(title, map(WRITERS[name], values), ["bad" if ruined else "" for ruined in values]))
        else:
            columns.append(_figures(title, name, values, own, amount))
    return Table(columns)


def _figures(
    title: str, name: str, values: list[Any], own: Mapping[str, Callable[[Any], str]], amount: Amount
) -> Column:
    """Return a column of one figure."""
    write = own.get(name) or (lambda value: figure(name, value, amount))
    return number_column(title, values, write, "bad" if name in ALARMS else "")


def growth_table(growth: pd.DataFrame, ruined: "pd.Series[bool]") -> Table:
    """Return the differences in growth to the first setting, and whether they are more than chance."""
    confidence = f"{growth['confidence'].iloc[0] * 100:g}% interval"
    rows = {str(name): row for name, row in growth.iterrows()}
    verdicts = [_verdict(row, bool(ruined[name])) for name, row in rows.items()]
    columns = [
        words("setting", growth.index),
        number_column("log growth a year", growth["difference"], signed),
        words(confidence, [f"{signed(row['low'])} to {signed(row['high'])}" for row in rows.values()]),
        number_column("above 0 in resamples", growth["share_above_zero"], percent),
        number_column("days", growth["days"], count),
        words("", [said for said, _ in verdicts], [tone for _, tone in verdicts]),
    ]
    return Table(columns)


def _verdict(row: "pd.Series[Any]", ruined: bool) -> tuple[str, str]:
    """Return what an interval says of a difference, and its tone; of a lost account it has nothing to say."""
    if max(abs(float(row[name])) for name in ("difference", "low", "high")) < ALIKE:
        return "alike", ""
    if ruined:
        return "lost", "bad"
    if row["low"] > 0 or row["high"] < 0:
        return "more than chance", "good" if row["low"] > 0 else "bad"
    return "may be chance", ""


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

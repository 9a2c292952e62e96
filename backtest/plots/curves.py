"""What the account was worth and how near to its end it stood, over time: a panel for each curve of the history."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from backtest.plots.frames import by_time, numbers, times_of
from backtest.plots.lines import curve, x_of
from backtest.plots.marks import liquidations_on, marked, word_on
from backtest.plots.style import (
    CLOSE,
    LONG,
    LOW,
    PALETTE,
    THRESHOLD,
    Panel,
    Trace,
    faint,
    money_format,
    nothing,
    stacked,
    time_axis,
)
from backtest.plots.thinning import Values, thinned, without_flat_runs

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = [
    *("costs", "costs_panel", "drawdown", "drawdown_panel", "equity", "equity_panel", "free_margin", "leverage"),
    *("margin_ratio", "margin_ratio_panel"),
]

HIGHEST_RATIO = 1.5
"""Where the axis of the margin ratio ends: the account is liquidated at 1."""

INFINITE = 1e6
"""What an infinite figure is drawn as: beyond every axis."""

USUAL = 0.99
"""The share of bars that the axis of effective leverage is made for: it has no bound where equity goes to 0."""

COSTS = {
    "fees": "Fees",
    "funding": "Funding",
    "interest": "Interest",
    "forfeited": "Forfeited",
    "penalties": "Penalties",
}


class Look(NamedTuple):
    """How one column is drawn."""

    name: str  # in the legend
    role: str
    line: Mapping[str, Any]  # colour, width and what else a trace has


def equity(history: pd.DataFrame, *, liquidations: pd.DataFrame | None = None) -> "Figure":
    """Return equity at the closes and at its lowest inside the bars as a figure, on a linear axis: 0 is ruin.

    Parameters
    ----------
    history : DataFrame        by time: equity equity_low (quote), as Result.history
    liquidations : DataFrame   as Result.liquidations, to mark

    Raises
    ------
    DataError                  for a frame without the columns it needs
    """
    return _alone("Equity", equity_panel(history, liquidations), history, liquidations)


def drawdown(drawdowns: pd.DataFrame, *, liquidations: pd.DataFrame | None = None) -> "Figure":
    """Return the fall from the high-water mark, at the closes and at the lowest inside the bars, as a figure.

    Parameters
    ----------
    drawdowns : DataFrame      by time: drawdown drawdown_low (fractions, at most 0), as Result.drawdowns
    liquidations : DataFrame   as Result.liquidations, to mark

    Raises
    ------
    DataError                  for a frame without the columns it needs
    """
    return _alone("Drawdown", drawdown_panel(drawdowns, liquidations), drawdowns, liquidations)


def margin_ratio(history: pd.DataFrame, *, liquidations: pd.DataFrame | None = None) -> "Figure":
    """Return the margin ratio at the closes as a figure, with the line at which accounts are liquidated.

    Parameters
    ----------
    history : DataFrame        by time: margin_ratio, as Result.history; infinite ones are beyond the axis
    liquidations : DataFrame   as Result.liquidations, to mark

    Raises
    ------
    DataError                  for a frame without the column
    """
    return _alone("Margin ratio", margin_ratio_panel(history, liquidations), history, liquidations)


def leverage(history: pd.DataFrame, *, liquidations: pd.DataFrame | None = None) -> "Figure":
    """Return the effective leverage at the closes, notional over equity, as a figure.

    Parameters
    ----------
    history : DataFrame        by time: effective_leverage, as Result.history; infinite ones are beyond the axis
    liquidations : DataFrame   as Result.liquidations, to mark

    Raises
    ------
    DataError                  for a frame without the column
    """
    looks = {"effective_leverage": Look("Effective leverage", "leverage", {"line": {"color": LONG, "width": 1.2}})}
    frame = by_time(history, "history", [*looks])
    top = _usual(numbers(frame, "effective_leverage"))
    axis = {"ticksuffix": "x", "range": [0.0, 1.05 * top]} if top > 0.0 else {"ticksuffix": "x", "rangemode": "tozero"}
    panel = _panel(frame, liquidations, looks, "Effective leverage (x)", ",.2f", axis)
    panel.traces[0]["hovertemplate"] += "x"
    return _alone("Effective leverage", panel, history, liquidations)


def free_margin(history: pd.DataFrame, *, liquidations: pd.DataFrame | None = None) -> "Figure":
    """Return the money that no position ties up, at the closes, as a figure.

    Parameters
    ----------
    history : DataFrame        by time: free_margin (quote), as Result.history
    liquidations : DataFrame   as Result.liquidations, to mark

    Raises
    ------
    DataError                  for a frame without the column
    """
    looks = {"free_margin": Look("Free margin", "free_margin", {"line": {"color": LONG, "width": 1.2}})}
    frame = by_time(history, "history", [*looks])
    digits = money_format(numbers(frame, "free_margin"))
    panel = _panel(frame, liquidations, looks, "Free margin (quote)", digits, {"rangemode": "tozero"})
    return _alone("Free margin", panel, history, liquidations)


def costs(history: pd.DataFrame, *, liquidations: pd.DataFrame | None = None) -> "Figure":
    """Return what was paid so far in fees, funding, interest, penalties and forfeited margin as a figure.

    Parameters
    ----------
    history : DataFrame        by time: fees funding interest penalties forfeited (running totals, quote), as
        Result.history; those that stay 0 are left out. Funding received is negative
    liquidations : DataFrame   as Result.liquidations, to mark

    Raises
    ------
    DataError                  for a frame without the columns it needs
    """
    panel = costs_panel(history, liquidations)
    figure = _alone("Costs so far", panel, history, liquidations)
    return figure if panel.traces or not len(history) else nothing(figure, "No costs")


def equity_panel(history: object, liquidations: object = None) -> Panel:
    """Return the panel of `equity`."""
    looks = {
        "equity_low": Look("Lowest in the bar", "equity_low", {"line": {"color": LOW, "width": 1}}),
        "equity": Look("Equity at the close", "equity", {"line": {"color": CLOSE, "width": 1.5}}),
    }
    frame = by_time(history, "history", [*looks])
    digits = money_format(numbers(frame, "equity"))
    return _panel(frame, liquidations, looks, "Equity (quote)", digits, {"rangemode": "tozero"})


def drawdown_panel(drawdowns: object, liquidations: object = None) -> Panel:
    """Return the panel of `drawdown`."""
    filled = {"line": {"color": CLOSE, "width": 1.5}, "fill": "tozeroy", "fillcolor": faint(CLOSE)}
    looks = {
        "drawdown_low": Look("Lowest in the bar", "drawdown_low", {"line": {"color": LOW, "width": 1}}),
        "drawdown": Look("Drawdown at the close", "drawdown", filled),
    }
    frame = by_time(drawdowns, "drawdowns", [*looks])
    return _panel(frame, liquidations, looks, "Drawdown (%)", ".1%", {"tickformat": ".0%", "rangemode": "tozero"})


def margin_ratio_panel(history: object, liquidations: object = None) -> Panel:
    """Return the panel of `margin_ratio`."""
    looks = {"margin_ratio": Look("Margin ratio", "margin_ratio", {"line": {"color": CLOSE, "width": 1.2}})}
    frame = by_time(history, "history", [*looks])
    top = min(max(1.08, 1.05 * _highest(numbers(frame, "margin_ratio"))), HIGHEST_RATIO)
    panel = _panel(frame, liquidations, looks, "Margin ratio (%)", ".1%", {"tickformat": ".0%", "range": [0.0, top]})
    limit = {
        "type": "scatter",
        "mode": "lines",
        "x": x_of(times_of(frame.index[[0, -1]] if len(frame) else frame.index)),
        "y": [1.0, 1.0] if len(frame) else [],
        "name": "Liquidated at 100%",
        "line": {"color": THRESHOLD, "width": 1.5, "dash": "dash"},
        "hoverinfo": "skip",
        "meta": {"role": "limit"},
    }
    crosses = [{**trace, "y": np.ones(len(trace["x"]))} for trace in panel.traces[1:]]  # inside the bar it was 1
    return panel._replace(traces=[panel.traces[0], limit, *crosses])


def costs_panel(history: object, liquidations: object = None) -> Panel:
    """Return the panel of `costs`."""
    frame = by_time(history, "history", [*COSTS])
    colours = dict(zip(COSTS, PALETTE, strict=False))
    looks = {
        column: Look(name, column, {"line": {"color": colours[column], "width": 1.5}})
        for column, name in COSTS.items()
        if (numbers(frame, column) != 0.0).any()
    }
    digits = money_format(frame[[*COSTS]].to_numpy(np.float64)[-1:])
    return _panel(frame, liquidations, looks, "Paid so far (quote)", digits, {}, stands=True)


def _panel(
    frame: pd.DataFrame,
    liquidations: object,
    looks: Mapping[str, Look],
    title: str,
    digits: str,
    axis: Mapping[str, Any],
    *,
    stands: bool = False,
) -> Panel:
    """Return the columns of a frame as curves, of which most `stand` still, the last with the liquidations on it."""
    time = times_of(frame.index)
    story = marked(liquidations, time)
    curves = [np.nan_to_num(numbers(frame, column), nan=np.nan, posinf=INFINITE, neginf=-INFINITE) for column in looks]
    rows = thinned(time, curves, story.spans)
    traces: list[Trace] = []
    for (column, (name, role, look)), values in zip(looks.items(), curves, strict=True):
        kept = without_flat_runs(values, rows) if stands else rows
        traces.append(curve(time, values, kept, role=role, name=name, look=dict(look), digits=digits))
        true = numbers(frame, column)
        if np.isinf(true).any():
            text = [f"{value:{digits}}" if np.isfinite(value) else "infinite" for value in true[kept].tolist()]
            traces[-1] |= {"text": text, "hovertemplate": "%{text}"}
    crosses = liquidations_on(story, time, curves[-1]) if curves else None
    return Panel([*traces, *([crosses] if crosses else [])], title, axis)


def _alone(title: str, panel: Panel, frame: pd.DataFrame, liquidations: object) -> "Figure":
    """Return a panel as a figure of its own."""
    time = times_of(frame.index)
    story = marked(liquidations, time)
    figure = stacked([panel], title, time_axis(time), caption=word_on(story))
    return figure if len(frame) else nothing(figure, "No bars")


def _highest(values: Values) -> float:
    """Return the highest finite value, 0 without any."""
    return float(np.max(values, initial=0.0, where=np.isfinite(values)))


def _usual(values: Values) -> float:
    """Return where an axis may end: at the highest finite value, or a few times what is usual."""
    finite = values[np.isfinite(values)]
    usual = float(np.quantile(finite, USUAL)) if len(finite) else 0.0
    highest = _highest(values)
    return min(highest, 3.0 * usual) if usual > 0.0 else highest

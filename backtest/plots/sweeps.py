"""What a swept number does to growth, drawdown and survival, and where growth is best."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from backtest.errors import ConfigError
from backtest.plots.frames import numbers
from backtest.plots.growth import edge, growth_at, growth_by_value, log_growth, optimum, share_ruined
from backtest.plots.style import PALETTE, Panel, Trace, faint, nothing, percent_format, stacked
from backtest.plots.swept import Swept, is_numeric, value_text
from backtest.plots.thinning import Values

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["sweep"]

LOWEST_GROWTH = -3.0
"""Where the axis of log growth ends at the latest: 95 % lost in a year."""

FEW = 6
"""Counts below are labelled one by one: no axis has half a liquidation."""

DASHES = ("solid", "dash", "dot", "dashdot")


class Side(NamedTuple):
    """The settings of one line.

    Attributes
    ----------
    name : str                 its margin mode, where that is swept
    rows : DataFrame           in order of the swept number, the other settings those of the best row
    all : DataFrame            whatever the other settings
    line : dict                its colour and dash: lines that are the same stay visible
    """

    name: str
    rows: pd.DataFrame
    all: pd.DataFrame
    line: Trace


def sweep(table: pd.DataFrame, over: str | None = None, *, best: pd.DataFrame | None = None) -> "Figure":
    """Return growth, drawdown, liquidations and ruin against one swept number as a figure.

    A line for each margin mode where that is swept; other swept settings are those of the row that grew most. The
    value with the highest growth is marked and, of a leverage that grew, half of it.

    Parameters
    ----------
    table : DataFrame          as `bt.sweep` returns it
    over : str                 a swept number; default: leverage where it varies, else the first number that does
    best : DataFrame           the same sweep under intrabar="best": the span to it is shaded, what the bars leave open

    Raises
    ------
    DataError                  for a frame that is no table of a sweep
    ConfigError                for a table without a swept number, an `over` that is none, a `best` of other settings
    """
    swept = Swept.of(table)
    over = _over(swept, over)
    other = None if best is None else _same_settings(Swept.of(best, "best"), swept)
    sides = _sides(swept, over)
    spans = [] if other is None else _sides(other, over, swept)
    panels = [
        _growth_panel(sides, spans, over, "CAGR (%)", logged=False),
        _growth_panel(sides, spans, over, "Log growth", logged=True),
        _drawdown_panel(sides, over),
        _count_panel(sides, over),
        _ruin_panel(sides, over),
    ]
    caption = swept.caption({over, "margin_mode"})
    caption += " Ruined: the share of all settings." if caption else ""
    caption = f"{caption} {_edge_in_words(sides, over)}".strip()
    title = f"{over.replace('_', ' ').capitalize()} against growth and ruin"
    figure = stacked(panels, title, _value_axis(swept.rows[over], over), caption=caption, height=820)
    for side in sides:
        _draw_optimum(figure, side, over)
    return figure if sides else nothing(figure, "No setting could run")


def _over(swept: Swept, over: object) -> str:
    """Return the swept number that the figure runs over."""
    if over is not None:
        name = swept.named(over, "over")
        if not is_numeric(swept.rows[name]):
            raise ConfigError(f"over must be a swept number, got {name}, which is of {swept.rows[name].dtype}")
        return name
    numeric = [name for name in swept.settings if is_numeric(swept.rows[name])]
    choice = [name for name in numeric if name in swept.varied] or numeric
    if not choice:
        raise ConfigError(f"table must have a swept number to run over, got {', '.join(swept.settings)}")
    return "leverage" if "leverage" in choice else choice[0]


def _same_settings(best: Swept, swept: Swept) -> Swept:
    """Return the sweep under the best order of prices, which has the settings of the other."""
    if best.settings != swept.settings:
        there = ", ".join(best.settings)
        raise ConfigError(f"best must be swept over the same settings, {', '.join(swept.settings)}, got {there}")
    return best


def _sides(swept: Swept, over: str, like: Swept | None = None) -> list[Side]:
    """Return a line for each margin mode, held as `like`, or itself, has its best row."""
    if not len(swept.rows) or (like is not None and not len(like.rows)):
        return []
    first = like or swept
    held = first.held({over, "margin_mode"})
    modes = list(first.rows["margin_mode"].unique()) if "margin_mode" in first.varied else [None]
    sides = []
    for mode, colour, dash in zip(modes, PALETTE, DASHES, strict=False):
        chosen = {} if mode is None else {"margin_mode": mode}
        rows = swept.with_settings({**held, **chosen}).dropna(subset=[over]).sort_values(over)
        sides.append(
            Side("" if mode is None else str(mode), rows, swept.with_settings(chosen), {"color": colour, "dash": dash})
        )
    return sides


def _growth_panel(sides: Sequence[Side], spans: Sequence[Side], over: str, title: str, *, logged: bool) -> Panel:
    """Return growth, the span to growth under the best order of prices, and the best value."""
    values = [_drawn(numbers(side.rows, "cagr"), logged) for side in sides]
    everything = np.concatenate(values) if values else np.empty(0)
    digits = ",.3~f" if logged else percent_format(everything)
    role = "log_growth" if logged else "growth"
    traces: list[Trace] = []
    for side, growth in zip(sides, values, strict=True):
        for span in spans:
            traces += (
                _span(side, span, over, growth, logged, legend=not logged and side is sides[0])
                if span.name == side.name
                else []
            )
        traces.append(_line(side, side.rows[over], growth, role, digits, legend=not logged))
    axis: dict[str, Any] = {} if logged else {"tickformat": digits.replace("1%", "0%")}
    if logged and np.isfinite(everything).any():
        low, high = float(np.nanmin(everything)), float(np.nanmax(everything))
        room = 0.08 * (high - max(low, LOWEST_GROWTH)) or 0.1
        axis["range"] = [max(low, min(LOWEST_GROWTH, high - 1.0)) - room, high + room]
    return Panel(traces, title, axis)


def _drawn(growth: Values, logged: bool) -> Values:
    """Return growth as a panel draws it."""
    return log_growth(growth) if logged else growth


def _span(side: Side, span: Side, over: str, growth: Any, logged: bool, *, legend: bool) -> list[Trace]:
    """Return the edges of what the order of prices inside the bars leaves open, shaded in between."""
    other = _drawn(growth_by_value(span.rows, over, side.rows[over]), logged)
    look = {"line": {"width": 0, "color": side.line["color"]}, "legendgroup": "ambiguity", "hoverinfo": "skip"}
    low = _line(side, side.rows[over], growth, "span_low", "") | look
    high = _line(side, side.rows[over], other, "span_high", "") | look
    high |= {"fill": "tonexty", "fillcolor": faint(side.line["color"]), "showlegend": legend, "name": "Ambiguity"}
    return [{**trace, "mode": "lines", "hovertemplate": None} for trace in (low, high)]


def _drawdown_panel(sides: Sequence[Side], over: str) -> Panel:
    """Return the deepest fall, at the lowest prices, against the swept number."""
    traces = [_line(side, side.rows[over], side.rows["max_drawdown_low"], "max_drawdown_low", ".1%") for side in sides]
    return Panel(traces, "Max drawdown (%)", {"tickformat": ".0%", "rangemode": "tozero"})


def _count_panel(sides: Sequence[Side], over: str) -> Panel:
    """Return how many liquidations there were against the swept number."""
    traces = [_line(side, side.rows[over], side.rows["liquidations"], "liquidation_count", ",.0f") for side in sides]
    few = all(np.nanmax(trace["y"], initial=0.0) < FEW for trace in traces)
    return Panel(traces, "Liquidations", {"tickformat": ",.0f", "rangemode": "tozero"} | ({"dtick": 1} if few else {}))


def _ruin_panel(sides: Sequence[Side], over: str) -> Panel:
    """Return the share of accounts that were ruined, whatever their other settings."""
    traces = []
    for side in sides:
        share = share_ruined(side.all, over)
        traces.append(_line(side, share.index, share.to_numpy(), "ruined", ".0%"))
    return Panel(traces, "Ruined (%)", {"tickformat": ".0%", "range": [-0.05, 1.05]})


def _line(side: Side, x: Any, y: Any, role: str, digits: str, *, legend: bool = False) -> Trace:
    """Return one line of a panel."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": np.asarray(x, np.float64),
        "y": np.asarray(y, np.float64),
        "name": side.name or "Growth",
        "legendgroup": side.name or "growth",
        "showlegend": legend and bool(side.name),
        "line": {"width": 1.5, **side.line},
        "marker": {"size": 5, "color": side.line["color"]},
        "hovertemplate": f"%{{y:{digits}}}",
        "meta": {"role": role},
    }


def _edge_in_words(sides: Sequence[Side], over: str) -> str:
    """Return what keeps the best value from being an optimum: it is the first or the last that was tried."""
    edges = {edge(side.rows, over) for side in sides}
    found = [each for each in ("lowest", "highest") if each in edges]
    named = over.replace("_", " ")
    return f"The best {named} is the {' or the '.join(found)} tried: a better one may lie beyond." if found else ""


def _draw_optimum(figure: "Figure", side: Side, over: str) -> None:
    """Mark the value with the highest growth and, of leverage, half of it, through all panels."""
    best, unit = optimum(side.rows, over), "x" if over == "leverage" else ""
    if best is None:
        return
    grew = best.growth > 0.0
    title = "Growth-optimal" if grew else "Lost least"
    name = f"{title}{', ' + side.name if side.name else ''}: {value_text(best.value)}{unit}"
    marks = [("optimum", "star", "dash", best.value, best.growth)]
    if over == "leverage" and grew:
        half = best.value / 2.0
        name += f" (half of it: {value_text(half)}x)"
        marks.append(("half", "star-open", "dot", half, growth_at(side.rows, over, half)))
    colour = side.line["color"]
    for role, symbol, dash, at, height in marks:
        figure.add_scatter(
            x=[at],
            y=[height],
            mode="markers",
            name=name,
            showlegend=role == "optimum",
            marker={"symbol": symbol, "size": 13, "color": colour, "line": {"width": 1, "color": colour}},
            hoverinfo="skip",
            meta={"role": role},
        )
        line = {"color": colour, "width": 1, "dash": dash}
        figure.add_shape(type="line", name=role, x0=at, x1=at, y0=0, y1=1, yref="paper", line=line, layer="below")


def _value_axis(values: "pd.Series[Any]", over: str) -> dict[str, Any]:
    """Return the axis of a swept number: logarithmic where its values are nearer to a geometric series."""
    known = np.unique(values.dropna().to_numpy(np.float64))
    unit = " (x)" if over == "leverage" else ""
    axis: dict[str, Any] = {"title": {"text": over.replace("_", " ").capitalize() + unit}, "tickformat": ",.4~f"}
    if len(known) > 2 and known[0] > 0.0:
        spread = [float(np.std(steps) / np.mean(steps)) for steps in (np.diff(known), np.diff(np.log(known)))]
        if spread[1] < spread[0] and known[-1] >= 10.0 * known[0]:
            axis |= {"type": "log"}
    if len(known) <= 12:
        axis |= {"tickvals": known, "ticktext": [value_text(value) for value in known.tolist()]}
    return axis

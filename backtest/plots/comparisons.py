"""The same signals under several settings on one time axis, with the liquidations in which they part."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from backtest.errors import DataError
from backtest.plots.frames import by_time, numbers, times_of, with_columns
from backtest.plots.lines import curve, x_of
from backtest.plots.style import LIQUIDATION, PALETTE, TEXT, Panel, Trace, money_format, nothing, stacked, time_axis
from backtest.plots.thinning import MARKS, TRUE_LIQUIDATIONS, Times, costliest, spans_around, thinned
from backtest.text import grouped

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["comparison"]


def comparison(curves: pd.DataFrame, *, parts: pd.DataFrame | None = None) -> "Figure":
    """Return equity under several settings as a figure, each liquidation that not all of them have marked on its curve.

    Parameters
    ----------
    curves : DataFrame         equity at the closes by time (quote), a column per setting; 0 is ruin
    parts : DataFrame          time, symbol, loss, and a bool per setting, as Comparison.liquidations; where there are
        too many, the costliest are marked, and every bar near the costliest is drawn

    Raises
    ------
    DataError                  for curves without a column, and parts that lack a setting
    """
    curves = by_time(curves, "curves", ())
    names = [str(name) for name in curves.columns]
    if not names:
        raise DataError("curves must have a column per setting, got none")
    time = times_of(curves.index)
    rows = _parts(parts, names, time)
    near = rows.iloc[costliest(numbers(rows, "loss"), TRUE_LIQUIDATIONS)]
    spans = spans_around(time, times_of(near["time"]))
    marked = rows.iloc[costliest(numbers(rows, "loss"), MARKS)]
    digits = money_format(curves.to_numpy(np.float64))
    kept = thinned(time, [curves.iloc[:, k].to_numpy(np.float64) for k in range(len(names))], spans)
    lines: list[Trace] = []
    crosses: list[Trace] = []
    for k, name in enumerate(names):
        values = curves.iloc[:, k].to_numpy(np.float64)
        look = {"line": {"color": PALETTE[k % len(PALETTE)], "width": 1.5}}
        lines.append(curve(time, values, kept, role="setting", name=name, look=look, digits=digits))
        mine = marked[marked[name].astype(bool)] if len(marked) else marked
        if len(mine):
            at = np.searchsorted(time, times_of(mine["time"]), side="right") - 1
            crosses.append(_crosses(x_of(time[at]), values[at], mine, name, first=not crosses))
    panel = Panel([*lines, *crosses], "Equity (quote)", {"rangemode": "tozero"})
    figure = stacked([panel], "Equity by setting", time_axis(time), caption=_caption(rows, names), height=440)
    if len(rows):
        line = {"color": TEXT, "width": 1, "dash": "dot"}
        figure.add_vline(x=float(times_of(rows["time"])[0]), line=line, layer="below")
    return figure if len(curves) else nothing(figure, "No bars")


def _parts(parts: object, names: Sequence[str], time: Times) -> pd.DataFrame:
    """Return the liquidations in which the settings part, those within the curves, in time."""
    frame = pd.DataFrame(columns=["time", "symbol", "loss"])
    if parts is not None and len(time):
        frame = with_columns(parts, "parts", ["time", "symbol", "loss", *names]).sort_values("time", kind="stable")
        moments = times_of(frame["time"])
        frame = frame[(moments >= time[0]) & (moments <= time[-1])]
    return frame


def _crosses(x: object, height: object, rows: pd.DataFrame, name: str, *, first: bool) -> Trace:
    """Return the liquidations that this setting has and another has not."""
    legs = " " + rows["leg"].astype(str) if "leg" in rows else ""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": height,
        "name": "Liquidation the others have not" if first else f"Liquidation, {name}",
        "legendgroup": "liquidations",
        "showlegend": first,
        "marker": {
            "symbol": "x",
            "size": 12,
            "color": LIQUIDATION,
            "line": {"width": 1, "color": "rgba(255,255,255,0.7)"},
        },
        "text": list(rows["symbol"].astype(str) + legs),
        "hovertemplate": f"{name}: %{{text}}, %{{x|%Y-%m-%d %H:%M}}<extra>Liquidation</extra>",
        "meta": {"role": "liquidations"},
        "cliponaxis": False,
    }


def _caption(rows: pd.DataFrame, names: Sequence[str]) -> str:
    """Return where the settings part first, and how many marks are left out."""
    if not len(rows):
        return ""
    first = rows.iloc[0]
    having = ", ".join(name for name in names if bool(first[name]))
    count = f"; {grouped(len(rows))} such liquidations" if len(rows) > 1 else ""
    said = f"They part at {first['time']:%Y-%m-%d %H:%M}: {first['symbol']} is liquidated under {having} alone{count}."
    if len(rows) > MARKS:
        said += f" The {grouped(MARKS)} costliest are marked, {grouped(len(rows) - MARKS)} are not."
    return said

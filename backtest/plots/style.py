"""What all figures have in common: colours, axes, legends, and how many digits a number has."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = [
    *("CLOSE", "GRID", "LIQUIDATION", "LONG", "LOW", "PALETTE", "PROFIT", "SHORT", "STOP", "TEXT", "THRESHOLD"),
    *("WAYS", "Panel", "Trace", "faint", "fits_single", "money_format", "nothing", "number_format", "percent_format"),
    *("stacked", "time_axis"),
]

Trace = dict[str, Any]

LIQUIDATION = "#e11d48"
"""Liquidations, and nothing else."""

THRESHOLD = "#a855f7"
"""Where a liquidation would be: its price, the margin ratio of 1."""

CLOSE = "#3b82f6"
LOW = "#d97706"
LONG = "#0d9488"
SHORT = "#d97706"
STOP = "#64748b"
PROFIT = "#65a30d"
PALETTE = ("#3b82f6", "#d97706", "#0d9488", "#8b5cf6", "#64748b", "#65a30d", "#0284c7", "#a16207")
"""Settings side by side, in their order."""

WAYS = ((0.0, "#d97706"), (0.5, "#cbd5e1"), (1.0, "#0d9488"))
"""From a loss over nothing to a gain."""

TEXT = "#7a818c"  # readable on white as on near-black
GRID = "rgba(128,128,128,0.2)"
CLEAR = "rgba(0,0,0,0)"
HEIGHT = 380  # of a figure of one panel, in pixels
LINE = 15  # height of a line of the caption, in pixels
CAPTION = 58  # letters in a line of the caption: what a phone shows
GAP = 0.035  # between panels, of the height
LEFT = 62  # pixels for the labels of most y axes: figures below each other have the same width
ROOM = 0.01  # on either side of the times, of their length
SINGLE = 2.0**-24  # how far off single precision is at most, of a number
HALF_A_DAY = 43_200_000  # ms, on either side of a single time


class Panel(NamedTuple):
    """Curves on one axis.

    Attributes
    ----------
    traces : sequence of dict
    title : str                of the y axis, with its unit
    axis : mapping             what else the y axis has
    share : float              its height, relative to the other panels
    """

    traces: Sequence[Trace]
    title: str
    axis: Mapping[str, Any] = {}
    share: float = 1.0


def stacked(
    panels: Sequence[Panel],
    title: str,
    x_axis: Mapping[str, Any],
    *,
    caption: str = "",
    height: int = HEIGHT,
    hovermode: str = "x unified",
) -> "Figure":
    """Return a figure of panels one above the other, with one x axis.

    Parameters
    ----------
    panels : sequence of Panel   from the top
    title : str
    x_axis : mapping             of the layout
    caption : str                below the title; pages find it in layout.meta
    height : int                 pixels
    hovermode : str
    """
    from plotly.graph_objects import Figure

    axes: dict[str, Any] = {}
    traces: list[Trace] = []
    free = 1.0 - GAP * (len(panels) - 1)
    top, whole = 1.0, sum(panel.share for panel in panels)
    for number, panel in enumerate(panels, start=1):
        name = "" if number == 1 else str(number)
        bottom = top - free * panel.share / whole
        domain = [max(bottom, 0.0), top]
        axes[f"yaxis{name}"] = {**_axis(panel.title), "anchor": "x", "domain": domain, **panel.axis}
        traces.extend({**trace, "xaxis": "x", "yaxis": f"y{name}"} for trace in panel.traces)
        top = bottom - GAP
    last = "y" if len(panels) == 1 else f"y{len(panels)}"
    return Figure(
        {
            "data": traces,
            "layout": {
                **_frame(title, caption, height),
                **axes,
                "xaxis": {**_axis(""), "anchor": last, **x_axis},
                "hovermode": hovermode,
                "hoversubplots": "axis",
            },
        }
    )


def time_axis(time: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Return an x axis of times (T,), milliseconds, from the first to the last."""
    axis = {"type": "date", "title": {"text": "Time (UTC)"}, "hoverformat": "%Y-%m-%d %H:%M", **_spikes()}
    if len(time):
        room = int(ROOM * (time[-1] - time[0])) or HALF_A_DAY
        axis["range"] = [str(np.datetime64(int(edge), "ms")) for edge in (time[0] - room, time[-1] + room)]
    return axis


def nothing(figure: "Figure", what: str) -> "Figure":
    """Return a figure without axes, with a line in its middle that says why it is empty."""
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    figure.add_annotation(text=what, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 14})
    return figure


def faint(colour: str, alpha: float = 0.18) -> str:
    """Return a colour, given as #rrggbb, that lets through what is behind it."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def number_format(values: npt.ArrayLike, digits: int = 6) -> str:
    """Return the format of numbers of which the largest has so many digits, as in ,.2~f for 1 234.56."""
    largest = _largest(values)
    before = int(np.floor(np.log10(largest))) + 1 if largest > 0.0 else 1
    return f",.{min(max(digits - before, 0), 12)}~f"


def money_format(values: npt.ArrayLike) -> str:
    """Return the format of amounts of money: to the cent, to the whole where there are six digits before it.

    Coins have six digits.
    """
    largest = _largest(values)
    if largest >= 1e9:
        return ",.6~s"
    return number_format(values) if 0.0 < largest < 100.0 else ",.2f" if largest < 1e5 else ",.0f"


def percent_format(values: npt.ArrayLike) -> str:
    """Return the format of fractions as percent: where they are beyond all measure, with three digits that count."""
    return ".1%" if _largest(values) < 100.0 else ",.3~p"


def fits_single(values: npt.ArrayLike, digits: str) -> bool:
    """Return whether single precision is enough for a format: off by a tenth of its last digit at most."""
    decimals, kind = re.fullmatch(r",?\.(\d+)~?([fps%])", digits).groups()  # type: ignore[union-attr]
    places = int(decimals) + 2 * (kind == "%")
    return kind in "ps" or _largest(values) * SINGLE <= 0.1 * 10.0**-places


def _largest(values: npt.ArrayLike) -> float:
    """Return the largest finite size, 0 without any."""
    sizes = np.abs(np.asarray(values, np.float64))
    return float(np.max(sizes, initial=0.0, where=np.isfinite(sizes)))


def _axis(title: str) -> dict[str, Any]:
    """Return what every axis has."""
    return {
        "title": {"text": title, "font": {"size": 12}},
        "automargin": True,
        "separatethousands": True,
        "gridcolor": GRID,
        "zerolinecolor": GRID,
        "linecolor": GRID,
    }


def _spikes() -> dict[str, Any]:
    """Return a thin line through all panels at the pointer."""
    return {"showspikes": True, "spikemode": "across", "spikethickness": 1, "spikedash": "dot", "spikecolor": TEXT}


def _frame(title: str, caption: str, height: int) -> dict[str, Any]:
    """Return the layout around the panels: title, caption and legend above them, one below the other."""
    lines = textwrap.wrap(caption, CAPTION)
    head = 40 + LINE * len(lines) + (6 if lines else 0)
    heading: dict[str, Any] = {"text": title, "font": {"size": 16}, "x": 0, "xanchor": "left", "xref": "container"}
    heading |= {"y": 1, "yanchor": "top", "yref": "container", "pad": {"t": 10, "l": 10}}
    if lines:
        heading["subtitle"] = {"text": "<br>".join(lines), "font": {"size": 12, "color": TEXT}}
    return {
        "title": heading,
        "meta": {"caption": caption},
        "template": {},
        "height": height + head,
        "margin": {"l": LEFT, "r": 14, "t": head, "b": 12},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "size": 12, "color": TEXT},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1.0 - head / (height + head),
            "yref": "container",
            "yanchor": "top",
            "bgcolor": CLEAR,
        },
        "hoverlabel": {
            "bgcolor": "rgba(31,36,46,0.94)",
            "bordercolor": "rgba(128,128,128,0.5)",
            "font": {"color": "#f3f4f6", "size": 12},
            "namelength": -1,
        },
        "modebar": {"bgcolor": CLEAR, "color": TEXT, "activecolor": CLOSE},
        "dragmode": "zoom",
    }

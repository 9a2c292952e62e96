"""One figure of a sweep over two of its settings, as a field of colours."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.errors import ConfigError
from backtest.plots.style import WAYS, Panel, Trace, nothing, number_format, percent_format, stacked
from backtest.plots.swept import Swept, value_text
from backtest.text import shown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["heatmap"]

FRACTIONS = (
    *("total_return", "cagr", "volatility", "max_drawdown", "max_drawdown_low", "exposure", "win_rate", "ruined"),
    *("highest_margin_ratio", "smallest_liquidation_distance"),
)
WORDS = {"cagr": "CAGR"}
HARMS = (
    *("ruined", "liquidations", "liquidation_loss", "bad_debt", "penalties", "margin_calls", "forced_closes"),
    *("refills", "refilled", "socialised_loss", "cut_orders", "refused_orders"),
)
"""Figures of which more is worse."""

UPWARDS = ((0.0, "#cbd5e1"), (1.0, "#3b82f6"))
"""Of a figure that is never below 0."""

DOWNWARDS = ((0.0, WAYS[1][1]), (1.0, WAYS[0][1]))
"""Of one of HARMS."""

DAY = 86_400.0  # s

FEW = 8  # columns: more are too narrow for text on a phone
CELLS = 150
"""Up to so many cells have their value written in them."""

ROW = 34  # pixels a row, at least for few


def heatmap(table: pd.DataFrame, x: str | None = None, y: str | None = None, *, figure: str = "cagr") -> "Figure":
    """Return a figure of the summary over two swept settings, values on hover; the row that grew most is framed.

    Other swept settings are those of the row that grew most.

    Parameters
    ----------
    table : DataFrame          as `bt.sweep` returns it
    x, y : str                 two swept settings; default: the first two that vary, leverage before others
    figure : str               a column of figures

    Raises
    ------
    DataError                  for a frame that is no table of a sweep
    ConfigError                for fewer than two swept settings, an x or y that is none, a figure that is no number
    """
    swept = Swept.of(table)
    x, y = _axes(swept, x, y)
    rows = swept.with_settings(swept.held({x, y})).reset_index(drop=True)
    rows = rows.assign(shown=_values(swept, rows, figure))
    columns, lines = _labels(rows[x]), _labels(rows[y])
    cells = {name: _cells(rows, name, x, y, columns, lines) for name in ("shown", "liquidations", "ruined")}
    field = [_field(cells, columns, lines, figure, x, y)] if len(rows) else []
    axes = [
        {"type": "category", "showgrid": False, "zeroline": False, "title": {"text": _word(name)}}
        | ({"range": [-0.5, len(labels) - 0.5]} if labels else {})
        for name, labels in ((x, columns), (y, lines))
    ]
    drawn = stacked(
        [Panel(field, _word(y), axes[1])],
        _word(figure) + _unit(swept.rows, figure),
        axes[0],
        caption=swept.caption({x, y}),
        height=min(110 + ROW * max(len(lines), 5), 640),
        hovermode="closest",
    )
    if not len(rows):
        return nothing(drawn, "No setting could run")
    best = swept.best()
    _frame_cell(drawn, list(columns).index(_key(best[x])), list(lines).index(_key(best[y])))
    return drawn


def _axes(swept: Swept, x: object, y: object) -> tuple[str, str]:
    """Return the settings across and up."""
    given = [swept.named(name, role) for name, role in ((x, "x"), (y, "y")) if name is not None]
    if len(given) == 2 and given[0] == given[1]:
        raise ConfigError(f"x and y must be two settings, got {given[0]} twice")
    order = sorted(swept.varied or swept.settings, key=lambda name: name != "leverage")
    free = [name for name in order if name not in given]
    if len(given) + len(free) < 2:
        there = ", ".join(swept.varied) or "none"
        raise ConfigError(f"table must have two swept settings that vary, got {there}")
    across = given[0] if x is not None else free.pop(0)
    return across, (given[-1] if y is not None else free[0])


def _values(swept: Swept, rows: pd.DataFrame, figure: object) -> npt.NDArray[np.float64]:
    """Return a figure of rows, lengths of time in days."""
    if figure not in swept.figures:
        raise ConfigError(f"figure must be one of {', '.join(swept.figures)}, got {shown(figure)}")
    column = rows[figure]
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        column = column.dt.total_seconds() / DAY
    try:
        values: npt.NDArray[np.float64] = column.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"figure must be a number, got {figure}, which is of {column.dtype}") from error
    return values


def _labels(column: "pd.Series[Any]") -> dict[Any, str]:
    """Return the text of every value, in their order; a setting that is not given comes first."""
    known = column.dropna().unique().tolist()
    ordered = sorted(known) if all(isinstance(value, (int, float)) for value in known) else known
    missing = {None: value_text(None)} if column.isna().any() else {}
    return missing | {value: value_text(value) for value in ordered}


def _cells(
    rows: pd.DataFrame, name: str, x: str, y: str, columns: dict[Any, str], lines: dict[Any, str]
) -> npt.NDArray[np.float64]:
    """Return a column of the table as a field (lines, columns), NaN where no setting ran."""
    field = np.full((len(lines), len(columns)), np.nan)
    across, up = ({value: k for k, value in enumerate(labels)} for labels in (columns, lines))
    for right, above, value in zip(rows[x], rows[y], rows[name].astype(np.float64), strict=True):
        field[up[_key(above)], across[_key(right)]] = value
    return field


def _field(
    cells: dict[str, npt.NDArray[np.float64]],
    columns: dict[Any, str],
    lines: dict[Any, str],
    figure: str,
    x: str,
    y: str,
) -> Trace:
    """Return the colours."""
    values = cells["shown"]
    digits = percent_format(values) if figure in FRACTIONS else number_format(values, 4)
    few = values.size <= CELLS and len(columns) <= FEW
    return {
        "type": "heatmap",
        "x": list(columns.values()),
        "y": list(lines.values()),
        "z": values,
        "customdata": np.dstack((cells["liquidations"], cells["ruined"])),
        **_colours(values, figure),
        **({"texttemplate": f"%{{z:{'.0%' if digits == '.1%' else digits}}}"} if few else {}),
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "hovertemplate": (
            f"{_word(x)} %{{x}}, {_word(y).lower()} %{{y}}<br>{_word(figure)} %{{z:{digits}}}<br>"
            "%{customdata[0]:,.0f} liquidations, ruined %{customdata[1]:.0%}<extra></extra>"
        ),
        "colorbar": {"tickformat": ".0%" if digits == ".1%" else digits, "thickness": 12, "outlinewidth": 0},
        "meta": {"role": "field"},
    }


def _colours(values: npt.NDArray[np.float64], figure: str) -> Trace:
    """Return the scale of colours: what is bad is of the colour of losses on every map.

    A gain of more than the whole has the colour of one: a year's growth out of a few weeks, without bound, would leave
    a lost account as grey as any other.
    """
    far = float(np.max(np.abs(values), initial=0.0, where=np.isfinite(values))) or 1.0
    if figure in HARMS:
        return {"colorscale": DOWNWARDS, "zmin": 0.0, "zmax": 1.0 if figure == "ruined" else far}
    if bool((values < 0.0).any()):
        far = min(far, 1.0) if figure in FRACTIONS else far
        return {"colorscale": WAYS, "zmin": -far, "zmax": far}
    return {"colorscale": UPWARDS}


def _frame_cell(figure: "Figure", across: int, up: int) -> None:
    """Draw a frame around the cell of the row that grew most."""
    corners = {"x0": across - 0.5, "x1": across + 0.5, "y0": up - 0.5, "y1": up + 0.5}
    figure.add_shape(type="rect", name="optimum", line={"color": "#111827", "width": 2.5}, **corners)


def _key(value: object) -> object:
    """Return a setting's value as labels have it."""
    return None if pd.isna(value) else value  # type: ignore[call-overload]


def _word(name: str) -> str:
    """Return a column's name as a title."""
    return WORDS.get(name, name.replace("_", " ").capitalize())


def _unit(rows: pd.DataFrame, figure: str) -> str:
    """Return the unit of a figure, to stand behind its name."""
    if pd.api.types.is_timedelta64_dtype(rows[figure].dtype):
        return " (days)"
    return " (%)" if figure in FRACTIONS else ""

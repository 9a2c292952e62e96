"""Returns by month and year, as a table in colours."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from backtest.errors import DataError
from backtest.plots.frames import with_columns
from backtest.plots.style import WAYS, Panel, nothing, stacked

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["monthly_returns"]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ROW = 30  # pixels a year


def monthly_returns(table: pd.DataFrame) -> "Figure":
    """Return the returns of months and years as a table in colours, in whole percent; hovering shows a tenth.

    Parameters
    ----------
    table : DataFrame          a row per year (its index), columns 1 to 12 and "year": fractions, NaN where there is
        no bar, as Result.monthly_returns

    Raises
    ------
    DataError                  for a frame without these columns, or years that are no numbers
    """
    table = with_columns(table, "monthly returns", [*range(1, 13), "year"])
    if len(table) and not pd.api.types.is_integer_dtype(table.index.dtype):
        raise DataError(f"monthly returns must have a row per year, got an index of {table.index.dtype}")
    returns = table[[*range(1, 13), "year"]].to_numpy(np.float64)
    sizes = np.abs(returns[:, :12])
    far = float(np.max(sizes, initial=0.0, where=np.isfinite(sizes))) or 1.0
    text = [["" if np.isnan(value) else f"{100 * value:z.0f}" for value in row] for row in returns.tolist()]
    trace = {
        "type": "heatmap",
        "x": [*MONTHS, "Year"],
        "y": [str(year) for year in table.index],
        "z": returns,
        "text": text,
        "texttemplate": "%{text}",
        "textfont": {"size": 10},
        "zmin": -far,
        "zmax": far,
        "colorscale": WAYS,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": "%{x} %{y}: %{z:.1%}<extra></extra>",
        "hoverongaps": False,
        "meta": {"role": "months"},
    }
    axis = {"type": "category", "autorange": "reversed", "showgrid": False}
    months = {"type": "category", "side": "top", "showgrid": False, "tickangle": 0, "tickfont": {"size": 10}}
    panel = Panel([trace], "", axis)
    height = 40 + ROW * max(len(table), 2)
    figure = stacked([panel], "Monthly returns (%)", months, height=height, hovermode="closest")
    return figure if len(table) else nothing(figure, "No bars")

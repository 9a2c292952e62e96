"""A run at a glance: prices, equity, drawdown and margin ratio, one above the other."""

from typing import TYPE_CHECKING

import pandas as pd

from backtest.plots.curves import drawdown_panel, equity_panel, margin_ratio_panel
from backtest.plots.frames import times_of
from backtest.plots.prices import price_panel
from backtest.plots.style import Panel, nothing, stacked, time_axis

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["overview"]


def overview(
    bars: pd.DataFrame,
    history: pd.DataFrame,
    drawdowns: pd.DataFrame,
    *,
    trades: pd.DataFrame | None = None,
    liquidations: pd.DataFrame | None = None,
    symbol: str | None = None,
) -> "Figure":
    """Return prices, equity, drawdown and margin ratio as one figure with one time axis.

    Parameters
    ----------
    bars, trades, liquidations : DataFrame   as `price` takes them: of one symbol, or of several with `symbol`
    history : DataFrame        by time: equity equity_low margin_ratio, as Result.history
    drawdowns : DataFrame      by time: drawdown drawdown_low, as Result.drawdowns
    symbol : str               whose bars these are: others' liquidations are marked on the account's curves alone

    Raises
    ------
    DataError                  for a frame without the columns it needs, or of several symbols
    """
    prices, caption = price_panel(bars, _only(trades, symbol), _only(liquidations, symbol))
    panels = [
        prices._replace(share=1.8),
        _quiet(equity_panel(history, liquidations)),
        _quiet(drawdown_panel(drawdowns, liquidations)),
        _quiet(margin_ratio_panel(history, liquidations)),
    ]
    figure = stacked(panels, "Overview", time_axis(times_of(bars.index)), caption=caption, height=860)
    return figure if len(bars) else nothing(figure, "No bars")


def _only(events: pd.DataFrame | None, symbol: str | None) -> pd.DataFrame | None:
    """Return the events of a symbol, all without one."""
    return events if events is None or symbol is None or not len(events) else events[events["symbol"] == symbol]


def _quiet(panel: Panel) -> Panel:
    """Return a panel whose marks, and curves that its axis names, stay out of the legend."""
    traces = [{**trace, "showlegend": False} for trace in panel.traces]
    told = {"hoverinfo": "skip", "hovertemplate": None}  # above, with the prices
    return panel._replace(
        traces=[trace | told if trace["meta"]["role"] == "liquidations" else trace for trace in traces]
    )

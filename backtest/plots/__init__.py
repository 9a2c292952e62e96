"""Figures of runs, sweeps and comparisons: functions from frames to plotly figures."""

from backtest.plots.comparisons import comparison
from backtest.plots.curves import costs, drawdown, equity, free_margin, leverage, margin_ratio
from backtest.plots.heatmaps import heatmap
from backtest.plots.months import monthly_returns
from backtest.plots.overviews import overview
from backtest.plots.prices import price, true_bars
from backtest.plots.sweeps import sweep

__all__ = [
    "comparison",
    "costs",
    "drawdown",
    "equity",
    "free_margin",
    "heatmap",
    "leverage",
    "margin_ratio",
    "monthly_returns",
    "overview",
    "price",
    "sweep",
    "true_bars",
]

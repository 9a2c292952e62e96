"""A symbol's prices with all that happened to its position: entries, exits, liquidations, and where they would be."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from backtest.plots.frames import by_time, numbers, of_one_symbol, times_of
from backtest.plots.levels import LEVELS, level_lines
from backtest.plots.lines import curve
from backtest.plots.marks import LIQUIDATED, TRADED, Marked, liquidations_at, marked, trade_marks, word_on
from backtest.plots.style import CLOSE, LOW, Panel, Trace, faint, nothing, number_format, stacked, time_axis
from backtest.plots.thinning import BUCKETS, inside, thinned

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["price", "price_panel", "true_bars"]

OHLC = ("open", "high", "low", "close")
HEIGHT = 440  # pixels

BEYOND = 0.4
"""How far lines may lead the price axis beyond the prices, of their range: a 1x long's liquidation price is near 0."""


def price(
    bars: pd.DataFrame,
    *,
    trades: pd.DataFrame | None = None,
    liquidations: pd.DataFrame | None = None,
    positions: pd.DataFrame | None = None,
) -> "Figure":
    """Return one symbol's prices as a figure, with its trades, liquidations, and the prices at which they would be.

    Parameters
    ----------
    bars : DataFrame           by time: open high low close, and mark_close where marks are given (quote); NaN where
        there is no bar
    trades : DataFrame         of this symbol, as Result.trades
    liquidations : DataFrame   of this symbol, as Result.liquidations
    positions : DataFrame      of this symbol, as Result.positions

    Raises
    ------
    DataError                  for a frame without the columns it needs, or of several symbols

    Notes
    -----
    Every trace has its role in `meta`: band_low, band_high, close, mark, liquidation_price, stop, take_profit, entries,
    exits, liquidations.
    """
    panel, caption = price_panel(bars, trades, liquidations, positions)
    title = _title(trades, liquidations, positions)
    figure = stacked([panel], title, time_axis(times_of(bars.index)), caption=caption, height=HEIGHT)
    return figure if bars["close"].notna().any() else nothing(figure, "No bars")


def price_panel(
    bars: object, trades: object = None, liquidations: object = None, positions: object = None
) -> tuple[Panel, str]:
    """Return the panel of `price`, and a sentence on the marks that it leaves out."""
    bars = by_time(bars, "bars", OHLC)
    trips = of_one_symbol(trades, "trades", TRADED)
    of_one_symbol(liquidations, "liquidations", LIQUIDATED)
    held = of_one_symbol(positions, "positions", ("time", "quantity", *LEVELS))
    time = times_of(bars.index)
    story = marked(liquidations, time)
    traces = _prices(bars, story)
    if held is not None and len(time):
        shown = time[thinned(time, [numbers(bars, "close")])]
        traces += level_lines(held, time, story.spans, shown)
    if trips is not None:
        traces += trade_marks(trips, bars, with_liquidations=liquidations is None)
    crosses = liquidations_at(story, numbers(story.rows, "fill_price"))
    traces += [crosses] if crosses else []
    axis = {"tickformat": number_format(numbers(bars, "close"), 5)} | _range(traces)
    return Panel(traces, "Price (quote)", axis), word_on(story, trips)


def true_bars(bars: pd.DataFrame, liquidations: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the bars, open high low close by time, that figures keep in full: all of a short history, and otherwise
    those near the costliest liquidations.
    """  # noqa: D205
    bars = by_time(bars, "bars", OHLC)
    time = times_of(bars.index)
    if len(time) > 2 * BUCKETS:
        bars = bars.iloc[inside(time, marked(liquidations, time).spans)]
    return bars[list(OHLC)]


def _prices(bars: pd.DataFrame, story: Marked) -> list[Trace]:
    """Return the band from low to high, the closes, and the marks where they differ."""
    time, digits = times_of(bars.index), number_format(numbers(bars, "close"))
    edge = {"mode": "lines", "line": {"width": 0}, "legendgroup": "band"}
    looks: dict[str, tuple[str, str, Trace]] = {
        "low": ("band_low", "Low", {**edge, "showlegend": False}),
        "high": ("band_high", "Low to high", {**edge, "fill": "tonexty", "fillcolor": faint(CLOSE)}),
        "close": ("close", "Close", {"line": {"width": 1.2, "color": CLOSE}}),
    }
    if "mark_close" in bars and not bars["mark_close"].equals(bars["close"]):
        looks["mark_close"] = ("mark", "Mark", {"line": {"width": 1, "color": LOW, "dash": "dot"}})
    lines = [numbers(bars, column) for column in looks if column not in ("low", "high")]
    rows = thinned(time, lines, story.spans, band=(numbers(bars, "low"), numbers(bars, "high")))
    traces = [
        curve(time, numbers(bars, column), rows, role=role, name=name, look=look, digits=digits)
        for column, (role, name, look) in looks.items()
    ]
    traces[1]["hovertemplate"] += "<extra>High</extra>"
    return traces


def _range(traces: list[Trace]) -> Trace:
    """Return the range of the price axis: that of the prices, and of what else is drawn as far as BEYOND it."""
    ends = []
    for chosen in (traces[:2], traces):
        values = np.concatenate([np.asarray(trace["y"], np.float64) for trace in chosen])
        values = values[np.isfinite(values)]
        if not len(values):
            return {}
        ends.append((float(values.min()), float(values.max())))
    (low, high), (lowest, highest) = ends
    room = high - low or abs(high) * 0.01
    low, high = max(lowest, low - BEYOND * room), min(highest, high + BEYOND * room)
    return {"range": [low - 0.04 * room, high + 0.04 * room]}


def _title(*frames: pd.DataFrame | None) -> str:
    """Return the title, with the symbol where a frame knows it."""
    named = (frame["symbol"].iloc[0] for frame in frames if frame is not None and "symbol" in frame and len(frame))
    symbol = next(named, "")
    return f"Price of {symbol}" if symbol else "Price"

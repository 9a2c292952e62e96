"""The charts of a run, and the bars that its prices are drawn from when one looks closely."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from backtest import plots
from backtest.figures_in_words import count
from backtest.pages.charts import Chart, Choice, chart_of, in_currency
from backtest.pages.embedding import Arrays
from backtest.pages.runs import Run
from backtest.plots.thinning import BUCKETS, MARKS, NEAR, TRUE_LIQUIDATIONS
from backtest.text import several

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["CANDLES", "candles", "charts_of", "drawn_symbols", "thinning_in_words"]

EVERY = 100_000
"""Bars, of all symbols together, that a page holds in full."""

SYMBOLS = 12
"""Symbols whose prices a page holds: those that lost most in liquidations, then those that traded most."""

CANDLES = 300
"""Bars in view from which on prices are drawn as candles."""

OHLC = ("open", "high", "low", "close")


def charts_of(run: Run, symbols: list[str], arrays: Arrays) -> list[Chart]:
    """Return the charts of a run, from its prices to its monthly returns."""
    events, currency = run.liquidations, run.description["account"].get("currency", "quote")
    several_symbols = len(symbols) > 1
    prices = {symbol if several_symbols else "": _price(run, symbol) for symbol in symbols}
    choices = [Choice("Symbol", {symbol: symbol for symbol in symbols})] if several_symbols else []
    title = "Price" if several_symbols else f"Price of {symbols[0]}"
    charts = [chart_of("price", prices, arrays, title=title, choices=choices, height=420)]
    for name, figure in {
        "equity": plots.equity(run.history, liquidations=events),
        "drawdown": plots.drawdown(run.drawdowns, liquidations=events),
        "margin-ratio": plots.margin_ratio(run.history, liquidations=events),
        "leverage": plots.leverage(run.history, liquidations=events),
        "free-margin": plots.free_margin(run.history, liquidations=events),
        "costs": plots.costs(run.history, liquidations=events),
    }.items():
        charts.append(in_currency(chart_of(name, figure, arrays, height=240), currency))
    return [*charts, chart_of("months", plots.monthly_returns(run.monthly_returns), arrays, follows_time=False)]


def _price(run: Run, symbol: str) -> "go.Figure":
    frames = {name: _only(getattr(run, name), symbol) for name in ("trades", "liquidations", "positions")}
    return plots.price(run.bars.frame(symbol), **frames)


def _only(frame: pd.DataFrame, symbol: str) -> pd.DataFrame:
    """Return the rows of one symbol."""
    return frame[frame["symbol"] == symbol] if len(frame) else frame


def drawn_symbols(run: Run) -> list[str]:
    """Return the symbols whose prices a page shows: the first is that of the costliest liquidation."""
    losses: Any = run.liquidations.groupby("symbol")["loss"].sum() if len(run.liquidations) else {}
    trades: Any = run.trades["symbol"].value_counts() if len(run.trades) else {}
    symbols = list(run.bars.symbols)
    order = sorted(symbols, key=lambda symbol: (-losses.get(symbol, 0.0), -trades.get(symbol, 0)))
    return order[:SYMBOLS]


def candles(run: Run, symbols: list[str], arrays: Arrays) -> dict[str, Any]:
    """Return the bars by symbol that prices are drawn from when one looks closely: all, or those near liquidations."""
    whole = len(run.bars) * len(symbols) <= EVERY
    held = {}
    for symbol in symbols:
        bars = run.bars.frame(symbol)
        bars = (bars if whole else plots.true_bars(bars, _only(run.liquidations, symbol))).dropna(subset=["close"])
        time = pd.DatetimeIndex(bars.index).as_unit("ms").asi8
        held[symbol] = {"x": arrays.numbers(time, "f8")} | {name: arrays.numbers(bars[name], "f4") for name in OHLC}
    return held


def thinning_in_words(bars: int, liquidations: int, which: str = "") -> str:
    """Return how the curves of a page are thinned.

    Parameters
    ----------
    bars, liquidations : int
    which : str                what follows "liquidations" where a page does not show all of them
    """
    if bars <= 2 * BUCKETS:
        return f"Every one of the {several(bars, 'bar')} is drawn." if bars > 1 else "There is one bar."
    said = f"Of {several(bars, 'bar')} each curve has the lowest and the highest of every one of {count(BUCKETS)} "
    said += "stretches of time"
    if not liquidations:
        return f"{said}."
    others = liquidations - TRUE_LIQUIDATIONS
    known = f"{TRUE_LIQUIDATIONS} costliest liquidations" if others > 0 else several(liquidations, "liquidation")
    near = f"{'the liquidation' if liquidations == 1 else f'each of the {known}'}{which and f' {which}'}"
    said += f"; within {NEAR} bars of {near} every bar is drawn"
    if others > 0:
        said += f"; {several(others, 'other liquidation')} {'is' if others == 1 else 'are'} thinned"
    if liquidations > MARKS:
        said += f", and {count(liquidations - MARKS)} of these have no mark"
    return f"{said}."

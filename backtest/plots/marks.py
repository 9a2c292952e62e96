"""Marks on curves: entries, exits and liquidations, the costliest where there are too many to draw."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.plots.frames import numbers, times_of, with_columns
from backtest.plots.lines import x_of
from backtest.plots.style import LIQUIDATION, LONG, PROFIT, SHORT, STOP, TEXT, Trace, money_format, number_format
from backtest.plots.thinning import MARKS, TRUE_LIQUIDATIONS, Times, Values, costliest, spans_around
from backtest.text import grouped

__all__ = ["LIQUIDATED", "TRADED", "Marked", "liquidations_at", "liquidations_on", "marked", "trade_marks", "word_on"]

KINDS = ("gap", "joint", "partial")
TOLD = ("quantity", "mark_price", "loss", "penalty", "bad_debt")
LIQUIDATED = ("time", "symbol", "fill_price", *TOLD, *KINDS)
TRADED = ("side", "quantity", "entry_time", "entry_price", "exit_time", "exit_price", "pnl", "exit_reason")

ENTRIES = {"long": ("Long", "triangle-up", LONG), "short": ("Short", "triangle-down", SHORT)}
EXITS = {
    "signal": ("Exit", "circle-open", TEXT),
    "stop_loss": ("Stopped", "square-open", STOP),
    "take_profit": ("Took profit", "diamond-open", PROFIT),
    "liquidation": ("Liquidation", "x", LIQUIDATION),
}


CROWDS = (60, 300)
"""Up to so many marks are large, up to so many smaller."""

CROSSES, SIZES, EDGES = (13, 10, 7), (9, 7, 5), (1.0, 0.7, 0.4)
EDGE = "rgba(255,255,255,0.7)"


SLIP = 0.01
"""By how much of its price a fill may lie beyond its bar."""


class Marked(NamedTuple):
    """Liquidations on a curve.

    Attributes
    ----------
    rows : DataFrame           the costliest, MARKS at most, in time
    spans : ndarray of int64   (K, 2) the first and last time near the TRUE_LIQUIDATIONS costliest of them
    known : int                how many there are in all
    """

    rows: pd.DataFrame
    spans: Times
    known: int


def marked(liquidations: object, time: Times) -> Marked:
    """Return what there is to mark on curves over `time` (T,), milliseconds.

    Raises
    ------
    DataError                  if liquidations are no frame of them
    """
    if liquidations is None or len(time) == 0:
        return Marked(pd.DataFrame(columns=[*LIQUIDATED]), np.empty((0, 2), np.int64), 0)
    frame = with_columns(liquidations, "liquidations", LIQUIDATED)
    moments = times_of(frame["time"])
    frame = frame[(moments >= time[0]) & (moments <= time[-1])]
    rows = frame.iloc[costliest(numbers(frame, "loss"), MARKS)]
    near = rows.iloc[costliest(numbers(rows, "loss"), TRUE_LIQUIDATIONS)]
    return Marked(rows, spans_around(time, times_of(near["time"])), len(frame))


def liquidations_at(marked: Marked, price: Values) -> Trace | None:
    """Return the liquidations as crosses at their prices (N,), with all that is known of them; None without any."""
    rows = marked.rows
    if rows.empty:
        return None
    digits, money = number_format(price), money_format(numbers(rows, "loss"))
    formats = [number_format(numbers(rows, "quantity")), digits, money, money, money]
    quantity, mark, loss, penalty, debt = (f"%{{customdata[{k}]:{each}}}" for k, each in enumerate(formats))
    lines = (
        f"%{{text}} {quantity}, %{{x|%Y-%m-%d %H:%M}}",
        f"mark {mark}, filled at %{{y:{digits}}}",
        f"loss {loss}, penalty {penalty}, bad debt {debt}",
    )
    told = np.column_stack([np.abs(numbers(rows, "quantity")), *(numbers(rows, name) for name in TOLD[1:])])
    return _crosses(rows, price, told, _sides(rows), "<br>".join(lines))


def liquidations_on(marked: Marked, time: Times, values: Values) -> Trace | None:
    """Return the liquidations as crosses on a curve, at the close of their bars; None without any."""
    rows = marked.rows
    if rows.empty:
        return None
    height = values[np.searchsorted(time, times_of(rows["time"]), side="right") - 1]
    loss = numbers(rows, "loss")
    template = f"%{{text}}, %{{x|%Y-%m-%d %H:%M}}<br>loss %{{customdata:{money_format(loss)}}}"
    return _crosses(rows, height, loss, rows["symbol"].astype(str) + " " + _sides(rows), template)


def trade_marks(trades: pd.DataFrame, bars: pd.DataFrame, with_liquidations: bool) -> list[Trace]:
    """Return entries and exits as marks, the trades with the largest profits and losses where there are too many.

    A trade's prices are averages over its fills. Where that is no price of the bar in which it begins or ends, the mark
    stands at the bar's open, and tells the average.
    """
    rows = trades.iloc[costliest(np.abs(numbers(trades, "pnl")), MARKS)]
    traces = [_entries(rows[rows["side"] == side], bars, *look) for side, look in ENTRIES.items()]
    for reason, look in EXITS.items():
        if reason != "liquidation" or with_liquidations:
            traces.append(_exits(rows[rows["exit_reason"] == reason], bars, *look))
    return [trace for trace in traces if len(trace["x"])]


def word_on(marked: Marked, trades: pd.DataFrame | None = None) -> str:
    """Return which marks are left out, as a sentence; nothing where all are there."""
    said = []
    if trades is not None and len(trades) > MARKS:
        said.append(
            f"Of {grouped(len(trades))} trades the {grouped(MARKS)} with the largest profits and losses are marked."
        )
    if marked.known > MARKS:
        said.append(f"Of {grouped(marked.known)} liquidations the {grouped(MARKS)} costliest are marked.")
    return " ".join(said)


def _sides(rows: pd.DataFrame) -> "pd.Series[str]":
    """Return which side was liquidated, and how."""
    sides = pd.Series(np.where(rows["quantity"] < 0, "short", "long"), rows.index, dtype=object)
    for kind in KINDS:
        sides += np.where(rows[kind].astype(bool), f", {kind}", "")
    return sides


def _crosses(rows: pd.DataFrame, height: Values, data: npt.NDArray[Any], text: object, template: str) -> Trace:
    """Return liquidations as the marks that are used for nothing else."""
    return {
        **_points(times_of(rows["time"]), height, "Liquidation", "x", LIQUIDATION),
        "customdata": data,
        "text": list(text),  # type: ignore[call-overload]
        "hovertemplate": template,
        "meta": {"role": "liquidations"},
    }


def _entries(rows: pd.DataFrame, bars: pd.DataFrame, name: str, symbol: str, colour: str) -> Trace:
    """Return where round trips of one side begin."""
    quantity, price, time = numbers(rows, "quantity"), numbers(rows, "entry_price"), times_of(rows["entry_time"])
    told = f"%{{customdata[0]:{number_format(quantity)}}} at %{{customdata[1]:{number_format(price)}}}"
    return {
        **_points(time, _in_bar(price, time, bars), name, symbol, colour),
        "customdata": np.column_stack((quantity, price)),
        "hovertemplate": f"{told}, %{{x|%Y-%m-%d %H:%M}}",
        "meta": {"role": "entries"},
    }


def _exits(rows: pd.DataFrame, bars: pd.DataFrame, name: str, symbol: str, colour: str) -> Trace:
    """Return where round trips end for one reason."""
    pnl, price, time = numbers(rows, "pnl"), numbers(rows, "exit_price"), times_of(rows["exit_time"])
    told = f"at %{{customdata[1]:{number_format(price)}}}, %{{x|%Y-%m-%d %H:%M}}"
    return {
        **_points(time, _in_bar(price, time, bars), name, symbol, colour),
        "customdata": np.column_stack((pnl, price)),
        "hovertemplate": f"{told}<br>profit %{{customdata[0]:{money_format(pnl)}}}",
        "meta": {"role": "liquidations" if symbol == "x" else "exits"},
    }


def _in_bar(price: Values, time: Times, bars: pd.DataFrame) -> Values:
    """Return prices, in the place of those that are none of their bar, give or take slippage, its open."""
    row = np.clip(np.searchsorted(times_of(bars.index), time, side="right") - 1, 0, None)
    low, high, opened = (numbers(bars, name)[row] for name in ("low", "high", "open"))
    beyond = (price < low * (1.0 - SLIP)) | (price > high * (1.0 + SLIP))
    return np.where(beyond & np.isfinite(opened), opened, price)


def _points(time: Times, height: Values, name: str, symbol: str, colour: str) -> Trace:
    """Return marks of one kind."""
    step = int(np.searchsorted(CROWDS, len(time)))
    edge = {"width": EDGES[step], "color": EDGE} if symbol == "x" else {"width": 1.5, "color": colour}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x_of(time),
        "y": height,
        "name": name,
        "marker": {
            "symbol": symbol,
            "size": CROSSES[step] if symbol == "x" else SIZES[step],
            "color": colour,
            "line": edge,
        },
        "cliponaxis": False,
    }

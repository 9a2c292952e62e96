"""Figures of the account over time: equity, drawdown, margin ratio, leverage, free margin, costs, and the overview."""

from itertools import pairwise

import numpy as np
import pytest
from plotted import (
    at,
    bars_of,
    drawdowns_of,
    history_of,
    hours,
    liquidations_of,
    milliseconds,
    points,
    roles,
    said,
    times_in,
)
from plotted import trades_of as trades

from backtest import plots
from backtest.errors import DataError
from backtest.plots.thinning import BUCKETS, NEAR

FIGURES = {
    plots.equity: ("equity", "equity_low"),
    plots.margin_ratio: ("margin_ratio",),
    plots.leverage: ("leverage",),
    plots.free_margin: ("free_margin",),
    plots.costs: ("fees", "funding", "penalties"),
}
COLUMNS = {"leverage": "effective_leverage"}


@pytest.mark.parametrize(("draw", "curves"), FIGURES.items())
def test_short_curves_are_those_of_the_history(draw, curves):
    history = history_of(40)
    found = roles(draw(history))
    assert set(curves) == set(found) - {"limit"}
    for role in curves:
        assert times_in(found[role]) == milliseconds(history.index)
        assert found[role].y.tolist() == history[COLUMNS.get(role, role)].tolist()


def test_drawdowns_are_those_given():
    drawdowns = drawdowns_of(40)
    found = roles(plots.drawdown(drawdowns))
    assert {role: trace.y.tolist() for role, trace in found.items()} == drawdowns.to_dict("list")


@pytest.mark.parametrize(("draw", "curves"), FIGURES.items())
def test_liquidations_are_marked_on_the_last_curve_at_the_close(draw, curves):
    history = history_of(40)
    figure = draw(history, liquidations=liquidations_of(3, 7, symbol="BTC"))
    marks = roles(figure)["liquidations"]
    assert figure.data[-1] is marks
    last = "equity" if draw is plots.equity else curves[-1]
    values = [1.0, 1.0] if last == "margin_ratio" else history[COLUMNS.get(last, last)].iloc[[3, 7]].tolist()
    assert points(marks) == list(zip(milliseconds(at(3, 7)), values, strict=True))
    assert marks.text == ("BTC long, gap", "BTC short, partial")
    assert marks.customdata.tolist() == [10.0, 20.0]


def test_the_margin_ratio_has_a_line_at_one_that_is_on_the_axis():
    figure = plots.margin_ratio(history_of(40))
    limit = roles(figure)["limit"]
    assert points(limit) == [(milliseconds(hours(40))[row], 1.0) for row in (0, -1)]
    assert figure.layout.yaxis.range == (0.0, 1.08)
    high = plots.margin_ratio(history_of(40).assign(margin_ratio=1.2))
    assert high.layout.yaxis.range == (0.0, 1.05 * 1.2)
    assert plots.margin_ratio(history_of(40).assign(margin_ratio=9.0)).layout.yaxis.range == (0.0, 1.5)


@pytest.mark.parametrize(
    ("draw", "column", "texts"),
    [
        (plots.margin_ratio, "margin_ratio", ("50.0%", "infinite", "0.0%")),
        (plots.leverage, "effective_leverage", ("0.50", "infinite", "0.00")),
    ],
)
def test_an_infinite_figure_leaves_the_axis_and_says_so(draw, column, texts):
    history = history_of(3).assign(**{column: [0.5, np.inf, 0.0]})
    figure = draw(history)
    trace = figure.data[0]
    assert trace.text == texts
    assert trace.hovertemplate.startswith("%{text}")
    assert np.isfinite(trace.y).all()
    assert trace.y[1] > 1000 * figure.layout.yaxis.range[1]


def test_the_axis_of_leverage_is_made_for_the_usual():
    values = np.full(1000, 2.0)
    values[500] = 5000.0
    assert plots.leverage(history_of(1000).assign(effective_leverage=values)).layout.yaxis.range == (0.0, 1.05 * 6.0)
    values[500] = 4.0
    assert plots.leverage(history_of(1000).assign(effective_leverage=values)).layout.yaxis.range == (0.0, 1.05 * 4.0)
    flat = plots.leverage(history_of(10).assign(effective_leverage=0.0))
    assert flat.layout.yaxis.rangemode == "tozero"


def test_ruin_is_on_the_axis_of_equity():
    history = history_of(4).assign(equity=[100.0, 50.0, 0.0, 0.0], equity_low=[90.0, 0.0, 0.0, 0.0])
    figure = plots.equity(history)
    assert figure.layout.yaxis.type is None
    assert figure.layout.yaxis.rangemode == "tozero"
    assert roles(figure)["equity"].y.tolist() == [100.0, 50.0, 0.0, 0.0]


def test_costs_that_stay_0_are_left_out():
    history = history_of(5).assign(fees=0.0, funding=[0.0, 0.0, -1.0, -1.0, 0.0])
    assert list(roles(plots.costs(history))) == ["funding", "penalties"]
    nothing = history.assign(funding=0.0, penalties=0.0)
    assert said(plots.costs(nothing, liquidations=liquidations_of(1))) == ["No costs"]


def test_long_curves_share_their_rows_keep_extremes_and_windows():
    length = 60_000
    history = history_of(length)
    found = roles(plots.equity(history, liquidations=liquidations_of(30_000)))
    assert times_in(found["equity"]) == times_in(found["equity_low"])
    assert len(found["equity"].x) <= 4 * BUCKETS + 2 + 2 * NEAR + 1
    time = np.array(milliseconds(history.index))
    for role in ("equity", "equity_low"):
        drawn = dict(zip(times_in(found[role]), found[role].y.tolist(), strict=True))
        values = history[role].to_numpy()
        rows = [0, length - 1, int(values.argmin()), int(values.argmax()), *range(30_000 - NEAR, 30_001 + NEAR)]
        assert [drawn[time[row]] for row in rows] == values[rows].astype(found[role].y.dtype).tolist()


@pytest.mark.parametrize(
    ("scale", "kind"), [(1.0, np.float32), (4.0, np.float64), (20.0, np.float32), (1e3, np.float64)]
)
def test_long_curves_are_as_exact_as_their_hover_tells(scale, kind):
    history = history_of(30_000)
    history["equity"] = 10_000 + (history["equity"] - 10_000) / 100
    history[["equity", "equity_low"]] *= scale
    trace = roles(plots.equity(history))["equity"]
    assert trace.y.dtype == kind
    true = history["equity"].to_numpy()[np.searchsorted(milliseconds(history.index), times_in(trace))]
    shown = 0.01 if "2f" in trace.hovertemplate else 1.0
    assert np.abs(trace.y - true).max() <= shown / 10


def test_only_the_costliest_liquidations_have_their_bars():
    length = 60_000
    bars = np.arange(100, 50_100, 200)
    loss = np.arange(len(bars), dtype=np.float64)
    found = roles(plots.free_margin(history_of(length), liquidations=liquidations_of(*bars, loss=loss)))
    drawn = set(times_in(found["free_margin"]))
    time = np.array(milliseconds(hours(length)))
    whole = [all(x in drawn for x in time[bar - NEAR : bar + NEAR + 1].tolist()) for bar in bars]
    assert whole == [False] * 50 + [True] * 200
    assert len(found["liquidations"].x) == 250


def test_costs_of_a_long_run_cost_no_row_while_they_stand():
    length = 50_000
    fees = np.zeros(length)
    fees[20_000:] = 5.0
    history = history_of(length).assign(fees=fees, funding=0.0, penalties=0.0)
    trace = roles(plots.costs(history))["fees"]
    time = np.array(milliseconds(history.index))
    assert len(trace.x) <= 6
    assert np.interp(time, times_in(trace), trace.y)[[0, 19_900, 20_100, -1]].tolist() == [0.0, 0.0, 5.0, 5.0]


@pytest.mark.parametrize("draw", [*FIGURES, plots.drawdown])
def test_empty_and_single_bars(draw):
    frame = drawdowns_of if draw is plots.drawdown else history_of
    assert said(draw(frame(0))) == ["No bars"]
    assert said(draw(frame(0), liquidations=liquidations_of(1))) == ["No bars"]
    one = draw(frame(1))
    assert said(one) == []
    assert one.data[0].mode == "lines+markers"


@pytest.mark.parametrize("draw", [*FIGURES, plots.drawdown])
def test_frames_that_cannot_be_drawn(draw):
    with pytest.raises(DataError, match=r"^(history|drawdowns) must have a column \w+, got the columns other$"):
        draw(bars_of(3)[["open"]].set_axis(["other"], axis=1))
    frame = drawdowns_of(3) if draw is plots.drawdown else history_of(3)
    with pytest.raises(DataError, match=r"^liquidations must be a DataFrame, got 'all'$"):
        draw(frame, liquidations="all")


def test_the_overview_has_four_panels_on_one_time_axis():
    figure = plots.overview(
        bars_of(20),
        history_of(20),
        drawdowns_of(20),
        trades=trades(("long", 1, 3, "signal")),
        liquidations=liquidations_of(5),
    )
    assert {trace.xaxis for trace in figure.data} == {"x"}
    panels = {}
    for trace in figure.data:
        panels.setdefault(trace.yaxis, []).append(trace.meta["role"])
    assert panels == {
        "y": ["band_low", "band_high", "close", "entries", "exits", "liquidations"],
        "y2": ["equity_low", "equity", "liquidations"],
        "y3": ["drawdown_low", "drawdown", "liquidations"],
        "y4": ["margin_ratio", "limit", "liquidations"],
    }
    domains = [figure.layout[f"yaxis{k}"].domain for k in ("", 2, 3, 4)]
    assert domains[0][1] == 1.0
    assert domains[3][0] == pytest.approx(0.0, abs=1e-9)
    assert all(upper[0] > lower[1] for upper, lower in pairwise(domains))
    assert figure.layout.xaxis.anchor == "y4"
    assert figure.layout.hovermode == "x unified"


def test_the_overview_marks_other_symbols_on_the_account_alone():
    events = liquidations_of(5, 6).assign(symbol=["A", "B"])
    figure = plots.overview(bars_of(20), history_of(20), drawdowns_of(20), liquidations=events, symbol="A")
    counts = {trace.yaxis: len(trace.x) for trace in figure.data if trace.meta["role"] == "liquidations"}
    assert counts == {"y": 1, "y2": 2, "y3": 2, "y4": 2}
    with pytest.raises(DataError, match=r"^liquidations must be those of one symbol, got A, B$"):
        plots.overview(bars_of(20), history_of(20), drawdowns_of(20), liquidations=events)


def test_the_overview_of_nothing():
    assert said(plots.overview(bars_of(0), history_of(0), drawdowns_of(0))) == ["No bars"]

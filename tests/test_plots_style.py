"""What all figures have in common: titles and units, roles, colours, digits, captions, and plotly only when drawing."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from plotted import bars_of, drawdowns_of, history_of, liquidations_of, positions_of, table_of, trades_of

from backtest import plots
from backtest.plots.style import (
    LIQUIDATION,
    Panel,
    fits_single,
    money_format,
    number_format,
    percent_format,
    stacked,
)

EVENTS = {"trades": trades_of(("long", 1, 3, "signal")), "liquidations": liquidations_of(5)}
TABLE = table_of([{"leverage": a, "fast": b} for a in (1.0, 2.0, 3.0) for b in (10, 20)], np.linspace(0.1, 0.6, 6))
MONTHS = pd.DataFrame(0.01, index=[2020, 2021], columns=[*range(1, 13), "year"])
FIGURES = {
    "price": plots.price(bars_of(30), **EVENTS, positions=positions_of((1, 1, 80, 90, 120), (3, 0, *[np.nan] * 3))),
    "equity": plots.equity(history_of(30), liquidations=liquidations_of(5)),
    "drawdown": plots.drawdown(drawdowns_of(30), liquidations=liquidations_of(5)),
    "margin_ratio": plots.margin_ratio(history_of(30)),
    "leverage": plots.leverage(history_of(30)),
    "free_margin": plots.free_margin(history_of(30)),
    "costs": plots.costs(history_of(30)),
    "overview": plots.overview(bars_of(30), history_of(30), drawdowns_of(30), **EVENTS),
    "monthly_returns": plots.monthly_returns(MONTHS),
    "sweep": plots.sweep(TABLE, best=TABLE),
    "heatmap": plots.heatmap(TABLE),
    "comparison": plots.comparison(history_of(30)[["equity", "equity_low"]]),
}


def test_every_public_function_is_here():
    assert set(FIGURES) | {"true_bars"} == set(plots.__all__)


def test_importing_plots_does_not_import_plotly():
    code = "import sys, backtest.plots; print('plotly' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_every_figure_has_a_title_axes_with_titles_and_roles(figure):
    layout = figure.layout
    assert layout.title.text
    axes = [axis for name, axis in layout.to_plotly_json().items() if re.fullmatch(r"[xy]axis\d*", name)]
    if figure is not FIGURES["monthly_returns"]:
        assert all(axis["title"]["text"] for axis in axes)
    assert all(trace.meta["role"] for trace in figure.data)
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.legend.orientation == "h"
    assert layout.margin.t >= (1 - layout.legend.y) * layout.height - 1e-9  # the legend begins below the title


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_the_colour_of_liquidations_is_used_for_nothing_else(figure):
    for trace in figure.data:
        uses = LIQUIDATION in str(trace)
        assert uses == (trace.meta["role"] == "liquidations")


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_no_number_is_shown_without_a_format(figure):
    for trace in figure.data:
        template = trace.hovertemplate or ""
        assert template or trace.hoverinfo == "skip", trace.meta["role"]
        bare = re.findall(r"%\{[^}|:]+:?\}", template)
        assert set(bare) <= ({"%{x}", "%{y}"} if trace.type == "heatmap" else {"%{text}"}), template


@pytest.mark.parametrize(
    ("largest", "number", "money"),
    [
        (0.0, ",.5~f", ",.2f"),
        (np.nan, ",.5~f", ",.2f"),
        (0.00012345678, ",.9~f", ",.9~f"),
        (0.5, ",.6~f", ",.6~f"),
        (9.99, ",.5~f", ",.5~f"),
        (100.0, ",.3~f", ",.2f"),
        (65_432.1, ",.1~f", ",.2f"),
        (99_999.0, ",.1~f", ",.2f"),
        (100_000.0, ",.0~f", ",.0f"),
        (2.5e8, ",.0~f", ",.0f"),
        (3e9, ",.0~f", ",.6~s"),
    ],
)
def test_formats_by_the_largest(largest, number, money):
    values = np.array([0.0, -largest, np.inf, np.nan])
    assert number_format(values) == number
    assert money_format(values) == money


def test_percent_of_what_no_one_reads_as_percent():
    assert percent_format([0.1, -99.9]) == ".1%"
    assert percent_format([100.0]) == ",.3~p"
    assert percent_format([]) == ".1%"


@pytest.mark.parametrize(
    ("largest", "digits", "single"),
    [
        (16_000.0, ",.2f", True),
        (99_999.0, ",.2f", False),
        (1.6e6, ",.0f", True),
        (1.7e6, ",.0f", False),
        (9e8, ",.0f", False),
        (5e12, ",.6~s", True),
        (900.0, ",.3~p", True),
        (99.0, ",.4~f", True),
        (0.9, ".1%", True),
        (1e4, ".1%", False),
    ],
)
def test_single_precision_is_enough_where_no_digit_shows_it(largest, digits, single):
    assert fits_single([1.0, -largest, np.inf, np.nan], digits) == single
    if single and digits.endswith("f"):
        near = largest - np.arange(100) / 7
        shown = 10.0 ** -int(digits[2])
        assert np.abs(near.astype(np.float32) - near).max() <= 0.1 * shown


def test_panels_stand_on_each_other_by_their_shares():
    trace = {"type": "scatter", "x": [1, 2], "y": [1, 2]}
    figure = stacked([Panel([trace], "one", share=3.0), Panel([trace, trace], "two")], "t", {})
    high, low = figure.layout.yaxis.domain, figure.layout.yaxis2.domain
    assert (high[1] - high[0]) == pytest.approx(3 * (low[1] - low[0]))
    assert [trace.yaxis for trace in figure.data] == ["y", "y2", "y2"]


def test_captions_are_broken_into_lines_and_make_room_for_themselves():
    caption = "word " * 40
    told = stacked([Panel([], "y")], "t", {}, caption=caption.strip())
    lines = told.layout.title.subtitle.text.split("<br>")
    assert len(lines) > 1
    assert all(len(line) <= 58 for line in lines)
    plain = stacked([Panel([], "y")], "t", {})
    assert told.layout.height - told.layout.margin.t == plain.layout.height - plain.layout.margin.t
    assert told.layout.margin.t > plain.layout.margin.t
    assert plain.layout.title.subtitle.text is None

"""How pages write numbers, what stands in their scripts, and the summary in a notebook."""

import base64
import json
import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from stand_in import StandIn, bars_of

from backtest.figures_in_words import coins, count, money, percent, ratio, times, written
from backtest.pages.documents import thin
from backtest.pages.embedding import Arrays, figure_text, json_text
from backtest.pages.notebook import summary_html
from backtest.terms.facts_in_words import worth
from backtest.text import moment_of, price, prices, quantities, quantity, signed


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (money(1_234.5), "1 234.50"),
        (money(-3.2e12), "-3.2e+12"),
        (money(math.nan), "-"),
        (price(17_002.0134), "17 002.01"),
        (price(368.0746), "368.07"),
        (price(0.000012345678), "0.000012346"),
        (price(1.5e-11), "1.5e-11"),
        (price(0.0), "0.00"),
        (price(math.inf), "inf"),
        (quantity(81.368), "81.37"),
        (quantity(2.88), "2.880"),
        (quantity(123_456.7), "123 457"),
        (quantity(math.nan), "-"),
        (count(math.nan), "-"),
        (count(1e300), "1e+300"),
        (coins(-2.5e20), "-2.5e+20"),
        (ratio(math.inf), "inf"),
        (ratio(1e300), "1e+300"),
        (times(9.875), "9.88x"),
        (times(1e300), "1e+300"),
        (percent(1e300), "1e+302%"),
        (signed(1e300), "+1e+300"),
        (worth(math.inf), "inf"),
        (worth(1e300), "1e+300"),
        (signed(-0.125), "-0.12"),
        (worth(10_000.0), "10 000"),
        (worth(0.0005), "0.0005"),
        (worth(20), "20"),
        (worth(True), "yes"),
        (worth(None), "none"),
        (worth(math.nan), "none"),
        (worth("isolated"), "isolated"),
        (written("highest_effective_leverage", 1e300), "1e+300"),
        (written("cagr", 3.04e11), "3.04e+13%"),
        (written("max_drawdown_duration", pd.Timedelta("625.1D")), "625.1 days"),
        (written("ruined", True), "yes"),
        (written("win_rate", math.nan), "-"),
    ],
)
def test_numbers_are_short_enough_to_be_read(found, said):
    assert found == said
    assert sum(letter.isdigit() for letter in found) < 12


@pytest.mark.parametrize(
    ("written_as", "values", "texts"),
    [
        (prices, [10297.193246, -4.5], ["10 297.1932", "-4.5000"]),
        (quantities, [47.677983, -1234.5], ["47.68", "-1 234.50"]),
        (quantities, [0.0000123456], ["0.00001235"]),
        (prices, [12345.678], ["12 345.68"]),
        (quantities, [1234567.8, 0.0], ["1 234 568", "0"]),
        (prices, [0.012345678, 120.5, math.nan, 0.0], ["0.012346", "120.500000", "-", "0.000000"]),
        (prices, [1e300, 0.5, 1e-12], ["1e+300", "0.50000", "1e-12"]),
    ],
)
def test_numbers_side_by_side_have_as_many_decimals_as_the_smallest_needs(written_as, values, texts):
    assert written_as(values) == texts


def test_times_are_written_to_the_minute_or_to_what_it_takes():
    assert moment_of(pd.Timestamp("2020-03-13 02:00", tz="UTC")) == "2020-03-13 02:00"
    assert moment_of(pd.Timestamp("2020-03-13 02:00:01", tz="UTC")) == "2020-03-13 02:00:01"
    assert moment_of(pd.NaT) == ""


def test_thousands_are_set_apart_by_thin_spaces_and_nothing_else_is():
    assert thin("1 234 567.50 of 22 305 bars") == "1\u202f234\u202f567.50 of 22\u202f305 bars"
    assert thin("2018-02-06 05:00, 5 1 23") == "2018-02-06 05:00, 5 1 23"


def test_an_array_stands_once_on_a_page():
    arrays = Arrays()
    x, y = np.arange(50.0), np.arange(50.0, 0.0, -1.0)
    figures = [go.Figure(go.Scatter(x=x, y=y)), go.Figure(go.Scatter(x=x, y=2 * y))]
    traces = [json.loads(figure_text(figure, arrays))["data"][0] for figure in figures]
    assert len(arrays.texts) == 3
    assert traces[0]["x"] == traces[1]["x"]
    names = {name: text for text, name in arrays.texts.items()}
    kept = traces[1]["y"]
    assert np.array_equal(np.frombuffer(base64.b64decode(names[kept["array"]]), kept["dtype"]), 2 * y)


def test_what_is_short_or_has_a_shape_stays_in_its_figure():
    arrays = Arrays()
    figure = go.Figure([go.Heatmap(z=np.ones((20, 20))), go.Scatter(x=np.arange(3.0), y=[1, 2, 3])])
    found = json.loads(figure_text(figure, arrays))["data"]
    assert arrays.texts == {}
    assert found[0]["z"]["shape"] == "20, 20"
    assert "bdata" in found[1]["x"]


@pytest.mark.parametrize("sign", ["<", ">", "&"])
def test_no_sign_of_html_stands_in_json(sign):
    assert sign not in json_text({sign: [sign]})
    figure = figure_text(go.Figure(go.Scatter(x=[1], y=[1], name=f"a{sign}b", text=[sign])), Arrays())
    assert sign not in figure
    assert json.loads(figure)["data"][0]["name"] == f"a{sign}b"


def test_json_cannot_end_its_element():
    text = json_text({"<script>": "</script>&<!--"})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"<script>": "</script>&<!--"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text(math.nan)


def test_a_notebook_shows_a_summary_in_two_columns():
    html = summary_html(StandIn(bars_of(5), figures={"bad_debt": 12_345.5}).summary)
    assert html.count("<table") == 1
    assert "<script" not in html
    assert html.count("<th") == 4
    assert "12 345.50" in html
    assert html.count("--jp-error-color1") == 1
    assert "625" not in html


def test_a_notebook_shows_calls_where_there_are_any_and_coins_as_coins():
    summary = StandIn(bars_of(5), figures={"margin_calls": 3, "fees": 0.25}).summary
    assert "margin calls" in summary_html(summary)
    assert ">0.250000<" in summary_html(summary, currency="base")

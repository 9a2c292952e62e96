"""Figures of settings side by side, and of returns by month and year."""

import numpy as np
import pandas as pd
import pytest
from plotted import at, hours, milliseconds, points, roles, said, times_in

from backtest import plots
from backtest.errors import DataError
from backtest.plots.style import LIQUIDATION
from backtest.plots.thinning import BUCKETS, MARKS, NEAR, TRUE_LIQUIDATIONS

NAN = np.nan


def curves_of(rows):
    random = np.random.default_rng(2)
    values = {name: 1000 + random.normal(size=rows).cumsum() for name in ("isolated", "cross")}
    return pd.DataFrame(values, index=hours(rows))


def parts_of(*rows):
    frame = pd.DataFrame([row[1:4] for row in rows], columns=["symbol", "isolated", "cross"])
    return frame.assign(time=at(*(row[0] for row in rows)), loss=[float(row[4]) if row[4:] else 1.0 for row in rows])


def test_curves_are_those_given_and_parts_are_marked_where_they_belong():
    curves = curves_of(20)
    parts = parts_of((8, "B", False, True), (3, "A", True, False))
    figure = plots.comparison(curves, parts=parts)
    found = roles(figure)
    assert {trace.name: trace.y.tolist() for trace in found["setting"]} == curves.to_dict("list")
    isolated, cross = found["liquidations"]
    assert points(isolated) == [(milliseconds(at(3))[0], curves["isolated"].iloc[3])]
    assert points(cross) == [(milliseconds(at(8))[0], curves["cross"].iloc[8])]
    assert (isolated.text, cross.text) == (("A",), ("B",))
    assert {trace.marker.color for trace in found["liquidations"]} == {LIQUIDATION}
    assert [trace.showlegend for trace in found["liquidations"]] == [True, False]
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == milliseconds(at(3))[0]
    caption = "They part at 2021-03-01 03:00: A is liquidated under isolated alone; 2 such liquidations."
    assert figure.layout.meta["caption"] == caption


def test_legs_are_named():
    parts = parts_of((3, "A", True, False)).assign(leg="short")
    assert roles(plots.comparison(curves_of(9), parts=parts))["liquidations"].text == ("A short",)


@pytest.mark.parametrize("parts", [None, parts_of(), parts_of((500, "A", True, False))])
def test_settings_that_never_part(parts):
    figure = plots.comparison(curves_of(20), parts=parts)
    assert set(roles(figure)) == {"setting"}
    assert not figure.layout.shapes
    assert figure.layout.meta["caption"] == ""


def test_long_curves_are_thinned_together_with_windows_where_they_part():
    curves = curves_of(30_000)
    found = roles(plots.comparison(curves, parts=parts_of((15_000, "A", True, False))))
    one, other = found["setting"]
    assert times_in(one) == times_in(other)
    assert len(one.x) <= 4 * BUCKETS + 2 + 2 * NEAR + 1
    window = milliseconds(curves.index[15_000 - NEAR : 15_001 + NEAR])
    assert set(window) <= set(times_in(one))
    for trace in (one, other):
        assert trace.y.min() == np.float32(curves[trace.name].min())
        assert trace.y.max() == np.float32(curves[trace.name].max())


def test_the_bars_near_the_costliest_parts_are_drawn_not_near_the_first():
    curves = curves_of(40_000)
    bars = range(100, 40_000, 100)[: TRUE_LIQUIDATIONS + 150]
    parts = parts_of(*((bar, "A", True, False, bar) for bar in bars))
    one, _ = roles(plots.comparison(curves, parts=parts))["setting"]
    drawn = set(times_in(one))
    near = [set(milliseconds(curves.index[bar - NEAR : bar + NEAR + 1])) <= drawn for bar in bars]
    assert near == [False] * 150 + [True] * TRUE_LIQUIDATIONS


def test_the_costliest_parts_are_marked_and_the_caption_counts_the_others():
    count = MARKS + 500
    loss = np.random.default_rng(5).permutation(count)
    parts = parts_of(*((bar, "A", bar % 2 == 0, bar % 2 == 1, loss[bar]) for bar in range(count)))
    figure = plots.comparison(curves_of(count), parts=parts)
    marked = {x for trace in roles(figure)["liquidations"] for x in times_in(trace)}
    assert marked == set(milliseconds(at(*np.flatnonzero(loss >= 500))))
    caption = figure.layout.meta["caption"]
    assert caption.startswith("They part at 2021-03-01 00:00: A is liquidated under isolated alone; 2 500 such liquid")
    assert caption.endswith(" The 2 000 costliest are marked, 500 are not.")
    assert figure.layout.shapes[0].x0 == milliseconds(at(0))[0]  # where they part first, whatever it cost
    few = plots.comparison(curves_of(count), parts=parts.iloc[:MARKS])
    assert "marked" not in few.layout.meta["caption"]


def test_ruin_can_be_drawn():
    figure = plots.comparison(curves_of(4) * 0.0)
    assert figure.layout.yaxis.type is None
    assert figure.layout.yaxis.rangemode == "tozero"


def test_comparisons_that_cannot_be_drawn():
    assert said(plots.comparison(curves_of(0), parts=parts_of((1, "A", True, False)))) == ["No bars"]
    with pytest.raises(DataError, match=r"^curves must have a column per setting, got none$"):
        plots.comparison(curves_of(3)[[]])
    with pytest.raises(DataError, match=r"^parts must have a column cross, got the columns symbol, isolated, time"):
        plots.comparison(curves_of(3), parts=parts_of((1, "A", True, False)).drop(columns="cross"))
    with pytest.raises(DataError, match=r"^curves must be indexed by time, got an index of int64$"):
        plots.comparison(curves_of(3).reset_index(drop=True))


def months_of(*rows):
    columns = [*range(1, 13), "year"]
    return pd.DataFrame([row[1:] for row in rows], columns=columns, index=[row[0] for row in rows], dtype=np.float64)


def test_months_are_in_their_cells_in_whole_percent():
    table = months_of((2020, *[NAN] * 10, 0.014, -0.5, -0.49), (2021, 1.5, *[-0.001] * 11, 1.2))
    figure = plots.monthly_returns(table)
    field = roles(figure)["months"]
    assert field.y == ("2020", "2021")
    assert (field.x[0], field.x[11], field.x[12]) == ("Jan", "Dec", "Year")
    np.testing.assert_array_equal(field.z, table.to_numpy())
    assert list(field.text[0]) == [""] * 10 + ["1", "-50", "-49"]
    assert list(field.text[1]) == ["150", *["0"] * 11, "120"]
    assert (field.zmin, field.zmax) == (-1.5, 1.5)
    assert figure.layout.yaxis.autorange == "reversed"


def test_a_year_does_not_wash_out_the_months():
    field = roles(plots.monthly_returns(months_of((2020, *[0.1] * 12, 2.1))))["months"]
    assert (field.zmin, field.zmax) == (-0.1, 0.1)


def test_months_that_cannot_be_drawn():
    assert said(plots.monthly_returns(months_of())) == ["No bars"]
    with pytest.raises(DataError, match=r"^monthly returns must have a column 1, got the columns year$"):
        plots.monthly_returns(months_of()[["year"]])
    with pytest.raises(DataError, match=r"^monthly returns must have a row per year, got an index of str$"):
        plots.monthly_returns(months_of(("2020", *[0.1] * 13)))

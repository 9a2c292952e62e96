"""Figures of sweeps: growth against a swept number with its optimum, the span between bar orders, and heat maps."""

import numpy as np
import pandas as pd
import pytest
from plotted import points, roles, said, table_of

from backtest import plots
from backtest.errors import ConfigError, DataError

NAN = np.nan
LEVERAGES = (1.0, 2.0, 4.0, 8.0)
GROWTH = (0.1, 0.3, 0.2, -1.0)
ONE = table_of([{"leverage": leverage} for leverage in LEVERAGES], GROWTH)
MODES = ("isolated", "cross")
BOTH = table_of(
    [{"leverage": a, "margin_mode": mode, "fast": fast} for a in LEVERAGES for mode in MODES for fast in (10, 20)],
    [0.1, 0.11, 0.12, 0.13, 0.2, 0.5, 0.3, 0.4, 0.9, 0.4, 0.8, 0.45, -1.0, -1.0, 0.95, -0.5],
)


def test_growth_and_survival_against_leverage():
    found = roles(plots.sweep(ONE))
    pairs = dict(zip(LEVERAGES, GROWTH, strict=True))
    assert points(found["growth"]) == list(pairs.items())
    logs = [float(np.log1p(growth)) for growth in GROWTH[:3]]
    assert points(found["log_growth"]) == list(zip(LEVERAGES, [*logs, None], strict=True))
    assert points(found["max_drawdown_low"]) == [(a, -growth / 2) for a, growth in pairs.items()]
    assert points(found["liquidation_count"]) == list(zip(LEVERAGES, [0.0, 1.0, 2.0, 3.0], strict=True))
    assert points(found["ruined"]) == list(zip(LEVERAGES, [0.0, 0.0, 0.0, 1.0], strict=True))


def test_the_optimum_and_half_of_it_are_marked():
    figure = plots.sweep(ONE)
    found = roles(figure)
    assert points(found["optimum"]) == [(2.0, 0.3)]
    assert points(found["half"]) == [(1.0, 0.1)]
    assert found["optimum"].name == "Growth-optimal: 2x (half of it: 1x)"
    assert [(shape.name, shape.x0, shape.x1) for shape in figure.layout.shapes] == [
        ("optimum", 2.0, 2.0),
        ("half", 1.0, 1.0),
    ]


def test_half_of_the_optimum_lies_on_the_line_between_values():
    table = table_of([{"leverage": a} for a in (1.0, 2.0, 3.0)], [0.1, 0.2, 0.4])
    assert points(roles(plots.sweep(table))["half"]) == [(1.5, pytest.approx(0.15))]
    below = table_of([{"leverage": a} for a in (3.0, 4.0)], [0.4, 0.2])
    assert points(roles(plots.sweep(below))["half"]) == [(1.5, None)]


@pytest.mark.parametrize("order", [1, -1])
def test_of_equal_growth_the_lowest_leverage_is_the_optimum(order):
    table = table_of([{"leverage": a} for a in LEVERAGES], [0.1, 0.3, 0.3, 0.2])[::order]
    assert points(roles(plots.sweep(table))["optimum"]) == [(2.0, 0.3)]
    settings = [{"leverage": a, "fast": fast} for a in (1.0, 2.0, 4.0) for fast in (10, 20)]
    table = table_of(settings, [0.1, 0.2, 0.3, 0.1, 0.2, 0.3])[::order]
    figure = plots.sweep(table)  # 2x with fast 10 and 4x with fast 20 are equal
    assert figure.layout.meta["caption"].startswith("Held as in the row that grew most: fast 10.")
    assert points(roles(figure)["optimum"]) == [(2.0, 0.3)]
    (frame,) = plots.heatmap(table).layout.shapes
    assert (frame.x0, frame.y0) == (0.5, -0.5)


def test_of_equal_growth_without_leverage_the_first_row_is_the_best():
    settings = [{"slow": slow, "fast": fast} for slow in (50, 60) for fast in (20, 10)]
    table = table_of(settings, [0.1, 0.3, 0.3, 0.2])
    assert plots.sweep(table).layout.meta["caption"].startswith("Held as in the row that grew most: fast 10.")


def test_only_leverage_has_a_half():
    table = table_of([{"fast": fast} for fast in (10, 20, 30)], [0.1, 0.4, 0.2])
    found = roles(plots.sweep(table))
    assert points(found["optimum"]) == [(20.0, 0.4)]
    assert found["optimum"].name == "Growth-optimal: 20"
    assert "half" not in found


def test_a_line_for_each_margin_mode_with_the_rest_held_as_in_the_best_row():
    figure = plots.sweep(BOTH)  # the best row: cross, 8x, fast 10
    found = roles(figure)
    lines = {trace.name: points(trace) for trace in found["growth"]}
    assert lines == {
        "isolated": list(zip(LEVERAGES, [0.1, 0.2, 0.9, -1.0], strict=True)),
        "cross": list(zip(LEVERAGES, [0.12, 0.3, 0.8, 0.95], strict=True)),
    }
    assert [points(trace)[0][0] for trace in found["optimum"]] == [4.0, 8.0]
    assert [points(trace)[0][0] for trace in found["half"]] == [2.0, 4.0]
    assert figure.layout.meta["caption"].startswith("Held as in the row that grew most: fast 10.")
    shares = {trace.name: [y for _, y in points(trace)] for trace in found["ruined"]}
    assert shares == {"isolated": [0.0, 0.0, 0.0, 1.0], "cross": [0.0, 0.0, 0.0, 0.0]}
    assert len({trace.line.dash for trace in found["growth"]}) == 2


def test_ruin_counts_every_setting():
    table = BOTH.assign(ruined=[*[False] * 13, True, True, False])
    shares = {trace.name: [y for _, y in points(trace)] for trace in roles(plots.sweep(table))["ruined"]}
    assert shares == {"isolated": [0.0, 0.0, 0.0, 0.5], "cross": [0.0, 0.0, 0.0, 0.5]}


def test_over_another_number():
    figure = plots.sweep(BOTH, "fast")
    lines = {trace.name: points(trace) for trace in roles(figure)["growth"]}
    assert lines == {"isolated": [(10.0, -1.0), (20.0, -1.0)], "cross": [(10.0, 0.95), (20.0, -0.5)]}
    assert figure.layout.xaxis.title.text == "Fast"
    assert "leverage 8" in figure.layout.meta["caption"]


def test_leverage_comes_before_other_numbers_and_what_stands_still_is_not_told():
    settings = [{"slow": 50, "fast": fast, "leverage": a} for fast in (10, 20) for a in (1.0, 2.0)]
    figure = plots.sweep(table_of(settings, [0.1, 0.2, 0.3, 0.4]))
    assert points(roles(figure)["growth"]) == [(1.0, 0.3), (2.0, 0.4)]
    assert figure.layout.meta["caption"].startswith("Held as in the row that grew most: fast 20.")
    assert roles(plots.heatmap(table_of(settings, [0.1, 0.2, 0.3, 0.4])))["field"].x == ("1", "2")


def test_a_best_value_at_the_edge_is_no_optimum_and_a_loss_has_no_half():
    rising = table_of([{"leverage": a} for a in (1.0, 2.0, 3.0)], [0.1, 0.2, 0.3])
    assert (
        plots.sweep(rising)
        .layout.meta["caption"]
        .endswith("The best leverage is the highest tried: a better one may lie beyond.")
    )
    falling = plots.sweep(table_of([{"leverage": a} for a in (1.0, 2.0, 3.0)], [-0.1, -0.2, -0.3]))
    assert "is the lowest tried" in falling.layout.meta["caption"]
    assert roles(falling)["optimum"].name == "Lost least: 1x"
    assert "half" not in roles(falling)
    assert "tried" not in (plots.sweep(ONE).layout.meta or {}).get("caption", "")


def test_a_row_whose_growth_is_not_defined_is_not_the_best():
    settings = [{"leverage": a, "fast": fast} for a in (1.0, 2.0) for fast in (10, 20)]
    table = table_of(settings, [0.1, 0.3, 0.2, 0.1])
    table.loc[0, "cagr"] = NAN
    assert points(roles(plots.sweep(table))["growth"]) == [(1.0, 0.3), (2.0, 0.1)]


def test_a_setting_that_is_held_at_none():
    settings = [{"leverage": a, "stop_loss": stop} for a in (1.0, 2.0) for stop in (None, 0.2)]
    figure = plots.sweep(table_of(settings, [0.5, 0.1, 0.4, 0.2]))
    assert points(roles(figure)["growth"]) == [(1.0, 0.5), (2.0, 0.4)]
    assert "stop loss none" in figure.layout.meta["caption"]


def test_the_span_to_the_best_order_of_prices_is_shaded():
    best = ONE.assign(cagr=[0.1, 0.5, 0.6, -0.5])[::-1]
    found = roles(plots.sweep(ONE, best=best))
    low, high = found["span_low"][0], found["span_high"][0]
    assert points(low) == list(zip(LEVERAGES, GROWTH, strict=True))
    assert points(high) == list(zip(LEVERAGES, [0.1, 0.5, 0.6, -0.5], strict=True))
    assert high.fill == "tonexty"
    assert points(found["span_high"][1]) == list(zip(LEVERAGES, np.log1p([0.1, 0.5, 0.6, -0.5]), strict=True))
    assert points(found["optimum"]) == [(2.0, 0.3)]


def test_the_span_is_held_as_the_sweep_and_not_as_its_own_best_row():
    best = BOTH.assign(cagr=BOTH["cagr"] + 0.01 * (1 + np.arange(16)))
    best.loc[1, "cagr"] = 5.0  # fast 20 would be its own best row
    spans = {trace.legendgroup: points(trace) for trace in roles(plots.sweep(BOTH, best=best))["span_high"][:2]}
    heights = [[y for _, y in points(trace)] for trace in roles(plots.sweep(BOTH, best=best))["span_high"][:2]]
    assert heights[0] == pytest.approx([0.11, 0.25, 0.99, -0.87])
    assert heights[1] == pytest.approx([0.15, 0.37, 0.91, 1.10])
    assert set(spans) == {"ambiguity"}


def test_the_span_goes_by_value_where_the_other_table_is_in_another_order_or_lacks_a_row():
    best = ONE.assign(cagr=[0.2, 0.5, 0.6, -0.5]).iloc[[3, 0, 2]]  # without 2x
    other = roles(plots.sweep(ONE, best=best))["span_high"]
    assert points(other[0]) == [(1.0, 0.2), (2.0, None), (4.0, 0.6), (8.0, -0.5)]
    assert points(other[1]) == [(a, None if y is None else float(np.log1p(y))) for a, y in points(other[0])]
    more = table_of([{"leverage": a} for a in (0.5, *LEVERAGES)], [9.0, 0.2, 0.5, 0.6, -0.5])[::-1]
    assert points(roles(plots.sweep(ONE, best=more))["span_high"][0]) == list(
        zip(LEVERAGES, [0.2, 0.5, 0.6, -0.5], strict=True)
    )


def test_settings_that_could_not_run_are_left_out():
    table = table_of([{"leverage": a} for a in (1.0, 2.0, 500.0)], [0.1, 0.3, NAN])
    assert [x for x, _ in points(roles(plots.sweep(table))["growth"])] == [1.0, 2.0]
    none = table_of([{"leverage": a, "fast": 1} for a in (500.0, 600.0)], [NAN, NAN])
    assert said(plots.sweep(none)) == ["No setting could run"]
    assert said(plots.heatmap(none)) == ["No setting could run"]
    assert said(plots.sweep(ONE.iloc[:0])) == ["No setting could run"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [((1, 2, 5, 10, 20, 50), "log"), (range(1, 51), None), ((1, 2, 4), None), ((0, 1, 10, 100), None)],
)
def test_the_axis_is_logarithmic_where_the_values_are(values, kind):
    table = table_of([{"leverage": float(a)} for a in values], np.linspace(0.1, 0.5, len(values)))
    axis = plots.sweep(table).layout.xaxis
    assert axis.type == kind
    assert (axis.tickvals is not None) == (len(values) <= 12)


def test_log_growth_of_near_ruin_does_not_squash_the_rest():
    table = table_of([{"leverage": a} for a in (1.0, 2.0, 3.0)], [0.1, 0.2, -0.9999])
    low, high = plots.sweep(table).layout.yaxis2.range
    assert -3.5 < low < -2.9
    assert np.log1p(0.2) < high < 1.0


@pytest.mark.parametrize(
    ("table", "arguments", "error", "message"),
    [
        (ONE.drop(columns="leverage"), {}, ConfigError, r"^table must have a swept setting before reason, got"),
        (ONE.drop(columns="reason"), {}, DataError, r"^table must have a column reason, got the columns leverage"),
        ({}, {}, DataError, r"^table must be a DataFrame, got \{\}$"),
        (BOTH[["margin_mode", *BOTH.columns[3:]]], {}, ConfigError, r"^table must have a swept number to run over"),
        (BOTH, {"over": "slow"}, ConfigError, r"^over must be a swept setting, one of leverage, margin_mode, fast"),
        (BOTH, {"over": "margin_mode"}, ConfigError, r"^over must be a swept number, got margin_mode, which is of"),
        (BOTH, {"best": ONE}, ConfigError, r"^best must be swept over the same settings, leverage, margin_mode, fast"),
        (BOTH, {"best": 1}, DataError, r"^best must be a DataFrame, got 1$"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_drawn(table, arguments, error, message):
    with pytest.raises(error, match=message):
        plots.sweep(table, **arguments)


def test_a_heat_map_of_the_rest_held_as_in_the_best_row():
    figure = plots.heatmap(BOTH)
    field = roles(figure)["field"]
    assert (field.x, field.y) == (("1", "2", "4", "8"), ("isolated", "cross"))
    assert field.z.tolist() == [[0.1, 0.2, 0.9, -1.0], [0.12, 0.3, 0.8, 0.95]]
    assert field.customdata[:, :, 0].tolist() == [[0.0, 4.0, 8.0, 12.0], [2.0, 6.0, 10.0, 14.0]]
    assert field.customdata[:, :, 1].tolist() == [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    assert (field.zmin, field.zmax) == (-1.0, 1.0)
    (frame,) = figure.layout.shapes
    assert (frame.name, frame.x0, frame.x1, frame.y0, frame.y1) == ("optimum", 2.5, 3.5, 0.5, 1.5)
    assert figure.layout.meta["caption"] == "Held as in the row that grew most: fast 10."


def test_a_heat_map_of_other_settings_and_another_figure():
    field = roles(plots.heatmap(BOTH, "fast", "leverage", figure="liquidations"))["field"]
    assert (field.x, field.y) == (("10", "20"), ("1", "2", "4", "8"))
    assert field.z.tolist() == [[2.0, 3.0], [6.0, 7.0], [10.0, 11.0], [14.0, 15.0]]
    one_given = roles(plots.heatmap(BOTH, y="leverage"))["field"]
    assert (one_given.x, one_given.y) == (("isolated", "cross"), ("1", "2", "4", "8"))


def test_cells_of_a_heat_map_that_could_not_run_are_empty():
    settings = [{"leverage": a, "stop_loss": stop} for a in (2.0, 1.0) for stop in (0.2, None)]
    field = roles(plots.heatmap(table_of(settings, [0.3, 0.2, NAN, 0.1])))["field"]
    assert (field.x, field.y) == (("1", "2"), ("none", "0.2"))
    np.testing.assert_array_equal(field.z, [[0.1, 0.2], [NAN, 0.3]])
    assert field.hoverongaps is False


def test_lengths_of_time_are_in_days():
    durations = pd.to_timedelta(np.arange(16) * 12, unit="h")
    figure = plots.heatmap(BOTH.assign(max_drawdown_duration=durations), figure="max_drawdown_duration")
    assert figure.layout.title.text == "Max drawdown duration (days)"
    assert roles(figure)["field"].z[0].tolist() == [0.0, 2.0, 4.0, 6.0]


@pytest.mark.parametrize(
    ("table", "arguments", "message"),
    [
        (ONE, {}, r"^table must have two swept settings that vary, got leverage$"),
        (BOTH, {"x": "slow"}, r"^x must be a swept setting, one of leverage, margin_mode, fast, got 'slow'$"),
        (BOTH, {"y": "cagr"}, r"^y must be a swept setting, one of leverage, margin_mode, fast, got 'cagr'$"),
        (BOTH, {"x": "fast", "y": "fast"}, r"^x and y must be two settings, got fast twice$"),
        (BOTH, {"figure": "fast"}, r"^figure must be one of cagr, max_drawdown_low, liquidations, ruined, got 'fast'$"),
        (BOTH.assign(marks="given"), {"figure": "marks"}, r"^figure must be a number, got marks, which is of str$"),
    ],
)
def test_heat_maps_that_cannot_be_drawn(table, arguments, message):
    with pytest.raises(ConfigError, match=message):
        plots.heatmap(table, **arguments)

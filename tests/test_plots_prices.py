"""The figure of prices: the band, steps of liquidation prices and stops, trades, liquidations where they happened."""

import numpy as np
import pandas as pd
import pytest
from plotted import (
    at,
    bars_of,
    hours,
    liquidations_of,
    milliseconds,
    points,
    positions_of,
    roles,
    said,
    times_in,
    trades_of,
)
from scenes import bars_of as market_of
from scenes import play

from backtest import plots
from backtest.errors import DataError
from backtest.plots.thinning import BUCKETS, MARKS, NEAR

NAN = np.nan


def test_short_prices_are_those_of_the_bars():
    bars = bars_of(50)
    found = roles(plots.price(bars))
    assert list(found) == ["band_low", "band_high", "close"]
    for role, column in {"band_low": "low", "band_high": "high", "close": "close"}.items():
        assert times_in(found[role]) == milliseconds(bars.index)
        assert found[role].y.tolist() == bars[column].tolist()
    assert found["band_high"].fill == "tonexty"
    assert found["band_low"].showlegend is False


@pytest.mark.parametrize(("factor", "drawn"), [(1.0, False), (1.001, True)])
def test_marks_are_drawn_where_they_differ(factor, drawn):
    bars = bars_of(5)
    bars = bars.assign(mark_close=bars["close"] * factor)
    found = roles(plots.price(bars))
    assert ("mark" in found) == drawn
    if drawn:
        assert found["mark"].y.tolist() == bars["mark_close"].tolist()


def test_liquidations_stand_at_their_fill_price_in_a_mark_of_their_own():
    liquidations = liquidations_of(3, 7)
    trades = trades_of(("long", 1, 3, "liquidation"), ("short", 5, 7, "liquidation"))
    figure = plots.price(bars_of(10), trades=trades, liquidations=liquidations)
    marks = roles(figure)["liquidations"]
    assert points(marks) == list(zip(milliseconds(at(3, 7)), [90.0, 91.0], strict=True))
    assert marks.text == ("long, gap", "short, partial")
    assert marks.customdata.tolist() == [[1.0, 90.5, 10.0, 1.0, 0.25], [2.0, 90.5, 20.0, 2.0, 0.25]]
    assert "loss %{customdata[2]" in marks.hovertemplate
    assert "penalty %{customdata[3]" in marks.hovertemplate
    assert "bad debt %{customdata[4]" in marks.hovertemplate
    assert marks.marker.symbol == "x"
    assert figure.data[-1] is marks
    others = [trace for trace in figure.data if trace is not marks]
    assert all(marks.marker.color not in (trace.line.color, trace.marker.color) for trace in others)
    assert marks.marker.size > max(trace.marker.size for trace in others if trace.mode == "markers")


def test_entries_and_exits_by_side_and_reason():
    trades = trades_of(
        ("long", 1, 3, "signal"),
        ("short", 4, 5, "stop_loss"),
        ("long", 6, 7, "take_profit"),
        ("short", 8, None, "open"),
    )
    found = roles(plots.price(bars_of(10).assign(low=80.0, high=120.0), trades=trades))
    long, short = found["entries"]
    assert (long.name, long.marker.symbol, points(long)) == (
        "Long",
        "triangle-up",
        list(zip(milliseconds(at(1, 6)), [100.0, 102.0], strict=True)),
    )
    assert (short.marker.symbol, points(short)) == (
        "triangle-down",
        list(zip(milliseconds(at(4, 8)), [101.0, 103.0], strict=True)),
    )
    assert long.customdata.tolist() == [[1.5, 100.0], [3.5, 102.0]]
    exits = {
        trace.name: (trace.marker.symbol, points(trace), trace.customdata[:, 0].tolist()) for trace in found["exits"]
    }
    assert exits == {
        "Exit": ("circle-open", [(milliseconds(at(3))[0], 110.0)], [5.0]),
        "Stopped": ("square-open", [(milliseconds(at(5))[0], 111.0)], [4.0]),
        "Took profit": ("diamond-open", [(milliseconds(at(7))[0], 112.0)], [3.0]),
    }


def test_without_a_log_of_liquidations_trades_tell_of_them():
    trades = trades_of(("long", 1, 3, "liquidation"))
    bars = bars_of(5).assign(low=80.0, high=120.0)
    assert points(roles(plots.price(bars, trades=trades))["liquidations"]) == [(milliseconds(at(3))[0], 110.0)]
    told = plots.price(bars, trades=trades, liquidations=liquidations_of(3))
    assert points(roles(told)["liquidations"]) == [(milliseconds(at(3))[0], 90.0)]


def test_levels_are_steps_that_end_with_the_position():
    positions = positions_of((1, 1, 80, 95, NAN), (3, 1, 82, 95, 120), (6, 0, NAN, NAN, NAN), (8, -1, 130, NAN, NAN))
    found = roles(plots.price(bars_of(11), positions=positions))
    hour = milliseconds(hours(11))
    expected = {
        "liquidation_price": {
            1: [80],
            2: [80],
            3: [82],
            4: [82],
            5: [82],
            6: [82, None],
            8: [130],
            9: [130],
            10: [130],
        },
        "stop": {1: [95], 2: [95], 3: [95], 4: [95], 5: [95], 6: [95, None], 8: [None]},
        "take_profit": {1: [None], 3: [120], 4: [120], 5: [120], 6: [120, None], 8: [None]},
    }
    for role, steps in expected.items():
        trace = found[role]
        assert trace.line.shape == "hv"
        drawn = [point for point in points(trace) if point[1] is not None]
        wanted = [(hour[bar], float(value)) for bar, values in steps.items() for value in values if value is not None]
        assert sorted(set(drawn)) == sorted(wanted), role
        assert sum(y is None for _, y in points(trace)) == {"liquidation_price": 1, "stop": 3, "take_profit": 4}[role]
        gap = [hour[6], hour[8]]
        assert any(y is None and gap[0] <= x <= gap[1] for x, y in points(trace)), role


def test_the_last_step_before_a_stretch_without_any_is_kept():
    # a stop that trails for hours and then stands for a year: its last value holds there, whatever its extremes were
    changes = [2 * bar for bar in range(3 * BUCKETS)]
    level = 80 + (np.arange(len(changes)) % 7 - 3.0) + np.linspace(0, 0.1, len(changes))
    level[-1] = 79.5
    rows = 20 * len(changes)
    positions = positions_of(*((bar, 1, NAN, stop, NAN) for bar, stop in zip(changes, level, strict=True)))
    later = positions_of((rows - 1, 1, NAN, 80.0, NAN))
    bars = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), 90.0), index=hours(rows))
    trace = roles(plots.price(bars, positions=pd.concat([positions, later])))["stop"]
    held = [y for x, y in points(trace) if milliseconds(at(changes[-1] + 1))[0] <= x < milliseconds(at(rows - 1))[0]]
    assert held
    assert set(held) == {79.5}


def test_a_flip_breaks_the_line():
    positions = positions_of((1, 1, 80, NAN, NAN), (4, -1, 130, NAN, NAN))
    trace = roles(plots.price(bars_of(6), positions=positions))["liquidation_price"]
    hour = milliseconds(hours(6))
    wanted = [(1, 80.0), (2, 80.0), (3, 80.0), (4, 80.0), (4, None), (4, 130.0), (5, 130.0)]
    assert [point for point in points(trace) if point[0] < hour[5]] == [(hour[bar], y) for bar, y in wanted[:-1]]
    assert points(trace)[-1] == (hour[5], 130.0)


def test_each_leg_has_lines_of_its_own():
    both = [positions_of((1, 1, 80, NAN, NAN), leg="long"), positions_of((2, -1, 130, NAN, NAN), leg="short")]
    found = roles(plots.price(bars_of(5), positions=pd.concat(both)))
    names = {trace.name: sorted(set(trace.y.tolist())) for trace in found["liquidation_price"]}
    assert names == {"Liquidation price, long": [80.0], "Liquidation price, short": [130.0]}


def test_a_price_that_never_liquidates_is_not_drawn():
    found = roles(plots.price(bars_of(5), positions=positions_of((1, 1, np.inf, NAN, NAN))))
    assert not {"liquidation_price", "stop", "take_profit"} & set(found)


@pytest.mark.parametrize(("level", "inside"), [(101.0, True), (1.0, False), (1e6, False)])
def test_levels_far_away_do_not_squash_the_prices(level, inside):
    bars = bars_of(20)
    low, high = bars["low"].min(), bars["high"].max()
    figure = plots.price(bars, positions=positions_of((1, 1, level, NAN, NAN)))
    bottom, top = figure.layout.yaxis.range
    assert bottom < low
    assert top > high
    assert (top - bottom) < 2 * (high - low)
    assert (bottom < level < top) == inside


def test_long_prices_keep_the_extremes_and_every_bar_near_liquidations():
    bars = bars_of(40_000)
    low, high = int(bars["low"].argmin()), int(bars["high"].argmax())
    liquidations = liquidations_of(5_000, 20_000)
    found = roles(plots.price(bars, liquidations=liquidations))
    time = np.array(milliseconds(bars.index))
    for role, column, row in (("band_low", "low", low), ("band_high", "high", high)):
        drawn = dict(zip(times_in(found[role]), found[role].y.tolist(), strict=True))
        assert drawn[time[row]] == np.float32(bars[column].iloc[row])
        for middle in (5_000, 20_000):
            rows = slice(middle - NEAR, middle + NEAR + 1)
            values = bars[column].iloc[rows].to_numpy(np.float32).tolist()
            assert [drawn[x] for x in time[rows]] == values
    assert len(found["close"].x) < 4 * BUCKETS + 2 + 2 * (2 * NEAR + 1)
    kept = plots.true_bars(bars, liquidations)
    rows = [*range(5_000 - NEAR, 5_000 + NEAR + 1), *range(20_000 - NEAR, 20_000 + NEAR + 1)]
    pd.testing.assert_frame_equal(kept, bars.iloc[rows])


def test_true_bars_of_a_short_history_are_all():
    bars = bars_of(20)
    pd.testing.assert_frame_equal(plots.true_bars(bars.assign(volume=1.0)), bars)
    assert len(plots.true_bars(bars_of(5_000))) == 0


def test_too_many_marks_are_thinned_to_the_costliest_and_it_is_said():
    count = MARKS + 500
    random = np.random.default_rng(3)
    loss = random.permutation(count).astype(np.float64)
    liquidations = liquidations_of(*range(count), loss=loss)
    trades = trades_of(*(("long", bar, bar + 1, "signal") for bar in range(count)))
    trades["pnl"] = random.permutation(count) - count / 2
    figure = plots.price(bars_of(count + 2), trades=trades, liquidations=liquidations)
    found = roles(figure)
    assert found["liquidations"].customdata[:, 2].tolist() == loss[loss >= 500].tolist()
    biggest = set(trades["pnl"].abs().nlargest(MARKS, keep="all"))
    assert len(found["exits"].x) == MARKS
    assert set(np.abs(found["exits"].customdata[:, 0])) <= biggest
    caption = (
        "Of 2 500 trades the 2 000 with the largest profits and losses are marked. "
        "Of 2 500 liquidations the 2 000 costliest are marked."
    )
    assert figure.layout.meta["caption"] == caption
    assert figure.layout.title.subtitle.text.replace("<br>", " ") == caption
    assert (
        found["liquidations"].marker.size
        < roles(plots.price(bars_of(9), liquidations=liquidations_of(1)))["liquidations"].marker.size
    )


def test_liquidations_outside_the_bars_are_not_drawn():
    assert "liquidations" not in roles(plots.price(bars_of(5), liquidations=liquidations_of(5)))
    assert len(roles(plots.price(bars_of(6), liquidations=liquidations_of(5)))["liquidations"].x) == 1


@pytest.mark.parametrize("bars", [bars_of(0), bars_of(5) * NAN])
def test_no_bars(bars):
    assert said(plots.price(bars)) == ["No bars"]


def test_one_bar_is_a_point():
    figure = plots.price(bars_of(1))
    assert roles(figure)["close"].mode == "lines+markers"
    first, last = figure.layout.xaxis.range
    assert pd.Timestamp(last) - pd.Timestamp(first) == pd.Timedelta("24h")


def test_gaps_stay_gaps():
    bars = bars_of(30)
    bars.iloc[10:15] = NAN
    assert np.isnan(roles(plots.price(bars))["close"].y[10:15]).all()


def test_a_replay_is_drawn_as_it_was():
    result = play(market_of([100, 100, (100, 100, 85, 98), 98]), "1 . . .", leverage=10)
    frame = result.bars.frame("S0")
    frames = {"trades": result.trades, "liquidations": result.liquidations, "positions": result.positions}
    figure = plots.price(frame, **frames)
    assert figure.layout.title.text == "Price of S0"
    marks = roles(figure)["liquidations"]
    event = result.liquidations.iloc[0]
    assert points(marks) == [(milliseconds([event["time"]])[0], event["fill_price"])]
    level = result.positions["liquidation_price"].iloc[0]
    assert points(roles(figure)["liquidation_price"])[0] == (milliseconds([frame.index[1]])[0], level)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ({"bars": [1]}, r"^bars must be a DataFrame, got \[1\]$"),
        ({"bars": bars_of(3).drop(columns="low")}, r"^bars must have a column low, got the columns open, high, close$"),
        ({"bars": bars_of(3).reset_index(drop=True)}, r"^bars must be indexed by time, got an index of int64$"),
        ({"bars": bars_of(3)[::-1]}, r"^bars must be in order of time, got an index that falls$"),
        ({"trades": pd.DataFrame()}, r"^trades must have a column side, got the columns none$"),
        ({"liquidations": liquidations_of(1).drop(columns="loss")}, r"^liquidations must have a column loss, got"),
        ({"positions": positions_of((1, 1, 2, 3, 4)).drop(columns="time")}, r"^positions must have a column time, got"),
        (
            {"liquidations": pd.concat([liquidations_of(1), liquidations_of(2, symbol="B")])},
            r"^liquidations must be those of one symbol, got A, B$",
        ),
    ],
)
def test_frames_that_cannot_be_drawn(frames, message):
    with pytest.raises(DataError, match=message):
        plots.price(**({"bars": bars_of(3)} | frames))

"""What finer bars must be, and which of them lie inside a bar."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from frames import made
from scenes import bars_of, targets_of, venue_of
from test_ambiguity import ALL, WIDE, judged
from test_ambiguity_detail import BOTH, FIRST, UP_AND_DOWN, halves
from unfolded import NAMES

import backtest as bt
from backtest.ambiguity import bracket
from backtest.market.finer_bars import FinerBars


@pytest.fixture
def bars():
    return bars_of([100, 100, BOTH, 95])


def given(bars, detail, **settings):
    account = bt.Account(leverage=10, take_profit=0.05)
    return bracket(bars, targets_of("1 . . ."), venue=venue_of(), account=account, detail=detail, **settings)


GOOD = [*FIRST, *FIRST, (100, 106, 99, 99), (99, 100, 85, 95), 95, 95]


@pytest.mark.parametrize(
    ("row", "bar", "message"),
    [
        (
            4,
            (101, 106, 99, 99),
            r"have the open of the bar that it lies in, 100.0, got 101.0 at 2024-01-01 02:00 in S0",
        ),
        (4, (100, 107, 99, 99), r"the high of the bar that it lies in, 106.0, got 107.0 .*\(row 2\)"),
        (4, (100, 105, 99, 99), "the high of the bar that it lies in, 106.0, got 105.0"),
        (5, (99, 100, 86, 95), "the low of the bar that it lies in, 85.0, got 86.0"),
        (5, (99, 100, 85, 94), "the close of the bar that it lies in, 95.0, got 94.0"),
    ],
)
def test_finer_bars_that_contradict_the_bar(bars, row, bar, message):
    rows = list(GOOD)
    rows[row] = bar
    with pytest.raises(bt.DataError, match=message):
        given(bars, halves(rows))


def test_a_basis_point_is_rounding(bars):
    rows = list(GOOD)
    rows[4], rows[5] = (100.009, 106.01, 99, 99), (99, 100, 85.008, 94.991)
    assert given(bars, halves(rows)).liquidations["verdict"].tolist() == ["averted"]
    # what is bought at this very open is bought at that of the bar, and what is held closes with it
    pair = bars_of([100, 100, WIDE, 100, 100], [100, 100, WIDE, 100, 100])
    inside = [(99.991, 112, 99.991, 112), (112, 112, 100, 100), (100, 100, 90, 90), (90, 100, 90, 99.991)]
    detail = bars_of([100] * 8 + inside, [100] * 8 + UP_AND_DOWN, every="15min")
    account = bt.Account(leverage=10, margin_mode="cross")
    found = bracket(pair, targets_of(". 0.5 . . .", ". -0.5 . . ."), venue=venue_of(), account=account, detail=detail)
    assert found.liquidations["verdict"].tolist() == ["averted"] * 2
    assert found.final.loc["resolved", "final_equity"] == pytest.approx(10_000, abs=1e-9)


def test_the_bars_inside_a_bar():
    bars = bars_of(
        [100, 100, BOTH, 95], [50, 51, None, 52], [7, 8, (9, 10, 8, 9), 9], funding=[[0.0, 0.01, 0.02, 0.03]] * 3
    )
    rows = list(GOOD)
    rows[4], rows[5] = (99.995, 106, 99, 99), (99, 99.5, 85, 95)
    window = FinerBars(bars, halves(rows, [50] * 8)).inside(2, {0, 1})
    half = pd.Timedelta("30min")
    assert window.time.tolist() == [bars.time[1], bars.time[2], bars.time[2] + half, bars.time[3]]
    table = [[tuple(float(window.trade[name][t, i]) for name in NAMES) for i in range(3)] for t in range(3)]
    assert table == [
        [(100,) * 4, (51,) * 4, (8,) * 4],
        [(100, 106, 99, 99), (51,) * 4, (9,) * 4],
        [(99, 99.5, 85, 95), (51,) * 4, (9,) * 4],
    ]
    assert window.present.tolist() == [[True] * 3] + [[True, False, True]] * 3
    assert window.funding.tolist() == [[0] * 3, [0.02, 0, 0.02], [0] * 3, [0] * 3]
    assert window.appointments.tolist() == [1]
    rows[4] = (100, 100, 99, 99)
    rows[5] = (99, 106, 85, 94.995)
    ends = FinerBars(bars, halves(rows, [50] * 8)).inside(2, {0}).trade[:, 0]
    assert ends["close"].tolist() == [100, 99, 95, 100]
    assert (ends["high"] >= np.maximum(ends["open"], ends["close"])).all()
    assert (ends["low"] <= np.minimum(ends["open"], ends["close"])).all()
    rows[4], rows[5] = (99.995, 99.996, 99, 99), (99, 106, 85, 95)
    assert FinerBars(bars, halves(rows)).inside(2, {0}).trade["high"][1, 0] == 100


def test_a_bar_that_ends_early(bars):
    # the last hour opens half an hour early: what follows is not inside
    early = bt.Bars.from_frames(
        {"S0": bars.frame("S0").set_axis([*bars.time[:3], bars.time[2] + pd.Timedelta("30min")])}
    )
    rows = [*FIRST, *FIRST, BOTH, 95, 95]
    found = given(early, halves(rows))
    assert found.liquidations["verdict"].tolist() == ["possible"]
    quarters = bars_of([100] * 8 + [(100, 106, 99, 99), (99, 100, 85, 95), 97, 97, 97, 97], every="15min")
    assert given(early, quarters).liquidations["verdict"].tolist() == ["averted"]


def test_a_bar_with_several_verdicts():
    bars = bars_of([100, 100, BOTH, 95], [100, 100, BOTH, 95], [100, 100, (80, 106, 79, 95), 95])
    detail = halves(
        [*FIRST, *FIRST, (100, 106, 99, 99), (99, 100, 85, 95), 95, 95],
        [*FIRST, *FIRST, BOTH, 95, 95, 95],
        [*FIRST, *FIRST, (80, 106, 79, 95), 95, 95, 95],
    )
    found, rows = judged(bars, *["0.25 . . ."] * 3, take_profit=0.05, detail=detail)
    assert rows == [
        ("S2", True, "certain", ALL), ("S0", False, "averted", "worst"), ("S1", False, "possible", "worst"),
    ]  # fmt: skip
    assert (found.settled, found.ambiguous) == (0, 1)


def test_contradictions_where_nothing_is_asked_do_not_matter(bars):
    rows = list(GOOD)
    rows[0], rows[7] = 50, 70
    assert given(bars, halves(rows)).settled == 1
    certain = bars_of([100, 100, (100, 104, 85, 95), 95])
    assert given(certain, halves(rows)).liquidations["verdict"].tolist() == ["certain"]


@pytest.mark.parametrize("row", [4, 5])
def test_a_missing_finer_bar_leaves_the_bar_as_it_is(bars, row):
    rows = list(GOOD)
    rows[row] = None
    for detail in (halves(rows), bt.Bars.from_frames({"S0": halves(GOOD).frame("S0").drop(halves(GOOD).time[row])})):
        found = given(bars, detail)
        assert found.liquidations["verdict"].tolist() == ["possible"]
        assert (found.settled, found.ambiguous) == (0, 1)


def test_a_bar_at_another_time_is_not_covered(bars):
    shifted = bars_of(GOOD, every="30min", start="2024-01-01 00:15")
    assert given(bars, shifted).liquidations["verdict"].tolist() == ["possible"]


def test_what_is_not_held_needs_no_finer_bars():
    pair = bars_of([100, 100, BOTH, 95], [50, 51, (52, 60, 40, 45), 50])
    signals = targets_of("1 . . .", "0 . . .")
    settings = {"venue": venue_of(), "account": bt.Account(leverage=10, take_profit=0.05)}
    found = bracket(pair, signals, detail=halves(GOOD), **settings)
    assert found.liquidations["verdict"].tolist() == ["averted"]
    assert found.final.loc["resolved", "final_equity"] == pytest.approx(15_000)
    both = targets_of("0.5 . . .", "0.5 . . .")
    assert "averted" not in bracket(pair, both, detail=halves(GOOD), **settings).liquidations["verdict"].tolist()
    # held, but missing from the bar
    halted = bars_of([100, 100, BOTH, 95], [50, 50, None, 50])
    found = bracket(halted, both, detail=halves(GOOD), **settings)
    assert found.liquidations["verdict"].tolist() == ["averted"]
    assert found.final.loc["resolved", "final_equity"] == pytest.approx(12_500)


def test_symbols_may_stand_in_another_order():
    pair = bars_of([100, 100, BOTH, 95], [50, 50, 50, 50])
    frames = halves(GOOD, [50] * 8).frames()
    turned = bt.Bars.from_frames({"S1": frames["S1"], "S0": frames["S0"]})
    found = bracket(pair, targets_of("0.5 . . .", "0.5 . . ."), detail=turned, venue=venue_of(),
                    account=bt.Account(leverage=10, take_profit=0.05))  # fmt: skip
    assert found.liquidations["verdict"].tolist() == ["averted"]


def test_marks_decide_and_must_agree():
    bars = bars_of([100, 100, BOTH, 95], marks=[[100, 100, (100, 104, 88, 95), 95]])
    inside = [(100, 104, 99, 99), (99, 100, 88, 95), 95, 95]
    assert given(bars, halves(GOOD, marks=[[*FIRST, *FIRST, *inside]])).liquidations["verdict"].tolist() == ["averted"]
    inside[1] = (99, 100, 89, 95)
    assert given(bars, halves(GOOD, marks=[[*FIRST, *FIRST, *inside]])).liquidations["verdict"].tolist() == ["possible"]
    with pytest.raises(bt.DataError, match="detail must give mark prices where the bars have them"):
        given(bars, halves(GOOD))
    with pytest.raises(bt.DataError, match="detail must give mark prices where the bars do not have them"):
        given(replace(bars, mark=bars.trade), halves(GOOD, marks=[GOOD]))


@pytest.mark.parametrize(
    ("detail", "error", "message"),
    [
        (bars_of([100] * 4), bt.ConfigError, "a finer interval that divides the bars' 1h, got .*4 bars of 1h"),
        (bars_of([100] * 4, every="2h"), bt.ConfigError, "a finer interval that divides the bars' 1h, got .* of 2h"),
        (bars_of([100] * 4, every="25min"), bt.ConfigError, "that divides the bars' 1h, got .* of 25min"),
        (bars_of([100]), bt.ConfigError, "a finer interval that divides the bars' 1h, got .*1 bars, "),
        (halves([100] * 8, [100] * 8), bt.DataError, "detail must be for one of S0, got S1"),
        (halves([100] * 8, start="2025-01-01"), bt.DataError, "detail must share some time with Bars.*2024"),
        (5, bt.DataError, "detail must be Bars, or files as read_bars takes them, got 5"),
        (made(4), bt.DataError, "detail must be Bars, or files as read_bars takes them, got "),
    ],
)  # fmt: skip
def test_what_finer_bars_must_be(bars, detail, error, message):
    with pytest.raises(error, match=message):
        given(bars, detail)


def test_finer_bars_from_files(bars, tmp_path):
    file = tmp_path / "s0_30m.csv"
    halves(GOOD).frame("S0").rename_axis("timestamp").to_csv(file)
    for detail in (file, str(file), [file], {"S0": file}):
        assert given(bars, detail).settled == 1

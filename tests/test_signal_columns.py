"""Signals that set more than a target: legs, leverage, stops, take-profits and added margin, bar by bar."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from backtest.errors import DataError
from backtest.signalling.signal_names import FREQTRADE_NAMES, SETTING_NAMES, VECTORBT_NAMES
from backtest.signalling.signals import Signals, Times, as_signals

TIME = pd.date_range("2020-03-12", periods=4, freq="h", tz="UTC").as_unit("ns")
ONE = Times(("BTCUSDT",), TIME)
TWO = Times(("BTCUSDT", "ETHUSDT"), TIME)
TARGET = np.array([0.0, 1.0, np.nan, -0.5])
LONG, SHORT = np.array([0.0, 1.0, np.nan, 0.25]), np.array([0.5, np.nan, 0.0, 1.0])
SETTINGS = {
    "leverage": np.array([1.0, np.nan, 125.0, 2.5]),
    "stop_loss": np.array([np.inf, 0.05, np.nan, 0.999]),
    "take_profit": np.array([0.1, 25.0, np.nan, np.inf]),
    "margin_add": np.array([np.nan, 0.0, 1e9, 0.5]),
}
NAN = np.full(4, np.nan)


def table(**columns):
    return pd.DataFrame(columns, TIME)


def check_kernel_arrays(made, bars, symbols):
    for name in ("target", *SETTING_NAMES):
        values = getattr(made, name)
        if values is not None:
            assert values.shape == (bars, symbols * (1 + (made.hedged and name == "target")))
            assert values.dtype == np.float64
            assert values.flags.c_contiguous
            assert values.flags.writeable
            assert values.flags.aligned


# ---- tables of one instrument


def test_a_table_sets_everything():
    made = as_signals(table(target=TARGET, **SETTINGS), ONE)
    check_kernel_arrays(made, 4, 1)
    assert not made.hedged
    assert list(made.columns) == ["target", *SETTING_NAMES]
    for name, values in {"target": TARGET, **SETTINGS}.items():
        np.testing.assert_array_equal(made.columns[name][:, 0], values)
        assert made.columns[name] is getattr(made, name)


@pytest.mark.parametrize("given", SETTING_NAMES)
def test_what_no_symbol_sets_is_absent(given):
    made = as_signals(table(target=TARGET, **{given: SETTINGS[given]}), ONE)
    assert [name for name in SETTING_NAMES if getattr(made, name) is not None] == [given]
    made = as_signals(table(target=TARGET), ONE)
    assert [getattr(made, name) for name in SETTING_NAMES] == [None] * 4


@pytest.mark.parametrize("names", [VECTORBT_NAMES, FREQTRADE_NAMES])
def test_entries_may_stand_beside_settings(names):
    entries = {names[0]: [True, False, False, False], names[1]: [False, False, True, False]}
    made = as_signals(table(**entries, leverage=SETTINGS["leverage"]), ONE)
    assert made.target[:, 0].tolist() == [1.0, 1.0, 0.0, 0.0]
    np.testing.assert_array_equal(made.leverage[:, 0], SETTINGS["leverage"])
    assert made.stop_loss is None


def test_prices_and_indicators_beside_are_ignored():
    others = (
        "open high low close volume mark_open mark_close funding_rate rsi atr average ema signal exit_tag enter_tag"
    )
    others += " target_price target_high margin_ratio margin_rate short long profit stoch top sma_fast regime coverage"
    made = as_signals(table(**dict.fromkeys(others.split(), -7.0), target=TARGET, stop_loss=0.1), ONE)
    assert list(made.columns) == ["target", "stop_loss"]


@pytest.mark.parametrize("dtype", ["Float64", "double[pyarrow]", "float32", "Int64"])
def test_settings_of_other_types_are_converted(dtype):
    leverage = pd.Series([1, None, 3, 4], TIME, dtype="float64").astype(dtype)
    made = as_signals(table(target=TARGET, leverage=leverage), ONE)
    check_kernel_arrays(made, 4, 1)
    np.testing.assert_array_equal(made.leverage[:, 0], [1.0, np.nan, 3.0, 4.0])


def test_a_table_is_copied():
    frame = table(target=TARGET, **SETTINGS)
    made = as_signals(frame, ONE)
    for values in made.columns.values():
        values[:] = 0.75
    pd.testing.assert_frame_equal(frame, table(target=TARGET, **SETTINGS))


def test_signals_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'leverage'"):
        as_signals(table(target=TARGET), ONE).leverage = None


def test_a_table_must_have_the_times_of_the_bars():
    message = r"got 2020-03-12 01:00 instead of 2020-03-12 00:00 in BTCUSDT \(row 0\)"
    with pytest.raises(DataError, match=message):
        as_signals(table(target=TARGET, leverage=2.0).set_index(TIME + pd.Timedelta("1h")), ONE)


# ---- several symbols


def test_symbols_may_set_different_things():
    frames = {
        "ETHUSDT": table(target=-TARGET, leverage=2.0, take_profit=0.5),
        "BTCUSDT": table(entries=[False, True, False, False], leverage=[3, 4, 5, 6]),
    }
    made = as_signals(frames, TWO)
    check_kernel_arrays(made, 4, 2)
    np.testing.assert_array_equal(made.target, np.column_stack([[0, 1, 1, 1], -TARGET]))
    np.testing.assert_array_equal(made.leverage, np.column_stack([[3, 4, 5, 6], [2, 2, 2, 2]]))
    np.testing.assert_array_equal(made.take_profit, np.column_stack([NAN, [0.5] * 4]))
    assert list(made.columns) == ["target", "leverage", "take_profit"]


def test_a_series_and_a_table_go_together():
    made = as_signals({"BTCUSDT": pd.Series(TARGET, TIME), "ETHUSDT": table(target=0.5, margin_add=7.0)}, TWO)
    np.testing.assert_array_equal(made.target, np.column_stack([TARGET, [0.5] * 4]))
    np.testing.assert_array_equal(made.margin_add, np.column_stack([NAN, [7.0] * 4]))


def test_a_dict_of_one_symbol_is_enough_for_one():
    made = as_signals({"BTCUSDT": table(target=TARGET, leverage=2.0)}, ONE)
    np.testing.assert_array_equal(made.target[:, 0], TARGET)


# ---- hedge mode


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["sizes", "signed"])
def test_the_legs_stand_side_by_side_and_shorts_are_negative(sign):
    frames = {
        "ETHUSDT": table(target_long=SHORT, target_short=sign * LONG, leverage=2.0),
        "BTCUSDT": table(target_long=LONG, target_short=sign * SHORT),
    }
    made = as_signals(frames, TWO)
    check_kernel_arrays(made, 4, 2)
    assert made.hedged
    np.testing.assert_array_equal(made.target, np.column_stack([LONG, -SHORT, SHORT, -LONG]))
    np.testing.assert_array_equal(made.leverage, np.column_stack([NAN, [2.0] * 4]))
    assert list(made.columns) == ["target_long", "target_short", "leverage"]
    np.testing.assert_array_equal(made.columns["target_long"], np.column_stack([LONG, SHORT]))
    np.testing.assert_array_equal(made.columns["target_short"], np.column_stack([-SHORT, -LONG]))


def test_symbols_may_give_shorts_in_their_own_way():
    frames = {
        "BTCUSDT": table(target_long=0.0, target_short=SHORT),
        "ETHUSDT": table(target_long=0.0, target_short=-SHORT),
    }
    made = as_signals(frames, TWO)
    np.testing.assert_array_equal(made.target[:, 1], -SHORT)
    np.testing.assert_array_equal(made.target[:, 3], -SHORT)


def test_a_leg_that_is_not_given_is_flat():
    np.testing.assert_array_equal(as_signals(table(target_long=LONG), ONE).target, np.column_stack([LONG, np.zeros(4)]))
    made = as_signals(table(target_short=SHORT), ONE)
    assert made.hedged
    np.testing.assert_array_equal(made.target, np.column_stack([np.zeros(4), -SHORT]))


def test_a_size_of_zero_is_no_negative_zero():
    made = as_signals(table(target_long=LONG, target_short=[0.0, 1.0, 0.0, -0.0]), ONE)
    assert np.signbit(made.target[:, 1]).tolist() == [False, True, False, False]


def test_hedge_mode_is_for_all_symbols_or_none():
    message = "hedge mode must be for all symbols or none, got target in ETHUSDT and target_long or target_short in BTC"
    legs = table(target_long=LONG, target_short=SHORT)
    entries = table(entries=[True] * 4)
    for plain in (table(target=TARGET), pd.Series(TARGET, TIME), pd.DataFrame({"ETHUSDT": TARGET}, TIME), entries):
        with pytest.raises(DataError, match=message):
            as_signals({"BTCUSDT": legs, "ETHUSDT": plain}, TWO)


# ---- values


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("target", [-1.0, 1.0, 0.0, -0.0]),
        ("target_long", [0.0, -0.0, 1.0, np.nextafter(1, 0)]),
        ("target_short", [0.0, 1.0, 0.5, 5e-324]),
        ("target_short", [0.0, -1.0, -0.5, -0.0]),
        ("leverage", [1.0, 1e308, np.nextafter(1, 2), 125]),
        ("stop_loss", [5e-324, np.nextafter(1, 0), np.inf, 0.5]),
        ("take_profit", [5e-324, 1e308, np.inf, 1.0]),
        ("margin_add", [0.0, -0.0, 1e308, 1.0]),
    ],
)
def test_the_ends_of_every_range_fit(name, fitting):
    columns = {name: fitting} if name.startswith("target") else {"target": TARGET, name: fitting}
    made = as_signals(table(**columns), ONE)
    np.testing.assert_array_equal(np.abs(made.columns[name][:, 0]), np.abs(fitting))
    as_signals(table(**dict.fromkeys(columns, NAN)), ONE)


@pytest.mark.parametrize(
    ("name", "rule", "values"),
    [
        ("target", r"signal must be in \[-1, 1\] or NaN", [np.nextafter(1, 2), -1.5, np.inf, -np.inf]),
        ("target_long", r"target_long must be in \[0, 1\] or NaN", [np.nextafter(1, 2), -5e-324, np.inf, -1.0]),
        ("target_short", r"target_short must be in \[0, 1\], or throughout in \[-1, 0\], or NaN", [1.5, -1.5, np.inf]),
        ("leverage", "leverage must be finite and at least 1, or NaN", [np.nextafter(1, 0), 0.0, -3.0, np.inf]),
        ("stop_loss", r"stop_loss must be in \(0, 1\), inf for none, or NaN", [0.0, -0.0, 1.0, -0.1, 5.0, -np.inf]),
        ("take_profit", "take_profit must be above 0, inf for none, or NaN", [0.0, -5e-324, -np.inf]),
        ("margin_add", "margin_add must be finite and at least 0, or NaN", [-5e-324, np.inf, -np.inf]),
    ],
)
def test_values_outside_are_refused_with_their_place(name, rule, values):
    for value in values:
        column = np.full(4, np.nan)
        column[2] = value
        columns = {name: column} if name.startswith("target") else {"target": TARGET, name: column}
        other = {"target_long": 0.0} if name in ("target_long", "target_short") else {"target": 0.0}
        message = rf"^{rule}, got {float(value)} at 2020-03-12 02:00 in ETHUSDT \(row 2\)$"
        with pytest.raises(DataError, match=message):
            as_signals({"BTCUSDT": table(**other), "ETHUSDT": table(**columns)}, TWO)


@pytest.mark.parametrize(
    ("shorts", "row"),
    [
        ([0.5, -0.5, 0.0, 0.0], 1),
        ([-0.5, 0.0, np.nan, 0.5], 3),
        ([-0.5, 0.5, 7.0, 0.0], 1),
        ([0.5, 0.25, 7.0, -0.5], 2),
        ([-0.5, -0.25, -7.0, 0.5], 2),
    ],
)
def test_a_short_leg_has_one_sign(shorts, row):
    frames = {"BTCUSDT": table(target_short=[-1, -1, 0, 0]), "ETHUSDT": table(target_short=shorts)}
    message = rf"throughout in \[-1, 0\], or NaN, got {shorts[row]} at .* in ETHUSDT \(row {row}\)$"
    with pytest.raises(DataError, match=message):
        as_signals(frames, TWO)


@pytest.mark.parametrize("name", ["target_long", "target_short", *SETTING_NAMES])
def test_what_is_not_a_number_is_refused(name):
    columns = {name: ["1"] * 4} if name.startswith("target") else {"target": TARGET, name: ["1"] * 4}
    with pytest.raises(DataError, match=f"^{name} must be numbers, got dtype .* in BTCUSDT$"):
        as_signals(table(**columns), ONE)


# ---- ready-made signals


def test_ready_made_signals_are_checked_and_not_copied():
    legs = np.array([[0.0, -1.0], [1.0, 0.0], [np.nan, np.nan], [0.5, -0.5]])
    leverage = np.full((4, 1), 3.0)
    made = as_signals(Signals(legs, hedged=True, leverage=leverage), ONE)
    assert made.hedged
    assert np.shares_memory(made.target, legs)
    assert np.shares_memory(made.leverage, leverage)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (Signals(np.zeros((4, 1)), hedged=True), r"the shape of the bars \(4, 2\), got an array of shape \(4, 1\)"),
        (Signals(np.zeros((4, 2))), r"the shape of the bars \(4, 1\), got an array of shape \(4, 2\)"),
        (Signals(np.zeros((4, 1)), leverage=np.ones((4, 2))), r"got an array of shape \(4, 2\)"),
        (Signals(np.zeros((4, 1)), leverage=np.zeros((4, 1))), "leverage must be finite and at least 1, or NaN, got 0"),
        (Signals(np.ones((4, 2)), hedged=True), r"target_short must be in \[-1, 0\] or NaN, got 1.0 at .* in BTCUSDT"),
    ],
)
def test_ready_made_signals_that_do_not_fit_are_refused(made, message):
    with pytest.raises(DataError, match=message):
        as_signals(made, ONE)


# ---- size


def test_the_last_value_of_many_is_seen():
    time = pd.date_range("2020-01-01", periods=100_000, freq="min", tz="UTC").as_unit("ns")
    for name, bad in (("target", 2.0), ("leverage", 0.5), ("stop_loss", 1.0), ("take_profit", 0.0), ("margin_add", -1)):
        frame = pd.DataFrame({"target": 0.5, "other": 1.0, name: 1.0 if name != "stop_loss" else 0.5}, time)
        assert as_signals(frame, Times(("BTCUSDT",), time)).columns[name][-1, 0] == frame[name].iloc[-1]
        frame.loc[time[-1], name] = bad
        with pytest.raises(DataError, match=r"in BTCUSDT \(row 99 999\)"):
            as_signals(frame, Times(("BTCUSDT",), time))

"""Names of the columns that signals may have: near misses, doubles, and symbols that are named like columns."""

import numpy as np
import pandas as pd
import pytest

from backtest.errors import DataError
from backtest.signalling.signal_names import ENTRY_NAMES, NAMES, SETTING_NAMES, meant
from backtest.signalling.signals import Times, as_signals

TIME = pd.date_range("2020-03-12", periods=4, freq="h", tz="UTC").as_unit("ns")
ONE = Times(("BTCUSDT",), TIME)
TWO = Times(("BTCUSDT", "ETHUSDT"), TIME)
TARGET = np.array([0.0, 1.0, np.nan, -0.5])
LONG, SHORT = np.array([0.0, 1.0, np.nan, 0.25]), np.array([0.5, np.nan, 0.0, 1.0])
NAN = np.full(4, np.nan)


def table(**columns):
    return pd.DataFrame(columns, TIME)


# ---- names


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("targets", "target"),
        ("Target", "target"),
        ("taget", "target"),
        ("targetlong", "target_long"),
        ("long_target", "target_long"),
        ("target_shrot", "target_short"),
        ("lev", "leverage"),
        ("Leverage", "leverage"),
        ("leverages", "leverage"),
        ("levrage", "leverage"),
        ("stoploss", "stop_loss"),
        ("StopLoss", "stop_loss"),
        ("stop-loss", "stop_loss"),
        ("stop", "stop_loss"),
        ("sl", "stop_loss"),
        ("stop_loss_pct", "stop_loss"),
        ("takeprofit", "take_profit"),
        ("take_profits", "take_profit"),
        ("tp", "take_profit"),
        ("TP", "take_profit"),
        ("add_margin", "margin_add"),
        ("margin", "margin_add"),
        ("margin_added", "margin_add"),
        ("entry_long", "enter_long"),
        ("ENTRIES", "entries"),
    ],
)
def test_near_misses_are_refused_with_the_nearest_name(name, known):
    message = rf"^columns of signals must be named as documented, got {name} in BTCUSDT; did you mean {known}\?$"
    for beside in ({"target": TARGET}, {"entries": [True] * 4}, {"leverage": 2.0}, {}):
        for signals in (table(**{name: 0.5}, **beside), {"BTCUSDT": table(**{name: 0.5}, **beside)}):
            with pytest.raises(DataError, match=message):
                as_signals(signals, ONE)


def test_documented_names_mean_themselves():
    assert {name: meant(name) for name in NAMES} == {name: name for name in NAMES}
    assert set(NAMES) == {"target", "target_long", "target_short", *SETTING_NAMES, *ENTRY_NAMES}


@pytest.mark.parametrize("name", ["target", "leverage"])
def test_a_name_stands_once(name):
    frame = pd.DataFrame(np.ones((4, 3)), TIME, columns=["target", "leverage", name])
    with pytest.raises(DataError, match=f"must have one column of each name, got {name} twice in BTCUSDT$"):
        as_signals(frame, ONE)


def test_doubles_of_other_names_do_not_matter():
    frame = pd.DataFrame(np.ones((4, 3)), TIME, columns=["rsi", "rsi", "target"])
    assert as_signals(frame, ONE).target[:, 0].tolist() == [1.0] * 4


@pytest.mark.parametrize("names", [["leverage"], ["close", "stop_loss", "margin_add"]])
def test_settings_without_a_target_are_refused(names):
    settings = ", ".join(name for name in names if name != "close")
    message = rf"must have a column target, target_long and .* entries and exits, got only {settings} in BTCUSDT$"
    with pytest.raises(DataError, match=message):
        as_signals(table(**dict.fromkeys(names, 1.0)), ONE)
    with pytest.raises(DataError, match=message):
        as_signals({"BTCUSDT": table(**dict.fromkeys(names, 1.0)), "ETHUSDT": table(target=TARGET)}, TWO)


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["target_long", "target"], "target beside target_long"),
        (["target_short", "entries"], "target_short beside entries"),
        (["enter_short", "target"], "target beside enter_short"),
        (["exits", "target"], "target beside exits"),
    ],
)
def test_two_kinds_of_target_are_refused(names, pair):
    with pytest.raises(DataError, match=f"must have either target, .*, got {pair} in BTCUSDT$"):
        as_signals(table(**dict.fromkeys(names, 0.0)), ONE)


# ---- symbols named like columns


def test_symbols_named_like_columns_are_symbols():
    names = ("target", "leverage")
    frame = table(leverage=[-1.0, 0.0, 0.0, 0.0], target=TARGET)
    made = as_signals(frame, Times(names, TIME))
    np.testing.assert_array_equal(made.target, frame[list(names)])
    assert made.leverage is None


@pytest.mark.parametrize("symbol", ["target", "leverage", "stop", "entries", "target_long"])
def test_one_symbol_named_like_a_column(symbol):
    bars = Times((symbol,), TIME)
    for signals in (pd.DataFrame({symbol: TARGET}, TIME), {symbol: pd.DataFrame({symbol: TARGET}, TIME)}):
        made = as_signals(signals, bars)
        np.testing.assert_array_equal(made.target[:, 0], TARGET)
        assert list(made.columns) == ["target"]
    made = as_signals({symbol: table(target=TARGET, leverage=2.0)}, bars)
    np.testing.assert_array_equal(made.target[:, 0], TARGET)
    assert made.leverage[:, 0].tolist() == [2.0] * 4


def test_a_table_may_hold_a_column_named_like_the_symbol():
    made = as_signals(table(close=7.0, target=TARGET), Times(("close",), TIME))
    np.testing.assert_array_equal(made.target[:, 0], TARGET)


def test_a_symbol_too_many_is_named_whatever_it_is_called():
    frame = pd.DataFrame(np.zeros((4, 3)), TIME, columns=["BTCUSDT", "ETHUSDT", "leverage"])
    with pytest.raises(DataError, match="every symbol of the bars once and no other, got unknown leverage"):
        as_signals(frame, TWO)
    with pytest.raises(DataError, match="got missing ETHUSDT, unknown STOP"):
        as_signals(frame.set_axis(["BTCUSDT", "STOP", "DOGE"], axis=1), TWO)


def test_a_table_of_several_symbols_is_refused():
    with pytest.raises(DataError, match=r"or a dict with an entry, for each of BTC.* got a DataFrame with target, sl"):
        as_signals(table(close=1.0, target=TARGET, sl=0.1), TWO)


def test_a_dict_goes_by_symbol_and_not_by_column():
    with pytest.raises(DataError, match="got missing BTCUSDT, unknown target, leverage"):
        as_signals({"target": pd.Series(TARGET, TIME), "leverage": pd.Series(2.0, TIME)}, ONE)

"""What a sweep varies: names, products and lists of settings, and those that cannot run."""

import numpy as np
import pandas as pd
import pytest
from scenes import venue_of

import backtest as bt
from backtest.errors import ConfigError
from backtest.sweeping.grids import settings_of

VENUE = venue_of()


def signals(data, fast, slow, name):
    """Take any parameters."""
    return data["close"] * 0 + (fast < slow) + len(name)


STRATEGY = bt.Strategy.from_function(signals, {"fast": 10, "slow": 50.0, "name": "x"})


def settings(over, account=None, venue=VENUE, strategy=STRATEGY, params=None):
    return settings_of(over, account or bt.Account(), venue, strategy, params)


def values(over, **more):
    return [setting.values for setting in settings(over, **more)]


def test_a_product_varies_the_first_name_slowest():
    over = {"leverage": [1, 2], "margin_mode": ("isolated", "cross"), "params.fast": range(5, 15, 5)}
    rows = settings(over, account=bt.Account(cash=500))
    wanted = [(leverage, mode, fast) for leverage in (1.0, 2.0) for mode in ("isolated", "cross") for fast in (5, 10)]
    assert [tuple(row.values.values()) for row in rows] == wanted
    assert [row.row for row in rows] == list(range(8))
    assert list(rows[0].values) == ["leverage", "margin_mode", "params.fast"]
    for row, (leverage, mode, fast) in zip(rows, wanted, strict=True):
        assert row.account == bt.Account(cash=500, leverage=leverage, margin_mode=mode)
        assert row.venue is VENUE
        assert row.params == {"fast": fast, "slow": 50.0, "name": "x"}
        assert row.reason == ""


def test_a_list_keeps_what_a_setting_leaves_out():
    over = [{"leverage": 5, "taker_fee": 0.001}, {"fast": 20}, {}]
    rows = settings(over, account=bt.Account(leverage=3), params={"slow": 60})
    assert [row.values for row in rows] == [
        {"leverage": 5.0, "taker_fee": 0.001, "fast": 10},
        {"leverage": 3.0, "taker_fee": 0.0, "fast": 20},
        {"leverage": 3.0, "taker_fee": 0.0, "fast": 10},
    ]
    assert [row.params["slow"] for row in rows] == [60.0] * 3
    assert rows[0].venue == venue_of(taker_fee=0.001)


def test_values_may_stand_in_any_sequence():
    for given in ([1, 2], (1, 2), range(1, 3), np.array([1, 2]), np.array([1.0, 2.0]), pd.Series([1, 2], index=[5, 3])):
        assert values({"leverage": given}) == [{"leverage": 1.0}, {"leverage": 2.0}]
        assert [type(row["leverage"]) for row in values({"leverage": given})] == [float, float]


def test_a_value_that_is_no_number_is_shown_as_text_and_none_as_none():
    call = bt.MarginCall(level=1.5)
    shown = values({"call": [None, call]})
    assert shown == [{"call": None}, {"call": '{"level": 1.5, "grace": 0, "deposit": null, "close_below": 1.0}'}]
    assert values({"lot_size": [0.5, {"S0": 0.1}]}) == [{"lot_size": 0.5}, {"lot_size": '{"S0": 0.1}'}]
    assert values({"stop_loss": [None, 0.1]}) == [{"stop_loss": None}, {"stop_loss": 0.1}]


def test_a_name_that_a_figure_of_the_summary_bears_says_whose_it_is():
    strategy = bt.Strategy.from_function(lambda data, trades: data["close"] * trades, {"trades": 1})
    assert values({"insurance_fund": [5], "trades": [2]}, strategy=strategy) == [
        {"venue.insurance_fund": 5.0, "params.trades": 2}
    ]


def test_a_name_of_both_is_the_accounts_and_params_names_the_strategys():
    strategy = bt.Strategy.from_function(lambda data, leverage: data["close"] * leverage, {"leverage": 7})
    (row,) = settings({"leverage": [2], "params.leverage": [8]}, strategy=strategy)
    assert (row.account.leverage, row.params["leverage"]) == (2.0, 8)
    assert row.values == {"leverage": 2.0, "params.leverage": 8}


def test_venues_are_named_given_or_read_from_files(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('tiers = [{floor = 0, maintenance_rate = 0.01, max_leverage = 50}]\nname = "mine"\n')
    preset = bt.venue("bybit_linear")
    rows = settings({"venue": [VENUE, "binance_usdm", preset, path], "taker_fee": [0.001, 0.002]})
    assert [row.values["venue"] for row in rows[::2]] == ["custom", "binance_usdm", "bybit_linear", str(path)]
    assert [row.values["taker_fee"] for row in rows[:2]] == [0.001, 0.002]
    assert rows[0].venue == venue_of(taker_fee=0.001)
    assert rows[3].venue == bt.venue("binance_usdm", taker_fee=0.002)
    assert rows[6].venue == bt.venue(path, taker_fee=0.001)


def test_a_venue_that_is_named_takes_the_symbols_of_the_one_that_is_not():
    mapped = venue_of(symbols={"X": "BTCUSDT"})
    (row,) = settings({"venue": ["binance_usdm"]}, venue=mapped)
    assert row.venue.ladder("X") == bt.venue("binance_usdm").ladder("BTCUSDT")


def test_a_policy_that_is_replaced_takes_its_shares_along():
    shares = venue_of(liquidation="share", liquidation_share=0.25)
    full, share = settings({"liquidation": ["full", "share"]}, venue=shares)
    assert (full.reason, full.venue.liquidation, full.venue.liquidation_share) == ("", "full", None)
    assert share.venue.liquidation_share == 0.25


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"leverage": [0.5]}, "Account.leverage must be greater than or equal to 1, got 0.5"),
        ({"leverage": ["many"]}, "Account.leverage must be a valid number, got 'many'"),
        ({"leverage": [True]}, "Account.leverage must not be true or false, got True"),
        ({"leverage": [np.nan]}, "Account.leverage must be a finite number, got nan"),
        ({"taker_fee": [2]}, "Venue.taker_fee must be less than 1, got 2"),
        ({"liquidation": ["share"]}, "Venue.liquidation_share must be given with liquidation 'share', got None"),
        (
            {"fee_in_maintenance": [0.5]},
            "maintenance_rate + fee_in_maintenance must be below 1 / max_leverage, got 0.504 >= 1 / 125 in tier 0",
        ),
        ({"fast": ["ten"]}, "parameter fast must be a whole number, got 'ten'"),
        ({"tiers": [()]}, "tiers must hold at least one tier, got none"),
    ],
)
def test_a_setting_that_is_refused_is_a_row_with_its_reason(over, reason):
    given = next(iter(over.values()))
    (row,) = settings(over)
    assert row.reason == reason
    assert next(iter(row.values.values())) == pytest.approx(given[0], nan_ok=True) or "tiers" in over
    assert None in (row.account, row.venue) or row.params == {}


def test_settings_that_are_refused_leave_the_others_alone():
    rows = settings({"leverage": [0, 2], "taker_fee": [0.1, 3]})
    assert [bool(row.reason) for row in rows] == [True, True, False, True]
    assert [row.values["leverage"] for row in rows] == [0, 0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"levrage": [1]}, "^levrage is not a setting in over; the nearest is leverage$"),
        ({"margin-mode": ["cross"]}, "^margin-mode is not a setting in over; the nearest is margin_mode$"),
        ({"params.fsat": [1]}, r"^params\.fsat is not a setting in over; the nearest is params\.fast$"),
        ([{"leverage": 1}, {"fats": 2}], "^fats is not a setting in over; the nearest is fast$"),
        ({3: [1]}, "^3 is not a setting in over; the nearest is "),
        ({}, r"^over must name at least one setting, got \{\}$"),
        ([], r"^over must hold at least one setting, got \[\]$"),
        ({"leverage": []}, "^leverage must have at least one value in over, got none$"),
        ({"leverage": 3}, r"^leverage must be a sequence of values in over, such as \[1, 2\], got 3$"),
        ({"leverage": "10"}, r"^leverage must be a sequence of values in over, such as \[1, 2\], got '10'$"),
        ({"leverage": {1, 2}}, r"^leverage must be a sequence of values in over, such as \[1, 2\], got \{1, 2\}$"),
        ({"leverage": [1, 2, 1.0]}, r"^leverage must hold each value once, got 1\.0 twice$"),
        ({"leverage": [1, np.nan, float("nan")]}, r"^leverage must hold each value once, got nan twice$"),
        (
            [{"leverage": np.nan}, {"leverage": 1}, {"leverage": np.float64("nan")}],
            "^over must hold each setting once, got rows 0 and 2 alike$",
        ),
        ({"fast": [1], "params.fast": [2]}, r"^each setting must be named once in over, got fast and params\.fast$"),
        ([{"fast": 1, "params.fast": 2}], r"^each setting must be named once in over, got fast and params\.fast$"),
        (
            [{"leverage": 1}, {"fast": 1}, {"leverage": 1.0}],
            "^over must hold each setting once, got rows 0 and 2 alike$",
        ),
        ("leverage", "^over must be a dict of values by name, or a list of dicts, got 'leverage'$"),
        (None, "^over must be a dict of values by name, or a list of dicts, got None$"),
        ([3], "^each setting of over must be a dict of values by name, got 3$"),
        ({"venue": ["binance"]}, r"^venue must be one of .*binance_usdm.*, got 'binance'$"),
        ({"venue": ["none.toml"]}, r"^venue must be readable, got No such file or directory at none\.toml$"),
        (
            {"venue": [VENUE, venue_of(taker_fee=0.1)]},
            r"^venues in over must have names of their own \(Venue\.name\), got 'custom' twice$",
        ),
        ({"venue": [VENUE, VENUE]}, r"^venue must hold each value once, got 'custom' twice$"),
    ],
)
def test_what_is_no_sweep_is_refused_in_one_line(over, message):
    with pytest.raises(ConfigError, match=message):
        settings(over)


def test_parameters_need_a_strategy():
    with pytest.raises(ConfigError, match=r"^params\.fast needs a Strategy to take it, got signals without"):
        settings({"params.fast": [1]}, strategy=None)


def test_parameters_that_are_not_swept_are_checked_once_for_all():
    with pytest.raises(ConfigError, match=r"^parameter must be one of fast, .*, got fats; did you mean fast\?$"):
        settings({"leverage": [1]}, params={"fats": 1})


def test_true_is_not_one():
    strategy = bt.Strategy.from_function(lambda data, on: data["close"] * on, {"on": True})
    rows = settings({"on": [True, 1, False]}, strategy=strategy)
    assert [row.reason for row in rows] == ["", "parameter on must be true or false, got 1", ""]


def test_an_account_in_coin_still_must_say_how_many():
    (row,) = settings({"currency": ["base"]})
    assert row.reason == "Account.cash must be given, in coin, where currency is 'base'"
    assert settings({"currency": ["base"]}, account=bt.Account(cash=2))[0].reason == ""


def test_accounts_and_venues_are_made_once():
    rows = settings({"leverage": [1, 2], "taker_fee": [0.001, 0.002], "fast": [1, 2]})
    assert len({id(row.account) for row in rows}) == 2
    assert len({id(row.venue) for row in rows}) == 2


def test_ladders_are_shared_by_venues_that_differ_in_rates():
    preset = bt.venue("binance_usdm")
    rows = settings({"taker_fee": [0.001, 0.002], "fee_in_maintenance": [0.0, 0.001]}, venue=preset)
    assert all(row.venue.tiers is preset.tiers for row in rows)
    for row in rows:
        fees = {name: row.values[name] for name in ("taker_fee", "fee_in_maintenance")}
        assert row.venue == preset.model_copy(update=fees)


def test_the_last_ladder_refuses_as_the_first_does():
    tight = {"A": [(0, 0.001, 5)], "B": [(0, 0.001, 5), (10, 0.19, 5)]}
    rows = settings({"fee_in_maintenance": [0.0, 0.02], "taker_fee": [0.0, 0.1]}, venue=venue_of(tight))
    born = "maintenance_rate + fee_in_maintenance must be below 1 / max_leverage, got 0.21 >= 1 / 5 in tier 1 for B"
    assert [row.reason for row in rows] == ["", "", born, born]

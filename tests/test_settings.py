"""Settings that are refused before any bar is replayed, each in one sentence."""

import copy
import inspect
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of, venue_of

import backtest as bt
from backtest.errors import ConfigError, DataError, MarginError

BARS = bars_of([100, 100, 100])
ONES = np.ones(3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cash": 0}, r"Account\.cash must be greater than 0, got 0"),
        ({"cash": math.nan}, r"Account\.cash must be a finite number, got nan"),
        ({"cash": math.inf}, r"Account\.cash must be a finite number, got inf"),
        ({"leverage": 0.5}, r"Account\.leverage must be greater than or equal to 1, got 0\.5"),
        ({"leverage": "many"}, r"Account\.leverage must be a valid number, got 'many'$"),
        ({"leverage": "9" * 400}, r"Account\.leverage must be a finite number, got '9{59}\.\.\.$"),
        ({"leverage": pd.Series([1, 2])}, r"Account\.leverage must be a valid number, got 0 1 1 2 dtype: int64$"),
        ({"leverage": True}, r"Account\.leverage must not be true or false, got True"),
        ({"stop_loss": np.bool_(False)}, r"Account\.stop_loss must not be true or false, got False"),
        ({"margin_mode": "both"}, r"Account\.margin_mode must be 'isolated' or 'cross', got 'both'"),
        ({"stop_loss": 0}, r"Account\.stop_loss must be greater than 0, got 0"),
        ({"stop_loss": 5}, r"Account\.stop_loss must be less than 1, got 5"),
        ({"take_profit": -0.1}, r"Account\.take_profit must be greater than 0, got -0\.1"),
        ({"levrage": 3}, r"Account\.levrage is not a setting of Account"),
    ],
)
def test_account_refuses(settings, message):
    with pytest.raises(ConfigError, match=message):
        bt.Account(**settings)


def test_numbers_may_be_written_as_text():
    assert bt.Account(leverage="10").leverage == 10.0


def test_settings_are_frozen():
    account = bt.Account()
    with pytest.raises(ConfigError, match=r"^Account is frozen, so leverage cannot be set; model_copy"):
        account.leverage = 3
    with pytest.raises(ConfigError, match=r"^Account is frozen, so leverage cannot be deleted$"):
        del account.leverage
    assert account == bt.Account()


def test_settings_are_given_by_name():
    with pytest.raises(ConfigError, match=r"^settings of Account are given by name \(cash=\.\.\.\), got 10000$"):
        bt.Account(10_000)


def test_a_changed_copy_is_as_valid_as_any_other():
    account = bt.Account(cash=500)
    assert account.model_copy(update={"leverage": 3}) == bt.Account(cash=500, leverage=3)
    assert account.model_copy() == account
    with pytest.raises(ConfigError, match=r"Account\.leverage must be greater than or equal to 1, got 0\.5"):
        account.model_copy(update={"leverage": 0.5})
    with pytest.raises(MarginError, match="below 1 / max_leverage"):
        venue_of().model_copy(update={"fee_in_maintenance": 0.5})


@pytest.mark.parametrize("settings", [bt.Account(leverage=3), venue_of(), venue_of().tiers[0]])
def test_settings_survive_copies_and_pickling(settings):
    assert copy.copy(settings) == copy.deepcopy(settings) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301


def test_the_text_of_an_account_says_what_it_is():
    assert str(bt.Account(cash=5)).startswith("Account(cash=5.0, leverage=1.0, margin_mode='isolated'")


def test_the_signature_is_names_and_defaults():
    expected = "(*, floor, maintenance_rate, max_leverage)"
    assert str(inspect.signature(bt.Tier)) == expected
    assert str(inspect.signature(bt.Account)).startswith("(*, cash=10000.0, leverage=1.0, margin_mode='isolated',")


@pytest.mark.parametrize(
    ("rules", "error", "message"),
    [
        ({"tiers": []}, MarginError, "tiers must hold at least one tier, got none"),
        ({"tiers": {}}, ConfigError, r"Venue\.tiers must hold at least one symbol"),
        ({"tiers": {"S0": []}}, MarginError, "tiers must hold at least one tier, got none for S0"),
        ({"tiers": [(10, 0.01, 10)]}, MarginError, "tiers must start at a floor of 0, got 10"),
        (
            {"tiers": [(0, 0.01, 10), (50, 0.02, 5), (50, 0.03, 5)]},
            MarginError,
            "tier floors must rise, got 50 after 50 in tier 2",
        ),
        (
            {"tiers": [(0, 0.02, 10), (50, 0.01, 5)]},
            MarginError,
            "maintenance rates must not fall, got 0.01 after 0.02 in tier 1",
        ),
        (
            {"tiers": {"S0": [(0, 0.01, 10), (50, 0.02, 20)]}},
            MarginError,
            "max_leverage must not rise, got 20 after 10 in tier 1 for S0",
        ),
        ({"tiers": [(0, 0.1, 10)]}, MarginError, r"below 1 / max_leverage, got 0\.1 >= 1 / 10 in tier 0"),
        (
            {"tiers": [(0, 0.09, 10)], "fee_in_maintenance": 0.01},
            MarginError,
            r"below 1 / max_leverage, got 0\.1 >= 1 / 10 in tier 0",
        ),
        ({"taker_fee": -0.001}, ConfigError, r"Venue\.taker_fee must be greater than or equal to 0, got -0\.001"),
        ({"slippage": 1.0}, ConfigError, r"Venue\.slippage must be less than 1, got 1\.0"),
        ({"liquidation_fee": math.nan}, ConfigError, r"Venue\.liquidation_fee must be a finite number"),
        ({"borrow_rate": math.inf}, ConfigError, r"Venue\.borrow_rate must be a finite number"),
        ({"residual": "keep"}, ConfigError, r"Venue\.residual must be 'return' or 'forfeit', got 'keep'"),
        ({"fee": 0.1}, ConfigError, r"Venue\.fee is not a setting of Venue"),
    ],
)
def test_venue_refuses(rules, error, message):
    with pytest.raises(error, match=message):
        venue_of(**rules)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tiers": 5}, r"Venue\.tiers must be a list of Tier, or a dict of such lists by symbol, got 5$"),
        ({"tiers": {"BTCUSDT": 5}}, r"Venue\.tiers must be a list of Tier for BTCUSDT, got 5$"),
        ({"tiers": [venue_of().tiers[0], 5]}, r"^Venue\.tiers\.1 must be a Tier, got 5$"),
        ({"tiers": {"BTCUSDT": [5]}}, r"^Venue\.tiers\.BTCUSDT\.0 must be a Tier, got 5$"),
        ({"tiers": {"BTCUSDT": [{"floor": 0}]}}, r"^Tier\.maintenance_rate must be given$"),
        ({"symbols": {"A": 5}}, r"^Venue\.symbols\.A must be text, got 5$"),
        ({"symbols": pd.Series({"A": "B"})}, r"^Venue\.symbols must be a dict, got A B dtype: str$"),
    ],
)
def test_venue_refuses_other_kinds(values, message):
    with pytest.raises(ConfigError, match=message):
        bt.Venue(**{"tiers": venue_of().tiers, **values})


def test_a_rate_just_below_the_birth_of_a_liquidation_is_a_tier():
    assert venue_of(tiers=[(0, 0.0999, 10)]).tiers[0].maintenance_rate == 0.0999


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"floor": -1, "maintenance_rate": 0, "max_leverage": 1}, r"Tier\.floor must be greater than or equal to 0"),
        ({"floor": 0, "maintenance_rate": 1, "max_leverage": 1}, r"Tier\.maintenance_rate must be less than 1"),
        ({"floor": 0, "maintenance_rate": 0, "max_leverage": 0.5}, r"Tier\.max_leverage must be greater than or equal"),
        ({"floor": 0, "maintenance_rate": 0}, r"Tier\.max_leverage must be given"),
    ],
)
def test_tier_refuses(values, message):
    with pytest.raises(ConfigError, match=message):
        bt.Tier(**values)


def test_leverage_above_the_first_tier_is_refused_and_at_it_is_replayed():
    with pytest.raises(
        MarginError, match="leverage must be at most 125, the first tier's max_leverage, got 126 for S0"
    ):
        bt.run(BARS, ONES, account=bt.Account(leverage=126), venue=venue_of())
    assert len(bt.run(BARS, ONES, account=bt.Account(leverage=125), venue=venue_of()).fills) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"bars": "btc.parquet"}, DataError, "bars must be Bars, from read_bars or Bars.from_frames, got str"),
        ({"venue": "binance_usdm"}, ConfigError, r"venue must be a Venue, such as venue\('binance_usdm'\), got str"),
        ({"account": {"leverage": 3}}, ConfigError, "account must be an Account, got dict"),
        ({"params": {"fast": 20}}, ConfigError, "params need a Strategy to take them, got signals of type ndarray"),
        ({"signals": ONES[:2]}, DataError, "signals"),
        ({"signals": ONES * 1.01}, DataError, r"1\.01"),
    ],
)
def test_run_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        bt.run(**{"bars": BARS, "signals": ONES, "venue": venue_of(), **arguments})


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_a_stop_beyond_the_liquidation_is_warned_of(margin_mode):
    # a short at 10x and 0.4 % maintenance is liquidated (0.1 - 0.004) / 1.004 = 9.562 % above its entry
    def run(stop_loss):
        account = bt.Account(leverage=10, margin_mode=margin_mode, stop_loss=stop_loss)
        return bt.run(BARS, ONES, account=account, venue=venue_of())

    with pytest.warns(UserWarning, match=r"stop_loss must be below .* got 0\.0957 >= 0\.09562 for S0 at 10x"):
        run(0.0957)
    run(0.0956)

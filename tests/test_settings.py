"""Settings that are refused before any bar is replayed, each in one sentence."""

import math

import numpy as np
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
        ({"leverage": "many"}, r"Account\.leverage must be a valid number.*got 'many'"),
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


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        bt.Account().leverage = 3


@pytest.mark.parametrize(
    ("rules", "error", "message"),
    [
        ({"tiers": []}, MarginError, "tiers must hold at least one tier, got none"),
        ({"tiers": {}}, ConfigError, r"Venue\.tiers must hold at least one symbol"),
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

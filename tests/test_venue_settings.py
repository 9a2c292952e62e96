"""Settings of venues, tiers and margin calls that are refused, each in one sentence, and those that are taken."""

import math

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of, venue_of

import backtest as bt
from backtest.errors import ConfigError, MarginError


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
            "floor must rise, got 50 after 50 in tier 2",
        ),
        (
            {"tiers": [(0, 0.02, 10), (50, 0.01, 5)]},
            MarginError,
            "maintenance_rate must not fall, got 0.01 after 0.02 in tier 1",
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
        (
            {"liquidation": "half"},
            ConfigError,
            r"liquidation must be 'full', 'step_down', 'share' or 'restore', got 'half'",
        ),
        ({"liquidation_order": "fifo"}, ConfigError, r"liquidation_order must be 'everything', 'largest_loss' or"),
        ({"liquidation_share": 0}, ConfigError, r"Venue\.liquidation_share must be greater than or equal to 0\.01"),
        (
            {"liquidation_share": 1.5},
            ConfigError,
            r"Venue\.liquidation_share must be less than or equal to 1, got 1\.5",
        ),
        (
            {"liquidation_floor": -1},
            ConfigError,
            r"Venue\.liquidation_floor must be greater than or equal to 0, got -1",
        ),
        ({"cooldown": -1}, ConfigError, r"Venue\.cooldown must be greater than or equal to 0, got -1"),
        ({"backstop": 1}, ConfigError, r"Venue\.backstop must be less than 1, got 1"),
        ({"target_ratio": 1}, ConfigError, r"Venue\.target_ratio must be greater than 1, got 1"),
        ({"breach": "under"}, ConfigError, r"Venue\.breach must be 'at' or 'below', got 'under'"),
        (
            {"maintenance_on": "last"},
            ConfigError,
            r"Venue\.maintenance_on must be 'mark', 'entry' or 'net', got 'last'",
        ),
        ({"fee_in_maintenance_at": "entry"}, ConfigError, r"fee_in_maintenance_at must be 'mark' or 'bankruptcy'"),
        ({"funding_from": "cash"}, ConfigError, r"Venue\.funding_from must be 'margin' or 'wallet', got 'cash'"),
        (
            {"short_borrow_rate": -1},
            ConfigError,
            r"Venue\.short_borrow_rate must be greater than or equal to 0, got -1",
        ),
        ({"contract": "quanto"}, ConfigError, r"Venue\.contract must be 'linear' or 'inverse', got 'quanto'"),
        ({"insurance_fund": -1}, ConfigError, r"Venue\.insurance_fund must be greater than or equal to 0, got -1"),
        ({"insurance_fund": True}, ConfigError, r"Venue\.insurance_fund must not be true or false, got True"),
        (
            {"liquidation": "restore"},
            ConfigError,
            r"^Venue\.target_ratio must be given with liquidation 'restore', got",
        ),
        ({"liquidation": "share"}, ConfigError, r"^Venue\.liquidation_share must be given with liquidation 'share'"),
        (
            {"call": bt.MarginCall(level=1, deposit="reserve")},
            ConfigError,
            r"^Venue\.target_ratio must be given with call\.deposit 'reserve', got None$",
        ),
        (
            {"call": bt.MarginCall(level=1.5), "target_ratio": 1.5},
            ConfigError,
            r"^Venue\.target_ratio must be above call\.level, got 1\.5 <= 1\.5$",
        ),
        (
            {"liquidation": "restore", "target_ratio": 2, "fee_in_maintenance_at": "bankruptcy"},
            ConfigError,
            r"^Venue\.fee_in_maintenance_at must be 'mark' with liquidation 'restore', got 'bankruptcy'$",
        ),
        (
            {"maintenance_on": "net", "liquidation_order": "largest_loss"},
            ConfigError,
            r"^Venue\.liquidation_order must be 'everything' with maintenance_on 'net', got 'largest_loss'$",
        ),
        (
            {"contract": "inverse", "borrow_rate": 0.1},
            ConfigError,
            r"^Venue\.borrow_rate must be 0 with contract 'inverse', got 0\.1$",
        ),
        (
            {"contract": "inverse", "short_borrow_rate": 0.1},
            ConfigError,
            r"^Venue\.short_borrow_rate must be 0 with contract 'inverse', got 0\.1$",
        ),
        ({"call": 1.5}, ConfigError, r"^Venue\.call must be a MarginCall, or None, got 1\.5$"),
        ({"call": {"levl": 1.5}}, ConfigError, r"^MarginCall\.level must be given$"),
        ({"call": {"level": 1.5, "grase": 2}}, ConfigError, r"^MarginCall\.grase is not a setting of MarginCall$"),
        ({"multiplier": 0}, ConfigError, r"^Venue\.multiplier must be greater than 0, got 0$"),
        ({"multiplier": "many"}, ConfigError, r"^Venue\.multiplier must be a valid number.*, got 'many'$"),
        ({"multiplier": {"S0": -1}}, ConfigError, r"^Venue\.multiplier\.S0 must be greater than 0, got -1$"),
        ({"multiplier": {"S0": True}}, ConfigError, r"^Venue\.multiplier\.S0 must not be true or false, got True$"),
        ({"multiplier": {}}, ConfigError, r"^Venue\.multiplier must hold at least one symbol, got \{\}$"),
        ({"lot_size": -1}, ConfigError, r"^Venue\.lot_size must be greater than or equal to 0, got -1$"),
        (
            {"lot_size": {"BTCUSDT": 1, "BTC/USDT": 2}},
            ConfigError,
            r"^Venue\.lot_size must hold each symbol once, got 'BTCUSDT' and 'BTC/USDT'$",
        ),
        ({"minimum_notional": math.nan}, ConfigError, r"^Venue\.minimum_notional must be a finite number, got nan$"),
        (
            {"tiers": {"BTC/USDT": [(0, 0.01, 10)], "BTC-USDT-SWAP": [(0, 0.01, 10)]}},
            ConfigError,
            r"^Venue\.tiers must hold each symbol once, got 'BTC/USDT' and 'BTC-USDT-SWAP'$",
        ),
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


def test_rules_that_go_together_are_taken():
    venue = venue_of(
        liquidation="restore",
        target_ratio="1.5",
        call={"level": 1.25, "grace": 1, "deposit": "reserve"},
        maintenance_on="net",
        multiplier={"BTCUSD": "100", "*": 10},
        lot_size=1,
        insurance_fund=0,
    )
    assert venue.target_ratio == 1.5
    assert venue.call == bt.MarginCall(level=1.25, grace=1, deposit="reserve")
    assert venue.multiplier == {"BTCUSD": 100.0, "*": 10.0}
    assert venue_of(contract="inverse", liquidation="share", liquidation_share=1).liquidation_share == 1.0
    assert venue_of(target_ratio=1.6, call=bt.MarginCall(level=1.5)).call.close_below == 1.0


@pytest.mark.parametrize("name", ["liquidation_share", "liquidation_floor", "cooldown"])
def test_what_only_a_share_reads_is_refused_without_it(name):
    with pytest.raises(ConfigError, match=rf"^Venue\.{name} needs liquidation 'share', got 0\.5 with"):
        venue_of(**{name: 0.5})


def test_a_target_that_nothing_reaches_for_is_refused():
    with pytest.raises(ConfigError, match=r"^Venue\.target_ratio needs liquidation 'restore', or a call"):
        venue_of(target_ratio=1.5)


def test_a_preset_with_another_policy_leaves_the_figures_of_its_own():
    venue = bt.venue("hyperliquid", liquidation="restore", target_ratio=1.5)
    assert (venue.liquidation_share, venue.liquidation_floor, venue.cooldown) == (None, 0, 0)
    assert bt.venue("dydx_v4", liquidation="full").target_ratio is None
    assert bt.venue("reg_t", liquidation="full").target_ratio == 1.1  # for its calls


def test_a_venue_does_as_before_unless_told_otherwise():
    venue = venue_of()
    assert (venue.liquidation, venue.liquidation_order, venue.breach) == ("full", "everything", "at")
    assert (venue.maintenance_on, venue.fee_in_maintenance_at, venue.funding_from) == ("mark", "mark", "margin")
    assert (venue.contract, venue.multiplier, venue.lot_size, venue.minimum_notional) == ("linear", 1, 0, 0)
    assert (venue.backstop, venue.cooldown, venue.liquidation_floor) == (0, 0, 0)
    optional = ("liquidation_share", "target_ratio", "short_borrow_rate", "call", "insurance_fund")
    assert [getattr(venue, name) for name in optional] == [None] * len(optional)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"^MarginCall\.level must be given$"),
        ({"level": 0.9}, r"^MarginCall\.level must be greater than or equal to 1, got 0\.9$"),
        ({"level": True}, r"^MarginCall\.level must not be true or false, got True$"),
        ({"level": 1, "grace": -1}, r"^MarginCall\.grace must be greater than or equal to 0, got -1$"),
        ({"level": 1, "grace": 1.5}, r"^MarginCall\.grace must be a whole number, got 1\.5$"),
        ({"level": 1, "grace": "soon"}, r"^MarginCall\.grace must be a whole number, got 'soon'$"),
        ({"level": 1, "grace": None}, r"^MarginCall\.grace must be a whole number, got None$"),
        ({"level": 1, "deposit": "wallet"}, r"^MarginCall\.deposit must be 'reserve' or 'none', got 'wallet'$"),
        (
            {"level": 1, "grace": 3},
            r"^MarginCall\.deposit must be 'reserve' or 'none' where grace is above 0, got None for 3 bars$",
        ),
        ({"level": 1, "close_below": 0}, r"^MarginCall\.close_below must be greater than 0, got 0$"),
        ({"level": 1.1, "close_below": 1.2}, r"^MarginCall\.close_below must be at most level, got 1\.2 > 1\.1$"),
    ],
)
def test_margin_call_refuses(values, message):
    with pytest.raises(ConfigError, match=message):
        bt.MarginCall(**values)


def test_a_call_without_grace_needs_no_word_on_deposits():
    assert bt.MarginCall(level=2).deposit is None
    assert bt.MarginCall(level=2, close_below=2, grace=1.0, deposit="none").grace == 1


def tier(floor=0, rate=0.01, leverage=10, short=None, cap=None):
    return bt.Tier(floor=floor, maintenance_rate=rate, max_leverage=leverage, short_maintenance_rate=short, cap=cap)


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        ([tier(cap=40), tier(50, 0.02, 5)], "^floor must be the cap of the tier below, got 50 after 40 in tier 1$"),
        ([tier(), tier(50, 0.02, 5, cap=50)], "^cap must be above the floor, got 50 <= 50 in tier 1$"),
        (
            [tier(short=0.03), tier(50, 0.02, 5)],
            r"^short_maintenance_rate must not fall, got 0\.02 after 0\.03 in tier 1$",
        ),
        (
            [tier(short=0.02), tier(50, 0.01, 5, short=0.01)],
            r"^short_maintenance_rate must not fall, got 0\.01 after 0\.02 in tier 1$",
        ),
        (
            [tier(short=0.1)],
            r"^short_maintenance_rate \+ fee_in_maintenance must be below 1 / max_leverage, got 0\.1 >= 1 / 10 in",
        ),
    ],
)
def test_ladders_of_sides_and_caps_are_refused(tiers, message):
    with pytest.raises(MarginError, match=message):
        bt.Venue(tiers=tiers)


def test_sides_and_caps_that_fit():
    tiers = [tier(short=0.02, cap=50), tier(50, 0.02, 5, cap=100)]
    assert [each.short_rate for each in bt.Venue(tiers=tiers).tiers] == [0.02, 0.02]


@pytest.mark.parametrize(
    ("rate", "rules"),
    [
        # 10x: the initial margin is 0.1 of notional
        (0.09, {"fee_in_maintenance": 0.01}),
        # at the bankruptcy price a short is worth 1 + 1 / 10 of its notional: 0.045 + 0.05 * 1.1 = 0.1
        (0.045, {"fee_in_maintenance": 0.05, "fee_in_maintenance_at": "bankruptcy"}),
        # so is an inverse long
        (0.045, {"fee_in_maintenance": 0.05, "fee_in_maintenance_at": "bankruptcy", "contract": "inverse"}),
    ],
)
def test_a_position_is_not_born_without_surplus(rate, rules):
    with pytest.raises(MarginError, match=r"must be below 1 / max_leverage, got 0\.(1|05) >= 1 / 10 in tier 0"):
        bt.Venue(tiers=[tier(rate=rate)], **rules)
    assert bt.Venue(tiers=[tier(rate=rate - 1e-9)], **rules).tiers


def test_a_leverage_at_which_every_position_is_called_is_refused():
    venue = bt.Venue(tiers=[tier(rate=0.05, short=0.0625)], call=bt.MarginCall(level=2))
    bars = bars_of([100, 100])
    with pytest.raises(
        MarginError, match=r"^leverage must be below 1 / \(call\.level \* maintenance_rate\) = 8, .* S0"
    ):
        bt.run(bars, np.zeros((2, 1)), venue=venue, account=bt.Account(leverage=8))
    assert bt.run(bars, np.zeros((2, 1)), venue=venue, account=bt.Account(leverage=7.99)).calls.empty


def test_a_rate_just_below_the_birth_of_a_liquidation_is_a_tier():
    assert venue_of(tiers=[(0, 0.0999, 10)]).tiers[0].maintenance_rate == 0.0999


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"floor": -1, "maintenance_rate": 0, "max_leverage": 1}, r"Tier\.floor must be greater than or equal to 0"),
        ({"floor": 0, "maintenance_rate": 1, "max_leverage": 1}, r"Tier\.maintenance_rate must be less than 1"),
        ({"floor": 0, "maintenance_rate": 0, "max_leverage": 0.5}, r"Tier\.max_leverage must be greater than or equal"),
        ({"floor": 0, "maintenance_rate": 0}, r"Tier\.max_leverage must be given"),
        (
            {"floor": 0, "maintenance_rate": 0, "max_leverage": 1, "short_maintenance_rate": 1},
            r"Tier\.short_maintenance_rate must be less than 1",
        ),
        ({"floor": 0, "maintenance_rate": 0, "max_leverage": 1, "cap": 0}, r"Tier\.cap must be greater than 0"),
    ],
)
def test_tier_refuses(values, message):
    with pytest.raises(ConfigError, match=message):
        bt.Tier(**values)

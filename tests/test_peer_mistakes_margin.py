"""Mistakes that other backtesters made in their margin accounting."""

import math

import numpy as np
import pytest
from scenes import bars_of, play, reasons, values, venue_of

import backtest as bt

TENFOLD = {"cash": 1000.0, "leverage": 10}
FOURFOLD = {"cash": 1000.0, "leverage": 4, "sizing": "cash"}


def death_price(result):
    (row,) = result.liquidations.to_dict("records")
    return row["mark_price"]


def test_m1_isolated_loser_dies_and_winner_lives():
    """The word isolated switched liquidation off: a winning leg kept a losing one alive."""
    result = play(bars_of([100, (100, 100, 85, 86)], [100, (100, 130, 100, 130)]), "0.5 .", "0.5 .", **TENFOLD)
    assert values(result.liquidations, "symbol", "mark_price") == [("S0", pytest.approx(90 / 0.996, rel=1e-12))]
    # 50 units of the winner, and the maintenance margin of the loser, which is what remains of it
    assert result.equity.iloc[-1] == pytest.approx(500 + 50 * 30 + 50 * 0.004 * 90 / 0.996, rel=1e-12)


def test_m2_cross_counts_the_maintenance_of_other_positions():
    """A position's liquidation price in a cross account ignored what the other positions need."""
    tiers = {"S0": [(0, 0.004, 125)], "S1": [(0, 1 / 130, 125)]}
    bars = bars_of([100, (100, 100, 97, 98)], [10, 10])
    result = play(bars, "0.16 .", "0.832 .", tiers=tiers, cash=5.0, leverage=125, margin_mode="cross")
    # one unit at 100 and a notional of 520 that needs 4: 5 + (P - 100) = 0.004 P + 4
    assert values(result.liquidations, "symbol", "mark_price") == [
        ("S0", pytest.approx(99 / 0.996, rel=1e-12)),
        ("S1", 10),
    ]


@pytest.mark.parametrize("flip", [1, -1])
def test_m3_all_marks_of_a_bar_count_before_the_first_check(flip):
    """Instruments were updated one by one, so that a hedge was checked against its other leg's old price."""
    legs = [[100, 100, 85, (85, 86, 84, 85)], [100, 100, 85, (85, 86, 84, 85)]][::flip]
    result = play(bars_of(*legs), *["0.5 . . .", "-0.5 . . ."][::flip], margin_mode="cross", **TENFOLD)
    assert result.liquidations.empty
    assert result.equity.tolist() == [1000, 1000, 1000, 1000]


def test_m4_joint_worst_case_is_marked_as_a_bound():
    """The lows of all instruments were taken to happen at one moment, without a word."""
    down = (100, 100, 80, 100)
    together = play(bars_of([100, down], [100, down]), "0.5 .", "0.5 .", margin_mode="cross", **TENFOLD)
    alone = play(bars_of([100, down], [100, down]), "1 .", "0 .", margin_mode="cross", **TENFOLD)
    at_open = play(bars_of([100, 100, 80], [100, 100, 80]), "0.5 . .", "0.5 . .", margin_mode="cross", **TENFOLD)
    assert together.liquidations["joint"].tolist() == [True, True]
    assert alone.liquidations["joint"].tolist() == [False]
    assert at_open.liquidations[["joint", "gap"]].to_numpy().tolist() == [[False, True]] * 2


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_m5_margin_used_up_exactly_is_a_liquidation(margin_mode):
    """Nobody had said whether a balance equal to the maintenance margin is enough."""
    # 25 + (P - 100) = P / 16  =>  P = 80
    for low, count in ((80, 1), (math.nextafter(80, 81), 0)):
        bars = bars_of([100, (100, 100, low, 100)])
        result = play(bars, "1 .", tiers=[(0, 1 / 16, 4)], margin_mode=margin_mode, **FOURFOLD)
        assert len(result.liquidations) == count


def test_m6_a_bust_cross_account_is_neither_healthy_nor_liquidated_for_ever():
    """An account without positions and a balance below 0 passed every check, or failed one on every bar."""
    bars = bars_of([100, 100, 80, 80, 80])
    result = play(bars, "1 . -1 1 .", margin_mode="cross", sizing="cash", **TENFOLD)
    assert values(result.liquidations, "bar", "bad_debt") == [(2, 1000)]
    assert result.equity.tolist() == [1000, 1000, 0, 0, 0]
    assert values(result.orders, "bar", "filled", "reason") == [(3, 0, "ruined"), (4, 0, "ruined")]
    assert result.summary["ruined"] is True


def test_m7_maintenance_is_continuous_where_tiers_meet():
    """A tier's rate without its deduction makes the maintenance margin jump at the floor."""
    tiers = [(0, 0.004, 50), (50_000, 0.005, 20)]
    rules = {"tiers": tiers, "cash": 10_000.0, "leverage": 10, "sizing": "cash"}
    result = play(bars_of([100, 100, 99.99999, 100.0001, 120]), "0.5 . . . .", **rules)
    # 500 units: below the floor, on it and above it
    expected = [0, 200, 199.99998, 50_000.05 * 0.005 - 50, 60_000 * 0.005 - 50]
    assert result.history["maintenance_margin"].tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        ([(0, 0.01, 20), (10, 0.02, 10), (5, 0.03, 5)], "floor must rise, got 5 after 10"),
        ([(1, 0.01, 20)], "tiers must start at a floor of 0, got 1"),
        ([(0, 0.02, 20), (10, 0.01, 10)], "maintenance_rate must not fall, got 0.01 after 0.02"),
        ([(0, 0.01, 20), (10, 0.02, 30)], "max_leverage must not rise, got 30 after 20"),
    ],
)
def test_m7_partial_ladders_are_refused(tiers, message):
    """Tiers in the wrong order were taken as they came."""
    with pytest.raises(bt.MarginError, match=message):
        venue_of(tiers)


def test_m8_a_position_is_never_born_liquidated():
    """With 20x and a maintenance rate of 5.5 % the liquidation price of a long lies above its entry."""
    with pytest.raises(bt.MarginError, match=r"must be below 1 / max_leverage, got 0\.055 >= 1 / 20"):
        venue_of([(0, 0.055, 20)])
    with pytest.raises(bt.MarginError, match=r"leverage must be at most 10.*got 20"):
        play(bars_of([100, 100]), "1 .", tiers=[(0, 0.055, 10)], leverage=20)


def test_m9_default_figures():
    """A maintenance rate of 5 % stood where 0.5 % was meant, and every test passed."""
    venue = bt.venue("binance_usdm", as_of="2026-09-30")
    assert (venue.taker_fee, venue.liquidation_fee, venue.slippage, venue.borrow_rate) == (0.0005, 0.0125, 0, 0)
    first, second, *_ = venue.ladder("BTCUSDT")
    assert (first.floor, first.maintenance_rate, first.max_leverage) == (0, 0.004, 150)
    assert (second.floor, second.maintenance_rate, second.max_leverage) == (300_000, 0.005, 100)
    assert bt.Account() == bt.Account(
        cash=10_000,
        leverage=1,
        margin_mode="isolated",
        sizing="equity",
        rebalance="signal",
        on_liquidation="wait",
        intrabar="worst",
        stop_loss=None,
        take_profit=None,
    )
    free = bt.Venue(tiers=[bt.Tier(floor=0, maintenance_rate=0.004, max_leverage=125)])
    assert (free.taker_fee, free.slippage, free.liquidation_fee, free.liquidation_slippage) == (0, 0, 0, 0)
    assert (free.residual, free.borrow_rate, free.fee_in_maintenance) == ("return", 0, 0)


def test_m10_initial_margin_limits_orders_and_maintenance_margin_kills():
    """The maintenance margin was subtracted as "margin used", or the initial one decided on liquidations."""
    bars = bars_of([100, 100, 95, 95], [10, 10, 10, 10])
    result = play(bars, "1 . . .", "0 0 1 .", margin_mode="cross", **TENFOLD)
    # equity 500 stands below the initial margin of 950 and above the maintenance margin of 38
    assert result.liquidations.empty
    assert result.history["initial_margin"].tolist() == [0, 1000, 950, 950]
    assert result.history["maintenance_margin"].tolist() == pytest.approx([0, 40, 38, 38])
    assert values(result.orders, "bar", "symbol", "wanted", "filled", "reason") == [(3, "S1", 500, 0, "margin")]


def test_m11_an_order_beyond_the_margin_is_refused_with_its_reason():
    """An order to add looked at itself alone, and orders that nothing could pay for were filled, or vanished."""
    bars = bars_of([100, 100, 100], [100, 100, 100])
    result = play(bars, "0.5 1 .", "0.5 . .", **TENFOLD)
    assert values(result.orders, "bar", "symbol", "wanted", "filled", "reason") == [(2, "S0", 50, 0, "margin")]
    assert result.summary["cut_orders"] == 1
    assert len(result.fills) == 2


@pytest.mark.parametrize("leverage", [1, 2, 10, 100])
def test_m12_maintenance_does_not_depend_on_the_leverage_chosen(leverage):
    """The maintenance margin was divided by the leverage."""
    bars = bars_of([100, 100])
    result = play(bars, f"{1 / leverage} .", leverage=leverage, cash=1000.0, margin_mode="cross")
    assert result.history["maintenance_margin"].iloc[-1] == pytest.approx(4)
    assert result.history["initial_margin"].iloc[-1] == pytest.approx(1000 / leverage)


WICK = (110, 110, 1, 110)


@pytest.mark.parametrize(
    ("signals", "last", "funding", "price"),
    [
        # 40 at 100 on 1000: 1000 + 40 (P - 100) = 0.004 * 40 P
        ("1 . .", WICK, 0, 75 / 0.996),
        # 20 at 100 on 500, then 180/11 at 110 on 450: 950 + 400/11 P - 3800
        ("0.5 1 .", WICK, 0, 2850 * 11 / 400 / 0.996),
        # half is sold: each unit keeps its entry and its 25
        ("1 0.5 .", WICK, 0, 75 / 0.996),
        # a short from 110, on 27.5 a unit
        ("1 -1 .", (110, 200, 110, 110), 0, 137.5 / 1.004),
        # 110 * 0.01 a unit from the margin
        ("1 . .", WICK, 0.01, 76.1 / 0.996),
    ],
)
def test_m13_liquidation_price_follows_every_change(signals, last, funding, price):
    """The liquidation price of the first fill stayed through adds, reductions, flips and funding."""
    bars = bars_of([100, 100, last], funding=([0, 0, funding],))
    assert death_price(play(bars, signals, **FOURFOLD)) == pytest.approx(price, rel=1e-12)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_m14_contract_size_changes_no_money(margin_mode):
    """The size of a contract stood in the profit and was missing from the loss."""
    rows = [100, (100, 108, 97, 104), (101, 106, 99, 102), (102, 103, 84, 90), 90]
    small = [tuple(price / 128 for price in bar) if isinstance(bar, tuple) else bar / 128 for bar in rows]
    rules = {"taker_fee": 0.001, "liquidation_fee": 0.01, "margin_mode": margin_mode, **TENFOLD}
    one, other = (play(bars_of(bars), "0.5 1 . . .", **rules) for bars in (rows, small))
    assert len(one.liquidations) == 1
    assert other.history.equals(one.history)  # halving is exact in binary, so no bit of money may move
    assert (other.fills["quantity"] == one.fills["quantity"] * 128).all()


def test_m18_every_deficit_is_counted():
    """When a position's deficit met the account's, one of them was dropped."""
    # S0 gaps through its margin; S1 is sold at a trade price far below the mark that kept it alive
    bars = bars_of([100, 100, 80], [100, 100, 80], marks=([100, 100, 80], [100, 100, 100]))
    result = play(bars, "0.5 . .", "0.5 0 .", **TENFOLD)
    assert values(result.liquidations, "symbol", "bad_debt") == [("S0", 500)]
    assert reasons(result)[2:] == [(2, "liquidation"), (2, "signal")]
    # the sale brings its margin of 500 less 50 * 20 to an empty wallet
    assert result.history["bad_debt"].iloc[-1] == 500 + 500
    assert result.history["wallet"].iloc[-1] == 0


@pytest.mark.parametrize("rules", [{"sizing": "cash"}, {"sizing": "equity"}, {"sizing": "cash", "rebalance": "bar"}])
def test_m19_liquidation_does_not_depend_on_how_the_order_was_sized(rules):
    """Whether margin was checked depended on the way in which the quantity had been stated."""
    result = play(bars_of([100, (100, 100, 85, 98)]), "1 .", **rules, **TENFOLD)
    assert death_price(result) == pytest.approx(90 / 0.996, rel=1e-12)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("signal", [0.5, -0.5])
def test_m20_a_round_trip_at_one_price_costs_two_fees(margin_mode, signal):
    """A round trip was charged one fee, or three."""
    bars = bars_of([100, 100, 100])
    for fee in (0.0, 0.001):
        result = play(bars, f"{signal} 0 .", taker_fee=fee, margin_mode=margin_mode, **TENFOLD)
        assert result.fills["fee"].tolist() == pytest.approx([5000 * fee] * 2)
        assert result.equity.iloc[-1] == pytest.approx(1000 - 10_000 * fee, rel=1e-14)


NUMBERS = {
    bt.Account: {"cash": 1000.0, "leverage": 2.0, "stop_loss": 0.1, "take_profit": 0.1},
    bt.Tier: {"floor": 0.0, "maintenance_rate": 0.01, "max_leverage": 10.0},
    bt.Venue: {
        "taker_fee": 0.001,
        "slippage": 0.001,
        "liquidation_fee": 0.001,
        "liquidation_slippage": 0.001,
        "borrow_rate": 0.1,
        "fee_in_maintenance": 0.001,
    },
}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0])
@pytest.mark.parametrize(("model", "name"), [(model, name) for model, names in NUMBERS.items() for name in names])
def test_m21_no_number_switches_a_check_off(model, name, value):
    """NaN compares false with everything: as a rate or a leverage it silently switched checks off."""
    given = {"tiers": [bt.Tier(floor=0, maintenance_rate=0.01, max_leverage=10)]} if model is bt.Venue else {}
    with pytest.raises(bt.ConfigError, match=f"{model.__name__}.{name} must be"):
        model(**given, **{**NUMBERS[model], name: value})


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1.5])
def test_m21_no_signal_is_beyond_full_leverage(value):
    """A signal of 5 was a leverage of 5, whatever the setting said."""
    with pytest.raises(bt.DataError, match=r"must be .*\[-1, 1\]"):
        bt.run(bars_of([100, 100]), np.array([[value], [0.0]]), venue=venue_of())

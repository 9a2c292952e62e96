"""Margin arithmetic: shapes, no answer, closed forms, symbols and errors."""

import numpy as np
import pandas as pd
import pytest
from ladder_venues import INVERSE, VENUE, venue_of

import backtest as bt
from backtest.errors import ConfigError, MarginError

# Shapes


@pytest.mark.parametrize("one", [1, 1.0, np.float64(1), np.array(1.0)])
def test_numbers_give_a_float(one):
    assert type(bt.maintenance_margin(one, VENUE)) is float
    assert type(bt.liquidation_price(one, one, margin=0.1 * one, venue=VENUE)) is float
    assert type(bt.bankruptcy_price(one, one, margin=0.1 * one, venue=VENUE)) is float
    assert type(bt.max_quantity(one, margin=one, leverage=one, venue=VENUE)) is float
    assert type(bt.liquidation_price(one, one, margin=10 * one, venue=VENUE)) is float


def test_arrays_broadcast():
    quantity = np.array([[1.0], [-2.0], [3.0]])
    entry = pd.Series([90.0, 110.0])
    prices = bt.liquidation_price(quantity, entry, margin=20, venue=VENUE, other_pnl=[5.0, -5.0])
    assert prices.shape == (3, 2)
    for i, j in np.ndindex(3, 2):
        one = bt.liquidation_price(
            quantity[i, 0], entry[j], margin=20, venue=VENUE, other_pnl=(5.0, -5.0)[j], other_maintenance=0
        )
        assert prices[i, j] == one
    assert bt.bankruptcy_price(quantity, entry, margin=[20.0], venue=VENUE).shape == (3, 2)
    assert bt.maintenance_margin([[1, 2, 3]], VENUE).shape == (1, 3)
    assert bt.max_quantity([1.0, 2.0], margin=[[1.0], [2.0]], leverage=2, venue=VENUE).shape == (2, 2)
    assert bt.maintenance_margin([], VENUE).shape == (0,)
    assert bt.liquidation_price([], 1.0, margin=[2.0], venue=VENUE).shape == (0,)


def test_arrays_that_are_given_stay_as_they_are():
    quantity, entry = np.array([1.0, -1.0]), np.array([100, 200])
    quantity.setflags(write=False)
    bt.liquidation_price(quantity, entry, margin=10, venue=INVERSE)
    assert entry.tolist() == [100, 200]


# NaN


@pytest.mark.parametrize(
    ("quantity", "margin", "contract"),
    [
        (1.0, 100.0, "linear"),  # a long of its own money loses all at a price of 0
        (1.0, 500.0, "linear"),
        (-1.0, 0.01, "inverse"),  # a short in coin as large as the coin: it is worth the same at every price
        (-1.0, 0.5, "inverse"),
    ],
)
def test_no_price_liquidates(quantity, margin, contract):
    venue = VENUE.model_copy(update={"contract": contract})
    assert np.isnan(bt.bankruptcy_price(quantity, 100.0, margin=margin, venue=venue))
    prices = bt.liquidation_price([quantity, quantity], 100.0, margin=[margin, margin * 0.5], venue=venue)
    assert np.isnan(prices).tolist() == [True, margin * 0.5 >= {"linear": 100.0, "inverse": 0.01}[contract]]


@pytest.mark.parametrize(("quantity", "contract"), [(-1.0, "linear"), (1.0, "inverse")])
def test_there_is_always_a_price_that_takes_all(quantity, contract):
    price = bt.liquidation_price(quantity, 100.0, margin=1e6, venue=VENUE, contract=contract)
    assert price > 0.0
    assert (price > 1e5) == (contract == "linear")


# Closed forms


@pytest.mark.parametrize("leverage", [2, 5, 25])
@pytest.mark.parametrize("entry", [0.5, 27_000.0])
@pytest.mark.parametrize("rate", [0.0, 0.004, 0.02])
def test_closed_forms_with_one_rate(leverage, entry, rate):
    venue, coin = venue_of([(0, rate, 25)]), venue_of([(0, rate, 25)], contract="inverse")
    quantity, m = 3_000.0, rate
    quantity_margin = quantity * entry / leverage
    assert bt.liquidation_price(quantity, entry, margin=quantity_margin, venue=venue) == pytest.approx(
        (quantity * entry - quantity_margin) / (quantity * (1 - m)), rel=1e-14
    )
    assert bt.liquidation_price(-quantity, entry, margin=quantity_margin, venue=venue) == pytest.approx(
        (quantity * entry + quantity_margin) / (quantity * (1 + m)), rel=1e-14
    )
    margin = quantity / entry / leverage
    longs = quantity * (1 + m) / (margin + quantity / entry)
    shorts = quantity * (1 - m) / (quantity / entry - margin)
    assert bt.liquidation_price(quantity, entry, margin=margin, venue=coin) == pytest.approx(longs, rel=1e-14)
    assert bt.liquidation_price(-quantity, entry, margin=margin, venue=coin) == pytest.approx(shorts, rel=1e-14)
    assert bt.liquidation_price(quantity, entry, margin=margin, venue=venue, contract="inverse") == pytest.approx(longs)
    assert bt.bankruptcy_price(quantity, entry, margin=margin, venue=coin) == pytest.approx(longs / (1 + m), rel=1e-14)
    assert bt.bankruptcy_price(-quantity, entry, margin=margin, venue=coin) == pytest.approx(
        shorts / (1 - m), rel=1e-14
    )
    for side in (1, -1):
        assert bt.bankruptcy_price(side * quantity, entry, margin=quantity_margin, venue=venue) == pytest.approx(
            entry * (1 - side / leverage), rel=1e-14
        )


def test_a_contract_is_its_multiplier():
    small = venue_of(multiplier=0.01)
    assert bt.liquidation_price(500, 100.0, margin=50, venue=small) == bt.liquidation_price(
        5, 100.0, margin=50, venue=VENUE
    )
    assert bt.max_quantity(100.0, margin=50, leverage=5, venue=small) == pytest.approx(
        100 * bt.max_quantity(100.0, margin=50, leverage=5, venue=VENUE)
    )
    coin = venue_of(contract="inverse", multiplier=100)
    assert bt.liquidation_price(-5, 100.0, margin=1.0, venue=coin) == bt.liquidation_price(
        -500, 100.0, margin=1.0, venue=INVERSE
    )


def test_the_rest_of_a_cross_account_is_less_or_more_margin():
    alone = bt.liquidation_price(-3, 100.0, margin=70, venue=VENUE)
    assert bt.liquidation_price(-3, 100.0, margin=100, venue=VENUE, other_maintenance=50, other_pnl=20) == alone
    assert bt.bankruptcy_price(-3, 100.0, margin=70, venue=VENUE) == pytest.approx(100 + 70 / 3)


def test_shorts_have_rates_of_their_own():
    venue = venue_of([(0, 0.005, 20, 0.01), (1_000, 0.01, 20, 0.04)])
    assert bt.maintenance_margin([500, -500, 2_000, -2_000], venue).tolist() == pytest.approx([2.5, 5, 15, 50])
    for contract, margin in (("linear", 400.0), ("inverse", 400.0 / 100**2)):
        for side, rate in ((1, 0.005), (-1, 0.01)):
            alone = venue_of([(0, rate, 20)])
            arguments = {"margin": margin, "contract": contract}
            own = bt.liquidation_price(side * 4.0, 100.0, venue=venue, **arguments)
            same = bt.liquidation_price(side * 4.0, 100.0, venue=alone, **arguments)
            assert own == same or np.isnan([own, same]).all()
    coin = venue_of([(0, 0.005, 20, 0.01), (1_000, 0.01, 20, 0.04)], contract="inverse")
    assert bt.maintenance_margin([500, -500, 2_000, -2_000], coin).tolist() == pytest.approx([2.5, 5, 15, 50])


def test_a_closing_fee_in_the_requirement():
    at_mark = venue_of([(0, 0.01, 20)], fee_in_maintenance=0.001)
    assert bt.maintenance_margin(1_000, at_mark) == pytest.approx(11)
    assert bt.liquidation_price(1, 100.0, margin=10, venue=at_mark) == pytest.approx(90 / (1 - 0.011))
    at_bankruptcy = at_mark.model_copy(update={"fee_in_maintenance_at": "bankruptcy"})
    assert bt.maintenance_margin(1_000, at_bankruptcy) == pytest.approx(10)
    # an isolated margin holds that fee besides what is its initial margin: the two cancel
    assert bt.liquidation_price(1, 100.0, margin=10, venue=at_bankruptcy) == pytest.approx(90 / 0.99)
    assert bt.liquidation_price(-1, 100.0, margin=10, venue=at_bankruptcy) == pytest.approx(110 / 1.01)


# Errors

LISTED = bt.Venue(tiers={"BTCUSDT": [bt.Tier(floor=0, maintenance_rate=0.004, max_leverage=125)]}, name="listed")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda: bt.maintenance_margin(1, "binance"),
            r"^venue must be a Venue, such as venue\('binance_usdm'\), got str$",
        ),
        (
            lambda: bt.maintenance_margin("much", VENUE),
            r"^notional must be a number or an array of numbers, got 'much'$",
        ),
        (
            lambda: bt.maintenance_margin([1, [2, 3]], VENUE),
            r"^notional must be a number or an array of numbers, got \[",
        ),
        (lambda: bt.maintenance_margin(float("nan"), VENUE), r"^notional must be finite, got nan$"),
        (lambda: bt.maintenance_margin([1, -np.inf], VENUE), r"^notional must be finite, got -inf$"),
        (
            lambda: bt.maintenance_margin(1, LISTED),
            r"^symbol must be given, for venue listed lists 1 of them, got None$",
        ),
        (lambda: bt.maintenance_margin(1, LISTED, "ETHUSDT"), r"^symbol must be listed by venue listed, got 'ETHUSDT'"),
        (lambda: bt.liquidation_price(0, 1, margin=1, venue=VENUE), r"^quantity must not be 0, got 0$"),
        (lambda: bt.bankruptcy_price([1, 0], 1, margin=1, venue=VENUE), r"^quantity must not be 0, got 0$"),
        (lambda: bt.liquidation_price(1, [2, -1], margin=1, venue=VENUE), r"^entry_price must be above 0, got -1$"),
        (lambda: bt.bankruptcy_price(1, 0, margin=1, venue=VENUE), r"^entry_price must be above 0, got 0$"),
        (
            lambda: bt.liquidation_price([1, 2], [1, 2, 3], margin=1, venue=VENUE),
            r"^arrays must have shapes that broadcast, got quantity \(2,\), entry_price \(3,\), margin \(\)",
        ),
        (
            lambda: bt.liquidation_price(1, 1, margin=1, venue=VENUE, contract="quanto"),
            r"^contract must be 'linear' or 'inverse', got 'quanto'$",
        ),
        (lambda: bt.max_quantity(0, margin=1, leverage=1, venue=VENUE), r"^price must be above 0, got 0$"),
        (lambda: bt.max_quantity(1, margin=-1, leverage=1, venue=VENUE), r"^margin must be at least 0, got -1$"),
        (
            lambda: bt.max_quantity(1, margin=1, leverage=[2, 0.5], venue=VENUE),
            r"^leverage must be at least 1, got 0.5$",
        ),
        (
            lambda: bt.max_quantity(1, margin=1, leverage=1, venue=VENUE, side="buy"),
            r"^side must be 'long' or 'short', got 'buy'$",
        ),
    ],
)
def test_bad_inputs(function, message):
    with pytest.raises(ConfigError, match=message):
        function()


def test_a_leverage_that_the_venue_does_not_offer():
    with pytest.raises(
        MarginError, match=r"^leverage must be at most 50, the first tier's max_leverage, got 51 on venue custom$"
    ):
        bt.max_quantity(1, margin=1, leverage=[50, 51], venue=VENUE)


def test_a_symbol_picks_its_tiers_and_figures():
    venue = bt.Venue(
        tiers={"BTCUSDT": [bt.Tier(floor=0, maintenance_rate=0.004, max_leverage=125)],
               "ETHUSDT": [bt.Tier(floor=0, maintenance_rate=0.01, max_leverage=50)]},
        multiplier={"BTCUSDT": 0.001, "ETHUSDT": 0.01},
    )  # fmt: skip
    assert bt.maintenance_margin(1_000, venue, "BTC/USDT:USDT") == pytest.approx(4)
    assert bt.maintenance_margin(1_000, venue, "ETHUSDT") == pytest.approx(10)
    assert bt.max_quantity(100.0, margin=10, leverage=10, venue=venue, symbol="eth-usdt") == pytest.approx(100)
    assert bt.max_quantity(100.0, margin=10, leverage=10, venue=venue, symbol="BTCUSDT") == pytest.approx(1_000)

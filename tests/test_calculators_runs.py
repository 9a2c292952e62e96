"""Margin arithmetic against runs: the largest quantity opens, and the engine liquidates at the price found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ladder_venues import ROWS, VENUE, venue_of
from scenes import bars_of

import backtest as bt

# Largest quantities


def opened(asked, price, venue, account, side):
    """Return what a run opens of a quantity that a signal asks for, and the reasons in its log of orders."""
    fill = price * (1 + side * venue.slippage)
    notional = asked * venue.multiplier / fill if venue.contract == "inverse" else asked * venue.multiplier * fill
    share = notional / (account.leverage * account.cash)
    assert share <= 1.0, "the account cannot ask for so much"
    result = bt.run(bars_of([price, price]), np.array([[side * share], [np.nan]]), venue=venue, account=account)
    return result.fills["quantity"].abs().sum(), result.orders["reason"].tolist()


CASES = {
    "margin": ({"taker_fee": 0.0005}, {}),
    "slippage": ({"taker_fee": 0.0005, "slippage": 0.001}, {}),
    "tier": ({"taker_fee": 0.0005}, {"margin": 20_000.0}),
    "inverse": ({"taker_fee": 0.0005, "slippage": 0.001, "contract": "inverse"}, {}),
    "inverse tier": ({"taker_fee": 0.0005, "contract": "inverse", "multiplier": 10}, {"margin": 20_000.0}),
    "multiplier": ({"taker_fee": 0.0005, "multiplier": 0.01}, {}),
}


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("case", CASES)
def test_the_largest_quantity_opens_uncut_and_no_more_does(case, side):
    settings, changes = CASES[case]
    venue = venue_of([(0, 0.005, 50), (300_000, 0.01, 25), (10**6, 0.1, 4)], **settings)
    sign = 1 if side == "long" else -1
    account = bt.Account(
        cash=changes.get("margin", 1_000.0), leverage=40, sizing="cash",
        currency="base" if venue.contract == "inverse" else "quote",
    )  # fmt: skip
    quantity = bt.max_quantity(27_000.0, margin=account.cash, leverage=40, venue=venue, side=side)
    got, reasons = opened(quantity, 27_000.0, venue, account, sign)
    assert got == pytest.approx(quantity, rel=1e-12)
    assert reasons == []
    fewer, reasons = opened(1.01 * quantity, 27_000.0, venue, account, sign)
    assert fewer == pytest.approx(quantity, rel=1e-12)
    assert reasons == ["tier" if "margin" in changes else "fees"]


@pytest.mark.parametrize("side", ["long", "short"])
def test_the_largest_quantity_is_none_that_slippage_has_liquidated(side):
    """At 2 % of slippage an initial margin of 2.5 % is below the 1.25 % required: the run refuses it."""
    venue = venue_of([(0, 0.0125, 40)], slippage=0.02)
    account = bt.Account(cash=1_000.0, leverage=40, sizing="cash")
    quantity = bt.max_quantity(100.0, margin=1_000.0, leverage=40, venue=venue, side=side)
    got, _ = opened(quantity, 100.0, venue, account, 1 if side == "long" else -1)
    assert got == pytest.approx(quantity, rel=1e-12)


@pytest.mark.parametrize("side", ["long", "short"])
def test_the_largest_quantity_costs_all_the_margin(side):
    venue = venue_of(taker_fee=0.0006, slippage=0.002)
    fill = 250.0 * (1.002 if side == "long" else 0.998)
    quantity = bt.max_quantity(250.0, margin=77.7, leverage=20, venue=venue, side=side)
    assert quantity * fill * (1 / 20 + 0.0006) == pytest.approx(77.7, rel=1e-14)


def test_the_largest_quantity_stays_in_the_tiers_of_the_leverage():
    price = 50.0
    found = bt.max_quantity(price, margin=1e9, leverage=[50, 26, 25, 11, 10, 5, 4, 2, 1.5], venue=VENUE)
    notional = [10_000, 10_000, 50_000, 50_000, 200_000, 200_000, 1_000_000]
    assert (found[:7] * price).tolist() == pytest.approx(notional)
    assert (found[7:] * price).tolist() == pytest.approx([2e9, 1.5e9])
    capped = venue_of([*ROWS[:4], (1_000_000, 0.25, 2, None, 3_000_000)])
    assert bt.max_quantity(price, margin=1e9, leverage=1.5, venue=capped) * price == pytest.approx(3_000_000)


@pytest.mark.parametrize("contract", ["linear", "inverse"])
def test_the_largest_quantity_is_whole_lots(contract):
    price, margin = (100.0, 33.0) if contract == "linear" else (100.0, 0.0033)
    any_size = venue_of(contract=contract, multiplier=0.5, taker_fee=0.001)
    lots = any_size.model_copy(update={"lot_size": 0.25})
    free = bt.max_quantity(price, margin=margin, leverage=3, venue=any_size)
    assert bt.max_quantity(price, margin=margin, leverage=3, venue=lots) == pytest.approx(np.floor(free / 0.25) * 0.25)
    assert free % 0.25 > 0.01


def test_a_quantity_of_exactly_whole_lots_keeps_the_last():
    venue = venue_of(lot_size=0.1)
    assert bt.max_quantity(100.0, margin=3.0, leverage=10, venue=venue) == pytest.approx(0.3)


def test_below_the_minimum_nothing_can_be_opened():
    venue = venue_of(minimum_notional=100.0, lot_size=0.3)
    found = bt.max_quantity([100.0, 40.0], margin=20.0, leverage=[5, 6], venue=venue)
    assert found.tolist() == [0.0, pytest.approx(3.0)]  # 0.9 of 100 after rounding to lots; 3.0 of 40
    assert bt.max_quantity(100.0, margin=0.0, leverage=5, venue=venue) == 0.0


def test_quantities_are_unsigned():
    for contract in ("linear", "inverse"):
        found = [bt.max_quantity(100.0, margin=1, leverage=5, venue=VENUE, side=side, contract=contract)
                 for side in ("long", "short")]  # fmt: skip
        assert found[0] == found[1] > 0.0


# The engine agrees


@given(
    st.sampled_from(["linear", "inverse"]), st.sampled_from([1, -1]), st.sampled_from(["mark", "entry"]),
    st.floats(1.5, 20), st.floats(0.01, 1e5), st.floats(50, 1e6), st.sampled_from(["mark", "bankruptcy"]),
)  # fmt: skip
def test_the_engine_liquidates_at_the_price(contract, side, basis, leverage, price, cash, fee_at):
    venue = venue_of(
        [(0, 0.005, 20), (10_000, 0.01, 20), (50_000, 0.03, 20), (200_000, 0.04, 20)],
        contract=contract, maintenance_on=basis, fee_in_maintenance=0.001, fee_in_maintenance_at=fee_at,
    )  # fmt: skip
    account = bt.Account(cash=cash, leverage=leverage, currency="quote" if contract == "linear" else "base")
    far = price / 100 if side > 0 else price * 100
    bar = (price, max(price, far), min(price, far), far)
    signals = np.array([[float(side)], [np.nan], [np.nan]])
    result = bt.run(bars_of([price, price, bar]), signals, venue=venue, account=account)
    expected = bt.liquidation_price(
        result.fills["quantity"][0], price, margin=result.history["margin"].iloc[1], venue=venue
    )
    if np.isnan(expected) or not min(price, far) <= expected <= max(price, far):
        assert result.liquidations.empty
        return
    (row,) = result.liquidations.itertuples()
    assert row.mark_price == pytest.approx(expected, rel=1e-13)
    broke = bt.bankruptcy_price(
        result.fills["quantity"][0], price, margin=result.history["margin"].iloc[1], venue=venue
    )
    assert row.bankruptcy_price == pytest.approx(broke, rel=1e-13, nan_ok=True)


def test_a_cross_account_fails_at_the_price_of_the_one_that_moves():
    still = [(100.0, 110.0, 90.0, 103.0), (103.0,) * 4, (103.0,) * 4]
    moving = [(50.0, 50.0, 50.0, 50.0), (50.0, 50.0, 50.0, 50.0), (50.0, 50.0, 20.0, 20.0)]
    bars = bars_of([100.0, *still], [50.0, *moving])
    account = bt.Account(cash=10_000, leverage=10, margin_mode="cross", sizing="cash")
    signals = np.full((4, 2), np.nan)
    signals[0] = (-0.3, 0.6)
    result = bt.run(bars, signals, venue=VENUE, account=account)
    shorted, bought = result.fills["quantity"][:2]
    expected = bt.liquidation_price(
        bought, 50.0, margin=10_000, venue=VENUE, other_maintenance=bt.maintenance_margin(shorted * 103.0, VENUE),
        other_pnl=shorted * 3.0,
    )  # fmt: skip
    rows = result.liquidations.set_index("symbol")
    assert rows.loc["S1", "mark_price"] == pytest.approx(expected, rel=1e-13)
    assert rows.loc["S0", "mark_price"] == 103.0

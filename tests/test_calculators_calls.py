"""Prices at which a venue that makes margin calls does so."""

import numpy as np
import pytest
from scenes import bars_of

import backtest as bt

TIERS = [
    bt.Tier(floor=0, maintenance_rate=0.02, max_leverage=20, short_maintenance_rate=0.03),
    bt.Tier(floor=500, maintenance_rate=0.04, max_leverage=20, short_maintenance_rate=0.04),
]


@pytest.mark.parametrize("basis", ["mark", "entry"])
@pytest.mark.parametrize("quantity", [3.0, -3.0, 8.0, -8.0])
def test_the_price_of_a_call_is_where_the_balance_is_its_level_times_the_requirement(quantity, basis):
    venue = bt.Venue(tiers=TIERS, call=bt.MarginCall(level=1.5), maintenance_on=basis)
    margin = abs(quantity) * 10
    price = bt.liquidation_price(quantity, 100, margin=margin, venue=venue)
    at = 100 if basis == "entry" else price
    required = 1.5 * bt.maintenance_margin(quantity * at, venue)
    assert margin + quantity * (price - 100) == pytest.approx(required, rel=1e-13)


@pytest.mark.parametrize("side", [1, -1])
def test_the_engine_calls_there(side):
    venue = bt.Venue(tiers=TIERS, call=bt.MarginCall(level=1.5, grace=3, deposit="none", close_below=0.1))
    bars = bars_of([100, (100, 112, 88, 100), 100])
    account = bt.Account(cash=800, leverage=10)
    result = bt.run(bars, np.full((3, 1), float(side)), venue=venue, account=account)
    call = result.calls.iloc[0]
    assert call["event"] == "call"
    price = bt.liquidation_price(side * 80.0, 100, margin=800, venue=venue)
    assert call["balance"] == pytest.approx(800 + side * 80 * (price - 100), rel=1e-12)
    assert call["balance"] == pytest.approx(1.5 * call["maintenance"], rel=1e-12)
    assert call["asked"] == pytest.approx(0, abs=1e-9)

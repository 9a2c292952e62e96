"""Bars that only look quiet, lots that are many, and what a refill is in returns."""

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of, play

import backtest as bt

STEEP = [
    bt.Tier(floor=0, maintenance_rate=0.1, max_leverage=2),
    bt.Tier(floor=10_000, maintenance_rate=0.45, max_leverage=2),
]
SMALL = [bt.Tier(floor=0, maintenance_rate=0.005, max_leverage=50)]


def test_a_rising_price_may_bring_a_call():
    # above 10 000 a call at 2.5 times 45 % asks for more than the notional: a rise takes a long's surplus away.
    # 800 units on 100 000: 20 000 + 800 P = 2.5 * (0.45 * 800 P - 3500)  =>  P = 28 750 / 100
    bars = bars_of([100, 100, 100, (100, 400, 100, 100), 100, 100])
    venue = bt.Venue(tiers=STEEP, call=bt.MarginCall(level=2.5, grace=5, deposit="none"))
    account = bt.Account(cash=100_000, leverage=1, margin_mode="cross")
    result = bt.run(bars, np.full((6, 1), 0.8), venue=venue, account=account)
    call = result.calls.iloc[0]
    assert (call["time"], call["event"]) == (bars.time[3], "call")
    assert call["balance"] == pytest.approx(20_000 + 800 * 287.5, rel=1e-12)


@pytest.mark.parametrize(("held", "wanted"), [(999.999, 1000.0), (9.999, 10.0), (70_000.001, 70_000.002)])
def test_one_lot_more_is_bought_however_many_are_held(held, wanted):
    bars = bars_of([1] * 4)
    target = np.array([held, wanted, np.nan, np.nan]) / 1e5
    result = play(bars, target[:, None], cash=1e5, sizing="cash", leverage=1, lot_size=0.001)
    assert result.fills["quantity"].to_list() == pytest.approx([held, 0.001], rel=1e-6)
    assert result.orders.empty


def test_a_refill_is_no_return_and_hides_no_loss():
    # 100 units of each on 5000: S0 dies in bar 2 at 50 / 0.995, S1 in the gap of bar 3, at the open of the refill
    halves = bars_of([100, 100, (100, 100, 50, 50), 50, 50], [100, 100, 100, 20, 20])
    signals = pd.DataFrame({"S0": [0.5] + [np.nan] * 4, "S1": [0.5] + [np.nan] * 4}, halves.time)
    account = bt.Account(leverage=2, on_liquidation="refill")
    result = bt.run(halves, signals, venue=bt.Venue(tiers=SMALL), account=account)
    refill = result.calls.iloc[-1]
    assert refill["event"] == "refill"
    before = refill["balance"]  # what was left when the money came
    assert before == pytest.approx(100 * (50 / 0.995) - 5000, rel=1e-9)
    assert before + refill["amount"] == 10_000
    # from then on nothing moves
    assert result.equity.iloc[-1] == pytest.approx(10_000)
    assert result.summary["total_return"] == pytest.approx(before / 10_000 - 1, rel=1e-12)
    assert result.summary["refills"] == 1
    assert result.summary["refilled"] == refill["amount"]

"""Records, stops, liquidations and calls inside stretches that lanes pass at once, exactly on an edge."""

import numpy as np
import pytest
from lanes_by_hand import both, held
from scenes import bars_of

import backtest as bt


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
def test_records_that_the_worst_close_of_a_stretch_sets(short, longest):
    summary = held([101, 99, 90, 95, 97], short, longest, tiers=[(0, 0.01, 50)])
    worst = 110 if short else 90
    assert summary["highest_effective_leverage"] == pytest.approx(worst / 90)
    assert summary["highest_margin_ratio"] == pytest.approx(0.01 * worst / 90)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
def test_records_that_a_worse_close_of_the_next_stretch_sets(short, margin_mode, longest):
    settings = {"leverage": 4, "margin_mode": margin_mode, "tiers": [(0, 0.01, 50)]}
    summary = held([101, 95, 96, 94, 93, 99], short, longest, **settings)
    worst = 107 if short else 93
    assert summary["highest_effective_leverage"] == pytest.approx(40 * worst / (1000 - 40 * 7))
    assert summary["highest_margin_ratio"] == pytest.approx(0.01 * 40 * worst / (1000 - 40 * 7))
    liquidation = 3000 / (40 * 0.99) if not short else 5000 / (40 * 1.01)
    assert summary["smallest_liquidation_distance"] == pytest.approx(abs(worst - liquidation) / worst)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("side", [1, -1])
def test_a_record_that_only_the_leverage_sets(side, longest):
    # a quarter of the account comes near to its liquidation, at 2275 / 775; then a half stays far from its own
    near, far = (91, 98) if side > 0 else (109, 102)
    bars = bars_of([100, 100, 100, near, 100, 100, 100, 100, far, 100])
    summary = both(bars, f"{0.25 * side} . . . 0 {0.5 * side} . . . .", {"leverage": 10}, longest=longest)
    assert summary["highest_margin_ratio"] == pytest.approx(0.004 * 25 * near / 25)
    assert summary["highest_effective_leverage"] == pytest.approx(50 * far / 900)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("maintenance_on", ["mark", "entry"])
@pytest.mark.parametrize("side", [1, -1])
def test_records_that_only_the_margin_sets(side, maintenance_on, longest):
    # a whole account has leverage 5; then a twentieth of it comes near to its liquidation
    near = 85 if side > 0 else 115
    bars = bars_of([100, 100, 100, 100, 100, 100, 100, near, 100])
    words = f"{side} . . 0 {0.05 * side} . . . ."
    summary = both(bars, words, {"leverage": 5, "maintenance_on": maintenance_on}, longest=longest)
    assert summary["highest_effective_leverage"] == pytest.approx(5)
    required = 0.004 * 2.5 * (near if maintenance_on == "mark" else 100)
    assert summary["highest_margin_ratio"] == pytest.approx(required / 12.5)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("side", [1, -1])
def test_a_distance_that_is_hardly_a_record_where_maintenance_is_on_the_entry(side, longest):
    # what is needed, 1, is ten times what the last step takes from the balance
    entry, near = (90, 89.96) if side > 0 else (110, 110.04)
    bars = bars_of([100, 100, 100, 100, 100, (100, 110, 90, entry), entry, near, entry])
    words = f"{side} . . 0 {0.05 * side} . . . ."
    summary = both(bars, words, {"leverage": 5, "maintenance_on": "entry"}, longest=longest)
    surplus = 50 - 2.5 * abs(near - 100) - 1
    assert summary["smallest_liquidation_distance"] == pytest.approx(surplus / 2.5 / near, rel=1e-9)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
def test_a_liquidation_inside_a_stretch_where_maintenance_is_on_the_entry(short, margin_mode, longest):
    settings = {"leverage": 4, "margin_mode": margin_mode, "tiers": [(0, 1 / 64, 50)], "maintenance_on": "entry"}
    end = 75 + 100 / 64  # 1000 - 40 * 25 + 62.5 are left of 40 units, which always need 62.5
    for hair, count in ((-1e-9, 1), (1e-9, 0)):
        summary = held([99, (99, 100, end + hair, 98), 97], short, longest, **settings)
        assert summary["liquidations"] == count


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("edge", [95, 105])
@pytest.mark.parametrize("order", ["stop_loss", "take_profit"])
def test_a_stop_at_the_very_extreme_of_a_stretch_is_hit(order, edge, short, margin_mode, longest):
    if (order == "stop_loss") == (edge > 100):
        edge = 200 - edge
    bars = [100, (100, 104, 96, 100), (100, max(edge, 104), min(edge, 96), 101), 102, 101]
    summary = held(bars, short, longest, margin_mode=margin_mode, **{order: 0.05})
    assert summary["win_rate"] == float(edge > 100)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("order", ["stop_loss", "take_profit"])
def test_a_stop_a_hair_beyond_a_stretch_is_not_hit(order, short, longest):
    bars = [100, (100, 104.99, 95.01, 100), (100, 104, 96, 101), 101]
    assert np.isnan(held(bars, short, longest, **{order: 0.05})["win_rate"])


def test_stops_look_at_traded_prices_and_liquidations_at_marks():
    trades = [100, 100, 100, (100, 101, 95, 100), 100, 100]
    marks = [100, 100, 100, 100, (100, 100, 74, 99), 100]
    bars = bars_of(trades, marks=[marks])
    stopped, dead, safe = both(bars, "1 . . . . .", {"stop_loss": 0.05}, {"leverage": 4}, {"leverage": 2})
    assert stopped["win_rate"] == 0
    assert (dead["liquidations"], stopped["liquidations"], safe["liquidations"]) == (1, 0, 0)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
def test_a_liquidation_at_the_very_extreme_of_a_stretch(short, margin_mode, longest):
    # 40 units on 1000 die where 1000 - 40 * fall is 1/64 of 40 * price, a hair before 75 or 125
    settings = {"leverage": 4, "margin_mode": margin_mode, "tiers": [(0, 1 / 64, 50)]}
    mark = 200 - 5000 / (40 * (1 + 1 / 64)) if short else 3000 / (40 * (1 - 1 / 64))
    for hair, count in ((-1e-9, 1), (1e-9, 0)):
        summary = held([99, (99, 100, mark + hair, 98), 97], short, longest, **settings)
        assert summary["liquidations"] == count


@pytest.mark.parametrize("longest", [1, 2, 256])
def test_an_equity_of_nearly_nothing_ruins_though_the_price_comes_back(longest):
    prices = [100, 50, 1e-4, 1e-4, 50, 100]
    summary = held(prices, False, longest, margin_mode="cross")
    assert summary["ruined"] is True
    assert summary["total_return"] == pytest.approx(0)
    assert held([100, 50, 1e-3, 1e-3, 50, 100], False, longest, margin_mode="cross")["ruined"] is False


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_an_account_that_lost_everything_passes_the_rest(margin_mode, longest):
    bars = bars_of([100, 100, 99, 40, 40, 100, 100, 100])
    settings = {"leverage": 10, "margin_mode": margin_mode, "sizing": "cash"}
    summary = both(bars, "1 . . . . -1 . .", settings, longest=longest)
    assert summary["ruined"] is True
    assert summary["refused_orders"] == 1


@pytest.mark.parametrize("longest", [1, 2, 256])
def test_a_called_account_is_looked_at_on_every_bar(longest):
    call = bt.MarginCall(level=2, grace=2, deposit="none")
    bars = bars_of([100, 100, 99, 77, 77, 77, 77, 77])
    rules = {"call": call, "tiers": [(0, 1 / 64, 50)]}
    called, never = both(bars, "1 . . . . . . .", {"leverage": 4} | rules, rules, longest=longest)
    assert (called["margin_calls"], called["forced_closes"]) == (1, 1)
    assert never["margin_calls"] == 0


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
def test_a_tier_that_begins_inside_a_stretch(short, margin_mode, longest):
    tiers = [(0, 1 / 64, 50), (3500, 1 / 32, 20), (4200, 1 / 16, 10)]
    summary = held([101, 99, 92, 84, 101, 106], short, longest, leverage=4, margin_mode=margin_mode, tiers=tiers)
    worst = 116 if short else 84
    notional = 40 * worst
    lines = ((1 / 64, 0), (1 / 32, 3500 / 64), (1 / 16, 3500 / 64 + 4200 / 32))
    required = max(notional * rate - deduction for rate, deduction in lines)
    assert summary["highest_margin_ratio"] == pytest.approx(required / (1000 - 40 * 16))


@pytest.mark.parametrize("longest", [1, 2, 256])
def test_funding_is_paid_between_stretches(longest):
    bars = bars_of([100, 100, 101, 99, 98, 102, 103], funding=[[0.001, 0, 0, 0.001, 0, 0, 0.001]])
    summary = both(bars, "1 . . . . . .", {}, longest=longest)
    assert summary["funding"] == pytest.approx(10 * (101 + 102) * 0.001, rel=0.02)


SHARES = {"liquidation": "share", "liquidation_share": 0.25, "liquidation_fee": 0.01, "tiers": [(0, 1 / 64, 50)]}


@pytest.mark.parametrize("longest", [1, 2, 256])
def test_liquidations_of_one_bar_are_counted_one_by_one(longest):
    bars = bars_of([100, 100, (100, 100, 89.5, 100), 101, 102])
    summary = both(bars, "1 . . . .", {"leverage": 10} | SHARES, longest=longest)
    assert summary["liquidations"] > 1
    assert summary["trades"] == 1


@pytest.mark.parametrize("longest", [1, 2, 256])
def test_what_is_left_of_a_position_and_never_closed_counts_with_its_funding(longest):
    bars = bars_of([100, 100, (100, 100, 91.2, 100), 101, 102], funding=[[0, 0, 0, 0, 0.02]])
    summary = both(bars, "1 . . . .", {"leverage": 10} | SHARES, longest=longest)
    assert summary["exposure"] == 4 / 5
    assert summary["funding"] > 100
    assert summary["liquidation_loss"] > summary["funding"]

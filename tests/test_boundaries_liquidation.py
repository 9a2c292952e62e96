"""Hand-made cases exactly on each comparison that decides about a liquidation, and a hair beyond it.

Rates, prices and leverages are dyadic, so that both sides of a comparison are exact in binary.
"""

import math

import pytest
from scenes import bars_of, play, reasons, values

# A long from 100 on 25 dies at 80: 25 + (80 - 100) = 80 / 16. A short from 100 on 50 dies at 120: 50 - 20 = 120 / 4.
LONG = {"tiers": [(0, 1 / 16, 4)], "leverage": 4, "cash": 1000.0}
SHORT = {"tiers": [(0, 1 / 4, 2)], "leverage": 2, "cash": 1000.0}
SIDES = [("1", LONG, 80.0, -1), ("-1", SHORT, 120.0, 1)]
HAIR = 2.0**-10


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(("signal", "rules", "price", "direction"), SIDES)
def test_surplus_of_exactly_zero_at_the_open(signal, rules, price, direction, margin_mode):
    on, off = (
        play(bars_of([100, 100, opened]), f"{signal} . .", margin_mode=margin_mode, **rules)
        for opened in (price, math.nextafter(price, 100))
    )
    assert values(on.liquidations, "bar", "mark_price", "fill_price", "gap") == [(2, price, price, True)]
    assert off.liquidations.empty
    beyond = play(bars_of([100, 100, price + direction]), f"{signal} . .", margin_mode=margin_mode, **rules)
    assert values(beyond.liquidations, "fill_price", "gap") == [(price + direction, True)]


@pytest.mark.parametrize("bar", [1, 2])  # the bar of the entry, and one in which nothing else happens
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("intrabar", ["worst", "best", "path"])
@pytest.mark.parametrize(("signal", "rules", "price"), [side[:3] for side in SIDES])
def test_surplus_of_exactly_zero_at_the_end_of_a_leg(signal, rules, price, intrabar, margin_mode, bar):
    for extreme, count in ((price, 1), (math.nextafter(price, 100), 0)):
        rows = [100, 100, 100, 100]
        rows[bar] = (100, max(100, extreme), min(100, extreme), 100)
        result = play(bars_of(rows), f"{signal} . . .", margin_mode=margin_mode, intrabar=intrabar, **rules)
        assert values(result.liquidations, "bar", "mark_price", "gap") == [(bar, price, False)] * count
        assert (result.equity.iloc[-1] < 1000) == (count == 1)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(("signal", "rules", "price", "direction"), SIDES)
def test_surplus_meets_zero_inside_a_leg(signal, rules, price, direction, margin_mode):
    extreme = price + direction * abs(price - 100)  # it dies half-way, where the price of the leg is exact
    bar = (100, max(100, extreme), min(100, extreme), 100)
    result = play(bars_of([100, bar]), f"{signal} .", margin_mode=margin_mode, **rules)
    assert values(result.liquidations, "mark_price", "fill_price", "bad_debt") == [(price, price, 0)]


@pytest.mark.parametrize(("opened", "liquidations"), [(56.25, [(2, 56.25, 750, False)]), (56.5, [])])
def test_surplus_of_exactly_zero_after_the_orders_of_the_open(opened, liquidations):
    # 20 of 40 units are sold at 56.25, far below the mark: 1000 - 20 * 43.75 is what the others need, 2000 / 16;
    # on the way up the surplus stays above 0, on the way down the trade price is lower
    bars = bars_of([100, 100, (opened, 60, 50, 55)], marks=([100, 100, (100, 110, 100, 105)],))
    result = play(bars, "1 0.28125 .", margin_mode="cross", intrabar="best", **LONG)
    assert values(result.liquidations, "bar", "fill_price", "bad_debt", "gap") == liquidations


@pytest.mark.parametrize(
    ("floor", "price"),
    [
        # 20 short at 100 on 1000; the next tier takes 3/8 of what lies above its floor
        (20 * 121, 120),
        (20 * 120, 120),  # the notional at the root is the floor itself, where both lines meet
        (20 * 119, (150 + 119 / 8) / 1.375),
        (20 * 100, (150 + 100 / 8) / 1.375),  # the position opens exactly on the floor
    ],
)
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_tier_floor_at_the_root(floor, price, margin_mode):
    tiers = [(0, 1 / 4, 2), (floor, 3 / 8, 2)]
    result = play(
        bars_of([100, (100, 140, 100, 100)]), "-1 .", tiers=tiers, leverage=2, cash=1000.0, margin_mode=margin_mode
    )
    assert values(result.liquidations, "mark_price") == [(pytest.approx(price, rel=1e-14),)]


@pytest.mark.parametrize(("close", "needed"), [(124.75, 623.75), (125, 625), (125.25, 626.875)])
def test_tier_floor_at_the_close(close, needed):
    # 20 units, which need a quarter up to a notional of 2500 and three eighths of what lies above
    tiers = [(0, 1 / 4, 2), (2500, 3 / 8, 2)]
    result = play(bars_of([100, (100, close, 100, close)]), "1 .", tiers=tiers, leverage=2, cash=1000.0)
    assert result.history["maintenance_margin"].iloc[-1] == needed


@pytest.mark.parametrize(
    ("stop_loss", "reason"), [(0.2, "liquidation"), (0.1999, "stop_loss"), (0.2001, "liquidation")]
)
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_stop_and_liquidation_at_one_point(stop_loss, reason, margin_mode):
    bars = bars_of([100, (100, 100, 60, 100)])
    result = play(bars, "1 .", stop_loss=stop_loss, margin_mode=margin_mode, **LONG)
    assert reasons(result)[1:] == [(1, reason)]
    # and at the very end of a leg
    result = play(bars_of([100, (100, 100, 80, 100)]), "1 .", stop_loss=0.2, margin_mode=margin_mode, **LONG)
    assert reasons(result)[1:] == [(1, "liquidation")]
    # and at the open
    result = play(bars_of([100, 100, 80]), "1 . .", stop_loss=0.2, margin_mode=margin_mode, **LONG)
    assert values(result.fills, "reason", "price")[1:] == [("liquidation", 80)]


@pytest.mark.parametrize(("low", "first"), [(60, "liquidation"), (59, "take_profit"), (61, "liquidation")])
def test_take_profit_and_liquidation_of_two_instruments_at_one_point(low, first):
    # half-way down, S0 earns what it wanted as S1 dies; a lower low brings S0 there sooner
    bars = bars_of([100, (100, 100, low, 100)], [100, (100, 100, 60, 100)])
    result = play(bars, "-0.5 .", "0.5 .", take_profit=0.2, intrabar="path", **LONG)
    order = values(result.fills, "symbol", "reason")[2:]
    assert order == sorted([("S0", "take_profit"), ("S1", "liquidation")], key=lambda row: row[1] != first)


@pytest.mark.parametrize(("low", "first"), [(60, "S0"), (61, "S0"), (59, "S1")])
@pytest.mark.parametrize("stop_loss", [None, 0.125])
def test_two_events_at_one_point_follow_the_instruments(low, first, stop_loss):
    bars = bars_of([100, (100, 100, 60, 100)], [100, (100, 100, low, 100)])
    result = play(bars, "0.5 .", "0.5 .", stop_loss=stop_loss, **LONG)
    assert result.fills["symbol"].tolist()[2:] == sorted(["S0", "S1"], key=lambda symbol: symbol != first)


@pytest.mark.parametrize(
    ("opened", "penalty", "bad_debt"),
    [
        # 40 units on 1000, a fee of 1/16: at 75 nothing remains
        (75 + HAIR, 40 * HAIR, 0),
        (75, 0, 0),
        (75 - HAIR, 0, 40 * HAIR),
    ],
)
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_nothing_remains_at_a_liquidation(opened, penalty, bad_debt, margin_mode):
    bars = bars_of([100, 100, opened])
    result = play(bars, "1 . .", liquidation_fee=1 / 16, margin_mode=margin_mode, **LONG)
    assert values(result.liquidations, "penalty", "bad_debt", "forfeited") == [(penalty, bad_debt, 0)]
    assert result.equity.iloc[-1] == 0
    if margin_mode == "isolated":
        assert result.liquidations["margin_lost"].tolist() == [1000]


@pytest.mark.parametrize(
    ("opened", "penalty", "rest"),
    [
        # 40 units on 1000, a fee of 1/16: at 80 the penalty is 200, and 200 remain
        (81, 202.5, 37.5),
        (80 + HAIR, 40 * (80 + HAIR) / 16, 40 * HAIR * 15 / 16),
        (80, 200, 0),
        (79, 160, 0),
    ],
)
@pytest.mark.parametrize(
    ("margin_mode", "residual"), [("isolated", "return"), ("isolated", "forfeit"), ("cross", "return")]
)
def test_penalty_takes_exactly_what_remains(opened, penalty, rest, margin_mode, residual):
    rules = {"tiers": [(0, 1 / 4 - HAIR, 4)], "liquidation_fee": 1 / 16, "leverage": 4, "cash": 1000.0}
    result = play(bars_of([100, 100, opened]), "1 . .", margin_mode=margin_mode, residual=residual, **rules)
    forfeited = rest if residual == "forfeit" else 0
    assert values(result.liquidations, "penalty", "forfeited", "bad_debt") == [(penalty, forfeited, 0)]
    assert result.equity.iloc[-1] == rest - forfeited


@pytest.mark.parametrize(("sold", "bad_debt"), [(75 + HAIR, 0), (75, 0), (75 - HAIR, 40 * HAIR)])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_a_wallet_of_exactly_nothing_owes_nothing(sold, bad_debt, margin_mode):
    # 40 units bought at 100 are sold far below their mark, which has not moved
    bars = bars_of([100, 100, sold], marks=([100, 100, 100],))
    result = play(bars, "1 0 .", margin_mode=margin_mode, **LONG)
    assert reasons(result) == [(1, "signal"), (2, "signal")]
    assert result.history["bad_debt"].iloc[-1] == bad_debt
    assert result.equity.iloc[-1] == 40 * max(sold - 75, 0)


def test_a_cross_wallet_below_zero_is_no_debt_while_something_is_held():
    bars = bars_of([100, 100, 40, 40], [100, 100, 200, 200], marks=([100] * 4, [100, 100, 200, 200]))
    result = play(bars, "0.5 0 . .", "0.5 . 0 .", margin_mode="cross", **LONG)
    # 20 units each: S0 loses 1200 of the 1000, S1 has gained 2000
    assert result.history["wallet"].tolist() == [1000, 1000, -200, 1800]
    assert result.history["bad_debt"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(("rate", "debt"), [(HAIR, 1000 * HAIR), (0.0, 0.0), (-HAIR, 0.0)])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_interest_begins_where_something_is_owed(rate, debt, margin_mode):
    # unlevered, the margin is what was bought, until funding takes of it
    bars = bars_of([100] * 4, funding=([0, 0, rate, 0],))
    result = play(bars, "1 . . .", borrow_rate=0.876, margin_mode=margin_mode, cash=1000.0)
    hourly = 0.876 / 8760
    assert result.history["interest"].tolist() == pytest.approx(
        [0, 0, debt * hourly, debt * ((1 + hourly) ** 2 - 1)], abs=1e-12
    )


def test_no_borrow_rate_is_no_interest():
    bars = bars_of([100] * 4)
    for rate in (0.0, 1e-9):
        result = play(bars, "1 . . .", borrow_rate=rate, **LONG)
        assert (result.history["interest"].iloc[-1] > 0) == (rate > 0)


@pytest.mark.parametrize(
    ("signal", "rules", "close", "distance"),
    [
        ("1", LONG, 90, 10 / 90),
        ("-1", SHORT, 110, 10 / 110),
        # 20 short at 100 on 1000 with a tier that begins exactly where the position dies
        ("-1", {**SHORT, "tiers": [(0, 1 / 4, 2), (2400, 3 / 8, 2)]}, 110, 10 / 110),
        ("-1", {**SHORT, "tiers": [(0, 1 / 4, 2), (2380, 3 / 8, 2)]}, 110, ((150 + 119 / 8) / 1.375 - 110) / 110),
    ],
)
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_distance_to_liquidation(signal, rules, close, distance, margin_mode):
    bar = (100, max(100, close), min(100, close), close)
    result = play(bars_of([100, bar, 100]), f"{signal} . .", margin_mode=margin_mode, **rules)
    assert result.liquidations.empty
    assert result.summary["smallest_liquidation_distance"] == pytest.approx(distance, rel=1e-12)
    assert result.summary["highest_margin_ratio"] == result.history["margin_ratio"].max()
    assert result.summary["highest_effective_leverage"] == result.history["effective_leverage"].max()

"""Hand-made cases exactly on each comparison that decides about an order, and a hair beyond it."""

import math

import numpy as np
import pytest
from scenes import bars_of, play, reasons, values

CASH = {"cash": 1024.0, "sizing": "cash"}
TINY = 2.0**-20
GIGA, HALF_GIGA = 1e9, 2.0**29  # a billionth of the first is 1; the second makes shares of it exact


@pytest.mark.parametrize("tiers", [[(0, 0.01, 8), (4096, 0.02, 4)], [(0, 0.01, 8), (64, 0.01, 8), (4096, 0.02, 4)]])
def test_target_exactly_at_the_reachable_floor(tiers):
    for signal, cut in ((0.5 - TINY, False), (0.5, False), (0.5 + TINY, True)):
        result = play(bars_of([64, 64]), f"{signal} .", tiers=tiers, leverage=8, **CASH)
        assert result.fills["quantity"].tolist() == [min(signal * 8192, 4096) / 64]
        assert values(result.orders, "filled", "reason") == [(64, "tier")] * cut
    # a holding that drifts above the floor is left alone
    result = play(bars_of([64, 64, 65, 66]), "0.5 . . .", tiers=tiers, leverage=8, **CASH)
    assert result.history["notional"].tolist() == [0, 4096, 4160, 4224]
    assert len(result.orders) == 0


@pytest.mark.parametrize(
    ("opened", "quantity"),
    [
        # 17 units at 17 are wanted for 289; a slippage of 1/16 makes 17 of an open of 16
        (16, []),  # the same once more: nothing is missing
        (16.5, []),  # 17.5 at the open, 16.5 at the fill: between the two no order helps
        (15, [289 / 15.9375 - 17]),
        (18.5, [289 / 17.34375 - 17]),
    ],
)
def test_no_order_where_slippage_would_overshoot(opened, quantity):
    result = play(bars_of([16, 16, opened]), "0.5 . .", cash=578.0, slippage=1 / 16, rebalance="bar", sizing="cash")
    assert result.fills["quantity"].tolist() == pytest.approx([17, *quantity], rel=1e-12)
    assert len(result.orders) == 0


def test_no_order_where_nothing_changes():
    bars = bars_of([100] * 5)
    assert len(play(bars, "0.5 0.5 . 0.5 .", leverage=2, **CASH).fills) == 1
    assert len(play(bars, "0.5 . . . .", leverage=2, rebalance="bar").fills) == 1
    assert len(play(bars, "0 -0 . 0 .", leverage=2, rebalance="bar").fills) == 0


@pytest.mark.parametrize(("signal", "reason"), [(0.5 - TINY, None), (0.5, None), (0.5 + TINY, "fees"), (1, "fees")])
def test_cost_exactly_equal_to_the_wallet(signal, reason):
    # 8x and a fee of 1/8: half of the full notional costs 4096 * (1/8 + 1/8), which is everything
    result = play(bars_of([64, 64]), f"{signal} .", tiers=[(0, 0.01, 8)], leverage=8, taker_fee=1 / 8, **CASH)
    assert result.orders["reason"].tolist() == ([reason] if reason else [])
    assert result.fills["quantity"].tolist() == pytest.approx([min(signal, 0.5) * 128], rel=1e-15)
    assert result.history["wallet"].iloc[-1] == pytest.approx(1024 * (1 - min(2 * signal, 1)), abs=1e-12)
    assert result.summary["cut_orders"] == 0


@pytest.mark.parametrize(("signal", "reason"), [(0.5 - TINY, None), (0.5, None), (0.5 + TINY, "margin")])
def test_cost_exactly_equal_to_the_free_equity_of_a_cross_account(signal, reason):
    bars = bars_of([64, 64, 64], [64, 64, 64])
    result = play(bars, "0.5 . .", f"0 {signal} .", tiers=[(0, 0.01, 8)], leverage=8, margin_mode="cross", **CASH)
    assert result.orders["reason"].tolist() == ([reason] if reason else [])
    assert result.fills["quantity"].tolist() == pytest.approx([64, min(signal, 0.5) * 128], rel=1e-15)


@pytest.mark.parametrize(
    ("mark", "quantity"),
    [
        # the fill at 104 takes 13 a unit at 8x, and in cross what it lies above the mark
        (104, 1024 / 13),
        (112, 1024 / 13),  # a mark above the fill is not credited
        (103.75, 1024 / 13.25),
        (96, 1024 / 21),
    ],
)
def test_cross_pays_for_a_fill_beyond_the_mark(mark, quantity):
    bars = bars_of([104, 104], marks=([mark, mark],))
    result = play(bars, "1 .", tiers=[(0, 0.001, 8)], leverage=8, margin_mode="cross", **CASH)
    assert result.fills["quantity"].tolist() == pytest.approx([quantity], rel=1e-12)
    assert len(result.orders) == (mark < 104)


@pytest.mark.parametrize(
    ("mark", "reason"), [(80 - TINY, "refused"), (80, "refused"), (math.nextafter(80, 81), None), (81, None)]
)
def test_increase_that_would_leave_no_surplus(mark, reason):
    # bought at 100 on 25 a unit: at a mark of 80 the 5 that are left are the 80 / 16 needed
    bars = bars_of([100, 100], marks=([mark, mark],))
    result = play(bars, "1 .", tiers=[(0, 1 / 16, 4)], leverage=4, cash=1000.0)
    assert result.orders["reason"].tolist() == ([reason] if reason else [])
    assert len(result.fills) == (reason is None)
    assert result.summary["refused_orders"] == (reason is not None)


def test_what_is_refused_is_not_handed_out_again():
    bars = bars_of([100, 100], [100, 100], marks=([100, 80], [100, 100]))
    result = play(bars, "1 .", "1 .", tiers=[(0, 1 / 16, 4)], leverage=4, cash=1000.0)
    assert values(result.fills, "symbol", "quantity") == [("S1", 20)]
    assert values(result.orders, "symbol", "filled", "reason") == [("S0", 0, "refused"), ("S1", 20, "margin")]
    assert result.history["wallet"].iloc[-1] == 500


@pytest.mark.parametrize(("opened", "ruined"), [(1 - TINY, True), (1, True), (1 + TINY, False)])
def test_ruin_at_a_millionth_of_cash(opened, ruined):
    flip = play(bars_of([1e6, 1e6, opened, opened]), "1 -1 . .", cash=1e6)
    assert flip.fills["quantity"].tolist() == [1, -1] + [-1] * (not ruined)
    assert values(flip.orders, "bar", "wanted", "filled", "reason") == [(2, -2, -1, "ruined")] * ruined
    # a ruin at a bar without an order counts as well, even where the price comes back
    later = play(bars_of([1e6, 1e6, opened, 1e6, 1e6]), "1 . . -1 .", cash=1e6)
    assert values(later.orders, "bar", "filled", "reason") == [(4, -1, "ruined")] * ruined
    assert later.fills["quantity"].tolist() == [1, -1] + [-1] * (not ruined)
    assert [result.summary["ruined"] for result in (flip, later)] == [ruined] * 2


def sent(signals, cash, worth, *others, **settings):
    """Return the fills after a trade that turned the cash into another worth, at a price of 2**29 a unit."""
    prices = [cash, cash, worth, *[HALF_GIGA] * len(signals.split())]
    bars = bars_of(prices, *[[HALF_GIGA] * len(prices) for _ in others])
    columns = [f"1 0 {signals} .", *(f"0 0 {column} ." for column in others)]
    result = play(bars, *columns, cash=cash, sizing=settings.pop("sizing", "equity"), **settings)
    assert result.equity.iloc[2] == worth
    return [(bar - 2, quantity * HALF_GIGA) for bar, quantity in values(result.fills, "bar", "quantity")[2:]], result


ONE = 2.0**-29  # the signal that is worth 1 of 2**29


@pytest.mark.parametrize(
    ("signals", "fills"),
    [
        (f"{ONE}", []),
        (f"{ONE * (1 + TINY)}", [(1, 1 + TINY)]),
        (f"{-ONE}", []),
        (f"{-ONE * (1 + TINY)}", [(1, -1 - TINY)]),
        # reductions
        (f"{2 * ONE} {ONE}", [(1, 2)]),
        (f"{2 * ONE} {ONE * (1 - TINY)}", [(1, 2), (2, -1 - TINY)]),
        # adding
        (f"{2 * ONE} {3 * ONE}", [(1, 2)]),
        (f"{2 * ONE} {ONE * (3 + TINY)}", [(1, 2), (2, 1 + TINY)]),
        # the halves of a flip
        (f"{2 * ONE} {-ONE}", [(1, 2), (2, -2)]),
        (f"{2 * ONE} {-ONE * (1 + TINY)}", [(1, 2), (2, -2), (2, -1 - TINY)]),
    ],
)
def test_change_exactly_at_the_dust_limit(signals, fills):
    # the limit is 1, a billionth of the cash and more than that of the equity; then the same of the equity
    assert sent(signals, GIGA, HALF_GIGA)[0] == fills
    assert sent(signals, HALF_GIGA, GIGA, sizing="cash")[0] == fills


def test_dust_is_sent_where_it_closes_the_position():
    prices = [GIGA, GIGA, HALF_GIGA, HALF_GIGA, HALF_GIGA / 4, HALF_GIGA / 4]
    result = play(bars_of(prices), f"1 0 {2 * ONE} . 0 .", cash=GIGA)
    assert values(result.fills, "bar", "quantity")[2:] == [(3, 2 * ONE), (5, -2 * ONE)]  # worth half of the limit


@pytest.mark.parametrize(("free", "filled"), [(1 - TINY, 0), (1, 0), (1 + TINY, 1 + TINY), (2, 2)])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_available_margin_exactly_at_the_dust_limit(free, filled, margin_mode):
    first = 1 - free * ONE
    fills, result = sent(f"{first} .", GIGA, HALF_GIGA, "0 0.25", margin_mode=margin_mode)
    assert fills == [(1, HALF_GIGA - free)] + [(2, filled)] * (filled > 0)
    assert result.orders["reason"].tolist() == ["margin"]


@pytest.mark.parametrize(("free", "each"), [(2, 0), (2 + 2 * TINY, 1 + TINY)])
def test_increase_cut_to_the_dust_limit(free, each):
    fills, result = sent(f"{1 - free * ONE} .", GIGA, HALF_GIGA, "0 0.25", "0 0.25")
    assert fills == [(1, HALF_GIGA - free)] + [(2, each)] * (2 if each else 0)
    assert result.orders["reason"].tolist() == ["margin"] * 2


@pytest.mark.parametrize(("asked", "reason"), [(1, []), (1 + TINY, ["margin", "margin"])])
def test_dust_takes_no_margin_from_other_orders(asked, reason):
    # the other order asks for the whole wallet
    fills, result = sent(f"{asked * ONE}", GIGA, HALF_GIGA, "1")
    assert result.orders["reason"].tolist() == reason
    assert len(fills) == 1 + len(reason) // 2


def test_margin_at_the_dust_limit_is_no_margin_for_the_reason_either():
    # of 2 asked for 1 is free, which counts as 0: more than dust is missing
    for free, reason in ((1, "margin"), (1 + TINY, "fees")):
        result = sent(f"{1 - free * ONE} .", GIGA, HALF_GIGA, f"0 {2 * ONE}")[1]
        assert result.orders["reason"].tolist() == [reason]


@pytest.mark.parametrize(("lost", "reason"), [(1 - TINY, "fees"), (1, "fees"), (1 + TINY, "margin"), (1000, "margin")])
def test_a_cut_to_fees_and_a_cut_to_margin(lost, reason):
    # full orders of `cash` after a loss; within the dust limit nothing but rounding is missing
    bars = bars_of([GIGA, GIGA, GIGA - lost, GIGA])
    result = play(bars, "1 0 1 .", cash=GIGA, sizing="cash")
    assert values(result.orders, "bar", "reason") == [(3, reason)]
    assert result.summary["cut_orders"] == (reason == "margin")


@pytest.mark.parametrize("changes", [63, 64, 65, 66, 127, 128])
def test_any_number_of_changes_is_traded(changes):
    # 128 bars of two instruments, with room for 66 changes at the first go
    signals = np.full((129, 2), np.nan)
    for change in range(changes):
        signals[change % 128, change // 128] = (0.5, 0.25)[change % 2]
    result = play(bars_of([100] * 129, [100] * 129), signals, leverage=2, **CASH)
    assert len(result.fills) == changes
    assert reasons(result)[0] == (1, "signal")


def test_the_first_bar_has_no_order_and_the_last_signal_no_bar():
    assert len(play(bars_of([100]), "1", **CASH).fills) == 0
    assert reasons(play(bars_of([100, 100]), "0 1", **CASH)) == []
    assert reasons(play(bars_of([100, 100]), "1 0", rebalance="bar", **CASH)) == [(1, "signal")]

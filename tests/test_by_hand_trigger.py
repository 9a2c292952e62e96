"""Liquidation triggers and prices, by hand."""

from __future__ import annotations

from dataclasses import replace

from by_hand import FLAT, SIMPLE, TENFOLD, F, market, run, signals, values
from reference import Tier, Venue, replay


def test_long_is_liquidated_at_the_low_not_the_close() -> None:
    outcome = run(market([FLAT, (100, 100, 85, 98)]), signals("1 ."))
    # 1000 cash at 10x buys 100 units: 1000 + 100 (P - 100) = 0.004 * 100 P  =>  99.6 P = 9000
    price = F(9000) / F("99.6")
    remaining = 1000 + 100 * (price - 100)
    assert remaining == F("0.4") * price
    (row,) = outcome.liquidations
    assert row == {
        "bar": 1,
        "instrument": 0,
        "quantity": 100,
        "mark_price": price,
        "fill_price": price,
        "bankruptcy_price": 90,
        "margin_lost": 1000 - remaining,
        "penalty": 0,
        "forfeited": 0,
        "bad_debt": 0,
        "gap": False,
        "joint": False,
        "partial": False,
    }
    assert outcome.equity == [1000, remaining]
    assert outcome.equity_low == [1000, remaining]
    assert values(outcome.fills, "bar", "quantity", "price", "fee", "reason") == [
        (1, 100, 100, 0, "signal"),
        (1, -100, price, 0, "liquidation"),
    ]


def test_short_is_liquidated_at_the_high() -> None:
    outcome = run(market([FLAT, (100, 120, 99, 101)]), signals("-1 ."))
    # 1000 - 100 (P - 100) = 0.4 P  =>  100.4 P = 11000
    assert values(outcome.liquidations, "quantity", "fill_price", "bankruptcy_price") == [
        (-100, F(11000) / F("100.4"), 110)
    ]


def test_gap_is_the_traders_loss_up_to_the_margin() -> None:
    account = replace(TENFOLD, leverage=F(20))
    outcome = run(market([FLAT, FLAT, (90, 91, 89, 90)]), signals("0.5 . ."), account)
    # half of 1000 at 20x: 100 units, margin 500; at 90 the position has lost 1000, 500 beyond its margin
    assert values(outcome.liquidations, "bar", "fill_price", "margin_lost", "bad_debt", "gap") == [
        (2, 90, 500, 500, True)
    ]
    assert outcome.equity == [1000, 1000, 500]
    assert outcome.history["realised"][-1] == -1000


def test_breach_is_at_or_below_zero() -> None:
    tiers = [Tier(F(0), F(1, 19), F(10))]
    # half of 1000 at 10x: 500 + 50 (P - 100) = 50 P / 19  =>  P = 95
    for low, count in ((95, 1), ("95.0000000001", 0)):
        outcome = run(market([FLAT, (100, 100, low, 100)]), signals("0.5 ."), tiers=tiers)
        assert len(outcome.liquidations) == count
        assert (outcome.closest == 0) == (count == 1)
        assert outcome.closest < 1e-8


def test_mark_triggers_and_trade_fills() -> None:
    calm, wick = (100, 100, 98, 100), (100, 100, 80, 100)
    assert not run(market([FLAT, wick], marks=([FLAT, calm],)), signals("1 .")).liquidations
    outcome = run(market([FLAT, calm], marks=([FLAT, wick],)), signals("1 ."))
    # the mark falls 20 while the trade price falls 2, in step
    mark = F(9000) / F("99.6")
    fill = 100 - (100 - mark) / 10
    assert values(outcome.liquidations, "mark_price", "fill_price") == [(mark, fill)]
    assert outcome.equity[-1] == 1000 + 100 * (fill - 100)


def test_missing_marks_in_one_bar_are_the_trade_prices() -> None:
    bars = market([FLAT, (100, 100, 80, 100)], marks=([FLAT, None],))
    assert len(run(bars, signals("1 .")).liquidations) == 1


def test_one_times_short_dies_and_one_times_long_lives() -> None:
    account = replace(TENFOLD, leverage=F(1))
    assert run(market([FLAT, (100, 211, 100, 150)]), signals("-1 ."), account).liquidations
    assert not run(market([FLAT, (100, 100, 10, 50)]), signals("1 ."), account).liquidations


def test_root_lies_in_the_tier_that_the_notional_has_grown_into() -> None:
    tiers = [Tier(F(0), F(1, 100), F(10)), Tier(F(1000), F(5, 100), F(10))]
    account = replace(TENFOLD, cash=F(180), leverage=F(5))
    outcome = run(market([(90, 90, 90, 90), (90, 110, 90, 90)]), signals("-1 ."), account, tiers)
    # 10 short at 90, margin 180: 1080 - 10 P = 0.05 * 10 P - 40  =>  10.5 P = 1120, a notional of 1066.67
    assert outcome.liquidations[0]["mark_price"] == F(1120) / F("10.5")


def test_maintenance_is_continuous_where_tiers_meet() -> None:
    venue = Venue([[Tier(F(0), F(4, 1000), F(50)), Tier(F(50_000), F(5, 1000), F(20))]], fee_in_maintenance=F(1, 1000))
    assert venue.maintenance(0, F(50_000)) == 50_000 * F(5, 1000) == 50_000 * F(6, 1000) - 50
    assert venue.maintenance(0, F(60_000)) == 60_000 * F(6, 1000) - 50


def test_fee_in_maintenance_raises_the_liquidation_price() -> None:
    outcome = run(market([FLAT, (100, 100, 85, 98)]), signals("1 ."), fee_in_maintenance=F(1, 1000))
    assert outcome.liquidations[0]["mark_price"] == F(9000) / F("99.5")


def test_breach_at_the_open_is_at_or_below_zero() -> None:
    tiers = [Tier(F(0), F(1, 19), F(10))]
    for price, gaps in ((95, [True]), ("95.0000000001", [])):
        outcome = run(market([FLAT, FLAT, (price, price, price, price)]), signals("0.5 . ."), tiers=tiers)
        assert [row["gap"] for row in outcome.liquidations] == gaps


def test_events_at_one_place_liquidate_first() -> None:
    account = replace(TENFOLD, stop_loss=F(5, 100))
    falling = [FLAT, (100, 100, 90, 100)]
    venue = Venue([SIMPLE, [Tier(F(0), F(1, 19), F(10))]])
    outcome = replay(market(falling, falling), signals("0.5 .", "0.5 ."), account, venue)
    # the stop of the first, the stop and the breach of the second all meet at 95
    assert values(outcome.fills[2:], "instrument", "price", "reason") == [(1, 95, "liquidation"), (0, 95, "stop_loss")]

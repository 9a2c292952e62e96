"""Cross margin, by hand."""

from __future__ import annotations

from dataclasses import replace

from by_hand import FLAT, TENFOLD, F, market, run, signals, values
from reference import Account, Tier


def test_cross_fails_at_the_joint_price() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    falling = [FLAT, (100, 100, 80, 90)]
    outcome = run(market(falling, falling), signals("0.5 .", "0.5 ."), account, liquidation_fee=F(1, 1000))
    # 50 units of each: 1000 + 100 (P - 100) = 0.4 P, and each alone would go bankrupt at P - balance / 50
    price = F(9000) / F("99.6")
    balance = F("0.4") * price
    row = {
        "bar": 1,
        "quantity": 50,
        "mark_price": price,
        "fill_price": price,
        "bankruptcy_price": price - balance / 50,
        "margin_lost": None,
        "penalty": 50 * price / 1000,
        "forfeited": 0,
        "bad_debt": 0,
        "gap": False,
        "joint": True,
        "partial": False,
    }
    assert outcome.liquidations == [row | {"instrument": 0}, row | {"instrument": 1}]
    assert outcome.equity[-1] == balance - 100 * price / 1000


def test_cross_counts_the_maintenance_of_other_positions() -> None:
    account = Account(cash=F(5), leverage=F(220), margin_mode="cross")
    tiers = [Tier(F(0), F(4, 1000), F(225))]
    bars = market([FLAT, (100, 100, 99, 100)], [FLAT, FLAT])
    outcome = run(bars, signals("1/11 .", "10/11 ."), account, tiers)
    # 1 unit of one and 10 of the other: 5 + (P - 100) = 0.004 P + 4  =>  0.996 P = 99
    assert values(outcome.liquidations, "instrument", "mark_price") == [(0, F(99) / F("0.996")), (1, 100)]


def test_isolated_loser_dies_and_winner_lives() -> None:
    bars = market([FLAT, (100, 100, 80, 80)], [FLAT, (100, 130, 100, 130)])
    outcome = run(bars, signals("0.5 .", "0.5 ."))
    assert values(outcome.liquidations, "instrument", "joint") == [(0, False)]
    price = F(9000) / F("99.6")
    assert outcome.equity[-1] == F("0.4") * price / 2 + 500 + 50 * 30


def test_cross_survives_what_isolated_does_not() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    bars = market([FLAT, (100, 100, 85, 100)])
    assert run(bars, signals("0.5 .")).liquidations
    assert not run(bars, signals("0.5 ."), account).liquidations


def test_cross_bad_debt_is_shared_by_notional_and_penalties_are_not_paid() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    bars = market([FLAT, FLAT, (80, 80, 80, 80)], [FLAT, FLAT, FLAT])
    outcome = run(bars, signals("0.75 . .", "0.25 . ."), account, liquidation_fee=F(1, 100))
    # 75 and 25 units; the first loses 75 * 20 = 1500 of 1000: debt 500 over notionals of 6000 and 2500
    assert values(outcome.liquidations, "instrument", "bad_debt", "penalty", "gap", "joint") == [
        (0, 500 * F(6000, 8500), 0, True, False),
        (1, 500 * F(2500, 8500), 0, True, False),
    ]
    assert outcome.equity[-1] == 0
    assert outcome.history["bad_debt"][-1] == 500


def test_cross_penalties_are_paid_as_far_as_there_is_money() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    bars = market([FLAT, FLAT, (88, 88, 88, 88)], [FLAT, FLAT, FLAT])
    tiers = [Tier(F(0), F(94, 1000), F(10))]
    outcome = run(bars, signals("0.75 . .", "0.25 . ."), account, tiers, liquidation_fee=F(1, 10))
    # 1000 - 75 * 12 = 100 left; asked 660 and 250
    assert values(outcome.liquidations, "penalty", "bad_debt") == [(F(6600, 91), 0), (F(2500, 91), 0)]
    assert outcome.equity[-1] == 0


def test_missing_instrument_falls_with_the_cross_account_at_its_last_mark() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    second = [FLAT, (100, 100, 95, 96), None]
    bars = market([FLAT, FLAT, (100, 100, 70, 70)], second, marks=([None] * 3, [FLAT, (100, 100, 98, 99), None]))
    outcome = run(bars, signals("0.5 . .", "0.5 . ."), account, liquidation_slippage=F(1, 100))
    # 1000 - 50 at the last mark of the second; 950 + 50 (P - 100) = 0.004 * 50 (P + 99)  =>  49.8 P = 4069.8
    price = F("4069.8") / F("49.8")
    assert values(outcome.liquidations, "mark_price", "fill_price", "joint") == [
        (price, price * F(99, 100), True),
        (99, 99 * F(99, 100), True),
    ]


def test_cross_account_of_one_position_is_not_joint() -> None:
    outcome = run(market([FLAT, (100, 100, 80, 90)]), signals("1 ."), replace(TENFOLD, margin_mode="cross"))
    assert [row["joint"] for row in outcome.liquidations] == [False]


def test_cross_wallet_below_zero_is_no_bad_debt_while_something_is_held() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    bars = market([FLAT, FLAT, (70, 70, 70, 70)], [FLAT, FLAT, (140, 140, 140, 140)])
    outcome = run(bars, signals("0.5 0 .", "0.5 . ."), account)
    assert outcome.history["wallet"][-1] == -500
    assert outcome.history["bad_debt"][-1] == 0
    assert outcome.equity[-1] == 1500


def test_surplus_of_exactly_zero_after_a_stop_is_a_breach_where_the_walk_stands() -> None:
    account = replace(TENFOLD, margin_mode="cross", stop_loss=F(18, 100), intrabar="path")
    bars = market(
        [FLAT, (100, 100, 64, 100)],
        [FLAT, (100, 104, 99, 99)],
        marks=([FLAT] * 2, [FLAT, (100, 102, 99, 99)]),
    )
    outcome = run(bars, signals("0.5 .", "0.5 ."), account, [Tier(F(0), F(3, 101), F(10))])
    # half way the stop at 82 loses 900; 100 + 50 * 1 = 50 * 101 * 3 / 101, and the mark of the other is rising
    assert values(outcome.fills[2:], "instrument", "price", "reason") == [(0, 82, "stop_loss"), (1, 102, "liquidation")]

"""Hedge mode, columns that vary by bar, and how venues count, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import FLAT, HOUR, TENFOLD, F, market, run, signals, values
from comparison import engine_result
from draws import Case
from reference import Account, Outcome, Tier, Venue

CROSS = replace(TENFOLD, margin_mode="cross")
FIVE = [Tier(F(0), F(5, 100), F(10))]
SIDED = [Tier(F(0), F(5, 100), F(10), F(7, 100))]


def fills(outcome: Outcome) -> list[tuple]:
    return values(outcome.fills, "bar", "instrument", "quantity", "price", "reason")


# Hedge mode: rows 0 and 1 are the long and the short leg.


@pytest.mark.parametrize("short", ["0.3", "-0.3"])
def test_isolated_legs_stand_alone(short: str) -> None:
    bars = market([FLAT, (100, 100, 90, 90), (90, 90, 90, 90)])
    outcome = run(bars, signals("0.5 . .", f"{short} 0 ."), TENFOLD, FIVE, hedged=True)
    # 500 + 50 (P - 100) = 2.5 P; the short earns 30 * 10
    price = F(9000, 95)
    assert fills(outcome) == [
        (1, 0, 50, 100, "signal"),
        (1, 1, -30, 100, "signal"),
        (1, 0, -50, price, "liquidation"),
        (2, 1, 30, 90, "signal"),
    ]
    assert outcome.equity[-1] == 500 + F(5, 2) * price + 300


@pytest.mark.parametrize(
    ("tiers", "basis", "long", "short", "price"),
    [
        # 60 and 40 at 100: 1000 + 20 (P - 100) is down to 5 % of 20 P, of all 100 P, or of the 10 000 at the entry
        (FIVE, "net", "0.6", "0.4", F(1000, 19)),
        (FIVE, "mark", "0.6", "0.4", F(1000, 15)),
        (FIVE, "entry", "0.6", "0.4", F(75)),
        # 40 and 60: 1000 - 20 (P - 100) = 0.07 * 20 P, or 0.05 * 40 P + 0.07 * 60 P
        (SIDED, "net", "0.4", "0.6", F(3000) / F("21.4")),
        (SIDED, "mark", "0.4", "0.6", F(3000) / F("26.2")),
    ],
)
def test_legs_of_a_cross_account(tiers: list, basis: str, long: str, short: str, price: F) -> None:
    bars = market([FLAT, (100, 150, 50, 100)])
    outcome = run(bars, signals(f"{long} .", f"{short} ."), CROSS, tiers, hedged=True, maintenance_on=basis)
    quantities = [100 * F(long), -100 * F(short)]
    names = ("quantity", "fill_price", "joint", "partial")
    assert values(outcome.liquidations, *names) == [(quantity, price, False, False) for quantity in quantities]
    assert outcome.equity[-1] == 1000 + sum(quantities) * (price - 100)


def test_equal_legs_need_nothing_and_a_leg_alone_counts_in_full() -> None:
    rules = {"hedged": True, "maintenance_on": "net"}
    bars = market([FLAT, (100, 200, 10, 100), FLAT, FLAT, FLAT])
    outcome = run(bars, signals("0.5 . 0 . .", "0.5 . . 0.2 ."), CROSS, SIDED, **rules)
    assert not outcome.liquidations
    # 50 and 50; then the short alone: 0.07 * 5000, and 0.07 * 2000
    assert outcome.history["maintenance_margin"] == [0, 0, 0, 350, 140]
    assert outcome.history["notional"] == [0, 10_000, 10_000, 5000, 2000]
    # the other way round, a long alone
    outcome = run(bars, signals("0.5 . . . .", "0.5 . 0.1 0 ."), CROSS, SIDED, **rules)
    assert outcome.history["maintenance_margin"] == [0, 0, 0, 200, 250]


def test_net_of_an_isolated_account_counts_every_leg() -> None:
    rules = {"hedged": True, "maintenance_on": "net"}
    outcome = run(market([FLAT] * 2), signals("0.5 .", "0.5 ."), TENFOLD, SIDED, **rules)
    assert outcome.history["maintenance_margin"] == [0, 250 + 350]


@pytest.mark.parametrize(
    ("long", "short", "intrabar", "close", "order"),
    [
        # held on balance long or even, the worst way is down first: the stop of the long at 95, then that of the short
        ("0.5", "0.3", "worst", 100, [0, 1]),
        ("0.4", "0.4", "worst", 100, [0, 1]),
        ("0.3", "0.5", "worst", 100, [1, 0]),
        ("0.5", "0.3", "best", 100, [1, 0]),
        ("0.4", "0.4", "best", 100, [1, 0]),
        ("0.3", "0.5", "best", 100, [0, 1]),
        ("0.3", "0.5", "path", 101, [0, 1]),
        ("0.5", "0.3", "path", 99, [1, 0]),
    ],
)
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_legs_walk_the_same_way(
    long: str, short: str, intrabar: str, close: int, order: list, margin_mode: str
) -> None:
    account = replace(TENFOLD, intrabar=intrabar, stop_loss=F(4, 100), margin_mode=margin_mode)
    outcome = run(market([FLAT, (100, 105, 95, close)]), signals(f"{long} .", f"{short} ."), account, FIVE, hedged=True)
    prices = (96, 104)
    assert values(outcome.fills[2:], "instrument", "price") == [(leg, prices[leg]) for leg in order]
    assert [row["reason"] for row in outcome.fills[2:]] == ["stop_loss"] * 2


def test_the_way_is_set_by_what_the_orders_of_the_open_leave() -> None:
    # carried in is a long of 20, to which the open adds a short of 50
    account = replace(TENFOLD, stop_loss=F(4, 100))
    bars = market([FLAT, FLAT, (100, 105, 95, 100)])
    outcome = run(bars, signals("0.2 . .", "0 0.5 ."), account, FIVE, hedged=True)
    assert values(outcome.fills[2:], "instrument", "reason") == [(1, "stop_loss"), (0, "stop_loss")]


def test_every_symbol_goes_its_own_way() -> None:
    # the first is held short on balance and goes up first, the second long, and goes down
    account = replace(TENFOLD, stop_loss=F(4, 100))
    bar = (100, 105, 95, 100)
    wanted = signals("0.2 .", "0.3 .", "0.3 .", "0.1 .")
    outcome = run(market([FLAT, bar], [FLAT, bar]), wanted, account, FIVE, hedged=True)
    # all on two legs: up and down by the first and the second, then down and up again
    assert values(outcome.fills[4:], "instrument", "price") == [(1, 104), (2, 96), (0, 96), (3, 104)]


def test_joint_counts_symbols() -> None:
    falling = (100, 100, 80, 80)
    bars = market([FLAT, falling], [FLAT, falling])
    outcome = run(bars, signals("0.4 .", "0.1 .", "0.4 .", "0.1 ."), CROSS, FIVE, hedged=True)
    # 1000 + 60 (P - 100) = 5 P
    assert values(outcome.liquidations, "fill_price", "joint") == [(F(5000, 55), True)] * 4
    # one of three symbols
    outcome = run(market([FLAT] * 2, [FLAT, falling], [FLAT] * 2), signals("0 .", "1 .", "0 ."), CROSS, FIVE)
    assert values(outcome.liquidations, "instrument", "joint") == [(1, False)]
    # a long of one and a short of the other: 1000 + 50 (P - 100) = 2.5 P + 250
    bars = market([FLAT, falling], [FLAT, FLAT])
    outcome = run(bars, signals("0.5 .", "0 .", "0 .", "0.5 ."), CROSS, FIVE, hedged=True)
    assert values(outcome.liquidations, "instrument", "fill_price", "joint") == [
        (0, F(4250) / F("47.5"), True),
        (3, 100, True),
    ]


def test_distance_of_legs_is_that_to_the_nearer_end() -> None:
    # 51 and 49 of 9 % each: 1000 + 2 (P - 100) is down to 9 P on the way up alone, at 800 / 7
    wanted, venue = signals("0.51 .", "0.49 ."), Venue([[Tier(F(0), F(9, 100), F(10))]])
    result = engine_result(Case(market([FLAT] * 2), wanted, CROSS, venue, hedged=True))
    assert result.summary["smallest_liquidation_distance"] == pytest.approx(1 / 7, rel=1e-12)


def test_inverse_legs() -> None:
    account = Account(cash=F(1), leverage=F(10), margin_mode="cross", currency="base", stop_loss=F(4, 100))
    rules = {"contract": "inverse", "hedged": True, "maintenance_on": "net"}
    for long, short, order in (("0.5", "0.3", [0, 1]), ("0.4", "0.4", [0, 1]), ("0.3", "0.5", [1, 0])):
        outcome = run(market([FLAT, (100, 105, 95, 100)]), signals(f"{long} .", f"{short} ."), account, FIVE, **rules)
        assert [row["instrument"] for row in outcome.fills[2:]] == order
    account = replace(account, stop_loss=None)
    outcome = run(market([FLAT, (100, 300, 30, 100)]), signals("0.6 .", "0.4 ."), account, FIVE, **rules)
    # 1 + 200 (1/100 - 1/P) = 0.05 * 200 / P
    assert values(outcome.liquidations, "quantity", "fill_price") == [(600, 70), (-400, 70)]


def test_margin_is_added_to_both_legs() -> None:
    adds = {"margin_add": signals(". 150 .")}
    outcome = run(market([FLAT] * 3), signals("0.5 . .", "0.3 . ."), TENFOLD, FIVE, hedged=True, columns=adds)
    assert values(outcome.calls, "instrument", "balance", "asked", "amount") == [(0, 500, 150, 150), (1, 300, 150, 50)]


# Columns.


def test_a_new_leverage_counts_for_the_orders_that_follow() -> None:
    leverage = {"leverage": signals(". 5 . . 2 .")}
    outcome = run(market([FLAT] * 6), signals("0.5 . 0.8 . 0.5 ."), TENFOLD, FIVE, columns=leverage)
    # 50 units on a margin of 500; at 5x nothing is ordered, until 0.8 * 5 * 1000 is 40: a fifth of the margin comes
    # back; 0.5 * 2 * 1000 is 10
    assert fills(outcome) == [
        (1, 0, 50, 100, "signal"),
        (3, 0, -10, 100, "signal"),
        (5, 0, -30, 100, "signal"),
    ]
    assert outcome.history["margin"] == [0, 500, 500, 400, 400, 100]
    assert outcome.history["initial_margin"] == [0, 500, 1000, 800, 800, 500]


def test_an_addition_takes_its_margin_at_its_own_leverage() -> None:
    leverage = {"leverage": signals(". 4 . .")}
    outcome = run(market([FLAT] * 4), signals("0.2 . 0.8 ."), TENFOLD, FIVE, columns=leverage)
    # 20 units on 200, and 12 more on 300
    assert outcome.history["margin"] == [0, 200, 200, 500]


def test_the_initial_margin_of_a_cross_account_follows_the_leverage() -> None:
    # 50 units are held at 10x; of 1000, 500 are free. At 5x they take all of it, and the other gets nothing
    leverage = {"leverage": signals(". 5 .", ". . .")}
    bars = market([FLAT] * 3, [FLAT] * 3)
    for columns, filled in ((leverage, 0), (None, 30)):
        outcome = run(bars, signals("0.5 . .", "0 0.3 ."), CROSS, FIVE, columns=columns)
        assert [row["quantity"] for row in outcome.fills] == [50, 30][: 1 + (filled > 0)]
        assert values(outcome.orders, "filled", "reason") == [(0, "margin")] * (not filled)


def test_a_leverage_reaches_as_far_as_its_tiers() -> None:
    steps = [Tier(F(0), F(1, 100), F(20)), Tier(F(3000), F(2, 100), F(10)), Tier(F(6000), F(3, 100), F(5))]
    leverage = {"leverage": signals("20 10 5 10 .")}
    outcome = run(
        market([FLAT] * 5), signals("1 0.9 1 0.99 ."), replace(TENFOLD, leverage=F(1)), steps, columns=leverage
    )
    assert values(outcome.fills, "bar", "quantity") == [(1, 30), (2, 30), (3, -10), (4, 10)]
    assert values(outcome.orders, "bar", "wanted", "reason") == [(1, 200, "tier"), (2, 60, "tier"), (4, 49, "tier")]


def test_stops_move_at_once_and_also_away() -> None:
    stops = {"stop_loss": signals(". 0.02 . inf .")}
    bars = market([FLAT, (100, 100, 97, 99), FLAT, (98, 98, 98, 98), FLAT])
    # at first there is none; from bar 2 on it is at 98, which bar 3 opens at
    outcome = run(bars, signals("0.5 . . . ."), TENFOLD, FIVE, columns=stops)
    assert fills(outcome)[1:] == [(3, 0, -50, 98, "stop_loss")]
    stops = {"stop_loss": signals("0.02 0.04 inf . ."), "take_profit": signals(". . . 0.01 inf")}
    bars = market([FLAT, (100, 100, 99, 100), (100, 100, 97, 100), (100, 100, 95, 100), (100, 102, 100, 100)])
    outcome = run(bars, signals("0.5 . . . ."), replace(TENFOLD, stop_loss=F(1, 1000)), FIVE, columns=stops)
    assert fills(outcome)[1:] == [(4, 0, -50, 101, "take_profit")]


@pytest.mark.parametrize(("name", "price"), [("take_profit", 101), ("stop_loss", 99)])
def test_an_exit_that_only_a_column_asks_for(name: str, price: int) -> None:
    # the bar after the change is walked in full, the one with the exit comes later
    bars = market([FLAT] * 4 + [(100, 102, 98, 100)] + [FLAT])
    account = replace(TENFOLD, intrabar="best" if price > 100 else "worst")
    outcome = run(bars, signals("0.5 . . . . ."), account, FIVE, columns={name: signals(". 0.01 . . . .")})
    assert fills(outcome)[1:] == [(4, 0, -50, price, name)]


# How venues count.


def test_maintenance_on_the_entry_notional() -> None:
    # 500 whatever the mark: 1000 + 100 (P - 100) = 500
    outcome = run(market([FLAT, (100, 100, 94, 98)]), signals("1 ."), tiers=FIVE, maintenance_on="entry")
    assert values(outcome.liquidations, "fill_price", "bankruptcy_price") == [(95, 90)]
    account = replace(TENFOLD, sizing="cash")
    up = (110, 110, 110, 110)
    outcome = run(market([FLAT, FLAT, up]), signals("0.5 0.77 ."), account, FIVE, maintenance_on="entry")
    # 50 at 100 and 20 at 110
    assert outcome.history["maintenance_margin"] == [0, 250, 360]


@pytest.mark.parametrize("signal", ["1", "-1"])
def test_fee_in_maintenance_at_bankruptcy(signal: str) -> None:
    rules = {"fee_in_maintenance": F(1, 100), "fee_in_maintenance_at": "bankruptcy"}
    side = int(signal)
    bars = market([FLAT, (100, 110, 90, 100)])
    # isolated: as if there were no fee, and at 5 % of P
    price = F(9000, 95) if side > 0 else F(11_000, 105)
    assert values(run(bars, signals(f"{signal} ."), tiers=FIVE, **rules).liquidations, "fill_price") == [(price,)]
    # cross: at a hundredth of what the position is worth where its initial margin is gone, 9000 or 11 000
    fee = 90 if side > 0 else 110
    price = (9000 + fee) / F(95) if side > 0 else (11_000 - fee) / F(105)
    outcome = run(bars, signals(f"{signal} ."), CROSS, FIVE, **rules)
    assert values(outcome.liquidations, "fill_price") == [(price,)]
    # at the mark, where it is the default
    price = F(9000, 94) if side > 0 else F(11_000, 106)
    outcome = run(bars, signals(f"{signal} ."), CROSS, FIVE, fee_in_maintenance=F(1, 100))
    assert values(outcome.liquidations, "fill_price") == [(price,)]


def test_fee_at_bankruptcy_keeps_the_leverage_of_the_last_fill() -> None:
    rules = {"fee_in_maintenance": F(1, 100), "fee_in_maintenance_at": "bankruptcy"}
    leverage = {"leverage": signals(". 5 . . .")}
    outcome = run(market([FLAT] * 5), signals("0.5 . . 0.2 ."), CROSS, FIVE, columns=leverage, **rules)
    # 250 and 45 of 4500; at 5x, once 10 units are left, 50 and a hundredth of 800
    assert outcome.history["maintenance_margin"] == [0, 295, 295, 295, 58]


@pytest.mark.parametrize(
    ("rate", "wallets", "margins"),
    [
        # 80 units: 200 in the wallet, 800 of margin; 80 a bar, then 160
        ("0.01", [200, 120, 40, 0], [800, 800, 800, 760]),
        ("-0.01", [200, 280, 360, 440], [800, 800, 800, 800]),
    ],
)
def test_funding_from_the_wallet(rate: str, wallets: list, margins: list) -> None:
    bars = market([FLAT] * 5, funding=([0, 0, rate, rate, rate],))
    outcome = run(bars, signals("0.8 . . . ."), TENFOLD, FIVE, funding_from="wallet")
    assert outcome.history["wallet"][1:] == wallets
    assert outcome.history["margin"][1:] == margins


def test_shorts_borrow_at_their_own_rate() -> None:
    year = 365 * 24
    bars = market([FLAT] * 3, [FLAT] * 3, times=[0, HOUR, 2 * HOUR])
    account = replace(TENFOLD, leverage=F(2))
    for base, expected in ((F(3), 3), (F(0), 0), (None, 2)):
        rules = {"borrow_rate": F(2), "short_borrow_rate": base}
        outcome = run(bars, signals("0.5 . .", "-0.25 . ."), account, FIVE, **rules)
        # 500 of quote debt, and 500 of base debt
        assert outcome.history["interest"][-1] == F(500 * (2 + expected), year)
    outcome = run(bars, signals("0.5 . .", "-0.25 . ."), account, FIVE, short_borrow_rate=F(3))
    assert outcome.history["interest"][-1] == F(1500, year)

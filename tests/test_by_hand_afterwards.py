"""What follows a liquidation, and money that a strategy adds to a position, by hand.

1000 of cash buy 100 units at 100 on tenfold leverage; 5 % of the notional is required. So a full position is closed
where 1000 + 100 (P - 100) = 5 P, and leaves 9000 / 19.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import FLAT, TENFOLD, F, market, run, signals, values
from reference import Outcome, Tier

FIVE = [Tier(F(0), F(5, 100), F(10))]
DIP = (100, 100, 90, 95)
LEFT = F(9000, 19)


def fills(outcome: Outcome) -> list[tuple]:
    """Return (bar, quantity, reason) of every fill after the one that opened."""
    return values(outcome.fills[1:], "bar", "quantity", "reason")


def events(outcome: Outcome) -> list[tuple]:
    return values(outcome.calls, "bar", "instrument", "event", "balance", "maintenance", "asked", "amount")


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("rebalance", ["signal", "bar"])
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("wait", [(4, LEFT / 20, "signal")]),
        ("reenter", [(2, LEFT / 10, "signal"), (4, -LEFT / 20, "signal")]),
        ("stop", []),
        ("refill", [(4, 50, "signal")]),
    ],
)
def test_what_follows_a_full_liquidation(rule: str, expected: list, rebalance: str, margin_mode: str) -> None:
    account = replace(TENFOLD, on_liquidation=rule, rebalance=rebalance, margin_mode=margin_mode)
    outcome = run(market([FLAT, DIP, *[FLAT] * 4]), signals("1 . . 0.5 . ."), account, FIVE)
    assert fills(outcome) == [(1, -100, "liquidation"), *expected]
    refilled = [(2, None, "refill", LEFT, 0, 1000 - LEFT, 1000 - LEFT)]
    assert events(outcome) == (refilled if rule == "refill" else [])
    assert outcome.equity[2:] == ([1000] * 4 if rule == "refill" else [LEFT] * 4)
    assert outcome.history["deposits"][-1] == (1000 - LEFT if rule == "refill" else 0)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("wait", [(2, -LEFT / 10)]), ("reenter", [(2, -LEFT / 10)]), ("stop", []), ("refill", [(2, -100)])],
)
def test_a_signal_that_changes_at_the_close_of_the_liquidation(rule: str, expected: list) -> None:
    account = replace(TENFOLD, on_liquidation=rule)
    outcome = run(market([FLAT, DIP, FLAT, FLAT]), signals("1 -1 . ."), account, FIVE)
    assert values(outcome.fills[2:], "bar", "quantity") == expected


@pytest.mark.parametrize(("rule", "traded"), [("wait", 1), ("reenter", 1), ("stop", 0), ("refill", 1)])
def test_a_change_due_at_the_open_of_the_liquidation(rule: str, traded: int) -> None:
    # at 91 the 100 that are left of 455 sell 1000 / 91 units
    account = replace(TENFOLD, on_liquidation=rule)
    low = (91, 91, 91, 91)
    outcome = run(market([FLAT, FLAT, low, low, low]), signals("1 -1 . . ."), account, FIVE)
    assert values(outcome.fills[2:], "bar", "quantity") == [(2, -F(1000, 91))] * traded
    # money comes a bar later, and is not used before the signal changes
    assert [row[:3] for row in events(outcome)] == [(3, None, "refill")] * (rule == "refill")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("wait", [(3, 50)]), ("stop", [(3, 50)]), ("reenter", [(2, 25), (3, 25)]), ("refill", [(3, 50)])],
)
def test_what_follows_a_partial_liquidation(rule: str, expected: list) -> None:
    # half goes at 9000 / 95 on the marks, but at a trade price of 100: nothing is lost, and no money comes
    account = replace(TENFOLD, on_liquidation=rule)
    bars = market([FLAT] * 4, marks=([FLAT, (100, 100, 94, 100), FLAT, FLAT],))
    rules = {"liquidation": "share", "liquidation_share": F(1, 2)}
    outcome = run(bars, signals("0.5 . 0.75 ."), account, FIVE, **rules)
    assert values(outcome.liquidations, "quantity", "partial", "margin_lost") == [(25, True, 0)]
    assert values(outcome.fills[2:], "bar", "quantity") == expected
    assert not outcome.calls


def test_a_stopped_account_trades_what_was_not_closed_in_full() -> None:
    # the first goes in full, the second is not touched
    account = replace(TENFOLD, on_liquidation="stop")
    bars = market([FLAT, DIP, FLAT, FLAT, FLAT], [FLAT] * 5)
    outcome = run(bars, signals("0.5 . -0.5 . .", "0.5 . 0 . ."), account, FIVE)
    assert values(outcome.fills[2:], "bar", "instrument", "quantity") == [(1, 0, -50), (3, 1, -50)]


def test_stops_follow_reentry_and_liquidations_do_not() -> None:
    bars = market([FLAT, DIP, FLAT, FLAT], [FLAT, (100, 100, 93, 95), FLAT, FLAT])
    # isolated positions of 50 units: one falls to its end at 9000 / 95, before that to its stop at 99, or has none
    for rules, expected in (
        ({"reentry": "bar", "on_liquidation": "wait"}, []),
        ({"reentry": "signal", "on_liquidation": "reenter"}, [(2, 0), (2, 1)]),
    ):
        outcome = run(bars, signals("0.5 . . .", "0.5 . . ."), replace(TENFOLD, **rules), FIVE)
        assert values(outcome.fills[2:], "instrument", "reason")[:2] == [(0, "liquidation"), (1, "liquidation")]
        assert values(outcome.fills[4:], "bar", "instrument") == expected
    for rules, expected in (
        ({"reentry": "bar", "on_liquidation": "stop"}, [(2, 0), (2, 1)]),
        ({"reentry": "signal", "on_liquidation": "reenter"}, []),
    ):
        account = replace(TENFOLD, stop_loss=F(1, 100), **rules)
        outcome = run(bars, signals("0.5 . . .", "0.5 . . ."), account, FIVE)
        assert values(outcome.fills[2:], "instrument", "reason")[:2] == [(0, "stop_loss"), (1, "stop_loss")]
        assert values(outcome.fills[4:], "bar", "instrument") == expected


def test_refills_follow_every_bar_of_a_liquidation() -> None:
    # the first dies inside bar 1 at 9000 / 95, the second at the open of bar 2: money comes at the opens of 2 and 3
    account = replace(TENFOLD, on_liquidation="refill")
    gone = (90, 90, 90, 90)
    bars = market([FLAT, DIP, FLAT, FLAT, FLAT], [FLAT, FLAT, gone, gone, gone])
    outcome = run(bars, signals("0.5 . . . .", "0.5 . . . ."), account, FIVE)
    assert values(outcome.liquidations, "bar", "instrument") == [(1, 0), (2, 1)]
    # of the first 2.5 P are left; of the second 500 - 500 = 0, before the money comes
    assert events(outcome) == [(2, None, "refill", LEFT / 2, 0, 1000 - LEFT / 2, 1000 - LEFT / 2)]
    assert outcome.equity[2:] == [1000, 1000, 1000]
    # in the other order of prices the second dies in bar 2 after the money has come
    bars = market([FLAT, DIP, FLAT, FLAT, FLAT], [FLAT, FLAT, DIP, FLAT, FLAT])
    outcome = run(bars, signals("0.5 . . . .", "0.5 . . . ."), account, FIVE)
    assert [row[:3] for row in events(outcome)] == [(2, None, "refill"), (3, None, "refill")]
    assert [row[3] for row in events(outcome)] == [500 + LEFT / 2, 500 + LEFT / 2]
    assert outcome.history["deposits"] == [0, 0, 500 - LEFT / 2, 1000 - LEFT, 1000 - LEFT]


def test_no_refill_where_gains_outweigh_the_loss() -> None:
    account = replace(TENFOLD, on_liquidation="refill")
    bars = market([FLAT, DIP, FLAT, FLAT], [FLAT, (100, 120, 100, 120), (120, 120, 120, 120), (120, 120, 120, 120)])
    outcome = run(bars, signals("0.5 . . .", "0.5 . . ."), account, FIVE)
    assert values(outcome.liquidations, "bar", "instrument") == [(1, 0)]
    assert not outcome.calls
    assert outcome.equity[-1] == 500 + 1000 + LEFT / 2


def test_a_refill_ends_the_ruin() -> None:
    bars = market([FLAT, FLAT, (85, 85, 85, 85), FLAT, FLAT, FLAT])
    for rule, orders, quantity in (("refill", [], -100), ("wait", [(4, 0, "ruined")], None)):
        outcome = run(bars, signals("1 . . -1 . ."), replace(TENFOLD, on_liquidation=rule, sizing="cash"), FIVE)
        # 1000 - 1500: bad debt of 500, and nothing is left
        assert outcome.history["bad_debt"][-1] == 500
        assert values(outcome.orders, "bar", "filled", "reason") == orders
        assert [fill["quantity"] for fill in outcome.fills[2:]] == [quantity] * (rule == "refill")
    assert (
        run(bars, signals("1 . . -1 . ."), replace(TENFOLD, on_liquidation="refill"), FIVE).calls[0]["amount"] == 1000
    )


# Money that a strategy adds.


def test_margin_is_added_to_what_is_held_as_far_as_the_wallet_goes() -> None:
    # 50 units on 500, and 500 in the wallet
    bars = market([FLAT] * 6)
    adds = {"margin_add": signals("100 . 200 . 1000 50")}
    outcome = run(bars, signals("0 0.5 . . . ."), TENFOLD, FIVE, columns=adds)
    assert events(outcome) == [
        (1, 0, "margin_add", 0, 0, 100, 0),
        (3, 0, "margin_add", 500, 250, 200, 200),
        (5, 0, "margin_add", 700, 250, 1000, 300),
    ]
    assert outcome.history["margin"] == [0, 0, 500, 700, 700, 1000]
    assert outcome.history["wallet"] == [1000, 1000, 500, 300, 300, 0]
    assert outcome.history["deposits"][-1] == 0


def test_added_margin_carries_a_position_further() -> None:
    bars = market([FLAT, FLAT, (100, 100, 85, 90)])
    for added, price in ((0, F(9000, 95)), (100, F(4400) / F("47.5")), (500, F(4000) / F("47.5"))):
        adds = {"margin_add": signals(f"0 {added} .")}
        outcome = run(bars, signals("0.5 . ."), TENFOLD, FIVE, columns=adds)
        # 500 + a + 50 (P - 100) = 2.5 P
        expected = [(2, price, 500 + added - F(5, 2) * price)] if price > 85 else []
        assert values(outcome.liquidations, "bar", "fill_price", "margin_lost") == expected


def test_margin_is_added_in_order_before_the_orders_of_the_bar() -> None:
    # two positions of 40 units share the 200 of the wallet; the third has none, the first is sold at this very open
    bars = market([FLAT] * 4, [FLAT] * 4, [FLAT] * 4)
    adds = {"margin_add": signals(". 150 . .", ". 150 . .", ". 150 . .")}
    outcome = run(bars, signals("0.4 0 . .", "0.4 . . .", "0 . . ."), TENFOLD, FIVE, columns=adds)
    assert events(outcome) == [
        (2, 0, "margin_add", 400, 200, 150, 150),
        (2, 1, "margin_add", 400, 200, 150, 50),
        (2, 2, "margin_add", 0, 0, 150, 0),
    ]
    assert outcome.history["wallet"][2:] == [550, 550]
    assert outcome.history["margin"][2:] == [450, 450]


def test_nothing_is_added_to_a_missing_position_and_nothing_is_kept_for_later() -> None:
    bars = market([FLAT, FLAT, None, FLAT], [FLAT] * 4)
    adds = {"margin_add": signals(". 100 . .", ". . . .")}
    outcome = run(bars, signals("0.5 . . .", "0 . . ."), TENFOLD, FIVE, columns=adds)
    assert events(outcome) == [(2, 0, "margin_add", 500, 250, 100, 0)]
    assert outcome.history["margin"][-1] == 500

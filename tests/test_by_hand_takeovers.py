"""Which positions a liquidation closes first, when it takes everything, and where money is short, by hand.

1000 of cash buy 100 units at 100 on tenfold leverage; where nothing else is said 5 % of the notional is required.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import FLAT, TENFOLD, F, market, run, signals, values
from reference import Account, Outcome, Tier

CROSS = replace(TENFOLD, margin_mode="cross")
FIVE = [Tier(F(0), F(5, 100), F(10))]


def closed(outcome: Outcome) -> list[tuple]:
    return values(outcome.liquidations, "bar", "instrument", "quantity", "fill_price", "partial")


def money(outcome: Outcome) -> list[tuple]:
    return values(outcome.liquidations, "margin_lost", "penalty", "forfeited", "bad_debt")


# Which goes first.


@pytest.mark.parametrize(
    ("order", "rows"),
    [
        # 1000 + 50 (P - 100) = 0.2 P + 20; the loser goes and the other needs 20 of what is left
        ("largest_loss", [(1, 0, 50, F(4020) / F("49.8"), False)]),
        # or first the one that stands; then 1000 + 50 (P - 100) = 0.2 P
        ("largest_maintenance", [(1, 1, 50, 100, False), (1, 0, 50, F(4000) / F("49.8"), False)]),
        ("everything", [(1, 0, 50, F(4020) / F("49.8"), False), (1, 1, 50, 100, False)]),
    ],
)
def test_order_of_a_cross_account(order: str, rows: list) -> None:
    bars = market([FLAT, (100, 100, 78, 78)], [FLAT, FLAT])
    outcome = run(bars, signals("0.5 .", "0.5 ."), CROSS, liquidation_order=order)
    assert closed(outcome) == rows


def test_the_lower_row_goes_first_where_two_lose_the_same() -> None:
    falling = [FLAT, (100, 100, 80, 90)]
    for order in ("largest_loss", "largest_maintenance"):
        outcome = run(market(falling, falling), signals("0.5 .", "0.5 ."), CROSS, liquidation_order=order)
        # 1000 + 100 (P - 100) = 0.4 P, then w + 50 (P - 100) = 0.2 P
        first = F(9000) / F("99.6")
        second = (5000 - 1000 + 50 * (100 - first)) / F("49.8")
        assert closed(outcome) == [(1, 0, 50, first, False), (1, 1, 50, second, False)]


def test_a_missing_position_is_closed_only_with_all() -> None:
    # the first loses 750 of 1000 and is missing then: the second has to go, which loses less
    bars = market([FLAT, (100, 100, 85, 85), None, FLAT], [FLAT, FLAT, (96, 96, 94, 96), FLAT])
    outcome = run(bars, signals("0.5 . . .", "0.5 . . ."), CROSS, liquidation_order="largest_loss")
    # 250 + 50 (P - 100) = 0.004 * 50 * 85 + 0.2 P
    price = F(4767) / F("49.8")
    assert closed(outcome) == [(2, 1, 50, price, False)]
    assert values(outcome.liquidations, "joint") == [(True,)]


def test_where_nothing_trades_everything_is_closed() -> None:
    # interest of 108/1000 an hour on 9000, due on every bar: 28 are left of 1000, and 40 are required
    bars = market([FLAT, FLAT, None, FLAT], [FLAT, FLAT, None, FLAT])
    rate = F(108, 1000) * 365 * 24
    outcome = run(bars, signals("0.5 . . .", "0.5 . . ."), CROSS, liquidation_order="largest_loss", borrow_rate=rate)
    assert closed(outcome) == [(2, 0, 50, 100, False), (2, 1, 50, 100, False)]
    assert outcome.history["wallet"][2] == 28


# The backstop, and what else closes everything.


@pytest.mark.parametrize(
    ("opened", "taken"),
    # 100 units: at 94 the balance of 400 is less than R = 470, but not less than 2/3 of it; at 93 it is 300 of 465
    [(94, False), (93, True)],
)
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_backstop_takes_all_and_what_is_left(opened: int, taken: bool, margin_mode: str) -> None:
    account = replace(TENFOLD, margin_mode=margin_mode)
    bars = market([FLAT, FLAT, (opened,) * 4])
    rules = {"liquidation": "share", "liquidation_share": F(1, 2), "backstop": F(2, 3), "liquidation_fee": F(1, 100)}
    outcome = run(bars, signals("1 . ."), account, FIVE, **rules)
    # a penalty of half the notional at 94: 47; of all at 93: 93 of 300
    lost = {"isolated": 1000 if taken else 300 + 47, "cross": None}[margin_mode]
    row = (lost, 93, 207, 0) if taken else (lost, 47, 0, 0)
    assert money(outcome) == [row]
    assert closed(outcome) == [(2, 0, 100 if taken else 50, opened, not taken)]
    assert outcome.equity[-1] == (0 if taken else 353)
    assert outcome.history["insurance_fund"][-1] == (300 if taken else 47)


def test_backstop_of_a_cross_account_shares_what_is_forfeited_by_notional() -> None:
    # 75 and 25 units, 1000 - 75 * 9 = 325 at 91 is less than 3/4 of 0.05 (6825 + 2500) = 466.25
    bars = market([FLAT, FLAT, (91, 91, 91, 91)], [FLAT, FLAT, FLAT])
    rules = {"liquidation_order": "largest_loss", "backstop": F(3, 4), "liquidation_fee": F(1, 100)}
    outcome = run(bars, signals("0.75 . .", "0.25 . ."), CROSS, FIVE, **rules)
    left = 325 - F("93.25")
    shares = [F(6825, 9325), F(2500, 9325)]
    assert money(outcome) == [(None, F("68.25"), left * shares[0], 0), (None, 25, left * shares[1], 0)]
    assert closed(outcome) == [(2, 0, 75, 91, False), (2, 1, 25, 100, False)]
    assert outcome.equity[-1] == 0


def test_a_balance_below_nothing_is_closed_whole_whatever_the_policy() -> None:
    bars = market([FLAT, FLAT, (89, 89, 89, 89)], [FLAT, FLAT, FLAT])
    rules = {"liquidation": "share", "liquidation_share": F(1, 4)}
    outcome = run(bars, signals("1 . .", "0 . ."), tiers=FIVE, **rules)
    assert closed(outcome) == [(2, 0, 100, 89, False)]
    assert money(outcome) == [(1000, 0, 0, 100)]
    bars = market([FLAT, FLAT, (80, 80, 80, 80)], [FLAT, FLAT, FLAT])
    outcome = run(bars, signals("0.6 . .", "0.4 . ."), CROSS, FIVE, liquidation_order="largest_loss", **rules)
    # 1000 - 60 * 20 = -200, shared as 4800 to 4000
    assert closed(outcome) == [(2, 0, 60, 80, False), (2, 1, 40, 100, False)]
    assert money(outcome) == [(None, 0, 0, 200 * F(48, 88)), (None, 0, 0, 200 * F(40, 88))]


# Short of money.


def test_part_of_a_penalty_that_takes_all_leaves_a_position_that_is_closed_next() -> None:
    # at 92 the balance is 200 of 460; half is sold at 82.8, which takes 460 more than the balance has
    bars = market([FLAT, FLAT, (92, 92, 92, 92)])
    rules = {"liquidation": "share", "liquidation_share": F(1, 2), "liquidation_fee": F(1, 10)}
    outcome = run(bars, signals("1 . ."), tiers=FIVE, **rules)
    # a tenth of 4600 is more than the 200, and the rest at a balance of 0 goes whole
    assert money(outcome) == [(400 + 200, 200, 0, 0), (400, 0, 0, 0)]
    assert closed(outcome) == [(2, 0, 50, 92, True), (2, 0, 50, 92, False)]
    assert outcome.equity[-1] == 0
    slipped = run(bars, signals("1 . ."), tiers=FIVE, liquidation_slippage=F(1, 10), **rules)
    # 1000 - 50 * 17.2 = 140, less the 50 * 8 of what is left: no penalty; then 140 - 50 * 17.2 is bad debt
    assert money(slipped) == [(860, 0, 0, 0), (140, 0, 0, 720)]
    assert values(slipped.liquidations, "fill_price") == [(F("82.8"),)] * 2


def test_cross_penalties_of_a_part_count_what_is_left_at_its_mark() -> None:
    # 1000 - 60 * 14 = 160 of 0.05 (5160 + 4000): the first goes, a tenth of 5160 is more than the account has
    bars = market([FLAT, FLAT, (86, 86, 86, 86)], [FLAT, FLAT, FLAT])
    rules = {"liquidation_order": "largest_loss", "liquidation_fee": F(1, 10)}
    outcome = run(bars, signals("0.6 . .", "0.4 . ."), CROSS, FIVE, **rules)
    assert money(outcome) == [(None, 160, 0, 0), (None, 0, 0, 0)]
    assert closed(outcome) == [(2, 0, 60, 86, False), (2, 1, 40, 100, False)]
    assert values(outcome.liquidations, "bankruptcy_price") == [(86 - F(160, 60),), (100,)]
    # where the second has gained 200, the first can pay out of it
    bars = market([FLAT, FLAT, (84, 84, 84, 84)], [FLAT, FLAT, (105, 105, 105, 105)])
    outcome = run(bars, signals("0.6 . .", "0.4 . ."), CROSS, FIVE, **{**rules, "liquidation_fee": F(1, 1000)})
    # 1000 - 960 + 200 = 240 of 0.05 (5040 + 4200) = 462; then 240 - 5.04 of 210
    assert money(outcome) == [(None, F("5.04"), 0, 0)]
    assert outcome.history["wallet"][-1] == 40 - F("5.04")


def test_a_cross_wallet_below_nothing_is_no_bad_debt_while_the_rest_is_held() -> None:
    # 1000 - 60 * 20 = -200, and 40 units have gained 640: 440 of 0.05 (4800 + 4640)
    bars = market([FLAT, FLAT, (80, 80, 80, 80)], [FLAT, FLAT, (116, 116, 116, 116)])
    outcome = run(bars, signals("0.6 . .", "0.4 . ."), CROSS, FIVE, liquidation_order="largest_loss")
    assert closed(outcome) == [(2, 0, 60, 80, False)]
    assert outcome.history["wallet"][-1] == -200
    assert outcome.history["bad_debt"][-1] == 0
    assert outcome.equity[-1] == 440


def test_a_fund_of_a_given_size_bears_what_it_has() -> None:
    # the bad debt of 100 meets a fund of 60; without a size it goes below 0
    bars = market([FLAT, FLAT, (89, 89, 89, 89)])
    for fund, left, others in ((F(60), 0, 40), (F(100), 0, 0), (F(150), 50, 0), (None, -100, 0)):
        outcome = run(bars, signals("1 . ."), Account(cash=F(1000), leverage=F(10)), FIVE, insurance_fund=fund)
        assert outcome.history["insurance_fund"][-1] == left
        assert outcome.history["socialised_loss"][-1] == others
        assert outcome.history["bad_debt"][-1] == 100

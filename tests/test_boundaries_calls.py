"""Hand-made cases exactly on each comparison that decides about a margin call and its money, and a hair beyond it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import F, market, run, signals, values
from reference import Account, MarginCall, Outcome, Tier
from scenes import bars_of, play

import backtest as bt

# 16 units from 120 on 960, which need 1/16 of their notional: 16 (P - 60) are left and P is needed.
# So at 80 a level of 4 is met exactly, and at 64 one of 1.
TWOFOLD = Account(cash=F(960), leverage=F(2))
SIXTEENTH = [Tier(F(0), F(1, 16), F(2))]
START = (120, 120, 120, 120)
HAIR = F(1, 1024)
WAITS = MarginCall(F(4), 1, "none")
PAYS = MarginCall(F(4), 1, "reserve")


def stand(*prices: F, account: Account = TWOFOLD, call: MarginCall = WAITS, **rules: object) -> Outcome:
    """Return what becomes of the long at opens, each the price of a whole bar."""
    bars = market([START, START, *((price,) * 4 for price in prices)])
    return run(bars, signals("1" + " ." * (len(prices) + 1)), account, SIXTEENTH, call=call, **rules)


def events(outcome: Outcome) -> list[tuple]:
    return values(outcome.calls, "bar", "event")


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(("breach", "highest"), [("at", F(80)), ("below", 80 - HAIR)])
def test_level_of_a_call_met_exactly(breach: str, highest: F, margin_mode: str) -> None:
    account = replace(TWOFOLD, margin_mode=margin_mode)
    for price in (80 - HAIR, F(80), 80 + HAIR):
        called = price <= highest
        assert events(stand(price, account=account, breach=breach)) == [(2, "call")] * called
        # at the end of a leg
        bars = market([START, (120, 120, price, 120)])
        outcome = run(bars, signals("1 ."), account, SIXTEENTH, call=WAITS, breach=breach)
        assert values(outcome.calls, "event", "balance", "asked") == [("call", 320, 0)] * called
        # and the end of grace, where it is not met
        outcome = stand(F(79), price, price, account=account, breach=breach)
        assert events(outcome) == [(2, "call"), (4, "forced") if called else (3, "cure")]


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(("breach", "highest"), [("at", F(64)), ("below", 64 - HAIR)])
def test_lower_level_met_exactly(breach: str, highest: F, margin_mode: str) -> None:
    account = replace(TWOFOLD, margin_mode=margin_mode)
    for price in (64 - HAIR, F(64), 64 + HAIR):
        outcome = stand(F(79), price, account=account, breach=breach)
        assert events(outcome) == [(2, "call")] + [(3, "forced"), (3, "cure")] * (price <= highest)
        assert values(outcome.liquidations, "gap") == [(True,)] * (price <= highest)
        bars = market([START, START, (79, 79, price, 79)])
        outcome = run(bars, signals("1 . ."), account, SIXTEENTH, call=WAITS, breach=breach)
        assert events(outcome) == [(2, "call")] + [(2, "forced")] * (price <= highest)


@pytest.mark.parametrize("grace", [1, 2, 5])
def test_last_bar_of_grace_and_one_more(grace: int) -> None:
    # the call of bar 2 is looked at from bar 3 to bar 2 + grace, and once more
    low, call = [F(79)] * grace, replace(WAITS, grace=grace)
    assert events(stand(*low, F(79), F(79), call=call)) == [(2, "call"), (3 + grace, "forced")]
    assert events(stand(*low, F(79), F(81), call=call)) == [(2, "call"), (3 + grace, "cure")]
    assert events(stand(*low, F(81), F(79), call=call)) == [(2, "call"), (2 + grace, "cure"), (3 + grace, "call")]


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(
    ("reserve", "breach", "cured"),
    [
        # at 72 there are 192 of 72, and 288 for the call: 96 are missing
        (F(96) - HAIR, "at", False),
        (F(96), "at", False),
        (F(96) + HAIR, "at", True),
        (F(96) - HAIR, "below", False),
        (F(96), "below", True),
    ],
)
def test_reserve_of_just_enough_for_the_level(reserve: F, breach: str, cured: bool, margin_mode: str) -> None:
    account = replace(TWOFOLD, reserve=reserve, margin_mode=margin_mode)
    outcome = stand(F(72), F(72), F(72), account=account, call=PAYS, breach=breach, target_ratio=F(5))
    assert events(outcome) == [(2, "call"), (3, "deposit"), (3, "cure") if cured else (4, "forced")]
    # 5 * 72 - 192 are asked
    assert values(outcome.calls, "asked", "amount", "reserve")[1] == (168, reserve, 0)


@pytest.mark.parametrize(("reserve", "amount"), [(168 - HAIR, 168 - HAIR), (F(168), 168), (168 + HAIR, 168)])
def test_reserve_of_just_enough_for_the_target(reserve: F, amount: F) -> None:
    outcome = stand(F(72), F(72), account=replace(TWOFOLD, reserve=reserve), call=PAYS, target_ratio=F(5))
    assert values(outcome.calls, "amount", "reserve")[1] == (amount, reserve - amount)


@pytest.mark.parametrize("reserve", [F(0), HAIR])
def test_a_reserve_of_nothing_makes_no_deposit(reserve: F) -> None:
    outcome = stand(F(72), F(72), F(72), account=replace(TWOFOLD, reserve=reserve), call=PAYS, target_ratio=F(5))
    assert events(outcome) == [(2, "call"), *[(3, "deposit")] * (reserve > 0), (4, "forced")]


def test_a_call_that_the_price_meets_asks_for_nothing() -> None:
    # at 82 there are 352 of 82: more than the 328 of the call, less than the 410 of the target
    account = replace(TWOFOLD, reserve=F(1000))
    outcome = stand(F(72), F(82), account=account, call=PAYS, target_ratio=F(5))
    assert events(outcome) == [(2, "call"), (3, "cure")]
    assert outcome.history["reserve"][-1] == 1000
    # and a venue that waits for no deposit takes none
    outcome = stand(F(72), F(72), F(72), account=account)
    assert events(outcome) == [(2, "call"), (4, "forced")]
    assert outcome.history["reserve"][-1] == 1000


@pytest.mark.parametrize(("gain", "refilled"), [(40 - HAIR, HAIR * 8), (F(40), 0), (40 + HAIR, 0)])
def test_refill_of_exactly_nothing(gain: F, refilled: F) -> None:
    # 8 units each on 480: the first is closed at 64 and leaves 32, a loss of 448; the second gains 8 * 56
    account = replace(TWOFOLD, on_liquidation="refill")
    high = 136 + gain
    bars = market([START, (120, 120, 60, 120), START], [START, (120, high, 120, high), (high,) * 4])
    outcome = run(bars, signals("0.5 . .", "0.5 . ."), account, SIXTEENTH)
    assert values(outcome.liquidations, "margin_lost") == [(448,)]
    assert values(outcome.calls, "event", "asked") == [("refill", refilled)] * (refilled > 0)


@pytest.mark.parametrize(
    ("asked", "amount"), [(480 - HAIR, 480 - HAIR), (F(480), 480), (480 + HAIR, 480), (HAIR, HAIR), (F(0), None)]
)
def test_margin_added_up_to_all_of_the_wallet(asked: F, amount: F | None) -> None:
    bars = market([START] * 4)
    adds = {"margin_add": signals(f". {asked} 7 .")}
    outcome = run(bars, signals("0.5 . . ."), TWOFOLD, SIXTEENTH, columns=adds)
    rows = [(2, asked, amount)] * (amount is not None)
    assert values(outcome.calls, "bar", "asked", "amount") == [*rows, (3, 7, min(480 - (amount or 0), 7))]


def test_a_call_of_this_open_is_not_answered_at_it() -> None:
    account = replace(TWOFOLD, reserve=F(1000))
    outcome = stand(F(72), F(90), account=account, call=PAYS, target_ratio=F(5))
    assert events(outcome) == [(2, "call"), (3, "cure")]
    assert outcome.history["reserve"][-1] == 1000


@pytest.mark.parametrize(("amount", "left", "others"), [(320 - HAIR, 0, HAIR), (F(320), 0, 0), (320 + HAIR, HAIR, 0)])
def test_a_fund_of_just_enough(amount: F, left: F, others: F) -> None:
    # at 40 the 960 are gone, and 320 more
    outcome = run(market([START, START, (40,) * 4]), signals("1 . ."), TWOFOLD, SIXTEENTH, insurance_fund=amount)
    assert outcome.history["bad_debt"][-1] == 320
    assert outcome.history["insurance_fund"][-1] == left
    assert outcome.history["socialised_loss"][-1] == others


@pytest.mark.parametrize("wallet", [80, 80 + HAIR, 80 - HAIR])
def test_funding_that_takes_exactly_the_wallet(wallet: F) -> None:
    # 8 units at 120 are worth 960, of which 1/12 is due
    account = replace(TWOFOLD, cash=F(480 + wallet), sizing="cash")
    size = F(8 * 120) / (2 * account.cash)
    bars = market([START] * 3, funding=([0, 0, F(1, 12)],))
    outcome = run(bars, signals(f"{size} . ."), account, SIXTEENTH, funding_from="wallet")
    assert outcome.history["wallet"][-1] == max(wallet - 80, 0)
    assert outcome.history["margin"][-1] == 480 - max(80 - wallet, 0)


def test_summary_counts_calls_and_the_money_that_came() -> None:
    # at 72 the reserve of 168 brings 192 to 5 * 72; at 40 the 1128 are gone, and 152 more, of which the fund bears 100
    result = play(
        bars_of([120, 120, 72, 72, 40, 120, 120, 50, 50, 120]), "1 . . . . 1 . . . .", cash=960.0, leverage=2,
        tiers=[(0, 1 / 16, 2)], reserve=168.0, on_liquidation="refill", insurance_fund=100.0, target_ratio=5.0,
        call=bt.MarginCall(level=4, grace=1, deposit="reserve"),
    )  # fmt: skip
    names = ("margin_calls", "forced_closes", "deposits", "refills", "refilled", "insurance_fund", "socialised_loss")
    assert [result.summary[name] for name in names] == [2, 1, 168, 1, 960, 0, 52]
    result = play(
        bars_of([120, 120, 40, 120, 120, 40, 120]), "1 . 0 1 . . .", cash=960.0, leverage=2, tiers=[(0, 1 / 16, 2)],
        on_liquidation="refill",
    )  # fmt: skip
    # twice 320 more than there was is lost
    assert [result.summary[name] for name in names] == [0, 0, 0, 2, 1920, -640, 0]

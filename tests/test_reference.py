"""The slow engine's own ledger, exact on every bar of random markets, under all settings."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from by_hand import HOUR, F, market, signals
from draws import DECIMAL, DYADIC, cases
from hypothesis import given
from reference import Account, Market, Outcome, Tier, Venue, replay


def drawn_bars(draw: random.Random, length: int, step: int) -> tuple[list, list]:
    """Return a random instrument's trade and mark bars in sixteenths, some missing."""
    price, trades, marks = F(draw.randint(800, 2400), 16), [], []
    for _ in range(length):
        if draw.random() < 0.1:
            trades.append(None)
            marks.append(None)
            continue
        points = [max(F(1), price + F(draw.randint(-step, step), 16)) for _ in range(4)]
        trade = (points[0], max(points), min(points), points[3])
        apart = F(draw.randint(-step, step), 64)
        mark = (trade[0] + apart, trade[1] + apart + F(1, 4), trade[2] + apart - F(1, 8), trade[3] + apart)
        trades.append(trade)
        marks.append(mark if min(mark) > 0 and draw.random() < 0.7 else None)
        price = points[3]
    return trades, marks


def drawn_case(seed: int) -> tuple[Market, list, Account, Venue]:
    draw = random.Random(seed)  # noqa: S311 - draws, no secrets
    count, length = draw.randint(1, 3), draw.randint(3, 12)
    pairs = [drawn_bars(draw, length, draw.choice([4, 32, 200, 800])) for _ in range(count)]
    trades, marks = zip(*pairs, strict=True)
    times = [0]
    for _ in range(length - 1):
        times.append(times[-1] + draw.choice([1, 8, 24]) * HOUR)
    funding = tuple([F(draw.choice([0, 0, -8, 2, 8]), 1024) for _ in range(length)] for _ in range(count))
    words = ["1", "-1", "3/4", "-1/2", "1/4", "0", ".", ".", "."]
    wanted = signals(*(" ".join(draw.choice(words) for _ in range(length)) for _ in range(count)))
    account = Account(
        cash=F(1000),
        leverage=F(draw.choice([1, 2, 3, 10, 20])),
        margin_mode=draw.choice(["isolated", "cross"]),
        sizing=draw.choice(["equity", "cash"]),
        rebalance=draw.choice(["signal", "bar"]),
        reentry=draw.choice(["signal", "bar"]),
        on_liquidation=draw.choice(["wait", "reenter", "stop"]),
        intrabar=draw.choice(["worst", "path", "best"]),
        stop_loss=draw.choice([None, None, F(1, 32), F(1, 8)]),
        take_profit=draw.choice([None, None, F(1, 16)]),
    )
    steps = [Tier(F(0), F(1, 128), F(20)), Tier(F(2000), F(1, 64), F(20)), Tier(F(6000), F(1, 32), F(8))]
    venue = Venue(
        [steps[: draw.randint(1, 3)] for _ in range(count)],
        taker_fee=F(draw.choice([0, 1, 4]), 1024),
        slippage=F(draw.choice([0, 1, 40]), 1024),
        liquidation_fee=F(draw.choice([0, 13]), 1024),
        liquidation_slippage=F(draw.choice([0, 16]), 1024),
        residual=draw.choice(["return", "forfeit"]),
        borrow_rate=F(draw.choice([0, 1]), 4),
        fee_in_maintenance=F(draw.choice([0, 1]), 1024),
    )
    return market(*trades, marks=marks, funding=funding, times=times), wanted, account, venue


def check_ledger(bars: Market, cash: F, outcome: Outcome) -> None:
    """Balance every bar twice: by the totals, and by the cash that the fills moved."""
    history, count = outcome.history, len(bars.open[0])
    quantities, last, spent, fees = [F(0)] * count, [F(0)] * count, F(0), F(0)
    for t in range(len(bars.time)):
        for fill in outcome.fills:
            if fill["bar"] == t:
                quantities[fill["instrument"]] += fill["quantity"]
                spent += fill["quantity"] * fill["price"]
                fees += fill["fee"]
        for i in range(count):
            if bars.close[t][i] is not None:
                mark = bars.mark_close[t][i]
                last[i] = bars.close[t][i] if mark is None else mark
        now = {name: column[t] for name, column in history.items()}
        paid = sum(now[name] for name in ("fees", "funding", "interest", "penalties", "forfeited")) - now["bad_debt"]
        unrealised = now["equity"] - now["wallet"] - now["margin"]
        worth = sum(quantity * price for quantity, price in zip(quantities, last, strict=True))
        assert now["equity"] - cash == now["realised"] + unrealised - paid
        assert now["equity"] == cash - spent + worth - paid
        assert now["fees"] == fees
        assert now["notional"] == sum(abs(q) * price for q, price in zip(quantities, last, strict=True))
        assert now["equity_low"] <= now["equity"]
        assert now["effective_leverage"] >= 0
    for column, name in (("penalty", "penalties"), ("forfeited", "forfeited")):
        assert sum(row[column] for row in outcome.liquidations) == history[name][-1]
    assert sum(row["bad_debt"] for row in outcome.liquidations) <= history["bad_debt"][-1]


def check_sense(account: Account, venue: Venue, outcome: Outcome) -> None:
    """Check what holds whatever happens: no breached close, exact roots, no order filled past its wish."""
    history = outcome.history
    for t, (equity, ratio) in enumerate(zip(outcome.equity, history["margin_ratio"], strict=True)):
        assert equity >= 0
        assert ratio < 1
        if account.margin_mode == "isolated":
            assert history["wallet"][t] >= 0
        else:
            assert history["margin"][t] == 0
    for row in outcome.liquidations:
        if account.margin_mode == "isolated":
            assert row["margin_lost"] is not None
            assert not row["joint"]
            assert min(row["penalty"], row["bad_debt"]) == 0
            balance = row["quantity"] * (row["mark_price"] - row["bankruptcy_price"])
            surplus = balance - venue.maintenance(row["instrument"], abs(row["quantity"]) * row["mark_price"])
            assert surplus <= 0 if row["gap"] else abs(surplus) < F(1, 10**200)
    for row in outcome.orders:
        if row["reason"] not in ("waiting", "tier"):
            assert abs(row["filled"]) < abs(row["wanted"])


def test_ledger_balances_exactly_on_every_bar_under_all_settings() -> None:
    seen: Counter[str] = Counter()
    for seed in range(800):
        bars, wanted, account, venue = drawn_case(seed)
        outcome = replay(bars, wanted, account, venue)
        check_ledger(bars, account.cash, outcome)
        check_sense(account, venue, outcome)
        seen.update(row["reason"] for row in outcome.fills + outcome.orders)
        seen.update("joint" for row in outcome.liquidations if row["joint"])
        seen.update("gap" for row in outcome.liquidations if row["gap"])
        seen.update("bad debt" for row in outcome.liquidations if row["bad_debt"])
    reasons = {"signal", "stop_loss", "take_profit", "liquidation", "tier", "fees", "margin", "refused", "waiting"}
    for name in reasons | {"ruined", "joint", "gap", "bad debt"}:
        assert seen[name] >= 20, f"the draws hardly ever saw {name}: {seen}"


def test_two_runs_are_the_same() -> None:
    for seed in range(20):
        assert replay(*drawn_case(seed)) == replay(*drawn_case(seed))


def worth(market: Market, venue: Venue, i: int, t: int) -> F:
    """Return the value of a unit at the last mark of an instrument up to a bar."""
    while market.close[t][i] is None:
        t -= 1
        if t < 0:
            return F(0)
    mark = None if market.mark_close is None else market.mark_close[t][i]
    return venue.value(market.close[t][i] if mark is None else mark)


@pytest.mark.parametrize("grid", [DYADIC, DECIMAL])
def test_ledger_of_every_drawn_case_balances_exactly(grid) -> None:
    @given(cases(grid))
    def check(case) -> None:
        outcome, venue = case.replay(), case.venue
        count, legs = len(venue.tiers), 2 if case.hedged else 1
        held, spent = [F(0)] * count * legs, F(0)
        for t in range(len(case.market.time)):
            for fill in (fill for fill in outcome.fills if fill["bar"] == t):
                row = fill["instrument"]
                units = fill["quantity"] * venue.figure("multiplier", row // legs)
                held[row] += units
                spent += units * venue.value(fill["price"])
            now = {name: column[t] for name, column in outcome.history.items()}
            paid = sum(now[name] for name in ("fees", "funding", "interest", "penalties", "forfeited"))
            paid -= now["bad_debt"] + now["deposits"]
            marks = [worth(case.market, venue, row // legs, t) for row in range(len(held))]
            stock = sum(units * mark for units, mark in zip(held, marks, strict=True))
            assert now["equity"] == case.account.cash - spent + stock - paid
            assert now["wallet"] + now["margin"] == case.account.cash + now["realised"] - paid
            assert now["notional"] == sum(abs(units * mark) for units, mark in zip(held, marks, strict=True))
            given_in = (venue.insurance_fund or 0) + now["penalties"] + now["forfeited"]
            assert now["insurance_fund"] == given_in - now["bad_debt"] + now["socialised_loss"]
            assert venue.insurance_fund is None or now["insurance_fund"] >= 0
            flows = [row for row in outcome.calls if row["bar"] <= t]
            given_out = sum(row["amount"] for row in flows if row["event"] == "deposit")
            assert now["reserve"] == case.account.reserve - given_out
            assert now["deposits"] == given_out + sum(row["amount"] for row in flows if row["event"] == "refill")

    check()

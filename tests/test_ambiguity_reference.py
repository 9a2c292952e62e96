"""Every order inside a bar against the slow engine, which walks the three legs of that order as three bars."""

import random
from dataclasses import replace

import numpy as np
import pytest
import reference
from by_hand import F
from comparison import bars_of, settings_of, signals_of, symbols_of
from draws import HOUR, Case
from reference import Account, Tier, Venue
from unfolded import LEGS, NAMES, legs_of, path_of, rising

from backtest.ambiguity import bracket


def drawn(seed: int) -> Case:
    """Return a market of a few bars, wide enough to liquidate, on which positions are taken at once and held."""
    draw = random.Random(seed)  # noqa: S311
    count, length = draw.choice((1, 2, 2, 3)), 5
    rows = []
    price = [F(1600)] * count
    for _ in range(length):
        bars = []
        for i in range(count):
            close = price[i] + draw.randint(-40, 40)
            high, low = max(price[i], close) + draw.randint(0, 120), min(price[i], close) - draw.randint(0, 120)
            bars.append([F(value) / 16 for value in (price[i], high, low, close)])
            price[i] = close + draw.choice((0, 0, 0, 8, -60))
        rows.append(bars)
    market = reference.Market(
        [t * HOUR for t in range(length)],
        **{name: [[bar[k] for bar in bars] for bars in rows] for k, name in enumerate(NAMES)},
    )
    first = [F(draw.choice((1, -1)), draw.choice((count, count, 2 * count))) for _ in range(count)]
    account = Account(
        cash=F(1000),
        leverage=F(draw.choice((8, 16))),
        margin_mode=draw.choice(("isolated", "cross", "cross")),
        take_profit=draw.choice((None, F(1, 32), F(1, 16))),
        stop_loss=draw.choice((None, None, F(3, 64))),
    )
    venue = Venue([[Tier(F(0), F(1, 64), F(16))]] * count, taker_fee=F(1, 1024))
    return Case(market, [first, *[[None] * count] * (length - 1)], account, venue)


def orders_of(case: Case, t: int) -> dict[str, list[bool]]:
    """Return whether each instrument goes to its low first at bar `t`, by the name of the order."""
    long = [signal > 0 for signal in case.signals[0]]
    bars = [[getattr(case.market, name)[t][i] for name in NAMES] for i in range(len(long))]
    orders = {"worst": long, "path": [rising(bar) for bar in bars], "best": [not each for each in long]}
    for i in range(len(long)):
        orders[f"S{i} alone"] = [each == (i == j) for j, each in enumerate(long)]
    return orders


def taken_apart(case: Case, t: int, low_first: list[bool]) -> Case:
    """Return the case with bar `t` as its three legs."""
    market = case.market
    legs = [legs_of([getattr(market, name)[t][i] for name in NAMES], low) for i, low in enumerate(low_first)]
    tables = {
        name: [
            *getattr(market, name)[:t],
            *([leg[k][j] for leg in legs] for k in range(LEGS)),
            *getattr(market, name)[t + 1 :],
        ]
        for j, name in enumerate(NAMES)
    }
    start = market.time[t]
    time = [*market.time[:t], start, start + HOUR // 3, start + HOUR // 3 * 2, *market.time[t + 1 :]]
    nothing = [None] * len(low_first)
    signals = [*case.signals[:t], nothing, nothing, *case.signals[t:]]
    return replace(case, market=reference.Market(time, **tables), signals=signals)


def in_step(case: Case, courses: list[list[bool]]) -> Case:
    """Return the case with the first bars as their legs, on which all instruments go straight and in step."""
    for t in reversed(range(len(courses))):
        case = taken_apart(case, t, courses[t])
    return replace(case, account=replace(case.account, intrabar="path"))


def held_at(case: Case, t: int) -> set[int]:
    """Return the instruments that are held before the orders of a bar, or after them."""
    before: dict[int, F] = {}
    for fill in case.replay().fills:
        if fill["bar"] < t or (fill["bar"] == t and fill["reason"] == "signal"):
            before[fill["instrument"]] = before.get(fill["instrument"], F(0)) + fill["quantity"]
    return {i for i, quantity in before.items() if quantity}


def test_every_order_is_what_the_slow_engine_finds() -> None:
    seen = {"certain": 0, "possible": 0, "alone": 0}
    for seed in range(400):
        case = drawn(seed)
        bars, (account, venue) = bars_of(case.market, symbols_of(case)), settings_of(case)
        found = bracket(bars, signals_of(case), venue=venue, account=account).liquidations
        if found.empty:
            continue
        t = bars.time.get_loc(found["time"].iloc[0])
        rows = found[(found["time"] == found["time"].iloc[0]) & ~found["gap"]]
        cross = case.account.margin_mode == "cross"
        held = held_at(case, t)
        orders = orders_of(case, t)
        for i in range(len(case.signals[0])):
            if not cross or i not in held or len(held) < 2:
                del orders[f"S{i} alone"]
        liquidated = {}
        worst = [orders_of(case, before)["worst"] for before in range(t)]
        for name, low_first in orders.items():
            log = in_step(case, [*worst, low_first]).replay().liquidations
            inside = [row for row in log if LEGS * t <= row["bar"] < LEGS * (t + 1) and not row["gap"]]
            liquidated[name] = {"account" if cross else f"S{row['instrument']}" for row in inside}
        for row in rows.itertuples():
            expected = [name for name in orders if ("account" if cross else row.symbol) in liquidated[name]]
            assert row.happens_in == ", ".join(expected), f"seed {seed}"
            assert row.verdict == ("certain" if len(expected) == len(orders) else "possible"), f"seed {seed}"
            seen[row.verdict] += 1
            seen["alone"] += "alone" in row.happens_in and row.verdict == "possible"
    assert min(seen.values()) > 5, seen


@pytest.mark.parametrize("count", [2, 3])
def test_what_finer_bars_say_is_true(count: int) -> None:
    # the finer bars are the legs of a course that the slow engine walks in step
    verdicts = []
    ends = 0
    for seed in range(400):
        case = drawn(seed)
        if len(case.signals[0]) != count:
            continue
        account = replace(case.account, margin_mode="cross", take_profit=None, stop_loss=None)
        case = replace(case, account=account)
        course = np.random.default_rng(seed)
        low_first = course.random((len(case.signals), 1 if seed % 3 else count)) < np.full(count, 0.5)
        bars, (account, venue) = bars_of(case.market, symbols_of(case)), settings_of(case)
        found = bracket(bars, signals_of(case), venue=venue, account=account, detail=path_of(bars, low_first, 8))
        truth = in_step(case, low_first.tolist()).replay()
        died = {bars.time[row["bar"] // LEGS] for row in truth.liquidations}
        for row in found.liquidations.itertuples():
            if row.verdict == "possible":
                break
            assert (row.time in died) == (row.verdict != "averted"), f"seed {seed}"
            verdicts.append(row.verdict)
        if set(found.liquidations["verdict"]) == {"averted"}:
            end = found.final.loc["resolved", "final_equity"]
            assert end == pytest.approx(float(truth.history["equity"][-1]), abs=1e-6), f"seed {seed}"
            ends += 1
    assert min(verdicts.count(verdict) for verdict in ("certain", "happened", "averted")) > 3
    assert ends > 3

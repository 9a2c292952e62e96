"""Finer bars inside a bar: what happened, what was averted, and how the replay goes on."""

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of, play, targets_of, venue_of
from test_ambiguity import ALL, DEAD, WIDE, judged
from unfolded import path_of
from wild import market_of, signals_of

import backtest as bt
from backtest.ambiguity import bracket

FIRST = [100] * 2  # half-hours of an hour in which nothing happens
BOTH = (100, 106, 85, 95)


def halves(*instruments, **more):
    """Return half-hourly bars of the same four hours."""
    return bars_of(*instruments, every="30min", **more)


@pytest.mark.parametrize(
    ("inside", "verdict", "final"),
    [
        ([(100, 106, 99, 99), (99, 100, 85, 95)], "averted", 15_000),
        ([(100, 100, 85, 99), (99, 106, 95, 95)], "happened", DEAD),
        ([(100, 101, 95, 95), (95, 106, 85, 95)], "possible", DEAD),
    ],
)
def test_finer_bars_tell_which_came_first(inside, verdict, final):
    bars = bars_of([100, 100, BOTH, 95])
    detail = halves([*FIRST, *FIRST, *inside, 95, 95])
    found, rows = judged(bars, "1 . . .", take_profit=0.05, detail=detail)
    assert rows == [("S0", False, verdict, "worst")]
    assert found.final.loc["resolved", "final_equity"] == pytest.approx(final)
    assert found.final.loc["resolved", "total_return"] == pytest.approx(final / 1e4 - 1)
    assert found.final.loc["resolved", "liquidations"] == int(verdict != "averted")
    assert (found.settled, found.ambiguous) == (int(verdict != "possible"), int(verdict == "possible"))
    assert f"1 {verdict}" in repr(found)


UP_AND_DOWN = [(100, 112, 100, 112), (112, 112, 100, 100), (100, 100, 90, 90), (90, 100, 90, 100)]
DOWN_AND_UP = [(100, 100, 90, 90), (90, 100, 90, 100), (100, 112, 100, 112), (112, 112, 100, 100)]


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (UP_AND_DOWN, UP_AND_DOWN, "averted"),
        (DOWN_AND_UP, UP_AND_DOWN, "happened"),  # 90 and 112 at one time
        # only possible in the first quarter, certain in the second: it happened in one of them
        (
            [WIDE, (100, 100, 90, 90), (90, 100, 90, 100), 100],
            [WIDE, (100, 112, 100, 112), (112, 112, 100, 100), 100],
            "happened",
        ),
        ([WIDE, 100, 100, 100], [WIDE, 100, 100, 100], "possible"),
        # the gap from one quarter to the next
        ([(100, 112, 100, 100), 90, 90, 100], [(100, 100, 90, 90), 112, 112, 100], "happened"),
    ],
)
def test_a_hedged_pair_walks_in_step_through_finer_bars(first, second, verdict):
    bars = bars_of([100, 100, WIDE, 100], [100, 100, WIDE, 100])
    detail = bars_of(*([100] * 8 + inside + [100] * 4 for inside in (first, second)), every="15min")
    found, rows = judged(bars, "0.5 . . .", "-0.5 . . .", margin_mode="cross", detail=detail)
    assert rows == [("S0", False, verdict, "worst, best"), ("S1", False, verdict, "worst, best")]
    if verdict == "averted":
        assert found.final.loc["resolved", "final_equity"] == pytest.approx(10_000)


def test_what_an_account_met_that_lived():
    wide = bars_of([100, 100, WIDE, 100, (70, 70, 70, 70)], [100, 100, WIDE, 100, 100])
    inside = [100] * 8 + UP_AND_DOWN + [100] * 4
    detail = bars_of(inside, inside, every="15min")  # ends before the gap
    found, rows = judged(wide, "0.5 . . . .", "-0.5 . . . .", margin_mode="cross", detail=detail)
    assert [row[:3] for row in rows] == [
        ("S0", False, "averted"), ("S1", False, "averted"), ("S0", True, "certain"), ("S1", True, "certain"),
    ]  # fmt: skip
    assert found.final["liquidations"].to_dict() == {"worst": 2, "path": 2, "best": 2, "resolved": 2}
    assert (found.settled, found.ambiguous) == (1, 0)


def test_a_later_bar_without_finer_ones_stays_as_it_is():
    bars = bars_of([100, 100, WIDE, 100, WIDE], [100, 100, WIDE, 100, WIDE])
    inside = [100] * 8 + UP_AND_DOWN
    detail = bars_of(inside, inside, every="15min")
    found, rows = judged(bars, "0.5 . . . .", "-0.5 . . . .", margin_mode="cross", detail=detail)
    assert [row[2] for row in rows] == ["averted", "averted", "possible", "possible"]
    assert (found.settled, found.ambiguous) == (1, 1)
    longer = bars_of(*([*inside, *[100] * 4, *UP_AND_DOWN],) * 2, every="15min")  # the last bar lasts an hour too
    found, rows = judged(bars, "0.5 . . . .", "-0.5 . . . .", margin_mode="cross", detail=longer)
    assert [row[2] for row in rows] == ["averted"] * 4
    assert (found.settled, found.ambiguous) == (2, 0)


def test_certain_and_possible_in_one_bar():
    bars = bars_of([100, 100, (100, 106, 85, 95), 95], [100, 100, (100, 104, 85, 95), 95])
    detail = halves(
        [*FIRST, *FIRST, (100, 106, 99, 99), (99, 100, 85, 95), 95, 95],
        [*FIRST, *FIRST, (100, 104, 99, 99), (99, 100, 85, 95), 95, 95],
    )
    found, rows = judged(bars, "0.5 . . .", "0.5 . . .", take_profit=0.05, detail=detail)
    assert sorted(rows) == [("S0", False, "averted", "worst"), ("S1", False, "certain", ALL)]
    assert found.final.loc["resolved", "final_equity"] == pytest.approx(7500 + DEAD / 2)
    assert (found.settled, found.ambiguous) == (1, 0)


def test_a_fall_from_one_finer_bar_to_the_next_may_pass_a_stop():
    # S1's stop at 95 saves it on every leg of the bar; in the finer bars it opens at 85, beyond its liquidation
    bars = bars_of([100, 100, (100, 106, 85, 95), 95], [100, 100, (100, 101, 85, 95), 95])
    detail = halves(
        [*FIRST, *FIRST, (100, 106, 85, 95), 95, 95, 95],
        [*FIRST, *FIRST, (100, 101, 100, 100), (85, 95, 85, 95), 95, 95],
    )
    found, rows = judged(bars, "0.5 . . .", "0.5 . . .", take_profit=0.055, stop_loss=0.095, detail=detail)
    assert rows == []  # the stops stand before both
    stops = pd.DataFrame({"target": targets_of("0.5 . . .")[:, 0], "stop_loss": 0.05}, bars.time)
    plain = pd.DataFrame({"target": targets_of("0.5 . . .")[:, 0], "stop_loss": np.inf}, bars.time)
    account = bt.Account(leverage=10, take_profit=0.055)
    found = bracket(bars, {"S0": plain, "S1": stops}, venue=venue_of(), account=account, detail=detail)
    assert found.liquidations["symbol"].tolist() == ["S0", "S1"]
    assert found.liquidations["verdict"].tolist() == ["possible", "happened"]
    assert found.liquidations["happens_in"].tolist() == ["worst", ""]


# What waits for the next bar: finer bars that go the way of a path leave what the path leaves.


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"reentry": "bar", "on_liquidation": "reenter"},
        {"on_liquidation": "refill", "reentry": "bar"},
        {"on_liquidation": "stop", "reentry": "bar"},
        {"rebalance": "bar", "on_liquidation": "reenter"},
        {"sizing": "cash", "on_liquidation": "reenter", "reentry": "bar", "contract": "inverse"},
        {"hedged": True, "on_liquidation": "refill", "reentry": "bar"},
    ],
    ids=str,
)
def test_finer_bars_on_the_path_leave_what_the_path_leaves(settings):
    settings = {"take_profit": 0.02, "cash": 100.0, **settings}
    inverse, hedged = settings.get("contract") == "inverse", settings.pop("hedged", False)
    fields = {name: settings.pop(name) for name in list(settings) if name in bt.Account.model_fields}
    account = bt.Account(leverage=40, currency="base" if inverse else "quote", **fields)
    rate = 0.0 if inverse else 0.3
    venue = venue_of([(0, 0.01, 50)], taker_fee=0.0005, borrow_rate=rate, residual="forfeit", **settings)
    verdicts: set[str] = set()
    for seed in range(12):
        frames = market_of(seed, 1 if inverse else 2, bars=150)
        if inverse:
            frames = {"BTCUSD": frames["S0"]}
        bars = bt.Bars.from_frames(frames)
        targets = signals_of(seed, len(frames), bars=150)
        signals = targets
        if hedged:
            legs = {"S0": "target_long", "S1": "target_short"}  # with both legs, worst is not worst for each
            signals = {
                symbol: pd.DataFrame({leg: np.abs(targets[:, i])}, bars.time)
                for i, (symbol, leg) in enumerate(legs.items())
            }
        found = bracket(bars, signals, venue=venue, account=account, detail=path_of(bars))
        path = bt.run(bars, signals, venue=venue, account=account.model_copy(update={"intrabar": "path"}))
        assert found.ambiguous == 0
        resolved = found.final.loc["resolved"]
        assert resolved["final_equity"] == pytest.approx(path.equity.iloc[-1], abs=1e-9 * account.cash)
        assert resolved["total_return"] == pytest.approx(path.summary["total_return"], abs=1e-9)
        kept = found.liquidations[found.liquidations["verdict"] != "averted"]
        assert set(zip(kept["time"], kept["symbol"], strict=True)) == set(
            zip(path.liquidations["time"], path.liquidations["symbol"], strict=True)
        )
        verdicts |= set(found.liquidations["verdict"])
    assert verdicts == {"certain", "happened", "averted"}


@pytest.mark.parametrize("after", [100, 90.5])
def test_a_margin_call_inside_the_bar_is_answered_at_the_next(after):
    # 1000 units on 10 000 are called at 10 000 + 1000 (P - 100) = 2 * 4 P, 90 000 / 992, and closed at 90 000 / 996.
    # An answer at the second quarter, at 90.5, would put what is missing to 3 * 4 * 90.5 in. Equity with the reserve
    # does not show it, an order of a later bar does: 10 times what the account then holds, on a rise of a hundredth.
    later = [after, after, after, (after, after * 1.01, after, after * 1.01)]
    bars = bars_of([100, 100, (100, 106, 85, 90.5), *later])
    inside = [(100, 100, 90.5, 90.5), (90.5, 106, 90.5, 104), (104, 104, 85, 85), (85, 90.5, 85, 90.5)]
    detail = bars_of([100] * 8 + inside + [100] * 4, every="15min")
    call = bt.MarginCall(level=2, grace=1, deposit="reserve")
    settings = {"take_profit": 0.05, "call": call, "reserve": 5000.0, "target_ratio": 3}
    found, rows = judged(bars, "1 . . . 0 1 .", detail=detail, **settings)
    assert rows == [("S0", False, "averted", "worst")]
    assert found.final.loc["resolved", "final_equity"] == pytest.approx(15_000 * 1.1 + 5000)
    assert found.final.loc["resolved", "total_return"] == pytest.approx(6500 / 15_000)
    # without the take-profit the call of the bar stands, whichever way it was made
    ends = (100, 104, 90.5, 90.5)
    bars = bars_of([100, 100, ends, *later], [100, 100, BOTH, 95, 95, 95, 95])
    first = [(100, 100, 90.5, 90.5), (90.5, 104, 90.5, 104), (104, 104, 90.5, 90.5), 90.5]
    second = [(100, 106, 99, 99), (99, 100, 85, 95), 95, 95]
    detail = bars_of([100] * 8 + first + [100] * 4, [100] * 8 + second + [100] * 4, every="15min")
    signals = ["0.5 . . . 0 0.5 ."] * 2
    found, rows = judged(bars, *signals, detail=detail, **settings)
    assert rows == [("S1", False, "averted", "worst")]
    path = play(bars, *signals, leverage=10, intrabar="path", **settings)
    assert path.calls["event"].tolist() == (["call", "cure"] if after == 100 else ["call", "deposit", "cure"])
    last = path.history.iloc[-1]
    assert found.final.loc["resolved", "final_equity"] == pytest.approx(last["equity"] + last["reserve"])
    assert found.final.loc["resolved", "total_return"] == pytest.approx(path.summary["total_return"])


def test_funding_and_interest_are_paid_once():
    # a bar that finer ones pass through unharmed leaves what the path leaves, payments and all
    bars = bars_of(*[[100, 100, WIDE, 100, 100]] * 2, funding=[[0, 0, 0.001, 0, 0.002], [0, 0, -0.002, 0, 0.001]])
    inside = [100] * 8 + UP_AND_DOWN + [100] * 8
    detail = bars_of(inside, inside, every="15min", funding=[[0.5] * 20, [0.25] * 20])
    venue = venue_of(borrow_rate=5.0, short_borrow_rate=3.0, taker_fee=0.0005)
    account = bt.Account(leverage=10, margin_mode="cross")
    signals = targets_of("0.5 . . . .", "-0.5 . . . .")
    found = bracket(bars, signals, venue=venue, account=account, detail=detail)
    path = bt.run(bars, signals, venue=venue, account=account.model_copy(update={"intrabar": "path"}))
    assert found.liquidations["verdict"].tolist() == ["averted"] * 2
    assert found.final.loc["resolved", "final_equity"] == pytest.approx(path.equity.iloc[-1], rel=1e-12)
    assert path.summary["interest"] > 1
    assert path.summary["funding"] > 1

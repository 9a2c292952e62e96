"""The records that a close may set, and the bars that a glance may pass over, against all closes one by one."""

import math

import numpy as np
import pandas as pd
import pytest
from comparison import replayed
from scenes import bars_of, play, values, venue_of

import backtest as bt

NAMES = ("open", "high", "low", "close")
LADDER = [(0, 1 / 64, 16), (2048, 1 / 32, 16), (4096, 3 / 64, 16), (6144, 15 / 256, 16)]
RULES = {"cash": 1024.0, "leverage": 8, "tiers": LADDER, "sizing": "cash"}


def prices_of(seed, instruments, bars=100):
    """Return closes (T, M) in sixteenths that drift to and fro, and bars that hardly reach beyond them."""
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.3, (bars, instruments)) + 0.4 * np.sin(np.arange(bars) / 15 + seed)[:, None]
    closes = np.maximum(np.round((100 + steps.cumsum(axis=0)) * 16) / 16, 20.0)
    index = pd.date_range("2024-01-01", periods=bars, freq="1h", tz="UTC")
    frames = {}
    for i in range(instruments):
        opened = np.r_[closes[0, i], closes[:-1, i]]
        high, low = np.maximum(opened, closes[:, i]) + 1 / 16, np.minimum(opened, closes[:, i]) - 1 / 16
        frames[f"S{i}"] = pd.DataFrame(dict(zip(NAMES, (opened, high, low, closes[:, i]), strict=True)), index)
    return bt.Bars.from_frames(frames), closes


def signals_of(seed, closes):
    random = np.random.default_rng(seed + 100)
    share = 1.0 / closes.shape[1]
    return np.where(random.random(closes.shape) < 0.93, np.nan, random.uniform(-share, share, closes.shape))


def maintenance_lines():
    """Return floors, rates and deductions of the ladder."""
    floors, rates = (np.array([tier[k] for tier in LADDER]) for k in (0, 1))
    return floors, rates, np.cumsum(floors * np.diff(rates, prepend=rates[0]))


def liquidation_mark(quantity, level):
    """Return where level + quantity * mark is what the ladder asks for, NaN for nowhere: every line is tried."""
    floors, rates, deductions = maintenance_lines()
    size = abs(quantity)
    for floor, ceiling, rate, deduction in zip(floors, [*floors[1:], math.inf], rates, deductions, strict=True):
        mark = -(level + deduction) / (quantity - size * rate)
        if mark > 0 and floor <= size * mark <= ceiling:
            return mark
    return math.nan


def required(notional):
    """Return the maintenance margin of a notional."""
    _, rates, deductions = maintenance_lines()
    return (notional * rates - deductions).max()


def quantities_of(result, bars, instruments):
    """Return what is held at every close, (T, M)."""
    held = np.zeros((bars, instruments))
    for row in result.fills.itertuples():
        held[result.history.index.get_loc(row.time) :, int(row.symbol[1:])] += row.quantity
    return np.where(np.abs(held) < 1e-9, 0.0, held)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("margin_mode", "instruments"), [("isolated", 1), ("cross", 1), ("cross", 2)])
def test_records_are_those_of_all_closes(seed, margin_mode, instruments):
    bars, closes = prices_of(seed, instruments)
    result = play(bars, signals_of(seed, closes), margin_mode=margin_mode, **RULES)
    held, history = quantities_of(result, *closes.shape), result.history
    nearest = 1.0
    for t, i in zip(*np.nonzero(held), strict=True):
        quantity, mark = held[t, i], closes[t, i]
        free = history["equity"].iloc[t] - (history["wallet"].iloc[t] if margin_mode == "isolated" else 0.0)
        others = history["maintenance_margin"].iloc[t] - required(abs(quantity) * mark)
        distance = np.sign(quantity) * (mark - liquidation_mark(quantity, free - others - quantity * mark)) / mark
        nearest = min(nearest, distance)
    assert nearest < 0.35
    assert result.summary["smallest_liquidation_distance"] == pytest.approx(nearest, rel=1e-9)
    assert result.summary["highest_margin_ratio"] == history["margin_ratio"].max()
    assert result.summary["highest_effective_leverage"] == history["effective_leverage"].max()
    assert len(result.fills) > 8


def test_isolated_positions_set_the_records_that_each_sets_alone():
    seed = 1
    bars, closes = prices_of(seed, 3, 60)
    signals = signals_of(seed, closes) / 2
    together = play(bars, signals, **RULES)
    assert together.orders.empty
    alone = [play(bars, np.where(np.arange(3) == i, signals, np.nan), **RULES).summary for i in range(3)]
    for name, extreme in (("smallest_liquidation_distance", min), ("highest_margin_ratio", max)):
        assert together.summary[name] == extreme(summary[name] for summary in alone)


def test_a_smaller_position_may_come_nearer_to_its_liquidation():
    # 800 units on 10 000 need 0.06 * 80 000 - 198 and die 7.2 % below; then 42 on 525, of which the last tier takes
    # nothing more below 94.3: they die at 3675 / (42 * 0.99), and 95 is nearer to it than that
    tiers = [(0, 0.01, 16), (3960, 0.06, 16)]
    bars = bars_of([100] * 3 + [(100, 100, 95, 95)] + [95] * 2)
    result = play(bars, "1 0.0525 . . . .", cash=10_000.0, leverage=8, sizing="cash", tiers=tiers)
    assert result.liquidations.empty
    dead = 3675 / (42 * 0.99)
    assert result.summary["smallest_liquidation_distance"] == pytest.approx((95 - dead) / 95, rel=1e-12)
    assert result.history["margin_ratio"].idxmax() == result.history.index[1]


def test_a_less_leveraged_cross_account_may_come_nearer_to_its_liquidation():
    # four positions of 20 units on 1000; then a long of 25 and a short of 16
    bars = bars_of(*[[100] * 4] * 4)
    rules = {"cash": 1000.0, "leverage": 10, "sizing": "cash", "margin_mode": "cross"}
    result = play(bars, "0.2 0.25 . .", "0.2 0 . .", "-0.2 -0.16 . .", "-0.2 0 . .", **rules)
    dead = (1500 + 0.004 * 1600) / (25 * 0.996)
    assert result.summary["smallest_liquidation_distance"] == pytest.approx((100 - dead) / 100, rel=1e-12)
    assert result.summary["highest_effective_leverage"] == 8


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"stop_loss": 0.02},
        {"take_profit": 0.02, "reentry": "bar", "on_liquidation": "reenter"},
        {"intrabar": "path", "liquidation_fee": 0.01},
        {"sizing": "equity", "leverage": 16},
    ],
)
@pytest.mark.parametrize(("seed", "instruments"), [(0, 1), (2, 2)])
def test_bars_passed_over_leave_what_bars_walked_in_full_leave(seed, instruments, rules, margin_mode):
    # before anything asks for the details of each bar, for which no bar is passed over
    bars, closes = prices_of(seed, instruments, 60)
    settings = {**RULES, **rules, "margin_mode": margin_mode}
    account = bt.Account(**{name: value for name, value in settings.items() if name in bt.Account.model_fields})
    venue = venue_of(**{name: settings[name] for name in settings if name not in bt.Account.model_fields})
    signals = np.where(signals_of(seed, closes) > 0.5, 0.0, signals_of(seed, closes) * 2).clip(-1, 1)
    passed, walked = (replayed(bars, signals, account, venue, skip)._source.outcome for skip in (True, False))
    assert passed.columns.equity.tolist() == walked.columns.equity.tolist()
    assert passed.columns.equity_low.tolist() == walked.columns.equity_low.tolist()
    for name in passed.book.account.dtype.names:
        if name not in ("busy", "constant", "deductions"):
            assert passed.book.account[name] == walked.book.account[name], name
    assert passed.logs.fills.tolist() == walked.logs.fills.tolist()
    assert 0 < passed.book.account.bars_held < len(bars)


@pytest.mark.parametrize(
    ("opened", "close", "rate", "deduction"),
    [
        (100, 125 * (1 + 5e-13), 3 / 8, 312.5),
        (100, 125 * (1 - 5e-13), 1 / 4, 0),
        (150, 125 * (1 + 5e-13), 3 / 8, 312.5),
        (150, 125 * (1 - 5e-13), 1 / 4, 0),
    ],
)
def test_tier_a_hair_from_its_floor_in_a_bar_without_events(opened, close, rate, deduction):
    # 20 units, 2500 at a price of 125
    bars = bars_of([opened] * 3 + [(opened, max(opened, close), min(opened, close), close)])
    tiers = [(0, 1 / 4, 2), (2500, 3 / 8, 2)]
    result = play(bars, "1 . . .", cash=10.0 * opened, leverage=2, sizing="cash", tiers=tiers)
    assert result.history["maintenance_margin"].iloc[-1] == 20 * rate * close - deduction


def test_an_order_of_one_instrument_leaves_the_maintenance_of_another():
    # 30 units need 3/8 of 3000 less 312.5; 10 of the other need a quarter of 1000
    tiers = [(0, 1 / 4, 2), (2500, 3 / 8, 2)]
    result = play(bars_of([100] * 5, [100] * 5), "0.3 . . . .", "0 0 0.1 . .", leverage=2, cash=5000.0, tiers=tiers)
    assert result.history["maintenance_margin"].tolist() == [0, 812.5, 812.5, 1062.5, 1062.5]


@pytest.mark.parametrize("bar", [2, 3])
def test_funding_brings_the_liquidation_nearer_for_the_bars_after_it(bar):
    # 50 units on 500 die at 4500 / 49.8 = 90.4, and after a payment of 250 at 4750 / 49.8 = 95.4; the rest of the
    # wallet keeps the account as a whole from looking ruined
    rows = [100] * 4
    rows[bar] = (100, 100, 93, 100)
    result = play(bars_of(rows, funding=([0, 0, 0.05, 0],)), "0.5 . . .", leverage=10, cash=1000.0)
    assert values(result.liquidations, "bar", "mark_price") == [(bar, pytest.approx(4750 / 49.8))]

"""Settings replayed together against each of them replayed alone: every figure of the summary."""

import math

import numpy as np
import pandas as pd
import pytest
from comparison import bars_of, settings_of, signals_of, symbols_of
from draws import DECIMAL, DYADIC, cases
from hypothesis import assume, given
from hypothesis import strategies as st

import backtest as bt
from backtest.outcome.sources import Replayed
from backtest.replaying.engine import inputs_of, replay
from backtest.replaying.records import rules_of
from backtest.signalling.signals import as_signals
from backtest.sweeping import batches
from backtest.sweeping.batches import Batches, covers

ROUNDED = (
    "max_drawdown",
    "max_drawdown_low",
    "calmar",
    "highest_margin_ratio",
    "smallest_liquidation_distance",
    "highest_effective_leverage",
)
"""Figures that may differ by rounding; all others are equal to the bit."""

TIERS = [
    bt.Tier(floor=floor, maintenance_rate=rate, max_leverage=leverage)
    for floor, rate, leverage in ((0, 0.004, 50), (20_000, 0.01, 20), (80_000, 0.03, 10))
]


def together_and_alone(bars, signals, settings):
    """Return the summaries of settings (account, venue) that share a venue's tiers, replayed both ways."""
    given = as_signals(signals, bars)
    rules = [rules_of(account, venue, bars.symbols) for account, venue in settings]
    rules = [each._replace(tiers=rules[0].tiers, contracts=rules[0].contracts) for each in rules]
    assert all(covers(bars, given, *each) for each in settings)
    inputs = inputs_of(bars, given, rules[0])
    together = Batches(inputs.market, inputs.schedule, bars.has_marks).summaries(rules)
    alone = []
    for (account, venue), each in zip(settings, rules, strict=True):
        own = inputs._replace(rules=each)
        alone.append(Replayed(bars, account, venue, None, own, replay(own)).summary())
    return together, alone


def assert_same(together, alone):
    """Assert that two summaries say the same."""
    assert list(together) == list(alone.index)
    for name, expected in alone.items():
        found = together[name]
        if isinstance(expected, float) and math.isnan(expected):
            assert math.isnan(found), name
        elif name in ROUNDED:
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), name
        else:
            assert found == expected, name


def market_of(seed):
    """Return bars and targets of a random walk, on ticks or not, with gaps, marks and funding or without."""
    random = np.random.default_rng(seed)
    bars = int(random.choice([2, 5, 30, 120, 400]))
    volatility = random.choice([0.0005, 0.002, 0.01, 0.03])
    close = 100.0 * np.exp(np.cumsum(random.normal(0, volatility, bars)))
    opens = np.r_[100.0, close[:-1]] * np.exp(random.normal(0, volatility / 3, bars) * random.integers(0, 2))
    if random.random() < 0.4:
        opens, close = np.round(opens, 1), np.round(close, 1)
    wick = 1.0 + volatility * random.random((2, bars))
    frame = pd.DataFrame({"open": opens, "close": close})
    frame["high"], frame["low"] = frame.max(axis=1) * wick[0], frame.min(axis=1) / wick[1]
    frame.index = pd.date_range(
        "2024-01-03 05:00", periods=bars, freq=random.choice(["1min", "1h", "7h", "1D"]), tz="UTC"
    )
    if random.random() < 0.4:
        shift = np.exp(random.normal(0, volatility / 5, bars))
        for name in ("open", "high", "low", "close"):
            frame[f"mark_{name}"] = frame[name] * shift
    if random.random() < 0.5:
        frame["funding_rate"] = np.where(random.random(bars) < 0.1, random.normal(0, 0.001, bars), 0.0)
    if random.random() < 0.2 and bars > 5:
        frame.iloc[1 + np.flatnonzero(random.random(bars - 1) < 0.1)] = np.nan
    changes = random.random((bars, 1)) < random.choice([0.002, 0.03, 0.3])
    targets = np.where(changes, random.choice([-1.0, 1.0, 0.5, 0.0, -0.3, 1e-6], (bars, 1)), np.nan)
    targets[0] = random.choice([1.0, -1.0, 0.5, 0.0])
    return bt.Bars.from_frames({"S": frame}), targets


@st.composite
def accounts(draw):
    """Draw an account that can be replayed with others."""
    return bt.Account(
        cash=draw(st.sampled_from((10_000.0, 3_000.0, 200_000.0))),
        leverage=draw(st.sampled_from((1.0, 1.5, 2.0, 5.0, 10.0, 19.0, 50.0))),
        margin_mode=draw(st.sampled_from(("isolated", "cross"))),
        sizing=draw(st.sampled_from(("equity", "cash"))),
        reentry=draw(st.sampled_from(("signal", "bar"))),
        on_liquidation=draw(st.sampled_from(("wait", "reenter", "stop"))),
        intrabar=draw(st.sampled_from(("worst", "path", "best"))),
        stop_loss=draw(st.sampled_from((None, None, 0.003, 0.02, 0.08))),
        take_profit=draw(st.sampled_from((None, None, 0.005, 0.1))),
    )


@st.composite
def venues(draw):
    """Draw fees of a venue."""
    return bt.Venue(
        tiers=TIERS,
        taker_fee=draw(st.sampled_from((0.0, 0.0005))),
        slippage=draw(st.sampled_from((0.0, 0.001))),
        liquidation_fee=draw(st.sampled_from((0.0, 0.01))),
        liquidation_slippage=draw(st.sampled_from((0.0, 0.002))),
        liquidation=draw(st.sampled_from(("full", "step_down"))),
        residual=draw(st.sampled_from(("return", "forfeit"))),
    )


@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(accounts(), venues()), min_size=1, max_size=6),
    st.sampled_from((1, 2, 3, 16, 256)),
)
def test_a_batch_equals_its_settings_alone_on_random_walks(seed, settings, longest):
    bars, targets = market_of(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "LONGEST", longest)
        for together, alone in zip(*together_and_alone(bars, targets, settings), strict=True):
            assert_same(together, alone)


@given(st.one_of(cases(DYADIC, most=1), cases(DECIMAL, most=1)), st.sampled_from((1, 2, 256)))
def test_a_batch_equals_its_settings_alone_under_every_rule(case, longest):
    account, venue = settings_of(case)
    account = account.model_copy(update={"reserve": 0.0, "rebalance": "signal"})
    venue = venue.model_copy(update={"borrow_rate": 0.0, "short_borrow_rate": None})
    assume(not (case.columns or case.hedged) and account.on_liquidation != "refill")
    bars = bars_of(case.market, symbols_of(case))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "LONGEST", longest)
        (together,), (alone,) = together_and_alone(bars, signals_of(case), [(account, venue)])
    assert_same(together, alone)


@pytest.mark.parametrize("block", [1, 2, 3, 16])
def test_a_full_log_costs_a_second_look_and_nothing_else(block, monkeypatch):
    bars, targets = market_of(3)
    targets = np.tile([1.0, -1.0], len(bars))[: len(bars), None]
    settings = [(bt.Account(leverage=leverage), bt.Venue(tiers=TIERS)) for leverage in (1, 5, 50, 2)]
    monkeypatch.setattr(batches, "BLOCK", block)
    made, asked = batches.new_rooms, []

    def small_at_first(lanes, sizes):
        asked.append([1 if not asked else size for size in sizes])  # a flip takes two fills
        return made(lanes, asked[-1])

    monkeypatch.setattr(batches, "new_rooms", small_at_first)
    for together, alone in zip(*together_and_alone(bars, targets, settings), strict=True):
        assert_same(together, alone)
    assert len(asked) > 1


@pytest.mark.parametrize(
    ("account", "venue"),
    [
        ({"rebalance": "bar"}, {}),
        ({"reserve": 1.0}, {}),
        ({"on_liquidation": "refill"}, {}),
        ({}, {"borrow_rate": 0.1}),
        ({}, {"short_borrow_rate": 0.1}),
    ],
)
def test_what_does_not_stand_still_is_left_to_the_replay_of_one(account, venue):
    bars, targets = market_of(3)
    given = as_signals(targets, bars)
    assert not covers(bars, given, bt.Account(**account), bt.Venue(tiers=TIERS, **venue))
    assert covers(bars, given, bt.Account(), bt.Venue(tiers=TIERS))


def test_columns_and_several_instruments_are_left_to_the_replay_of_one():
    bars, _ = market_of(3)
    terms = bt.Account(), bt.Venue(tiers=TIERS)
    ones = np.ones(len(bars))
    table = pd.DataFrame({"target": ones, "stop_loss": ones / 10}, bars.time)
    both = pd.DataFrame({"target_long": ones, "target_short": -ones}, bars.time)
    assert not covers(bars, as_signals(table, bars), *terms)
    assert not covers(bars, as_signals(both, bars), *terms)
    pair = bt.Bars.from_frames({"A": bars.frame("S"), "B": bars.frame("S")})
    assert not covers(pair, as_signals(np.ones((len(pair), 2)), pair), *terms)

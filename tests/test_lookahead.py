"""The prefix check: strategies that look ahead are found, and only those."""

import numpy as np
import pandas as pd
import pytest
from walks import frame_of, walk

from backtest.errors import ConfigError
from backtest.market.bars import Bars
from backtest.signalling.lookahead import check_lookahead
from backtest.signalling.strategies import Strategy

ONE = Bars.from_frames({"BTCUSDT": walk()})
TWO = Bars.from_frames({"BTCUSDT": walk(), "ETHUSDT": walk(seed=1)})


def next_bar(data):
    return (data["close"].shift(-1) > data["close"]) * 1.0


def next_jump(data):
    return (data["close"].shift(-1) > data["close"] * 1.05) * 1.0


def centred_mean(data):
    return np.sign(data["close"] - data["close"].rolling(21, center=True).mean())


def whole_sample_score(data):
    return np.tanh((data["close"] - data["close"].mean()) / data["close"].std())


def day_close(data):
    return np.sign(data["close"].resample("1D").transform("last") - data["close"])


def filled_backwards(data):
    return np.sign(data["close"].diff(24)).bfill()


def by_length(data):
    return pd.Series(np.arange(len(data)) / len(data), data.index)


@pytest.mark.parametrize(
    "leaky", [next_bar, next_jump, centred_mean, whole_sample_score, day_close, filled_backwards, by_length]
)
def test_look_ahead_is_found(leaky):
    report = check_lookahead(Strategy.from_function(leaky), ONE)
    leak = report.leak
    assert not report.passed
    full, prefix = leaky(ONE.frame("BTCUSDT")), leaky(ONE.frame("BTCUSDT").iloc[: leak.prefix])
    shorter = leaky(ONE.frame("BTCUSDT").iloc[: leak.prefix - 1])
    assert (leak.time, leak.symbol, leak.column) == (ONE.time[leak.row], "BTCUSDT", "target")
    assert (leak.with_all_bars, leak.with_prefix) == pytest.approx(
        (full.iloc[leak.row], prefix.iloc[leak.row]), nan_ok=True
    )
    assert leak.with_all_bars != leak.with_prefix
    np.testing.assert_allclose(full.iloc[: leak.row], prefix.iloc[: leak.row], atol=1e-9)
    np.testing.assert_allclose(full.iloc[: leak.prefix - 1], shorter, atol=1e-9)
    assert f"{leaky.__name__} looks ahead: its signal at {leak.time:%Y-%m-%d %H:%M} in BTCUSDT" in str(report)


def test_the_first_bar_that_peeks_is_found_exactly():
    frame = frame_of(np.full(500, 100.0))

    def late_peek(data):
        target = pd.Series(0.0, data.index)
        if len(data) > 321:
            target.iloc[314] = 1.0
        return target

    report = check_lookahead(Strategy.from_function(late_peek), Bars.from_frames({"BTCUSDT": frame}))
    assert (report.leak.row, report.leak.with_all_bars, report.leak.with_prefix) == (314, 1.0, 0.0)
    assert report.leak.prefix == 315
    assert str(report) == (
        "late_peek looks ahead: its signal at 2020-01-14 02:00 in BTCUSDT (row 314) is 1.0 with all bars, "
        "but 0.0 with the first 315 only"
    )


def test_a_leak_that_only_one_prefix_shows_is_found_at_the_change():
    close = np.repeat([100.0, 110.0], [700, 1300])

    def peek(data):
        return (data["close"].shift(-1).ffill() > 105) * 1.0

    report = check_lookahead(Strategy.from_function(peek), Bars.from_frames({"BTCUSDT": frame_of(close)}), cuts=8)
    assert (report.leak.row, report.leak.prefix) == (699, 700)


def test_the_symbol_that_leaks_is_named():
    def second_leaks(data):
        return pd.DataFrame({"BTCUSDT": data["BTCUSDT"]["close"] * 0, "ETHUSDT": next_bar(data["ETHUSDT"])})

    report = check_lookahead(Strategy.from_function(second_leaks), TWO)
    assert report.leak.symbol == "ETHUSDT"


def test_a_leak_through_a_parameter_is_found_only_with_it():
    def shifted(data, shift):
        return np.sign(data["close"].shift(shift) - data["close"])

    made = Strategy.from_function(shifted, {"shift": 1})
    assert check_lookahead(made, ONE).passed
    assert not check_lookahead(made, ONE, {"shift": -1}).passed


def test_a_causal_strategy_passes_and_says_over_how_many_prefixes():
    def causal(data):
        return np.sign(data["close"].diff(24)).ffill()

    report = check_lookahead(Strategy.from_function(causal), ONE)
    assert report.passed
    assert report.repeatable
    assert report.skipped == ()
    assert report == check_lookahead(Strategy.from_function(causal), ONE)
    assert len(report.cuts) > 25
    assert {599, 598, 597, 596} <= set(report.cuts) <= set(range(1, 600))
    assert str(report) == f"causal shows no look-ahead in {len(report.cuts)} prefixes of 600 bars"


def test_rounding_is_not_look_ahead():
    def rounded(data):
        return pd.Series(0.5 + 1e-12 * len(data), data.index)

    assert check_lookahead(Strategy.from_function(rounded), ONE).passed


def test_rounding_of_money_and_leverage_is_not_look_ahead():
    def rounded(data):
        return data.assign(target=0.5, margin_add=1e6 + 1e-6 * len(data), leverage=100 + 1e-10 * len(data))

    assert check_lookahead(Strategy.from_function(rounded), ONE).passed


# ---- columns beside the target


def causal_columns(data):
    change = data["close"].diff()
    level = 1 + change.abs().rolling(5).mean()
    return data.assign(
        target=np.sign(change), leverage=level, stop_loss=np.inf, take_profit=level, margin_add=change.abs()
    )


CLAIRVOYANT = {
    "leverage": lambda data: 1 + next_bar(data),
    "stop_loss": lambda data: next_bar(data).map({0.0: np.inf, 1.0: 0.5}),
    "take_profit": lambda data: next_bar(data).map({0.0: np.nan, 1.0: np.inf}),
    "margin_add": lambda data: 10 * next_bar(data),
}


def test_causal_columns_pass_with_infinity_and_nan():
    report = check_lookahead(Strategy.from_function(causal_columns), ONE)
    assert report.passed
    assert len(report.cuts) > 25


@pytest.mark.parametrize("name", CLAIRVOYANT)
def test_a_leak_in_any_column_is_found_and_named(name):
    def leaky(data):
        return causal_columns(data).assign(**{name: CLAIRVOYANT[name](data)})

    report = check_lookahead(Strategy.from_function(leaky), ONE)
    leak = report.leak
    assert not report.passed
    assert leak.column == name
    frame = ONE.frame("BTCUSDT")
    assert leak.with_all_bars == pytest.approx(leaky(frame)[name].iloc[leak.row], nan_ok=True)
    assert leak.with_prefix == pytest.approx(leaky(frame.iloc[: leak.prefix])[name].iloc[leak.row], nan_ok=True)
    assert f"leaky looks ahead: its {name} at {leak.time:%Y-%m-%d %H:%M} in BTCUSDT (row {leak.row}) is" in str(report)


@pytest.mark.parametrize("leg", ["target_long", "target_short"])
def test_a_leak_in_a_leg_is_found_with_its_symbol(leg):
    def leaky(data):
        made = {s: pd.DataFrame({"target_long": 0.5, "target_short": 0.5}, frame.index) for s, frame in data.items()}
        made["ETHUSDT"][leg] = next_bar(data["ETHUSDT"])
        return made

    leak = check_lookahead(Strategy.from_function(leaky), TWO).leak
    assert (leak.symbol, leak.column) == ("ETHUSDT", leg)
    assert {abs(leak.with_all_bars), abs(leak.with_prefix)} == {0.0, 1.0}
    assert min(leak.with_all_bars, leak.with_prefix) == (0.0 if leg == "target_long" else -1.0)


def test_the_earliest_leak_of_all_columns_is_named():
    def leaky(data):
        made = data.assign(target=0.0, leverage=1.0, stop_loss=0.5)
        if len(data) == 600:
            made.iloc[400, made.columns.get_loc("target")] = 1.0
            made.iloc[300, made.columns.get_loc("stop_loss")] = 0.25
            made.iloc[300, made.columns.get_loc("leverage")] = 2.0
        return made

    leak = check_lookahead(Strategy.from_function(leaky), ONE).leak
    assert (leak.row, leak.column, leak.with_all_bars, leak.with_prefix) == (300, "leverage", 2.0, 1.0)


def test_a_column_that_appears_with_later_bars_is_a_leak():
    def late(data):
        return data.assign(target=0.0, **({"leverage": 3.0} if len(data) > 590 else {}))

    leak = check_lookahead(Strategy.from_function(late), ONE).leak
    assert (leak.row, leak.column, leak.with_all_bars, leak.prefix) == (0, "leverage", 3.0, 1)
    assert np.isnan(leak.with_prefix)

    def vanishing(data):
        return data.assign(target=0.0, **({"leverage": 3.0} if len(data) < 590 else {}))

    leak = check_lookahead(Strategy.from_function(vanishing), ONE).leak
    assert (leak.row, leak.column, leak.with_prefix, leak.prefix) == (0, "leverage", 3.0, 1)


def test_a_hedge_that_appears_with_later_bars_is_a_leak():
    def late(data):
        return data.assign(**({"target_long": 0.5} if len(data) > 590 else {"target": 0.5}))

    leak = check_lookahead(Strategy.from_function(late), ONE).leak
    assert (leak.row, leak.column, leak.with_all_bars) == (0, "target_long", 0.5)


def test_rare_changes_of_one_column_are_cut_at_beside_busy_ones():
    close = np.repeat([100.0, 110.0], [700, 1300])

    def peek(data):
        ahead = (data["close"].shift(-1).ffill() > 105) * 1.0
        return data.assign(target=ahead, leverage=1 + np.arange(len(data)) % 7, stop_loss=0.5)

    report = check_lookahead(Strategy.from_function(peek), Bars.from_frames({"BTCUSDT": frame_of(close)}), cuts=8)
    assert (report.leak.row, report.leak.prefix, report.leak.column) == (699, 700, "target")


@pytest.mark.parametrize("cuts", [1, 2, 3, 5, 1000])
def test_any_number_of_cuts_is_shared_among_the_columns(cuts):
    report = check_lookahead(Strategy.from_function(causal_columns), ONE, cuts=cuts)
    assert report.passed
    assert 1 <= len(report.cuts) <= cuts


def test_a_leak_that_does_not_come_again_is_no_pass():
    calls = []

    def moody(data):
        calls.append(len(data))
        return pd.Series(1.0 if len(data) < 600 and len(calls) < honest_from else 0.0, data.index)

    honest_from = 10_000
    made = Strategy.from_function(moody)
    assert check_lookahead(made, ONE).leak.row == 0
    honest_from = len(calls)
    calls.clear()
    report = check_lookahead(made, ONE)
    assert (report.passed, report.repeatable, report.leak) == (False, False, None)


def test_a_random_strategy_is_not_called_clairvoyant():
    random = np.random.default_rng(3)
    report = check_lookahead(Strategy.from_function(lambda data: random.random(len(data))), ONE)
    assert not report.passed
    assert not report.repeatable
    assert report.leak is None
    assert "gives other signals when it is run again on the same bars" in str(report)


def needs_300(data):
    if len(data) < 300:
        raise ValueError("too short")
    return data["close"] * 0


def test_prefixes_too_short_for_the_strategy_are_skipped():
    report = check_lookahead(Strategy.from_function(needs_300), ONE)
    assert report.passed
    assert report.skipped
    assert max(report.skipped) < 300 <= min(report.cuts)


def test_a_leak_above_the_prefixes_that_fail_is_found():
    def leaky(data):
        return needs_300(data) + next_bar(data)

    report = check_lookahead(Strategy.from_function(leaky), ONE)
    assert report.leak.row >= 299
    assert report.skipped


def test_a_strategy_that_fails_on_every_prefix_is_an_error():
    def greedy(data):
        if len(data) < 600:
            raise ValueError("too short")
        return data["close"] * 0

    with pytest.raises(ConfigError, match="strategy greedy failed with ValueError: too short"):
        check_lookahead(Strategy.from_function(greedy), ONE)


@pytest.mark.parametrize("cuts", [1, 2, 3, 5, 1000])
def test_any_number_of_cuts_stays_inside_the_bars(cuts):
    report = check_lookahead(Strategy.from_function(lambda data: np.sign(data["close"].diff())), ONE, cuts=cuts)
    assert report.passed
    assert 1 <= len(report.cuts) <= cuts
    assert 1 <= min(report.cuts) <= max(report.cuts) <= 599


def test_two_bars_are_enough_and_one_is_not():
    made = Strategy.from_function(next_bar)
    report = check_lookahead(made, Bars.from_frames({"BTCUSDT": frame_of([1, 2])}))
    assert (report.cuts, report.leak.row) == ((1,), 0)
    with pytest.raises(ConfigError, match="needs at least 2 bars, got 1"):
        check_lookahead(made, Bars.from_frames({"BTCUSDT": frame_of([1])}))
    with pytest.raises(ConfigError, match="cuts must be at least 1, got 0"):
        check_lookahead(made, ONE, cuts=0)

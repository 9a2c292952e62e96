"""The five strategies that ship, by hand and on real data."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from walks import frame_of, walk

from backtest.errors import ConfigError
from backtest.market.bars import Bars
from backtest.signalling.lookahead import check_lookahead
from backtest.signalling.strategies import strategy

ROOT = Path(__file__).parents[1]
SHIPPED = ("buy_and_hold", "donchian_breakout", "moving_average_cross", "relative_momentum", "rsi_mean_reversion")


def real(name, rows=None):
    frame = pd.read_parquet(ROOT / "data" / name).set_index("timestamp")
    return frame if rows is None else frame.iloc[:rows]


def shipped(name):
    return strategy(ROOT / "strategies" / f"{name}.py")


def target_of(name, frames, **params):
    target = shipped(name).signals(Bars.from_frames(frames), params).target
    return target[:, 0] if len(frames) == 1 else target


def test_five_strategies_ship():
    assert {path.stem for path in (ROOT / "strategies").glob("*.py")} == set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_strategy_is_short_and_documented(name):
    source = (ROOT / "strategies" / f"{name}.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 60
    loaded = shipped(name)
    assert loaded.doc
    for parameter in loaded.params:
        assert f"\n{parameter} : " in source


@pytest.mark.parametrize("name", SHIPPED)
def test_no_strategy_looks_ahead_on_real_data(name):
    if name == "relative_momentum":
        bars = Bars.from_frames({"BTCUSD": real("btcusd_30m.parquet"), "ETHUSD": real("ethusd_30m.parquet")})
    else:
        bars = Bars.from_frames({"BTCUSDT": real("btcusdt_1h.parquet")})
    loaded = shipped(name)
    report = check_lookahead(loaded, bars, cuts=24)
    assert report.passed, str(report)
    assert report.skipped == ()
    assert (loaded.signals(bars).target != 0).any()


@pytest.mark.parametrize("name", ["donchian_breakout", "moving_average_cross", "rsi_mean_reversion"])
def test_missing_bars_change_no_signal_of_the_others(name):
    whole = real("btcusdt_1h.parquet", 2000)
    holes = whole.copy()
    holes[:] = np.nan
    gaps = np.random.default_rng(4).random(2000) < 0.2
    holes[~gaps] = whole[~gaps]
    compact = whole[~gaps]
    with_gaps = pd.Series(target_of(name, {"BTCUSDT": holes})).ffill()
    without = pd.Series(target_of(name, {"BTCUSDT": compact})).ffill()
    np.testing.assert_array_equal(with_gaps[~gaps], without)
    assert without.nunique() > 1


def test_buy_and_hold_never_changes_its_mind():
    assert target_of("buy_and_hold", {"BTCUSDT": walk(5)}).tolist() == [1.0] * 5
    assert target_of("buy_and_hold", {"BTCUSDT": walk(5)}, target=-0.5).tolist() == [-0.5] * 5


def test_moving_average_cross_by_hand():
    target = target_of("moving_average_cross", {"BTCUSDT": frame_of([4, 4, 4, 6, 6, 1, 2])}, fast=1, slow=3)
    np.testing.assert_array_equal(target, [np.nan, np.nan, 0, 1, 1, -1, -1])


@pytest.mark.parametrize(("fast", "slow"), [(50, 20), (20, 20), (0, 20)])
def test_moving_average_cross_refuses_means_the_wrong_way_round(fast, slow):
    with pytest.raises(ConfigError, match=f"fast must be above 0 and below slow, got fast={fast} and slow={slow}"):
        target_of("moving_average_cross", {"BTCUSDT": walk()}, fast=fast, slow=slow)


def test_donchian_breakout_by_hand():
    close = [5, 6, 5, 7, 8, 7, 6, 5, 4, 5, 6, 7]
    target = target_of("donchian_breakout", {"BTCUSDT": frame_of(close)}, entry_bars=4, exit_bars=2)
    # 8 is above the four before it; 6 is below the two before it, but not below the four; 5 is; 6 and 7 mirror that.
    assert target.tolist() == [0, 0, 0, 0, 1, 1, 0, -1, -1, -1, 0, 1]


def test_rsi_is_wilders():
    close = walk(400)["close"]
    index = shipped("rsi_mean_reversion").function.__globals__["relative_strength_index"](close, 14)
    gain, loss = 0.0, 0.0
    for t in range(1, 400):
        change = close.iloc[t] - close.iloc[t - 1]
        share = 1.0 if t == 1 else 1 / 14
        gain += share * (max(change, 0.0) - gain)
        loss += share * (max(-change, 0.0) - loss)
        if t >= 14:
            assert index.iloc[t] == pytest.approx(100 - 100 / (1 + gain / loss), abs=1e-9)
    assert index.iloc[:14].isna().all()
    assert index.iloc[14:].between(0, 100).all()


def test_rsi_mean_reversion_buys_low_and_sells_high():
    close = np.concatenate([np.full(30, 100.0), 100 - np.arange(20), 81 + np.arange(40), 120 - np.arange(30)])
    target = target_of("rsi_mean_reversion", {"BTCUSDT": frame_of(close)})
    assert (target[:30] == 0).all()
    assert (target[31:50] == 1).all()
    moves = target[np.flatnonzero(np.diff(target)) + 1].tolist()
    assert moves == [1, 0, -1, 0, 1]


def test_rsi_mean_reversion_refuses_levels_out_of_order():
    with pytest.raises(ConfigError, match=r"oversold < middle < overbought must hold, got 60\.0, 50\.0 and 70\.0"):
        target_of("rsi_mean_reversion", {"BTCUSDT": walk()}, oversold=60.0)


def test_relative_momentum_by_hand():
    frames = {"AAA": frame_of([1, 2, 3, 4, 5, 6, 7]), "BBB": frame_of([7, 6, 5, 4, 8, 20, 60])}
    target = target_of("relative_momentum", frames, lookback=2, hold=2)
    hold = [np.nan, np.nan]
    np.testing.assert_array_equal(target, [hold, hold, [0.5, -0.5], hold, [0.5, -0.5], hold, [-0.5, 0.5]])


def test_relative_momentum_compares_the_last_known_closes():
    whole = {"AAA": frame_of([1, 2, 3, 4, 5]), "BBB": frame_of([5, 5, 5, 5, 5])}
    holes = {"AAA": whole["AAA"].drop(whole["AAA"].index[4]), "BBB": whole["BBB"]}
    assert target_of("relative_momentum", holes, lookback=2, hold=2)[4].tolist() == [0.5, -0.5]


@pytest.mark.parametrize("symbols", [("AAA",), ("AAA", "BBB", "CCC")])
def test_relative_momentum_needs_two_symbols(symbols):
    with pytest.raises(ConfigError, match="give it the bars of exactly two"):
        target_of("relative_momentum", {symbol: walk(2) for symbol in symbols})

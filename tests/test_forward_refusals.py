"""Walks forward that are refused, each in one sentence."""

import numpy as np
import pandas as pd
import pytest
from frames import DATA, made
from test_forward import walk_of

import backtest as bt
from backtest.errors import ConfigError


@pytest.fixture(scope="module")
def bars():
    """Return 20 days of hourly bars."""
    return bt.Bars.from_frames({"S0": made(480, seed=5)})


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"train": "1M"}, "train must be a fixed length of time"),
        ({"test": 30}, "test must be a fixed length of time"),
        ({"test": "2h"}, r"test must be at least 3 bars \(3h\), got 2h"),
        ({"objective": "sharp"}, "objective must be a figure .* got 'sharp'; the nearest is sharpe"),
        ({"objective": "marks"}, "objective must be a figure .* got 'marks'"),
        ({"objective": 3}, "objective must be a figure .* got 3"),
        ({"over": {"cash": [100.0]}}, "over must not hold cash, which a walk carries"),
        ({"over": [{"reserve": 100.0}]}, "over must not hold reserve, which a walk carries"),
        ({"over": {"insurance_fund": [0.0, 5.0]}}, "over must not hold insurance_fund, which a walk carries"),
        ({"over": {"leverge": [1]}}, "leverge is not a setting in over; the nearest is leverage"),
        ({"over": {}}, "over must name at least one setting"),
        ({"strategy": np.ones(480)}, "strategy must be a Strategy, for it is evaluated anew, got ndarray"),
    ],
)
def test_bad_walks_are_one_sentence(bars, how, message):
    with pytest.raises(bt.ConfigError, match="^" + message):
        walk_of(bars, **how)


def test_bars_that_do_not_reach_beyond_training_are_refused(bars):
    with pytest.raises(bt.DataError, match=r"^bars must reach beyond the first training window of 365d, got 2020-01"):
        walk_of(bars, train="365d")
    with pytest.raises(bt.DataError, match=r"^bars must be Bars"):
        walk_of(bars.frame("S0"))
    frame = made(480, seed=5).drop(index=pd.date_range("2020-01-03", "2020-01-12 23:00", freq="1h", tz="UTC"))
    with pytest.raises(bt.DataError, match=r"^a training window must have bars, got none from 2020-01-11 00:00"):
        walk_of(bt.Bars.from_frames({"S0": frame}), train="2d")


@pytest.mark.parametrize(
    ("objective", "got"),
    [(lambda row: row["zzz"], "KeyError: 'zzz'"), (lambda _: "x", "ValueError: could not convert")],
)
def test_an_objective_that_fails_is_one_line(objective, got):
    bars = bt.read_bars(DATA / "btcusdt_1h.parquet")["2020-01":"2020-03"]
    strategy = bt.strategy(DATA.parent / "strategies" / "buy_and_hold.py")
    with pytest.raises(ConfigError, match=f"^objective must return a number for a row, got {got}"):
        bt.walk_forward(
            bars, strategy, over={"leverage": [1, 2]}, train="30d", test="10d", objective=objective,
            venue=bt.venue("binance_usdm"),
        )  # fmt: skip

"""Bars as a run keeps them: what comes back is what was replayed."""

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of
from wild import market_of

import backtest as bt
from backtest.market.long_bars import bars_from, long_frame


def whole(bars):
    """Return the frame that a run keeps of bars."""
    return long_frame(bars, bars.has_marks, len(bars.funding) > 0)


def check(bars):
    """Assert that bars come back as they were, to the bit."""
    back = bars_from(whole(bars), bars.symbols, "somewhere")
    assert back.fingerprint == bars.fingerprint
    assert back.symbols == bars.symbols
    assert back.source == "somewhere"
    for symbol in bars.symbols:
        pd.testing.assert_frame_equal(back.frame(symbol), bars.frame(symbol).drop(columns="volume", errors="ignore"))


@pytest.mark.parametrize("seed", range(12))
def test_wild_markets_come_back(seed):
    check(bt.Bars.from_frames(market_of(seed, 1 + seed % 4)))


def test_real_bars_come_back_with_funding_and_marks():
    bars = bt.read_bars("data/btcusdt_1h.parquet")["2020-03":"2020-04"].with_funding(0.0001)
    check(bars)
    marks = bars.frame("BTCUSDT")[["open", "high", "low", "close"]] * 1.001
    check(bars.with_marks({"BTCUSDT": marks.iloc[10:50]}))


def test_missing_bars_stay_missing():
    frames = {"A": bars_of([100, 101, 102, 103]).frame("S0"), "B": bars_of([10, 11, 12, 13]).frame("S0").iloc[[1, 3]]}
    bars = bt.Bars.from_frames(frames)
    assert whole(bars)["close"].isna().sum() == 2
    check(bars)


def test_pieces_have_the_columns_of_the_history():
    bars = bars_of([100, 101])
    frame = long_frame(bars, marks=True, funding=True)
    assert list(frame) == [
        *("time", "symbol", "open", "high", "low", "close", "mark_open", "mark_high", "mark_low", "mark_close"),
        "funding_rate",
    ]
    assert np.array_equal(frame["mark_low"], frame["low"])
    assert (frame["funding_rate"] == 0.0).all()


def test_slices_in_which_an_instrument_has_no_bar_come_back():
    listed = bars_of(list(range(100, 120))).frame("S0")
    late = bt.Bars.from_frames(market_of(1, 1, 60) | {"LATE": listed.set_axis(listed.index + pd.Timedelta("40h"))})
    frames = market_of(2, 2, 60)
    symbols = list(frames)
    frames[symbols[1]] = frames[symbols[1]].drop(frames[symbols[1]].index[20:40])
    gap = bt.Bars.from_frames(frames)
    for bars in (late[:10], gap[25:35], gap[10:30], gap[30:50], gap[:1]):
        check(bars)

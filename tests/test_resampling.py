"""Longer bars out of short ones, against computing them by hand."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from frames import DATA, PRICES, made, marked
from hypothesis import given
from hypothesis import strategies as st

from backtest.errors import ConfigError
from backtest.market.bars import Bars


@given(
    st.integers(0, 10_000),
    st.sets(st.integers(0, 59), min_size=1, max_size=60),
    st.sampled_from(["2h", "4h", "5h", "1D"]),
)
def test_t15_open_first_high_highest_low_lowest_close_last(seed: int, hours: set[int], every: str) -> None:
    frame = marked(made(60, seed)).assign(volume=1.0).iloc[sorted(hours)]
    bars = Bars.from_frames({"A": frame, "B": made(60)}).resample(every)
    rows = {}
    for time, row in frame.iterrows():
        rows.setdefault(time.floor(every), []).append(row)
    assert bars.time.equals(made(60).index.floor(every).unique().as_unit("ns"))
    found = bars.frame("A").dropna()
    assert found.index.tolist() == sorted(rows)
    for time, inside in rows.items():
        for prefix in ("", "mark_"):
            assert found.loc[time, f"{prefix}open"] == inside[0][f"{prefix}open"]
            assert found.loc[time, f"{prefix}high"] == max(row[f"{prefix}high"] for row in inside)
            assert found.loc[time, f"{prefix}low"] == min(row[f"{prefix}low"] for row in inside)
            assert found.loc[time, f"{prefix}close"] == inside[-1][f"{prefix}close"]
        assert found.loc[time, "volume"] == len(inside)


def test_t15_the_real_day_keeps_its_whole_range() -> None:
    frame = pd.read_parquet(DATA / "btcusdt_1h.parquet").set_index("timestamp")
    days = Bars.from_frames({"BTCUSDT": frame}).resample("1D")
    assert len(days) == 1_963
    day = days["2020-03-12":"2020-03-12"].trade[0, 0]
    assert day.tolist() == (7934.58, 7966.17, 4410.0, 4800.0)


def test_f4_funding_lands_at_the_first_bar_that_opens_at_or_after_it() -> None:
    rates = np.zeros(12)
    rates[[0, 1, 3, 4, 7, 8, 9]] = [1, 2, 4, 8, 16, 32, 64]
    bars = Bars.from_frames({"A": made(12).assign(funding_rate=rates)}).resample("4h")
    assert bars.funding[:, 0].tolist() == [1.0, 2.0 + 4.0 + 8.0, 16.0 + 32.0]


def test_funding_waits_for_the_instruments_next_bar() -> None:
    rates = np.zeros(16)
    rates[[1, 9]] = [1, 2]
    frame = made(16).assign(funding_rate=rates)
    frame = frame.drop(frame.index[4:8])
    bars = Bars.from_frames({"A": frame, "B": made(16)}).resample("4h")
    assert bars.funding[:, 0].tolist() == [0.0, 0.0, 1.0, 2.0]


@given(st.sampled_from(["2h", "4h", "8h", "1D"]), st.sampled_from(["1h", "4h", "8h"]))
def test_longer_bars_pay_what_they_would_have_paid_if_read_so(every: str, settled: str) -> None:
    bars = Bars.from_frames({"A": made(60)})
    first = bars.with_funding(0.25, every=settled).resample(every)
    then = bars.resample(every).with_funding(0.25, every=settled)
    assert first.funding.tolist() == then.funding.tolist()
    assert first.fingerprint == then.fingerprint


def test_twice_is_the_same_as_at_once() -> None:
    bars = Bars.from_frames({"A": marked(made(100))}).with_funding(0.25, every="2h")
    assert bars.resample("4h").resample("12h").fingerprint == bars.resample("12h").fingerprint


def test_weeks_start_on_thursdays() -> None:
    weeks = Bars.from_frames({"A": made(30, step="1D")}).resample("1W")
    assert [f"{time:%a %m-%d}" for time in weeks.time[:2]] == ["Thu 12-26", "Thu 01-02"]


def test_empty_stretches_are_left_out() -> None:
    frame = made(48)
    bars = Bars.from_frames({"A": frame.drop(frame.index[5:26])}).resample("4h")
    assert [time.hour for time in bars.time] == [0, 4, 0, 4, 8, 12, 16, 20]
    assert bars.present.shape == (0, 1)


def test_an_instrument_without_a_bar_in_the_slice_stays() -> None:
    bars = Bars.from_frames({"A": made(20), "B": made(4)})[8:].resample("4h")
    assert bars.symbols == ("A", "B")
    assert not bars.present[:, 1].any()
    assert bars.trade["close"][:, 1].tolist() == [1.0] * 3


@pytest.mark.parametrize(
    ("every", "message"),
    [
        ("90min", r"every must be a whole multiple of 1h, the bars' interval, got '90min'"),
        ("1MS", r"every must be a fixed length of time such as '15min', '8h' or '1D', got '1MS'"),
        (8, r"every must be a fixed length of time such as .*, got 8"),
        ("0h", r"every must be above 0 and below 292 years, got '0h'"),
        (timedelta.max, r"every must be above 0 and below 292 years, got datetime\.timedelta"),
        (pd.Timedelta("1h") + pd.Timedelta("1ns"), r"every must be a whole multiple of 1h"),
    ],
)
def test_lengths_that_are_refused(every: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Bars.from_frames({"A": made(20)}).resample(every)


@pytest.mark.parametrize("every", ["2h", "2 H", "120m", "120min", "7200s", timedelta(hours=2), pd.Timedelta("2h")])
def test_lengths_that_are_the_same(every: str) -> None:
    assert Bars.from_frames({"A": made(6)}).resample(every).interval == pd.Timedelta("2h")


def test_prices_of_the_source_are_untouched() -> None:
    bars = Bars.from_frames({"A": made(20)})
    before = bars.fingerprint
    longer = bars.resample("1h")
    assert bars.fingerprint == before == longer.fingerprint
    assert list(longer.frame("A").columns) == [*PRICES, "volume"]

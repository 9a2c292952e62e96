"""Frames and marks that bars are made of, and those that are refused."""

import numpy as np
import pandas as pd
import pytest
from frames import PRICES, made, marked

from backtest.errors import DataError
from backtest.market.bars import Bars


def test_marks_of_their_own_frames() -> None:
    trades, marks = made(10), made(10, seed=5)[2:8]
    bars = Bars.from_frames({"A": trades, "B": made(10, seed=1)}).with_marks({"A": marks})
    for price in PRICES:
        np.testing.assert_array_equal(bars.mark[price][2:8, 0], marks[price])
        np.testing.assert_array_equal(bars.mark[price][8:, 0], trades[price][8:])
        np.testing.assert_array_equal(bars.mark[price][:, 1], bars.trade[price][:, 1])
    joined = trades.join(marks[PRICES].add_prefix("mark_"))
    assert bars.fingerprint == Bars.from_frames({"A": joined, "B": made(10, seed=1)}).fingerprint


def test_marks_move_what_a_missing_bar_counts_at() -> None:
    trades = made(4)
    trades.iloc[2, :4] = np.nan
    bars = Bars.from_frames({"A": trades}).with_marks({"A": made(4, seed=5)})
    assert bars.trade[2, 0]["close"] == made(4, seed=5)["close"].iloc[1]


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        ({"C": made(3)}, r"marks must be for one of A, got 'C'"),
        (None, r"marks must be a dict of frames by symbol, got None"),
        ("marks.csv", r"marks must be a dict of frames by symbol, got 'marks\.csv'"),
        ({"A": None}, r"must be a DataFrame, got NoneType in the marks of A"),
        (
            {"A": made(3, start="2021-01-01")},
            r"marks must share a time with the bars, got none from 2021-01-01",
        ),
        (
            {"A": made(3).assign(low=0.0)},
            r"low must be above 0, got 0\.0 at .* in the marks of A \(row 0\)",
        ),
    ],
)
def test_bad_marks(marks: dict[str, pd.DataFrame], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Bars.from_frames({"A": made(3)}).with_marks(marks)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ({}, r"at least one symbol, got none in frames"),
        ([made(3)], r"frames must be a dict of frames by symbol, got list"),
        ({"A": made(3)["open"]}, r"bars must be a DataFrame, got Series in A"),
        ({"A": made(3)[:0]}, r"at least one row, got none in A"),
        ({"A": made(3).reset_index()}, r"index must be a DatetimeIndex, got RangeIndex of int64 in A"),
        ({"A": made(3).drop(columns="low")}, r"must be a column low, got open, high, close, volume in A"),
        ({"A": made(3).assign(mark_open=1.0)}, r"must be a column mark_high, got .* in A"),
        ({3: made(3)}, r"a symbol must be a name, got 3 in frames"),
        ({"A": made(3) * np.nan}, r"at least one bar, got NaN prices in every row of A"),
        ({"A": made(3)[["open", "open", "high", "low", "close"]]}, r"must be one column open, got several in A"),
    ],
)
def test_frames_that_are_none(frames: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Bars.from_frames(frames)


@pytest.mark.parametrize("symbol", ["B", None, pd.NA, np.array(["A", "A"]), pd.Series(["A", "A"])])
def test_unknown_symbol(symbol: object) -> None:
    with pytest.raises(DataError, match=r"a symbol must be one of A, got [^\n]+$"):
        Bars.from_frames({"A": made(3)}).frame(symbol)


def test_columns_are_named_in_any_case() -> None:
    frame = marked(made(5))
    for named in (str.title, str.upper):
        bars = Bars.from_frames({"A": frame.rename(columns=named)})
        assert bars.fingerprint == Bars.from_frames({"A": frame}).fingerprint
        assert bars.volume[:, 0].tolist() == frame["volume"].tolist()
    with pytest.raises(DataError, match=r"must be one column close, got several in A"):
        Bars.from_frames({"A": frame.assign(Close=1.0)})

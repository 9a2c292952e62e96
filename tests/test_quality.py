"""The rules for bars, each broken alone, and the repair of what breaks them."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from frames import PRICES, made, marked
from hypothesis import given
from hypothesis import strategies as st

from backtest.errors import DataError
from backtest.market.bars import Bars
from backtest.market.columns import MARKS, Columns, columns_of
from backtest.market.quality import Repair, check, common_step, faults, repair, sound


def spoiled(column: str, value: object, row: int = 4, rows: int = 9) -> pd.DataFrame:
    frame = marked(made(rows)).assign(funding_rate=0.0)
    frame.iloc[row, frame.columns.get_loc(column)] = value
    return frame


AT = r" at 2020-01-01 04:00 in A \(row 4\)"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (spoiled("high", 1.0), r"high must be at least low, got 1\.0 < 9\d\.\d+" + AT),
        (spoiled("open", 1.0), r"open must be within \[low, high\], got 1\.0 outside \[9\d\.\d+, \d+\.\d+\]" + AT),
        (spoiled("open", 1e9), r"open must be within \[low, high\], got 1000000000\.0 outside" + r".*" + AT),
        (spoiled("close", 1.0), r"close must be within \[low, high\], got 1\.0 outside .*" + AT),
        (spoiled("close", 1e9), r"close must be within \[low, high\], got 1000000000\.0 outside .*" + AT),
        (spoiled("low", 0.0), r"low must be above 0, got 0\.0" + AT),
        (spoiled("low", -5.0), r"low must be above 0, got -5\.0" + AT),
        (spoiled("close", np.nan), r"close must be a number where the row has other prices, got nan" + AT),
        (spoiled("open", np.nan), r"open must be a number where the row has other prices, got nan" + AT),
        (spoiled("high", np.inf), r"high must be finite, got inf" + AT),
        (spoiled("low", -np.inf), r"low must be finite, got -inf" + AT),
        (spoiled("mark_high", 1.0), r"mark_high must be at least mark_low, got 1\.0 < \d+\.\d+" + AT),
        (spoiled("mark_close", np.nan), r"mark_close must be a number where the row has other prices, got nan" + AT),
        (spoiled("mark_open", 1.0), r"mark_open must be within \[mark_low, mark_high\], got 1\.0 outside .*" + AT),
        (spoiled("mark_low", 0.0), r"mark_low must be above 0, got 0\.0" + AT),
        (spoiled("volume", -1.0), r"volume must be at least 0 and finite, got -1\.0" + AT),
        (spoiled("volume", np.inf), r"volume must be at least 0 and finite, got inf" + AT),
        (spoiled("funding_rate", -np.inf), r"funding_rate must be finite, got -inf" + AT),
    ],
)
def test_one_wrong_value(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=f"^{message}$"):
        Bars.from_frames({"A": frame})


def test_the_message_of_the_conventions() -> None:
    frame = pd.DataFrame(100.0, columns=PRICES, index=pd.date_range("2017-08-26 01:00", periods=22_306, freq="1h"))
    frame.iloc[22_305] = [102.5, 101.0, 102.5, 102.5]
    message = "high must be at least low, got 101.0 < 102.5 at 2020-03-12 10:00 in BTCUSDT (row 22 305)"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        Bars.from_frames({"BTCUSDT": frame})


@pytest.mark.parametrize("column", ["volume", "funding_rate"])
def test_amounts_may_be_nan(column: str) -> None:
    bars = Bars.from_frames({"A": spoiled(column, np.nan)})
    assert bars.funding[4, 0] == 0.0


@pytest.mark.parametrize("low", [100.0, np.nextafter(100.0, 0)])
def test_equal_prices_keep_the_rules(low: float) -> None:
    frame = pd.DataFrame({"open": 100.0, "high": 100.0, "low": low, "close": 100.0}, index=made(2).index)
    assert len(Bars.from_frames({"A": frame})) == 2


def test_a_hair_outside_is_outside() -> None:
    frame = pd.DataFrame(100.0, columns=PRICES, index=made(2).index)
    frame.loc[:, "close"] = np.nextafter(100.0, 101)
    with pytest.raises(DataError, match=r"close must be within \[low, high\]"):
        Bars.from_frames({"A": frame})


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([0, 1, 1, 2], r"times must be unique, got 2020-01-01 01:00 after 2020-01-01 01:00 in A \(row 2\)"),
        ([0, 2, 1, 3], r"times must rise, got 2020-01-01 01:00 after 2020-01-01 02:00 in A \(row 2\)"),
    ],
)
def test_times_in_the_wrong_order(order: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Bars.from_frames({"A": made(4).iloc[order]})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["100", "101", "abc"], r"open must hold numbers, got 'abc' at 2020-01-01 02:00 in A \(row 2\)"),
        (["100", "101", "102"], r"open must hold numbers, got '100' at 2020-01-01 00:00 in A \(row 0\)"),
        (pd.Series([1.0, "x", None], dtype=object).tolist(), r"open must hold numbers, got 'x' at 2020-01-01 01:00"),
        ([True, False, True], r"open must hold numbers, got bool in A"),
        ([1 + 2j, 1.0, 1.0], r"open must hold numbers, got complex128 in A"),
        (pd.date_range("2020", periods=3), r"open must hold numbers, got datetime64.* in A"),
    ],
)
def test_wrong_dtypes(values: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Bars.from_frames({"A": made(3).assign(open=values)})


@pytest.mark.parametrize("dtype", ["int64", "float32", "Int64", "Float64", "uint16"])
def test_every_kind_of_number(dtype: str) -> None:
    frame = pd.DataFrame(100, columns=PRICES, index=made(3).index).astype(dtype)
    assert Bars.from_frames({"A": frame}).trade["close"].tolist() == [[100.0]] * 3


def test_nat_and_times_out_of_range() -> None:
    with pytest.raises(DataError, match=r"time must be given, got NaT in A \(row 1\)"):
        Bars.from_frames({"A": made(3).set_axis(pd.DatetimeIndex(["2020-01-01", None, "2020-01-02"]))})
    with pytest.raises(DataError, match=r"times must be between 1677 and 2262, got 1500-01-01"):
        Bars.from_frames({"A": made(3).set_axis(pd.date_range("1500-01-01", periods=3, unit="s"))})


def test_faults_are_counted_under_each_rule() -> None:
    frame = marked(made(20)).assign(funding_rate=0.0)
    frame.iloc[1, :4] = np.nan
    for row, column, value in [
        (2, "open", np.nan),
        (3, "close", np.inf),
        (4, "open", 0.0),
        (5, "high", 1.0),
        (6, "mark_open", 1e9),
        (7, "volume", -1.0),
        (8, "funding_rate", np.inf),
    ]:
        frame.iloc[row, frame.columns.get_loc(column)] = value
    columns = columns_of(frame, "A")
    assert faults(columns) == {
        "missing_price": 1,
        "infinite_price": 1,
        "price_not_positive": 1,
        "high_below_low": 1,
        "outside_range": 4,  # infinite, 0 and a low high are outside as well
        "bad_volume": 1,
        "infinite_funding": 1,
    }
    assert np.flatnonzero(~sound(columns)).tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("minutes", "step"),
    [([], None), ([5], None), ([0, 1, 2, 10], 1), ([0, 60, 61, 62, 122, 182], 60), ([0, 7, 9], 2), ([3, 3, 3], None)],
)
def test_most_common_step(minutes: list[int], step: int | None) -> None:
    assert common_step(np.array(minutes, dtype=np.int64)) == step


def test_repair_lists_every_change() -> None:
    frame = made(8)
    frame.iloc[1, 0] = np.nan
    frame.iloc[2, 2] = 0.0
    frame.iloc[3, 3] = np.inf
    frame.iloc[4, :4] = [10.0, 9.0, 11.0, 10.5]
    frame.iloc[5, :4] = [10.0, 9.5, 9.0, 9.25]
    frame.iloc[6, 4] = -1.0
    frame = pd.concat([frame, frame.iloc[[7]] * 2, frame.iloc[[0]].set_axis(frame.index[[0]] - pd.Timedelta("1h"))])
    mended, changes = repair(columns_of(frame, "A"), "A")
    assert [change.rule for change in changes] == [
        "missing_price",
        "price_not_positive",
        "infinite_price",
        "high_below_low",
        "outside_range",
        "bad_volume",
        "duplicate_time",
        "unsorted_time",
    ]
    assert [change.row for change in changes] == [1, 2, 3, 4, 5, 6, 7, 9]
    assert str(changes[3]) == (
        "high_below_low: open 10.0 high 9.0 low 11.0 close 10.5 -> high 11.0 low 9.0 at 2020-01-01 04:00 in A (row 4)"
    )
    assert str(changes[4]) == (
        "outside_range: open 10.0 high 9.5 low 9.0 close 9.25 -> high 10.0 low 9.0 at 2020-01-01 05:00 in A (row 5)"
    )
    assert changes[0].after == changes[6].after == "dropped"
    assert changes[5] == Repair("A", 6, int(frame.index[6].value), "bad_volume", "volume -1.0", "blank")
    assert len(mended) == 6
    assert mended.values["close"][-1] == frame["close"].iloc[8]


def test_clean_bars_are_not_repaired() -> None:
    columns = columns_of(marked(made(50)), "A")
    mended, changes = repair(columns, "A")
    assert changes == ()
    assert mended.time.tolist() == columns.time.tolist()
    for name, values in columns.values.items():
        np.testing.assert_array_equal(mended.values[name], values)


def test_repair_blanks_bad_marks() -> None:
    frame = marked(made(5))
    frame.iloc[2, frame.columns.get_loc("mark_low")] = -1.0
    mended, changes = repair(columns_of(frame, "A"), "A")
    assert [(change.row, change.rule, change.after) for change in changes] == [(2, "bad_mark", "blank")]
    for mark in MARKS:
        assert np.flatnonzero(np.isnan(mended.values[mark])).tolist() == [2]


def test_repair_keeps_the_funding_of_a_dropped_row() -> None:
    frame = made(5).assign(funding_rate=[0.5, 0.25, np.nan, 1.0, 2.0])
    frame.iloc[1, 0] = np.nan
    mended, _ = repair(columns_of(frame, "A"), "A")
    assert mended.values["funding_rate"].tolist() == [0.5, 0.25, 1.0, 2.0]


def test_missing_bars_are_kept() -> None:
    frame = made(5)
    frame.iloc[2, :4] = np.nan
    mended, changes = repair(columns_of(frame, "A"), "A")
    assert changes == ()
    assert len(mended) == 5


def test_what_cannot_be_repaired() -> None:
    with pytest.raises(DataError, match=r"funding_rate must be finite, got inf at 2020-01-01 02:00 in A \(row 2\)"):
        repair(columns_of(made(4).assign(funding_rate=[0, 0, np.inf, 0]), "A"), "A")
    with pytest.raises(DataError, match=r"at least one row that can be kept, got none in A"):
        repair(columns_of(made(4) * -1, "A"), "A")


BAD = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0, 1.0, 99.0, 100.0, 101.0, 1e6])


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from([*PRICES, *MARKS, "volume"]), BAD), max_size=25),
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
)
def test_repaired_bars_keep_the_rules(changes: list[tuple[int, str, float]], order: list[int]) -> None:
    frame = marked(made(10))
    for row, column, value in changes:
        frame.iloc[row, frame.columns.get_loc(column)] = value
    columns = columns_of(frame.iloc[order], "A")
    dirty = any(faults(columns).values()) or any(later <= earlier for earlier, later in pairwise(order))
    hopeless = not sound(columns).any()
    try:
        mended, made_changes = repair(columns, "A")
    except DataError as error:
        assert "at least one row that can be kept" in str(error)  # noqa: PT017
        assert hopeless
        return
    check(mended, "A")
    assert isinstance(mended, Columns)
    assert bool(made_changes) == dirty
    dropped = sum(change.after == "dropped" for change in made_changes)
    assert len(mended) == len(order) - dropped

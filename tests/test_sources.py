"""What is given in the place of files, and cannot be read."""

import pytest
from frames import DATA

from backtest.errors import DataError
from backtest.market.reading import read_bars


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ([], {}, r"at least one file of bars, got none"),
        ({}, {}, r"at least one symbol, got none"),
        ("nowhere.parquet", {}, r"there must be a file, got none at nowhere\.parquet"),
        (
            [DATA / "btcusd_30m.parquet"] * 2,
            {},
            r"each file must be of another symbol, got BTCUSD in .* and in .*; give a dict",
        ),
        (DATA / "btcusd_30m.parquet", {"marks": {"B": "b.csv"}}, r"marks must be for one of BTCUSD, got 'B'"),
        (DATA / "btcusd_30m.parquet", {"funding": {"B": "b.csv"}}, r"funding must be for one of BTCUSD, got 'B'"),
        (
            [DATA / "btcusd_30m.parquet", DATA / "ethusd_30m.parquet"],
            {"funding": "rates.csv"},
            r"funding of several symbols must be a dict of files by symbol, got rates\.csv",
        ),
        (
            DATA / "btcusd_30m.parquet",
            {"marks": DATA / "nowhere.csv"},
            r"there must be a file, got none at .*nowhere\.csv",
        ),
        (
            DATA / "btcusd_30m.parquet",
            {"funding": DATA / "ethusd_30m.parquet"},
            r"must be a column funding_rate, got timestamp, open, high, low, close, volume in .*ethusd",
        ),
    ],
)
def test_bad_sources(source: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_bars(source, **options)


@pytest.mark.parametrize("source", [None, 5, [1], b"x.csv", {"X": None}, {"X": 5}])
def test_sources_that_are_no_files(source: object) -> None:
    with pytest.raises(DataError, match=r"^(the bars of X|bars) must be the path of a file, got (None|5|1|b'x\.csv')$"):
        read_bars(source)


@pytest.mark.parametrize("given", [5, ["a.csv"], True, {"BTCUSD": 5}])
def test_marks_that_are_no_files(given: object) -> None:
    with pytest.raises(DataError, match=r"^marks of BTCUSD must be the path of a file, got "):
        read_bars(DATA / "btcusd_30m.parquet", marks=given)


@pytest.mark.parametrize("given", [["a.csv"], True, {"BTCUSD": None}])
def test_funding_that_is_neither_a_rate_nor_a_file(given: object) -> None:
    with pytest.raises(DataError, match=r"^funding of BTCUSD must be a rate or the path of a file, got "):
        read_bars(DATA / "btcusd_30m.parquet", funding=given)

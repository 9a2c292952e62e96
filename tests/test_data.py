"""The bars that ship with the project are what their README says."""

import re

import pandas as pd
import pytest
from frames import DATA

from backtest.market.inspection import inspect_file
from backtest.market.reading import read_bars

STATED = {
    row[0]: row[1:]
    for row in re.findall(
        r"^\| `(\w+\.parquet)` \| .*? \| ([\d,]+) \| (\S+ \S+) \| (\S+ \S+) \| (\d+), of (\d+) bars together \|$",
        (DATA / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}


@pytest.mark.parametrize("path", sorted(DATA.glob("*.parquet")), ids=lambda path: path.name)
def test_file_is_what_the_readme_says(path: object) -> None:
    found = inspect_file(path)
    rows, first, last, gaps, missing = STATED[path.name]
    assert found.rows == int(rows.replace(",", ""))
    assert (found.first, found.last) == (pd.Timestamp(first, tz="UTC"), pd.Timestamp(last, tz="UTC"))
    assert (found.gaps, found.missing_bars) == (int(gaps), int(missing))
    assert found.clean
    assert found.empty_bars == 0
    assert len(read_bars(path)) == found.rows


def test_every_stated_file_is_there() -> None:
    assert sorted(STATED) == sorted(path.name for path in DATA.glob("*.parquet"))


def test_two_instruments_on_the_union_of_their_times() -> None:
    bars = read_bars([DATA / "btcusd_30m.parquet", DATA / "ethusd_30m.parquet"])
    assert bars.symbols == ("BTCUSD", "ETHUSD")
    assert bars.source == "btcusd_30m.parquet, ethusd_30m.parquet"
    assert bars.present.sum(axis=0).tolist() == [35_019, 35_011]
    for symbol in bars.symbols:
        file = pd.read_parquet(DATA / f"{symbol.lower()}_30m.parquet").set_index("timestamp")
        pd.testing.assert_frame_equal(bars.frame(symbol).dropna(), file, check_names=False, check_index_type=False)

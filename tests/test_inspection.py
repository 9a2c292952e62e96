"""Inspection: what is in a file, clean or dirty."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from frames import DATA, made

from backtest.errors import DataError
from backtest.market.inspection import inspect_file


def test_the_worst_hours_of_bitcoin() -> None:
    found = inspect_file(DATA / "btcusdt_1h.parquet")
    assert found.worst_fall == (pd.Timestamp("2020-03-12 10:00", tz="UTC"), pytest.approx(5550 / 7354.99 - 1))
    assert found.worst_rise == (pd.Timestamp("2020-03-13 02:00", tz="UTC"), pytest.approx(5276.97 / 4131.23 - 1))
    assert found.interval == pd.Timedelta("1h")
    assert found.longest_gap == (pd.Timestamp("2018-02-08", tz="UTC"), pd.Timestamp("2018-02-09 02:00", tz="UTC"))
    assert found.zero_volume == 3
    assert dict(found.lines()) == {
        "columns": "timestamp open high low close volume",
        "rows": "47 077",
        "range": "2017-08-17 04:00 to 2022-12-31 23:00 UTC",
        "interval": "1h",
        "gaps": "4, of 32 bars together; longest from 2018-02-08 00:00 to 2018-02-09 02:00",
        "duplicates": "0",
        "out of order": "0",
        "empty bars": "0",
        "bad rows": "none",
        "zero volume": "3",
        "worst bar of a long": "-24.5% inside the bar of 2020-03-12 10:00",
        "worst bar of a short": "+27.7% inside the bar of 2020-03-13 02:00",
    }


def test_a_dirty_file(tmp_path: Path) -> None:
    frame = made(30)
    frame.iloc[3, 0] = 0.0
    frame.iloc[4, 1] = 1.0
    frame.iloc[5, :4] = np.nan
    frame.iloc[6, 4] = 0.0
    frame = frame.drop(frame.index[[10, 11, 20]])
    frame = pd.concat([frame, frame.iloc[[0, 0, 2]]])
    frame.to_parquet(tmp_path / "dirty.parquet")
    found = inspect_file(str(tmp_path / "dirty.parquet"))
    assert not found.clean
    assert (found.rows, found.duplicates, found.unsorted, found.empty_bars) == (30, 3, 1, 1)
    assert (found.gaps, found.missing_bars) == (2, 3)
    assert found.bad_rows["price_not_positive"] == 1
    assert found.bad_rows["high_below_low"] == 1
    assert found.zero_volume == 1
    assert found.worst_fall is not None
    assert found.worst_fall[1] > -0.1
    assert dict(found.lines())["bad rows"] == "1 price_not_positive, 1 high_below_low, 2 outside_range"


def test_a_single_empty_bar(tmp_path: Path) -> None:
    frame = made(1)[["open", "high", "low", "close"]] * np.nan
    frame.to_parquet(tmp_path / "one.parquet")
    found = inspect_file(tmp_path / "one.parquet")
    assert (found.interval, found.longest_gap, found.worst_fall, found.zero_volume) == (None, None, None, None)
    lines = dict(found.lines())
    assert (lines["interval"], lines["gaps"], lines["zero volume"]) == ("unknown", "none", "no volume")
    assert lines["worst bar of a short"] == "unknown"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"the file must be readable as parquet, got '.*' from .*a\.parquet"):
        inspect_file(tmp_path / "a.parquet")

"""Reading: every kind of file, every usual way to write names and times, every way to be damaged."""

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frames import DATA, PRICES, made, marked

from backtest.errors import DataError
from backtest.market.bars import Bars
from backtest.market.reading import read_bars

FRAME = made(50, start="2021-03-01")
RATES = pd.DataFrame({"timestamp": [FRAME.index[8]], "fundingRate": [0.25]})
EXPECTED = Bars.from_frames({"BTCUSDT": FRAME}).fingerprint


def stamped(name: str = "timestamp") -> pd.DataFrame:
    return FRAME.rename_axis(index=name).reset_index()


def epochs(unit: str, kind: str = "int64") -> pd.Series:
    return pd.Series(FRAME.index.as_unit(unit).asi8).astype(kind)


def texts(pattern: str) -> pd.Series:
    return pd.Series(FRAME.index.strftime(pattern))


def short_names() -> pd.DataFrame:
    return stamped("Date").rename(columns={"open": "O", "high": "H", "low": "L", "close": "C", "volume": "V"})


WRITERS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "parquet": lambda frame, path: frame.to_parquet(path),
    "pq": lambda frame, path: frame.to_parquet(path),
    "feather": lambda frame, path: frame.to_feather(path),
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "CSV": lambda frame, path: frame.to_csv(path, index=False),
}


def written(frame: pd.DataFrame, folder: Path, ending: str = "csv", name: str = "btcusdt_1h") -> Path:
    path = folder / f"{name}.{ending}"
    WRITERS[ending](frame, path)
    return path


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize(
    "frame",
    [
        stamped(),
        stamped("open_time"),
        stamped("Open Time").rename(columns=str.title),
        stamped("datetime").assign(quote_volume=1.0, symbol="BTC"),
        short_names(),
        stamped().assign(timestamp=epochs("s")),
        stamped().assign(timestamp=epochs("ms")),
        stamped("openTime").assign(openTime=epochs("us")),
        stamped().assign(timestamp=epochs("ns")),
        stamped().assign(timestamp=epochs("s", "float64")),
        stamped().assign(timestamp=epochs("ms", "float64")),
        stamped("time").assign(time=texts("%Y-%m-%d %H:%M:%S")),
        stamped("time").assign(time=texts("%Y-%m-%dT%H:%M:%SZ")),
        stamped("time").assign(time=texts("%Y-%m-%dT%H:%M")),
        stamped("time").assign(time=FRAME.index.tz_convert("Asia/Kolkata").strftime("%Y-%m-%d %H:%M:%S+05:30")),
        stamped("time").assign(time=stamped()["timestamp"].dt.tz_localize(None)),
        stamped("time").assign(time=stamped()["timestamp"].dt.tz_convert("America/New_York")),
        stamped().assign(date=texts("%Y-%m-%d %H:%M:%S")),
        stamped().assign(index=range(50)),
    ],
)
def test_every_way_to_write_the_same_bars(frame: pd.DataFrame, ending: str, tmp_path: Path) -> None:
    bars = read_bars(written(frame, tmp_path, ending))
    assert bars.symbols == ("BTCUSDT",)
    assert bars.fingerprint == EXPECTED
    assert bars.volume is not None
    assert bars.volume[:, 0].tolist() == FRAME["volume"].tolist()


@pytest.mark.parametrize("name", [None, "timestamp", "time", "index"])
def test_time_in_the_index_of_a_parquet_file(name: str | None, tmp_path: Path) -> None:
    FRAME.rename_axis(index=name).to_parquet(tmp_path / "btcusdt.parquet")
    assert read_bars(str(tmp_path / "btcusdt.parquet")).fingerprint == EXPECTED


def test_an_unnamed_index_in_csv(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "btcusdt.csv", index_label="index")
    assert read_bars(tmp_path / "btcusdt.csv").fingerprint == EXPECTED


def test_comments_and_a_mark_of_byte_order_before_the_header(tmp_path: Path) -> None:
    text = "\ufeff# made somewhere\r\n\r\n# Columns follow\r\n" + stamped().to_csv(index=False, lineterminator="\r\n")
    (tmp_path / "btcusdt.csv").write_text(text, encoding="utf-8", newline="")
    assert read_bars(tmp_path / "btcusdt.csv").fingerprint == EXPECTED


def test_days_decimals_and_columns_without_a_value(tmp_path: Path) -> None:
    days = [date(2020, 1, 1), date(2020, 1, 2)]
    columns = {"date": days, **{price: [Decimal("1.5"), Decimal("2.5")] for price in PRICES}, "volume": [None, None]}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    bars = read_bars(tmp_path / "x.parquet")
    assert bars.time.tolist() == [pd.Timestamp(day, tz="UTC") for day in days]
    assert bars.trade["close"][:, 0].tolist() == [1.5, 2.5]


def test_rows_without_prices_are_missing_bars(tmp_path: Path) -> None:
    frame = stamped()
    frame.loc[[3, 7], [*PRICES, "volume"]] = np.nan
    bars = read_bars(written(frame, tmp_path))
    assert np.flatnonzero(~bars.present[:, 0]).tolist() == [3, 7]


def test_fractions_of_a_second(tmp_path: Path) -> None:
    frame = stamped().assign(timestamp=epochs("s", "float64") + 0.25)
    assert read_bars(written(frame, tmp_path)).time[0] == FRAME.index[0] + pd.Timedelta("250ms")


def test_marks_and_funding_inside_the_file(tmp_path: Path) -> None:
    frame = marked(FRAME).assign(funding_rate=0.25)
    bars = read_bars(written(frame.reset_index(), tmp_path))
    assert bars.fingerprint == Bars.from_frames({"BTCUSDT": frame}).fingerprint


@pytest.mark.parametrize("prefix", ["", "mark_"])
def test_marks_and_funding_of_files_of_their_own(prefix: str, tmp_path: Path) -> None:
    other = made(30, seed=3, start="2021-03-01 04:00")[PRICES]
    times = [FRAME.index[8] + pd.Timedelta("11ms"), FRAME.index[17], FRAME.index[49] + pd.Timedelta("1h")]
    rates = pd.DataFrame({"calc_time": times, "rate": [0.25, 0.5, -999.0], "interval_hours": 8})
    source = written(stamped(), tmp_path)
    marks = written(other.add_prefix(prefix).reset_index(), tmp_path, "parquet", "mark")
    bars = read_bars(source, marks=marks, funding=written(rates, tmp_path, "feather", "funding"))
    expected = Bars.from_frames({"BTCUSDT": FRAME}).with_marks({"BTCUSDT": other})
    np.testing.assert_array_equal(bars.mark, expected.mark)
    assert {t: bars.funding[t, 0] for t in np.flatnonzero(bars.funding)} == {8: 0.25, 17: 0.5}


def test_several_files_by_symbol(tmp_path: Path) -> None:
    one, two = written(stamped(), tmp_path), written(stamped()[5:], tmp_path, "parquet", "eth.usd_1h")
    bars = read_bars([str(one), two])
    assert bars.symbols == ("BTCUSDT", "ETH.USD")
    assert bars.shape == (50, 2)
    assert not bars.present[:5, 1].any()
    named = read_bars({"A": one, "B": two}, funding={"B": written(RATES, tmp_path, "csv", "rates")})
    assert named.symbols == ("A", "B")
    assert np.flatnonzero(named.funding[:, 0]).tolist() == []
    assert np.flatnonzero(named.funding[:, 1]).tolist() == [8]


def test_repair_keeps_what_it_changed(tmp_path: Path) -> None:
    frame = stamped()
    frame.loc[3, "open"] = 0.0
    frame.loc[4, "high"] = 1.0
    path = written(frame, tmp_path)
    with pytest.raises(DataError, match=r"open must be above 0, got 0\.0 at 2021-03-01 03:00 in .*1h\.csv \(row 3\)"):
        read_bars(path)
    bars = read_bars(path, repair=True)
    assert len(bars) == 49
    assert [(change.name, change.row, change.rule) for change in bars.repairs] == [
        (str(path), 3, "price_not_positive"),
        (str(path), 4, "high_below_low"),
    ]
    assert bars.with_funding(0.1).resample("2h")[2:].repairs == bars.repairs


def test_marks_are_repaired_too(tmp_path: Path) -> None:
    marks = stamped()[["timestamp", *PRICES]]
    marks.loc[9, "low"] = -1.0
    path = written(marks, tmp_path, "csv", "marks")
    with pytest.raises(
        DataError, match=r"low must be above 0, got -1\.0 at 2021-03-01 09:00 in .*marks\.csv \(row 9\)"
    ):
        read_bars(written(stamped(), tmp_path), marks=path)
    bars = read_bars(written(stamped(), tmp_path), marks=path, repair=True)
    assert [(change.name, change.row, change.after) for change in bars.repairs] == [(str(path), 9, "dropped")]


def test_clean_files_have_no_repairs() -> None:
    assert read_bars(DATA / "btcusdt_1h.parquet", repair=True).repairs == ()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (stamped().drop(columns="close"), r"must be a column close, got timestamp, open, high, low, volume in "),
        (
            stamped().drop(columns="timestamp"),
            r"must be a column timestamp, time, date, datetime or open_time, got none",
        ),
        (stamped().assign(Open=1.0), r"must be one column open, got 2 in "),
        (stamped().assign(low="cheap"), r"low must hold numbers, got 'cheap' at 2021-03-01 00:00 in .*csv \(row 0\)"),
        (
            stamped().assign(low=[None, "cheap"] * 25),
            r"low must hold numbers, got 'cheap' at 2021-03-01 01:00 in .*csv",
        ),
        (stamped().assign(low=True), r"low must hold numbers, got bool in "),
        (stamped().assign(timestamp="soon"), r"timestamp must be an ISO time or an epoch, got 'soon' in .* \(row 0\)"),
        (stamped().assign(timestamp=texts("%d/%m/%Y")), r"must be an ISO time or an epoch, got '01/03/2021' in"),
        (stamped().assign(timestamp=texts("%Y%m%d")), r"must be an ISO time or an epoch, got 20210301 in"),
        (stamped().assign(timestamp=range(50)), r"must be an ISO time or an epoch, got 0 in"),
        (stamped().assign(timestamp=time(8, 30)), r"timestamp must hold times, got time32\[s\] in"),
        (
            stamped().assign(date=texts("%Y-%m-%d"), timestamp=texts("%Y-%m-%d %H:%M")),
            r"must be one column of times, got timestamp and date, which differ, in",
        ),
        (
            stamped().assign(timestamp=[*epochs("ms")[:25], *epochs("us")[25:]]),
            r"epochs must be in one unit, got 1614556800000 and then 1614646800000000 in .* \(row 25\)",
        ),
        (
            stamped().assign(timestamp=[*texts("%Y-%m-%d %H:%M")[:49], None]),
            r"timestamp must be given in every row, .* 49",
        ),
        (stamped()[:0], r"at least one row, got none in"),
        (stamped().iloc[::-1], r"times must rise, got 2021-03-03 00:00 after 2021-03-03 01:00 in .*csv \(row 1\)"),
        (stamped().assign(timestamp="1066-10-14 09:00"), r"between 1677 and 2262|ISO time"),
        (stamped().assign(mark_open=1.0), r"must be a column mark_high, got timestamp, open"),
        (stamped().assign(timestamp=[np.inf, *epochs("s")[1:]]), r"timestamp must be finite, got inf in .* \(row 0\)"),
    ],
)
def test_bad_columns(frame: pd.DataFrame, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_bars(written(frame, tmp_path))


def test_rates_for_all_and_by_symbol(tmp_path: Path) -> None:
    paths = {"A": written(stamped(), tmp_path), "B": written(stamped()[5:], tmp_path, "parquet", "b")}
    bars = read_bars(paths)
    assert read_bars(paths, funding=0.25).fingerprint == bars.with_funding(0.25).fingerprint
    mixed = read_bars(paths, funding={"A": 0.5, "B": written(RATES, tmp_path, "csv", "rates")})
    assert np.flatnonzero(mixed.funding[:, 0]).tolist() == [*range(0, 50, 8)]
    assert {t: mixed.funding[t, 1] for t in np.flatnonzero(mixed.funding[:, 1])} == {8: 0.25}


def test_a_price_a_hair_outside_says_what_mends_it(tmp_path: Path) -> None:
    frame = stamped()
    frame.loc[3, "close"] = np.nextafter(frame["low"].iloc[3], 0)
    path = written(frame, tmp_path, "parquet")
    with pytest.raises(DataError, match=r"\(row 3\): repair=True \(--repair in the shell\) clips it$"):
        read_bars(path)
    assert [change.rule for change in read_bars(path, repair=True).repairs] == ["outside_range"]
    with pytest.raises(DataError, match=r"low must be above 0, got 0\.0 .* \(row 3\)$"):
        read_bars(written(frame.assign(low=frame["low"].where(frame.index != 3, 0.0)), tmp_path, "parquet"))


def test_bad_rates_name_their_file(tmp_path: Path) -> None:
    path = written(RATES.assign(fundingRate=np.inf), tmp_path, "parquet", "rates")
    with pytest.raises(
        DataError, match=r"funding rates must be finite, got inf at 2021-03-01 .*rates\.parquet \(row 0\)"
    ):
        read_bars(written(stamped(), tmp_path), funding=path)

"""What a history in pieces refuses: all that `read_bars` does, by file, row and time, wherever an edge falls."""

import os
import re
from itertools import cycle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frames import made, marked
from histories import in_pieces, stream_of, write
from scenes import venue_of

import backtest as bt
from backtest.market.streams import open_stream


def changed(row, **values):
    """Return made-up bars, marked and funded, with some values of one row replaced."""
    frame = marked(made(100)).assign(funding_rate=0.0)
    return frame.assign(**{name: frame[name].where(np.arange(100) != row, value) for name, value in values.items()})


def swapped(*order):
    """Return made-up bars in another order."""
    return made(100).iloc[list(order)]


@pytest.mark.parametrize("length", [1, 7, 64, 200])
@pytest.mark.parametrize(
    "frame",
    [
        changed(63, close=np.nan),
        changed(64, open=-1.0),
        changed(65, high=np.inf),
        changed(99, low=1e6),
        changed(0, close=1e6),
        changed(64, mark_low=1e6),
        changed(64, mark_high=np.nan),
        changed(70, volume=-1.0),
        changed(64, funding_rate=np.inf),
        swapped(*range(64), *range(63, 100)),
        swapped(*range(63), 64, 63, *range(65, 100)),
    ],
)
def test_rows_that_break_a_rule_are_named_as_read_bars_names_them(tmp_path, frame, length):
    path = write(tmp_path / "btcusdt.parquet", frame, (64,))
    with pytest.raises(bt.DataError) as refused:
        bt.read_bars(path)
    message = str(refused.value).split(": repair=")[0]
    assert "(row " in message
    with pytest.raises(bt.DataError, match=f"^{re.escape(message)}$"):
        list(stream_of({"BTCUSDT": path}, cycle([length])).read())
    with pytest.raises(bt.DataError, match=f"^{re.escape(message)}$"):
        bt.run(path, np.zeros(100), venue=venue_of())


def column_of(times):
    return pa.table({"time": times, **{name: [100.0] * len(times) for name in ("open", "high", "low", "close")}})


@pytest.mark.parametrize(
    "times",
    [
        [1_600_000_000 + 60 * n for n in range(5)] + [(1_600_000_000 + 60 * n) * 1000 for n in range(5, 10)],
        [1.6e9 + 60 * n for n in range(7)] + [np.nan, 1.61e9],
        [f"2020-01-01 00:{n:02}" for n in range(7)] + ["soon"],
        [pd.Timestamp(60 * n, unit="s") for n in range(7)] + [None],
    ],
)
def test_times_that_cannot_be_read(tmp_path, times):
    path = tmp_path / "btcusdt.parquet"
    pq.write_table(column_of(times), path, row_group_size=5)
    with pytest.raises(bt.DataError) as refused:
        bt.read_bars(path)
    with pytest.raises(bt.DataError, match=f"^{re.escape(str(refused.value))}$"):
        list(open_stream(path).read())


def test_a_small_epoch_after_the_head_is_of_its_unit(tmp_path):
    path = tmp_path / "btcusdt.parquet"
    pq.write_table(column_of([1_600_000_000_000 + 60_000 * n for n in range(10)]), path, row_group_size=3)
    time = np.concatenate([bars.time for bars in open_stream(path).read()])
    assert (time == bt.read_bars(path).time).all()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            (made(50), made(60)[40:]),
            r"times must rise, got 2020-01-02 16:00 after 2020-01-03 01:00 in .*b\.parquet \(row 0\)",
        ),
        ((made(50), made(60)[49:]), r"times must be unique, got 2020-01-03 01:00 after .*b\.parquet \(row 0\)"),
        ((made(50), marked(made(60)[50:])), r"must have the same columns, got mark_close not in all, in .*b\.parquet"),
        ((made(50), made(60)[50:].drop(columns="low")), r"there must be a column low, got .* in .*b\.parquet"),
        ((made(50), made(0)), r"there must be at least one row, got none in .*b\.parquet"),
    ],
)
def test_files_that_do_not_follow_one_another(tmp_path, parts, message):
    for name, part in zip("ab", parts, strict=True):
        part.rename_axis("time").to_parquet(tmp_path / f"{name}.parquet")
    with pytest.raises(bt.DataError, match=message):
        list(open_stream(tmp_path).read())


def test_what_is_no_history(tmp_path):
    def refused(message, path=tmp_path / "folder"):
        with pytest.raises(bt.DataError, match=message):
            bt.run(path, np.zeros(5), venue=venue_of())

    refused(r"must be a Parquet file or a folder of them, got 'bars\.csv'", "bars.csv")
    refused(r"there must be a file or a folder, got none at .*nowhere\.parquet", tmp_path / "nowhere.parquet")
    (tmp_path / "folder").mkdir()
    refused(r"must hold Parquet files, or folders symbol=NAME of them, got none in .*folder")
    (tmp_path / "folder" / "symbol=A").mkdir()
    refused(r"must hold Parquet files, got none in .*symbol=A")
    write(tmp_path / "folder" / "symbol=A" / "_metadata.parquet", made(5))
    refused(r"must hold Parquet files, got none in .*symbol=A")
    write(tmp_path / "folder" / "stray.parquet", made(5))
    refused(r"must hold files or folders symbol=NAME, got stray\.parquet beside them")
    write(tmp_path / "folder" / "symbol=" / "bars.parquet", made(5))
    (tmp_path / "folder" / "stray.parquet").unlink()
    refused(r"a name must begin with a symbol, got .*symbol=")


@pytest.mark.parametrize(
    ("names", "got"),
    [
        (("BTCUSDT_1h", "ETHUSDT_1h"), "BTCUSDT and ETHUSDT"),
        (("btcusdt", "ethusdt-1h-2020-02"), "BTCUSDT and ETHUSDT"),
        (("BTC-24JUN27", "BTC-25SEP27"), "BTC-24JUN27 and BTC-25SEP27"),
    ],
)
def test_files_of_several_symbols_in_one_folder(tmp_path, names, got):
    for name, part in zip(names, (made(100)[:50], made(100)[50:]), strict=True):
        write(tmp_path / "hours" / f"{name}.parquet", part)
    message = rf"^files of one folder must be of one symbol, got {got} in .*hours; write symbol=NAME folders$"
    with pytest.raises(bt.DataError, match=message):
        bt.run(tmp_path / "hours", np.zeros(100), venue=venue_of())


def test_damaged_files(tmp_path):
    whole = write(tmp_path / "btcusdt.parquet", made(2_000), (500,))
    content = whole.read_bytes()
    for name, damaged in (
        ("cut", content[:-20]),
        ("none", b""),
        ("torn", content[:3000] + b"x" * 4000 + content[7000:]),
    ):
        path = tmp_path / f"{name}.parquet"
        path.write_bytes(damaged)
        with pytest.raises(bt.DataError, match=rf"in .*{name}\.parquet|from .*{name}\.parquet"):
            list(open_stream(path).read())


def test_an_instrument_without_a_price(tmp_path):
    write(tmp_path / "symbol=A" / "0.parquet", made(30))
    write(tmp_path / "symbol=B" / "0.parquet", made(30) * np.nan)
    with pytest.raises(bt.DataError, match="at least one bar, got NaN prices in every row of B in"):
        bt.run(tmp_path, np.zeros((30, 2)), venue=venue_of())


def test_files_that_change_after_the_run(tmp_path):
    path = write(tmp_path / "btcusdt.parquet", made(30))
    result = bt.run(path, np.ones(30), venue=venue_of())
    write(path, made(31))
    os.utime(path, (1, 1))
    with pytest.raises(bt.DataError, match=r"must stay as they are, got a change of .*btcusdt\.parquet"):
        result.equity  # noqa: B018


def test_hedge_mode_that_comes_and_goes(tmp_path):
    path = write(tmp_path / "btcusdt.parquet", made(60))

    def fickle(data):
        if data.index[-1] < pd.Timestamp("2020-01-02 01:00", tz="UTC"):
            return pd.DataFrame({"target_long": 1.0, "target_short": 0.0}, data.index)
        return pd.Series(1.0, data.index)

    strategy = bt.Strategy.from_function(fickle, lookback=0)
    with pytest.raises(
        bt.DataError, match="hedge mode must be for all bars or none, got another from 2020-01-02 01:00 on"
    ):
        in_pieces(stream_of({"BTCUSDT": path}, iter([25, 10, 25])), strategy, bt.Account(), venue_of())

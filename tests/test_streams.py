"""Histories in pieces: equal, to the bit, to the replay in one, wherever the edges fall."""

import tempfile
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from comparison import bars_of, replayed, settings_of, signals_of, symbols_of
from draws import DECIMAL, DYADIC, cases
from frames import DATA, made, marked
from histories import assert_same_in_pieces, assert_same_run, in_pieces, stream_of, write
from hypothesis import assume, given
from hypothesis import strategies as st
from scenes import venue_of
from wild import market_of
from wild import signals_of as wild_signals

import backtest as bt
from backtest.market.streams import open_stream

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=4)


def check(case, lengths, groups, sparse):
    """Write a case's bars to files, without the rows of missing bars or with them, and replay both ways."""
    symbols = symbols_of(case)
    frames = bars_of(case.market, symbols).frames()
    if sparse and case.market.funding_rate is None:  # what is due at a missing bar needs its row
        frames = {symbol: frame.dropna(subset="open") for symbol, frame in frames.items()}
    with tempfile.TemporaryDirectory() as folder:
        paths = {symbol: write(Path(folder) / f"{symbol}.parquet", frame, groups) for symbol, frame in frames.items()}
        bars = bt.read_bars(paths)
        assume(len(bars) == len(case.market.time))  # some instrument has the last bars
        account, venue = settings_of(case)
        whole = replayed(bars, signals_of(case), account, venue)
        assert_same_run(whole, in_pieces(stream_of(paths, cycle(lengths)), signals_of(case), account, venue))


@given(cases(DECIMAL), LENGTHS, LENGTHS, st.booleans())
def test_pieces_equal_the_whole_on_decimal_draws(case, lengths, groups, sparse):
    check(case, lengths, groups, sparse)


@given(cases(DYADIC, plain=False), LENGTHS, LENGTHS, st.booleans())
def test_pieces_equal_the_whole_on_dyadic_draws(case, lengths, groups, sparse):
    check(case, lengths, groups, sparse)


@given(cases(DECIMAL))
def test_one_bar_at_a_time_equals_the_whole(case):
    check(case, [1], [3], sparse=False)


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_several_instruments_over_many_days(tmp_path, mode):
    frames = market_of(5, 3, bars=400)
    frames["S1"] = frames["S1"].iloc[90:]
    frames["S0"] = frames["S0"].drop(frames["S0"].index[200:210])
    frames["S2"] = frames["S2"].iloc[:350]
    frames["S2"].iloc[100:130, :8] = np.nan  # funding falls due all the same
    for symbol, frame in frames.items():
        write(tmp_path / f"symbol={symbol}" / "bars.parquet", frame, (13, 50))
    bars = bt.read_bars({symbol: tmp_path / f"symbol={symbol}" / "bars.parquet" for symbol in frames})
    account = {"leverage": 8, "margin_mode": mode, "on_liquidation": "refill", "reserve": 2_000, "take_profit": 0.2}
    rules = {"call": bt.MarginCall(level=1.5, grace=3, deposit="reserve", close_below=0.7), "target_ratio": 2.0}
    rules |= {"borrow_rate": 0.2, "taker_fee": 0.0005, "liquidation_fee": 0.01}
    venue = venue_of([(0, 0.02, 10), (20_000, 0.04, 8)], **rules)
    whole = assert_same_in_pieces(tmp_path, wild_signals(5, 3, bars=400), bars, account=account, venue=venue)
    assert whole.summary[["refills", "margin_calls", "deposits", "liquidations"]].min() > 0


def test_shares_cool_down_across_an_edge(tmp_path):
    frames = market_of(3, 1, bars=300)
    path = write(tmp_path / "S0.parquet", frames["S0"])
    rules = {"liquidation": "share", "liquidation_share": 0.25, "cooldown": 7_200, "liquidation_fee": 0.01}
    venue = venue_of([(0, 0.05, 10)], **rules)
    account = {"leverage": 10, "on_liquidation": "reenter", "cash": 1e6}
    whole = assert_same_in_pieces(path, wild_signals(3, 1, bars=300), bt.read_bars(path), account=account, venue=venue)
    assert whole.liquidations["partial"].any()


def test_logs_that_outgrow_their_room_are_written_again(tmp_path):
    path = write(tmp_path / "S0.parquet", made(1500))
    account = {"leverage": 4, "rebalance": "bar", "margin_mode": "cross"}
    bars, venue = bt.read_bars(path), venue_of(taker_fee=0.0001)
    whole = assert_same_in_pieces(path, np.full(1500, 0.9), bars, lengths=(900, 400), account=account, venue=venue)
    assert len(whole.fills) == 1499


def test_a_folder_of_files_is_put_in_order_of_time(tmp_path):
    frame = marked(made(200))
    for name, part in (("c", frame[:50]), ("a", frame[50:120]), ("b", frame[120:])):
        write(tmp_path / "btcusdt" / f"{name}.parquet", part)
    signals = np.where(np.arange(200) % 9 == 0, 1.0, np.nan)
    bars = bt.Bars.from_frames({"BTCUSDT": frame})
    assert_same_in_pieces(tmp_path / "btcusdt", signals, bars, account={"leverage": 5}, venue=venue_of())


def test_files_named_by_one_symbol_bear_it(tmp_path):
    frame = made(20)
    for month, part in (("01", frame[:12]), ("02", frame[12:])):
        write(tmp_path / "files" / f"ethusdt_2020-{month}.parquet", part)
    result = bt.run(tmp_path / "files", np.ones(20), venue=venue_of())
    assert result.fills["symbol"].to_list() == ["ETHUSDT"]
    assert result.description["data"]["source"] == "files"


@pytest.mark.parametrize(
    ("names", "symbol"),
    [
        (("0", "1"), "FOLDER"),
        (("2020", "2020-02"), "FOLDER"),
        (("2020-01-01T00", "2020_01_02"), "FOLDER"),
        (("part-0", "part-1"), "FOLDER"),
        (("part.0", "part.1"), "FOLDER"),
        (("part-00000-4f1c.c000.snappy", "part-00001-4f1c.c000.snappy"), "FOLDER"),
        (("data_0", "data_1"), "DATA"),
        (("0a" * 16 + "-0", "b7" * 16 + "-0"), "FOLDER"),
        (("btcusdt-1h-2020-01", "btcusdt-1h-2020-02"), "BTCUSDT"),
        (("BTC-USDT-SWAP_a", "BTC-USDT-SWAP_b"), "BTC-USDT-SWAP"),
        (("btcusdt_2020", "2021"), "BTCUSDT"),
    ],
)
def test_files_of_one_folder_are_of_one_symbol(tmp_path, names, symbol):
    frame = made(20)
    for name, part in zip(names, (frame[:12], frame[12:]), strict=True):
        write(tmp_path / "folder" / f"{name}.parquet", part)
    assert open_stream(tmp_path / "folder").symbols == (symbol,)


def test_pieces_are_as_long_as_they_are_said_to_be(tmp_path):
    for symbol, frame, groups in (("A", made(100), (7,)), ("B", made(33), (1, 50)), ("C", made(100)[40:], (100,))):
        write(tmp_path / f"symbol={symbol}" / "0.parquet", frame, groups)
    stream = replace(open_stream(tmp_path), bars=30)
    assert [len(bars) for bars in stream.read()] == [30, 30, 30, 10]
    assert [len(bars) for bars in open_stream(tmp_path).read()] == [100]


def test_real_hours_in_one_file():
    path = DATA / "btcusdt_1h.parquet"
    bars = bt.read_bars(path)
    close = bars.frame("BTCUSDT")["close"]
    signals = np.sign(close.rolling(20).mean() - close.rolling(50).mean())
    settings = {"account": {"leverage": 3}, "venue": venue_of(taker_fee=0.0005)}
    assert_same_in_pieces(path, signals, bars, lengths=(997, 20_000), **settings)
    assert bt.run(path, signals, venue=venue_of()).description == bt.run(bars, signals, venue=venue_of()).description


def test_a_saved_run_comes_back_equal(tmp_path):
    frame = made(300)
    path = write(tmp_path / "btcusdt.parquet", frame)
    signals = np.where(np.arange(300) % 7 == 0, np.cos(np.arange(300)), np.nan)
    bars, account = bt.read_bars(path), bt.Account(leverage=10)
    whole = bt.run(bars, signals, account=account, venue=venue_of())
    pieces = in_pieces(stream_of({"BTCUSDT": path}, cycle([40])), signals, account, venue_of())
    pieces.save(tmp_path / "run")
    assert "history" not in vars(pieces)
    loaded = bt.load(tmp_path / "run")
    for name in ("history", "fills", "trades", "liquidations", "orders", "calls"):
        pd.testing.assert_frame_equal(getattr(loaded, name), getattr(whole, name), check_exact=True, check_freq=False)
    assert loaded.summary.equals(whole.summary)
    assert loaded.equity.equals(whole.equity)


def test_a_run_holds_no_history(tmp_path):
    path = write(tmp_path / "btcusdt.parquet", made(5_000), (1000,))
    result = in_pieces(stream_of({"BTCUSDT": path}), np.full(5_000, np.nan), bt.Account(), venue_of())
    run = result._source.run
    assert sum(len(day) for day, _, _ in run._days) == 209
    assert run._logs == []
    assert len(run.times.bars) == 1


def test_a_partition_may_be_given_by_itself(tmp_path):
    write(tmp_path / "symbol=BTCUSDT" / "0.parquet", made(50), (13,))
    result = bt.run(tmp_path / "symbol=BTCUSDT", np.ones(50), venue=venue_of())
    assert result.description["data"]["symbols"] == ["BTCUSDT"]

"""Sweeps over a folder of symbols: each a market of its own, read when its turn comes."""

import os

import numpy as np
import pandas as pd
import pytest
from scenes import venue_of
from wild import market_of

import backtest as bt
from backtest.errors import ConfigError, DataError
from backtest.market import universes
from backtest.market.streams import columns_in
from backtest.market.universes import Universe, universe_of
from backtest.sweeping import jobs

VENUE = venue_of([(0, 0.005, 50)], taker_fee=0.0004)
OVER = {"leverage": [1, 5, 51], "fast": [3, 8]}
LENGTHS = {"AUSDT": 250, "B/USDT": 100, "CUSDT": 40}
FRAMES = {name: market_of(seed, 1, bars)["S0"] for seed, (name, bars) in enumerate(LENGTHS.items())}


def trend(data, fast):
    """Hold what rose."""
    return np.sign(data["close"] - data["close"].rolling(fast).mean()) / 2


STRATEGY = bt.Strategy.from_function(trend, {"fast": 5})


@pytest.fixture(name="folder")
def _folder(tmp_path):
    for symbol, frame in FRAMES.items():
        place = tmp_path / "bars" / f"symbol={symbol.replace('/', '%2F')}"
        place.mkdir(parents=True)
        half = len(frame) // 2
        frame[:half].to_parquet(place / "0.parquet")
        frame[half:].to_parquet(place / "1.parquet")
    return tmp_path / "bars"


def test_every_symbol_is_swept_on_its_own(folder):
    table = bt.sweep(folder, STRATEGY, venue=VENUE, over=OVER, workers=2)
    assert list(table)[:4] == ["symbol", "leverage", "fast", "reason"]
    assert table["symbol"].to_list() == [symbol for symbol in FRAMES for _ in range(6)]
    assert table.attrs["bars"] == 390
    for k, (symbol, frame) in enumerate(FRAMES.items()):
        bars = bt.Bars.from_frames({symbol: frame})
        alone = bt.sweep(bars, STRATEGY, venue=VENUE, over=OVER, workers=1)
        rows = table[6 * k : 6 * k + 6].drop(columns="symbol").reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, alone, check_exact=True)


def test_chunks_do_not_cross_symbols_and_are_resumed(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_ROWS", 4)
    told = []

    def progress(done, total):
        told.append((done, total))
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bt.sweep(folder, STRATEGY, venue=VENUE, over=OVER, out=tmp_path / "out", progress=progress)
    assert told == [(4, 18), (6, 18), (10, 18)]
    read, bars = [], Universe.bars
    monkeypatch.setattr(Universe, "bars", lambda self, symbol: read.append(symbol) or bars(self, symbol))
    table = bt.sweep(folder, STRATEGY, venue=VENUE, over=OVER, out=tmp_path / "out", resume=True)
    assert set(read[:-2]) == set(FRAMES)  # looked through, as all are before the first replay
    assert read[-2:] == ["B/USDT", "CUSDT"]
    pd.testing.assert_frame_equal(table, bt.sweep(folder, STRATEGY, venue=VENUE, over=OVER), check_exact=True)


def test_other_data_are_not_resumed(folder, tmp_path):
    bt.sweep(folder, STRATEGY, venue=VENUE, over=OVER, out=tmp_path / "out")
    changed = FRAMES["CUSDT"][20:].assign(close=lambda frame: frame["low"])
    changed.to_parquet(folder / "symbol=CUSDT" / "1.parquet")
    with pytest.raises(ConfigError, match=r"got another data: sha256:\w+ instead of sha256:"):
        bt.sweep(folder, STRATEGY, venue=VENUE, over=OVER, out=tmp_path / "out", resume=True)


def test_bars_that_are_bad_are_refused_before_the_first_replay(folder, tmp_path):
    def refused(message):
        with pytest.raises(DataError, match=message):
            bt.sweep(folder, STRATEGY, venue=VENUE, over=OVER, out=tmp_path / "out", progress=pytest.fail)
        assert not (tmp_path / "out" / "sweep.json").exists()

    last = folder / "symbol=CUSDT" / "1.parquet"
    FRAMES["CUSDT"][20:].assign(low=1e9).to_parquet(last)
    refused(r"^high must be at least low, got .* in .*symbol=CUSDT.1\.parquet \(row 0\)$")
    FRAMES["CUSDT"][20:].drop(columns="funding_rate").to_parquet(last)
    refused(r"^the files of a symbol must have the same columns, got funding_rate not in all, in .*1\.parquet$")
    FRAMES["CUSDT"][19:].to_parquet(last)
    refused(r"^times must be unique, got .* in .*symbol=CUSDT.1\.parquet \(row 0\)$")


def test_files_that_change_are_refused(folder):
    universe, path = universe_of(folder), folder / "symbol=CUSDT" / "1.parquet"
    path.touch()
    os.utime(path, (1, 1))
    with pytest.raises(DataError, match=r"must stay as they are, got a change of .*symbol=CUSDT.1\.parquet"):
        universe.bars("CUSDT")
    assert len(universe.absolute().bars("CUSDT")) == 40  # at another machine, which may tell another time
    FRAMES["CUSDT"][20:].assign(note="longer").to_parquet(path)
    with pytest.raises(DataError, match=r"must stay as they are, got a change of .*symbol=CUSDT.1\.parquet"):
        universe.absolute().bars("CUSDT")
    path.write_bytes(b"half of a file")
    with pytest.raises(DataError, match=r"must stay as they are, got a change of .*symbol=CUSDT.1\.parquet"):
        universe.bars("CUSDT")
    assert len(universe.bars("AUSDT")) == 250


def test_a_file_that_changes_while_it_is_read_is_refused(folder, monkeypatch):
    universe = universe_of(folder)

    def slow(files):
        read = tuple(columns_in(files))
        FRAMES["CUSDT"][21:].to_parquet(files.paths[1])
        return read

    monkeypatch.setattr(universes, "columns_in", slow)
    with pytest.raises(DataError, match=r"must stay as they are, got a change of .*symbol=CUSDT.1\.parquet"):
        universe.bars("CUSDT")


def test_files_replaced_while_a_sweep_runs_are_refused(folder):
    def replaced(done, _):
        if done < 18:
            FRAMES["CUSDT"][20:].assign(close=lambda frame: frame["low"]).to_parquet(path)

    path = folder / "symbol=CUSDT" / "1.parquet"
    with pytest.raises(DataError, match=r"must stay as they are, got a change of .*symbol=CUSDT.1\.parquet"):
        bt.sweep(folder, STRATEGY, venue=VENUE, over=OVER, workers=1, progress=replaced)


def test_folders_that_are_hidden_are_left_alone(folder):
    expected = universe_of(folder)
    for name in (".ipynb_checkpoints", "_temporary/0"):
        place = folder / "symbol=AUSDT" / name
        place.mkdir(parents=True)
        FRAMES["AUSDT"].to_parquet(place / "0-checkpoint.parquet")
    assert universe_of(folder) == expected
    deeper = folder / "symbol=AUSDT" / "year=2021"
    deeper.mkdir()
    (folder / "symbol=AUSDT" / "1.parquet").rename(deeper / "1.parquet")
    assert len(universe_of(folder).bars("AUSDT")) == 250


def test_signals_for_many_symbols_are_a_strategy(folder):
    with pytest.raises(ConfigError, match=r"^signals must be a Strategy for bars in files, got ndarray$"):
        bt.sweep(folder, np.ones(250), venue=VENUE, over={"leverage": [1]})
    with pytest.raises(ConfigError, match=r"^venue must be a Venue, "):
        bt.sweep(folder, STRATEGY, venue="binance_usdm", over=OVER)


def test_a_folder_that_holds_no_bars_is_refused(tmp_path):
    with pytest.raises(DataError, match="folder"):
        bt.sweep(tmp_path / "none", STRATEGY, venue=VENUE, over=OVER)
    with pytest.raises(DataError, match="got none in"):
        bt.sweep(tmp_path, STRATEGY, venue=VENUE, over=OVER)
    (tmp_path / "symbol=X").mkdir()
    with pytest.raises(DataError, match=r"got none in .*symbol=X$"):
        universe_of(tmp_path)
    (tmp_path / "symbol=X" / "0.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"readable as parquet, got .* from .*0\.parquet$"):
        universe_of(tmp_path)

"""The folder of a sweep: whose strategy it holds, whose files, and who writes into it."""

import functools
import json
import os
import shutil
import socket
import subprocess
import sys

import pandas as pd
import pytest
from test_sweep_parts import BARS, OVER, VENUE, interrupt, swept

import backtest as bt
from backtest.errors import ConfigError, DataError
from backtest.sweeping import jobs, locks
from backtest.sweeping.parts import read_table, rows_kept


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(jobs, "MOST_ROWS", 3)


def closure_of(part):
    return lambda data: data["close"] * 0 + part


def given(data, part):
    return data["close"] * 0 + part


def without_source(part):
    names = {"part": part}
    exec("def held(data): return data['close'] * 0 + part", names)  # noqa: S102 (given here)
    return names["held"]


@pytest.mark.parametrize(
    "function",
    [closure_of, lambda part: functools.partial(given, part=part), without_source],
    ids=["closure", "partial", "no source"],
)
def test_another_strategy_of_the_same_name_and_source_is_not_resumed(tmp_path, function):
    first, other, same = (bt.Strategy.from_function(function(part)) for part in (0.25, 0.5, 0.25))
    assert (first.name, first.source_hash) == (other.name, other.source_hash)
    with pytest.raises(KeyboardInterrupt):
        bt.sweep(BARS, first, venue=VENUE, over=OVER, out=tmp_path, progress=interrupt(2))
    with pytest.raises(ConfigError, match=r"got another signals: sha256:\w{12} instead of sha256:\w{12}$"):
        bt.sweep(BARS, other, venue=VENUE, over=OVER, out=tmp_path, resume=True)
    table = bt.sweep(BARS, same, venue=VENUE, over=OVER, out=tmp_path, resume=True)
    pd.testing.assert_frame_equal(table, bt.sweep(BARS, first, venue=VENUE, over=OVER), check_exact=True)


@pytest.mark.parametrize("histories", [False, True])
def test_what_tells_a_strategy_apart_is_not_evaluated_twice(tmp_path, histories):
    asked = []

    def signals(data, size):
        asked.append(size)
        if size < 3:
            raise ValueError("size must be at least 3")
        return data["close"] * 0 + size / 8

    strategy = bt.Strategy.from_function(signals, {"size": 1})
    over = {"size": [1, 2, 3, 4], "leverage": [1, 2]}
    table = bt.sweep(BARS, strategy, venue=VENUE, over=over, out=tmp_path, histories=histories)
    assert asked == [1, 2, 3, 4]
    assert ["size must be at least 3" in reason for reason in table["reason"]] == [True] * 4 + [False] * 4
    assert (table["reason"] == "").to_list() == [False] * 4 + [True] * 4


def test_a_strategy_that_never_trades_is_told_apart_by_its_name(tmp_path):
    def fail(data):
        raise ValueError(f"never, of {len(data)} bars")

    tables = [
        bt.sweep(BARS, bt.Strategy.from_function(fail), venue=VENUE, over=OVER, out=tmp_path, resume=resume)
        for resume in (False, True)
    ]
    pd.testing.assert_frame_equal(*tables)
    assert json.loads((tmp_path / "sweep.json").read_text())["signals"]["values"] == ""


def test_files_of_the_user_that_look_alike_stay(tmp_path):
    swept(tmp_path)
    kept = [tmp_path / ".bashrc.new", tmp_path / "parts" / ".notes.0a1b2c3d.new", tmp_path / ".sweep.json.backup.new"]
    left = [tmp_path / ".sweep.json.0a1b2c3d.new", tmp_path / "parts" / ".part-000001.parquet.0a1b2c3d.new"]
    for path in (*kept, *left):
        path.touch()
    swept(tmp_path, resume=True)
    assert [path.exists() for path in (*kept, *left)] == [True, True, True, False, False]


def test_a_file_of_the_user_that_looks_alike_makes_a_folder_no_empty_one(tmp_path):
    (tmp_path / ".bashrc.new").touch()
    with pytest.raises(ConfigError, match=r"^out must be an empty folder, or hold a sweep, got \.bashrc\.new in "):
        swept(tmp_path)
    assert (tmp_path / ".bashrc.new").exists()


def test_an_interruption_is_told_though_the_folder_is_gone(tmp_path):
    def remove(*_counts):
        shutil.rmtree(tmp_path / "out")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        swept(tmp_path / "out", progress=remove)


def test_what_is_left_of_a_sweep_that_was_killed_as_it_began_is_no_sweep(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / ".part-000000.parquet.0a1b2c3d.new").touch()
    (tmp_path / ".sweep.json.0a1b2c3d.new").touch()
    assert rows_kept(tmp_path) == 0
    assert len(swept(tmp_path)) == 10
    (tmp_path / "sweep.json").unlink()
    with pytest.raises(ConfigError, match=r"^out must be an empty folder, or hold a sweep, got parts in "):
        swept(tmp_path)


def test_parts_that_are_not_of_the_sweep_are_refused(tmp_path):
    swept(tmp_path)
    stray = tmp_path / "parts" / "part-000077.parquet"
    shutil.copy(tmp_path / "parts" / "part-000000.parquet", stray)
    rule = r"^the parts of this sweep must be numbered below 4, got part-000077\.parquet in .*parts$"
    for read in (read_table, rows_kept, lambda out: swept(out, resume=True), lambda out: bt.query(out, "FROM sweep")):
        with pytest.raises(DataError, match=rule):
            read(tmp_path)
    stray.rename(stray.with_name("part-000004.parquet"))
    with pytest.raises(DataError, match=r"below 4, got part-000004\.parquet"):
        read_table(tmp_path)


def test_a_sweep_whose_parts_are_gone_is_told_and_may_be_gone_on_with(tmp_path):
    table = swept(tmp_path)
    shutil.rmtree(tmp_path / "parts")
    assert rows_kept(tmp_path) == 0
    for read in (read_table, lambda out: bt.query(out, "FROM sweep")):
        with pytest.raises(DataError, match=r"^there must be the parts of the sweep, got no folder parts in "):
            read(tmp_path)
    pd.testing.assert_frame_equal(swept(tmp_path, resume=True), table, check_exact=True)


def test_a_second_sweep_at_the_same_time_is_refused_and_disturbs_nothing(tmp_path):
    staging = tmp_path / "parts" / ".part-000003.parquet.0a1b2c3d.new"
    refused = []

    def progress(*_counts):
        staging.touch()
        with pytest.raises(ConfigError, match=r"^out must be written by one sweep at a time, got that of ") as caught:
            swept(tmp_path, resume=True)
        refused.append(str(caught.value))
        assert staging.exists()
        assert (tmp_path / "sweep.lock").exists()

    table = swept(tmp_path, progress=progress)
    assert len(refused) == 4
    assert f"that of process {os.getpid()} on {socket.gethostname()} (if it is gone: remove {tmp_path}" in refused[0]
    assert not (tmp_path / "sweep.lock").exists()
    pd.testing.assert_frame_equal(swept(tmp_path, resume=True), table, check_exact=True)


def test_a_folder_is_free_again_after_an_interruption(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        swept(tmp_path, progress=interrupt(1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "sweep.json"]


def held_by(out, **holder):
    lock = {"host": socket.gethostname(), "pid": os.getpid(), "mark": "0123456789abcdef", **holder}
    (out / "sweep.lock").write_text(json.dumps(lock))


@pytest.mark.parametrize("same", [False, True], ids=["another", "its number is ours now"])
def test_the_folder_of_a_process_that_is_gone_is_taken_over(tmp_path, same):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    held_by(tmp_path, pid=os.getpid() if same else process.pid)
    assert len(swept(tmp_path)) == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "sweep.json"]


@pytest.mark.parametrize(
    ("holder", "who"),
    [
        ({"pid": os.getppid()}, rf"process {os.getppid()} on {socket.gethostname()}"),
        ({"host": "elsewhere", "pid": 3}, "process 3 on elsewhere"),
        ({"pid": "3"}, "process 3 on "),
        ({"pid": 1 << 80}, "process "),
    ],
)
def test_the_folder_of_a_process_that_may_be_alive_is_not_taken_over(tmp_path, holder, who):
    held_by(tmp_path, **holder)
    with pytest.raises(ConfigError, match=f"^out must be written by one sweep at a time, got that of {who}"):
        swept(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.lock"]


def test_a_lock_that_says_nothing_is_kept(tmp_path):
    for text in ("", "3", "{}"):
        (tmp_path / "sweep.lock").write_text(text)
        with pytest.raises(ConfigError, match="got that of process unknown on an unknown host"):
            swept(tmp_path)


def test_a_lock_that_another_has_taken_over_meanwhile_is_left_to_it(tmp_path, monkeypatch):
    def late(held):
        held_by(tmp_path, host="elsewhere", pid=3)
        return gone(held)

    held_by(tmp_path)
    gone = locks._is_gone
    monkeypatch.setattr(locks, "_is_gone", late)
    with pytest.raises(ConfigError, match="got that of process 3 on elsewhere"):
        swept(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.lock"]
    assert json.loads((tmp_path / "sweep.lock").read_text())["host"] == "elsewhere"

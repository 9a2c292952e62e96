"""Sweeps on real worker processes: the same table, whatever becomes of them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from dask.distributed import Client
from scenes import venue_of
from wild import market_of, signals_of
from worker_processes import Processes

import backtest as bt
from backtest.errors import ConfigError, DataError
from backtest.sweeping import jobs
from backtest.sweeping.parts import read_table

VENUE = venue_of([(0, 0.005, 50)], taker_fee=0.0004)
BARS = bt.Bars.from_frames(market_of(1, 2))
SIGNALS = signals_of(1, 2)
OVER = {"leverage": [1, 2, 5, 51, 10], "margin_mode": ["isolated", "cross"]}

SLOW = '''
"""Sleep, then hold; with `deadly`, end the process that asks."""
import os, signal, time
from dataclasses import dataclass

PARAMS = {"size": 1, "deadly": 0}


@dataclass
class Held:
    part: float


def signals(data, size, deadly):
    if deadly == size:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.15)
    return {symbol: frame["close"] * 0 + Held(size / 100).part for symbol, frame in data.items()}
'''
SIZES = list(range(1, 31))


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(jobs, "MOST_ROWS", 2)


@pytest.fixture(name="strategy")
def _strategy(tmp_path):
    path = tmp_path / "slow.py"
    path.write_text(SLOW)
    return bt.strategy(path)


def part_of(level):
    """Return something that only this module has."""
    return level / 10


def held(data, level):
    return {symbol: frame["close"] * 0 + part_of(level) for symbol, frame in data.items()}


def test_the_table_is_the_same_on_workers_of_several_threads(tmp_path, strategy):
    function = bt.Strategy.from_function(held, {"level": 1})
    dataset = tmp_path / "bars"
    for seed, symbol in enumerate(("A", "B")):
        (dataset / f"symbol={symbol}").mkdir(parents=True)
        market_of(seed, 1)["S0"].to_parquet(dataset / f"symbol={symbol}" / "0.parquet")
    wanted = [
        bt.sweep(BARS, SIGNALS, venue=VENUE, over=OVER),
        bt.sweep(BARS, function, venue=VENUE, over={**OVER, "level": [1, 3]}),
        bt.sweep(BARS, strategy, venue=VENUE, over={"size": [1, 2, 3], "leverage": [2, 51]}),
        bt.sweep(dataset, bt.Strategy.from_function(alone), venue=VENUE, over=OVER),
    ]
    with Processes(tmp_path) as processes:
        processes.start(threads=2)
        processes.start()
        cluster = processes.address
        told = []
        tables = [
            bt.sweep(BARS, SIGNALS, venue=VENUE, over=OVER, cluster=cluster, out=tmp_path / "out", histories=True),
            bt.sweep(BARS, function, venue=VENUE, over={**OVER, "level": [1, 3]}, cluster=cluster),
            bt.sweep(
                BARS, strategy, venue=VENUE, over={"size": [1, 2, 3], "leverage": [2, 51]}, cluster=cluster,
                progress=lambda *counts: told.append(counts),
            ),
            bt.sweep(dataset, bt.Strategy.from_function(alone), venue=VENUE, over=OVER, cluster=cluster),
        ]  # fmt: skip
        (dataset / "symbol=B" / "0.parquet").write_bytes(b"PAR1PAR1")
        with pytest.raises(DataError, match=r"symbol=B.0\.parquet"):
            bt.sweep(dataset, bt.Strategy.from_function(alone), venue=VENUE, over=OVER, cluster=cluster)
    for table, expected in zip(tables, wanted, strict=True):
        pd.testing.assert_frame_equal(table, expected, check_exact=True)
        assert table.attrs["rows"] == expected.attrs["rows"]
    assert {table.attrs["workers"] for table in tables} <= {1, 2, 3}
    assert told[-1] == (6, 6)
    assert sorted(told) == told
    assert len(list((tmp_path / "out" / "histories").iterdir())) == 8
    assert bt.load(tmp_path / "out" / "histories" / "000005").summary["trades"] == wanted[0]["trades"][5]


def alone(data):
    return data["close"] * 0 + part_of(2)


def test_nothing_is_lost_and_nothing_twice_when_workers_are_killed(tmp_path, strategy):
    over = {"size": SIZES, "leverage": [2, 3]}
    with Processes(tmp_path) as processes:
        first, second = processes.start(), processes.start()
        told = []

        def progress(done, _total):
            told.append(done)
            if done >= 6 and first.poll() is None:
                processes.kill(first)
            elif done >= 30 and second.poll() is None:
                processes.kill(second)  # with all that had been sent to the workers
                processes.start()

        table = bt.sweep(
            BARS, strategy, venue=VENUE, over=over, cluster=processes.address, out=tmp_path / "out", progress=progress
        )
        assert (first.poll(), second.poll()) == (-signal.SIGKILL, -signal.SIGKILL)
    pd.testing.assert_frame_equal(read_table(tmp_path / "out"), table, check_exact=True)
    assert told == list(range(2, 61, 2))
    assert len(list((tmp_path / "out" / "parts").iterdir())) == 30
    assert list(zip(table["size"], table["leverage"], strict=True)) == [(size, lev) for size in SIZES for lev in (2, 3)]
    expected = bt.sweep(BARS, strategy, venue=VENUE, over={"size": [1, 30], "leverage": [2, 3]})
    pd.testing.assert_frame_equal(table.iloc[[0, 1, 58, 59]].reset_index(drop=True), expected, check_exact=True)


def test_a_task_that_kills_its_workers_is_one_line(tmp_path, strategy):
    over = {"size": SIZES}
    with Processes(tmp_path) as processes:
        for _ in range(3):
            processes.start()
        with Client(processes.address, set_as_default=False) as client:
            client.wait_for_workers(3, timeout=20)
            with pytest.raises(
                ConfigError, match=r"^cluster must keep the workers that are given chunk \d+ .*, got 2 de"
            ):
                bt.sweep(
                    BARS, strategy, venue=VENUE, over=over, params={"deadly": 9}, cluster=client, out=tmp_path / "out"
                )
            assert client.submit(sum, [1, 2]).result(timeout=10) == 3
        assert [worker.poll() for worker in processes.workers].count(-signal.SIGKILL) == 2
    assert list((tmp_path / "out" / "parts").iterdir())


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import backtest as bt
from backtest.sweeping import jobs
from test_clusters import BARS, VENUE, SIZES
jobs.MOST_ROWS = 2

def progress(done, total):
    if done > 4:
        print("ready", flush=True)
        sys.stdin.read()

bt.sweep(BARS, bt.strategy({strategy!r}), venue=VENUE, over={{"size": SIZES, "leverage": [2, 3]}}, cluster="local",
         workers=2, out={out!r}, progress=progress)
"""


def alive(mark):
    """Return the processes whose environment bears a mark."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
    return found


def test_ctrl_c_keeps_what_is_written_and_leaves_no_process(tmp_path, strategy):
    script, out = tmp_path / "script.py", tmp_path / "out"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent), strategy=str(strategy.path), out=str(out)))
    command, mark = [sys.executable, str(script)], f"SWEEP_OF={tmp_path}"
    given = {"env": {**os.environ, "SWEEP_OF": str(tmp_path)}, "start_new_session": True}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, **given, **pipes) as process:  # noqa: S603
        assert process.stdout.readline() == b"ready\n"
        assert len(alive(mark)) > 2
        os.killpg(process.pid, signal.SIGINT)
        err = process.stderr.read()  # to its end, which is that of the process
    assert process.returncode == -signal.SIGINT
    assert err.decode().rstrip().endswith("KeyboardInterrupt")
    assert "distributed" not in err.decode().split("Traceback")[0]
    while alive(mark):
        time.sleep(0.01)
    assert 2 < len(list(out.glob("parts/part*"))) < 30
    assert sorted(path.name for path in out.iterdir()) == ["parts", "sweep.json"]
    table = bt.sweep(BARS, strategy, venue=VENUE, over={"size": SIZES, "leverage": [2, 3]}, out=out, resume=True)
    assert len(table) == 60

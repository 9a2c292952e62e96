"""Sweeps as they travel: arrays that kernels can read on arrival, strategies that nobody there can import."""

import pickle
import re
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from scenes import venue_of
from wild import market_of, signals_of

import backtest as bt
from backtest.errors import ConfigError
from backtest.signalling.signals import as_signals
from backtest.sweeping import parcels
from backtest.sweeping.grids import settings_of
from backtest.sweeping.jobs import Job
from backtest.sweeping.parcels import Parcel, replay_chunks
from backtest.sweeping.parts import HEAD, begun
from backtest.sweeping.strategy_parcels import Remembering, packed

VENUE = venue_of([(0, 0.005, 50)])
BARS = bt.Bars.from_frames(market_of(1, 2))
BARE = bt.Bars.from_frames({"S0": market_of(2, 1)["S0"][["open", "high", "low", "close"]]})
SETTINGS = settings_of({"leverage": [1, 2]}, bt.Account(), VENUE, None, None)
SOURCE = "SIZE = 2\n\ndef signals(data):\n    return data['close'] * 0 + SIZE / 4\n"


def sent(given):
    """Return what arrives: arrays that cannot be written to, where nothing is aligned."""
    buffers = []
    content = pickle.dumps(given, protocol=5, buffer_callback=buffers.append)
    frames = []
    for buffer in buffers:
        raw = buffer.raw()
        place = np.empty(len(raw) + 1, np.uint8)
        place[1:] = np.frombuffer(raw, np.uint8)
        frames.append(memoryview(place)[1:].toreadonly())
    return pickle.loads(content, buffers=frames)  # noqa: S301 (made above)


def job_of(bars, signals):
    return Job(bars, signals if isinstance(signals, bt.Strategy) else as_signals(signals, bars), SETTINGS)


@pytest.mark.parametrize(("bars", "signals"), [(BARS, signals_of(1, 2)), (BARE, signals_of(2, 1))])
def test_arrays_arrive_as_kernels_are_compiled_for_them(bars, signals):
    parcel = sent(Parcel(job_of(bars, signals), None))
    found = parcel.job
    assert found.bars.fingerprint == bars.fingerprint
    assert found.bars.has_marks == bars.has_marks
    arrays = [found.bars.trade, found.bars.mark, found.bars.funding, found.bars.present, found.signals.target]
    for array in arrays:
        assert array.flags.aligned
        assert array.flags.writeable
        assert array.flags.c_contiguous
    ((chunk, table),) = replay_chunks(parcel, [0])
    expected = bt.sweep(bars, signals, venue=VENUE, over={"leverage": [1, 2]})
    assert chunk == 0
    assert table["total_return"].to_pylist() == expected["total_return"].to_list()


def test_only_what_bars_are_made_of_travels():
    before = len(pickle.dumps(Parcel(job_of(BARS, signals_of(1, 2)), None)))
    bars = replace(BARS)
    assert bars.fingerprint
    assert len(bars.nanoseconds) == len(bars)
    assert len(pickle.dumps(Parcel(job_of(bars, signals_of(1, 2)), None))) == before


def test_what_has_been_used_travels_on(tmp_path):
    path = tmp_path / "quarter.py"
    path.write_text(SOURCE)
    parcel = Parcel(job_of(BARE, bt.strategy(path)), None)
    before = len(pickle.dumps(parcel))
    tables = [replay_chunks(parcel, [0]), replay_chunks(sent(parcel), [0])]
    assert tables[0] == tables[1]
    assert len(pickle.dumps(parcel)) == before


def module_of(name, source):
    module = ModuleType(name)
    exec(source, module.__dict__)  # noqa: S102 (given here)
    return module


def test_a_file_travels_as_its_source(tmp_path):
    path = tmp_path / "quarter.py"
    path.write_text(SOURCE)
    there = pickle.dumps(packed(bt.strategy(path)))
    path.unlink()
    for name in [name for name in sys.modules if name.startswith("backtest_strategy_")]:
        del sys.modules[name]
    strategy = pickle.loads(there).opened()  # noqa: S301 (made above)
    assert (strategy.name, strategy.path) == ("quarter", path)
    assert (strategy.signals(BARE).target == 0.5).all()


def test_a_file_that_has_changed_is_not_sent(tmp_path):
    path = tmp_path / "quarter.py"
    path.write_text(SOURCE)
    strategy = bt.strategy(path)
    path.write_text(SOURCE.replace("4", "8"))
    with pytest.raises(
        ConfigError, match=rf"^strategy must be in its file as it was loaded, got another .*{path.name}$"
    ):
        packed(strategy)
    path.unlink()
    with pytest.raises(ConfigError, match=r"^strategy must be a readable Python file, got No such file or directory: "):
        packed(strategy)


def test_a_function_travels_with_what_its_module_gives_it(monkeypatch):
    module = module_of("not_there", SOURCE)
    monkeypatch.setitem(sys.modules, "not_there", module)
    content = pickle.dumps(packed(bt.Strategy.from_function(module.signals)))
    monkeypatch.delitem(sys.modules, "not_there")
    assert (pickle.loads(content).opened().signals(BARE).target == 0.5).all()  # noqa: S301 (made above)


def test_what_workers_cannot_import_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "not_there", module_of("not_there", SOURCE))
    monkeypatch.setitem(sys.modules, "caller", module_of("caller", "from not_there import signals as held\n" + CALLS))
    content = packed(bt.Strategy.from_function(sys.modules["caller"].signals))
    monkeypatch.delitem(sys.modules, "not_there")
    rule = (
        r"^strategy signals must use only what every worker can import, got ModuleNotFoundError: No module named 'not_"
    )
    with pytest.raises(ConfigError, match=rule):
        content.opened()


CALLS = "def signals(data):\n    return held(data)\n"


def test_what_cannot_be_sent_is_one_line():
    opened = re.finditer("a", "aaa")

    def signals(data):
        return data["close"] * 0 + len(list(opened))

    with pytest.raises(
        ConfigError, match=r"^strategy signals must be such that it can be sent to workers, got TypeError"
    ):
        packed(bt.Strategy.from_function(signals))


def test_a_strategy_is_asked_once_by_tasks_that_follow_each_other():
    asked = []

    def signals(data, size):
        asked.append(size)
        return data["close"] * 0 + size / 10

    strategy = Remembering.of(bt.Strategy.from_function(signals, {"size": 1}))
    frames = BARE.frames()
    for size in (1, 2, 1, 3, 4, 5, 1):
        assert (strategy.signals_of(frames, {"size": size}).target == size / 10).all()
    assert asked == [1, 2, 3, 4, 5, 1]


def test_other_kernels_are_refused(monkeypatch):
    parcel = Parcel(job_of(BARE, signals_of(2, 1)), None)
    monkeypatch.setattr(parcels, "kernel_sources", lambda: "other")
    with pytest.raises(
        ConfigError, match=r"^every worker must have the same version of margin-backtest, got other ker"
    ):
        replay_chunks(parcel, [0])


def test_a_folder_that_is_another_one_at_a_worker_is_refused(tmp_path):
    with begun(tmp_path / "out", {"data": 1}, resume=False) as folder:
        pass
    parcel = Parcel(job_of(BARE, signals_of(2, 1)), folder)
    assert replay_chunks(parcel, [0]) == [(0, None)]
    assert [path.name for path in (folder / "parts").iterdir()] == ["part-000000.parquet"]
    (folder / "sweep.json").write_text("{}")
    with pytest.raises(
        ConfigError, match=r"^out must be the folder of this sweep at every worker, got another one in "
    ):
        replay_chunks(parcel, [0])
    (folder / "sweep.json").unlink()
    with pytest.raises(
        ConfigError, match=r"^out must be a folder that every worker sees, got no .*sweep\.json at a worker$"
    ):
        replay_chunks(parcel, [0])


def test_the_folder_of_a_later_sweep_is_refused_whatever_it_sweeps(tmp_path):
    out, given = tmp_path / "out", {"data": 1}
    with begun(out, given, resume=False):
        parcel = Parcel(job_of(BARE, signals_of(2, 1)), out)
    with begun(out, given, resume=True):
        parcel.check_folder()
    (out / "sweep.json").unlink()
    with (
        begun(out, given, resume=False),
        pytest.raises(ConfigError, match=r"^out must be the folder of this sweep at every worker, got another one in "),
    ):
        parcel.check_folder()


def test_of_a_long_description_only_the_beginning_is_read(tmp_path, monkeypatch):
    with begun(tmp_path / "out", {"over": list(range(10_000))}, resume=False) as folder:
        parcel = Parcel(job_of(BARE, signals_of(2, 1)), folder)
        monkeypatch.setattr("pathlib.Path.read_bytes", None)
        monkeypatch.setattr("pathlib.Path.read_text", None)
        parcel.check_folder()
        assert len(parcel._head) == HEAD
        monkeypatch.undo()

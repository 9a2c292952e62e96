"""Saved runs: exact round trips, all or nothing, and every kind of damage refused."""

import hashlib
import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from backtest.errors import DataError
from backtest.outcome import storage
from backtest.outcome.storage import load, save

RUN = {
    "settings": {"cash": 10_000.0, "leverage": 10, "stop_loss": None, "symbols": ["BTCUSDT", "Ξ"], "skip": True},
    "summary": {"sharpe": math.nan, "profit_factor": math.inf, "worst": -math.inf, "tiny": 5e-324, "third": 1 / 3},
}


def frames_of(bars=50):
    time = pd.date_range("2021-01-01", periods=bars, freq="min", tz="UTC", unit="ns", name="time")
    random = np.random.default_rng(bars)
    history = pd.DataFrame({"equity": random.normal(size=bars), "fees": np.zeros(bars)}, index=time)
    history.iloc[:4, 0] = [math.nan, math.inf, -math.inf, -0.0]
    trades = pd.DataFrame(
        {
            "symbol": pd.array(["BTCUSDT", "ETHUSDT"], dtype="str"),
            "exit_time": pd.DatetimeIndex([time[3], pd.NaT]),
            "exit_price": [101.5, math.nan],
            "bars": np.array([3, 2**62], dtype=np.int64),
            "gap": [True, False],
        }
    )
    return {"history": history, "trades": trades, "liquidations": trades.iloc[:0]}


def assert_equal(loaded, saved):
    assert list(loaded) == list(saved)
    for name, frame in saved.items():
        pd.testing.assert_frame_equal(loaded[name], frame, check_exact=True, check_freq=False)


def edit(folder, change):
    """Change `run.json` as someone with a text editor would."""
    path = folder / "run.json"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def resigned(text, **changes):
    """Return the text of a description with `changes` and the hash that goes with them."""
    content = {**json.loads(text), **changes}
    content.pop("sha256")
    compact = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return json.dumps({**content, "sha256": hashlib.sha256(compact.encode()).hexdigest()})


def snapshot(folder):
    """Return every file below `folder`, hidden ones too, with its bytes."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_loaded_frames_equal_the_saved_ones(tmp_path):
    saved = frames_of()
    save(tmp_path / "runs" / "one", saved, RUN)
    loaded, _ = load(tmp_path / "runs" / "one")
    assert_equal(loaded, saved)
    assert str(loaded["history"].index.dtype) == "datetime64[ns, UTC]"
    assert loaded["history"].index.name == "time"
    assert math.copysign(1.0, loaded["history"]["equity"].iloc[3]) == -1.0


def test_more_rows_than_a_row_group_come_back_in_order(tmp_path):
    saved = {"history": frames_of(300_000)["history"]}
    save(tmp_path / "run", saved, {})
    assert pq.ParquetFile(tmp_path / "run" / "history.parquet").num_row_groups == 3
    assert_equal(load(str(tmp_path / "run"))[0], saved)


def test_the_description_comes_back(tmp_path):
    description = {
        **RUN,
        "numbers": [np.float64(0.1), np.int64(7), np.bool_(True), np.float64("nan")],
        "longest": pd.Timedelta(days=774, hours=15, nanoseconds=1),
        "negative": pd.Timedelta(-1, unit="ns"),
        "start": pd.Timestamp("2021-01-01 00:00:00.000000001", tz="UTC"),
        "$float": "a name of the user's",
        "pair": (1, 2),
    }
    save(tmp_path / "run", {}, description)
    _, run = load(tmp_path / "run")
    assert list(run) == list(description)
    assert run["settings"] == RUN["settings"]
    assert math.isnan(run["summary"].pop("sharpe"))
    assert run["summary"] == {"profit_factor": math.inf, "worst": -math.inf, "tiny": 5e-324, "third": 1 / 3}
    assert run["numbers"][:3] == [0.1, 7, True]
    assert math.isnan(run["numbers"][3])
    for name in ("longest", "negative", "start", "$float"):
        assert run[name] == description[name]
        assert type(run[name]) is type(description[name])
    assert run["longest"].unit == "ns"
    assert run["pair"] == [1, 2]


def test_the_description_is_json_for_everyone(tmp_path):
    save(tmp_path / "run", frames_of(), RUN)
    text = (tmp_path / "run" / "run.json").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert content["format"] == 1
    assert content["settings"] == RUN["settings"]
    for name, sha256 in content["files"].items():
        assert hashlib.sha256((tmp_path / "run" / name).read_bytes()).hexdigest() == sha256


def test_files_are_zstd_without_dictionaries_and_floats_are_split(tmp_path):
    save(tmp_path / "run", {name: frame for name, frame in frames_of().items() if len(frame)}, {})
    for path in (tmp_path / "run").glob("*.parquet"):
        metadata = pq.ParquetFile(path).metadata
        columns = [
            metadata.row_group(group).column(at)
            for group in range(metadata.num_row_groups)
            for at in range(metadata.num_columns)
        ]
        for column in columns:
            assert column.compression == "ZSTD"
            assert not column.has_dictionary_page
            assert ("BYTE_STREAM_SPLIT" in column.encodings) == (column.physical_type == "DOUBLE")


def test_names_the_format_needs_are_not_overwritten(tmp_path):
    with pytest.raises(ValueError, match="run must leave the names format, files, sha256 free, got files"):
        save(tmp_path / "run", {}, {"files": 1})
    assert not (tmp_path / "run").exists()


def test_a_run_takes_the_place_of_the_old_one(tmp_path):
    save(tmp_path / "run", frames_of(), {"number": 1})
    (tmp_path / "run" / "notes.txt").write_text("mine")
    saved = {"history": frames_of(7)["history"]}
    save(tmp_path / "run", {**frames_of(7), **saved}, {"number": 2})
    loaded, run = load(tmp_path / "run")
    assert_equal({"history": loaded["history"]}, saved)
    assert run == {"number": 2}
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_is_used_and_a_damaged_run_replaced(tmp_path):
    (tmp_path / "run").mkdir()
    save(tmp_path / "run", {}, {"number": 1})
    (tmp_path / "run" / "run.json").write_text("{")
    save(tmp_path / "run", {}, {"number": 2})
    assert load(tmp_path / "run")[1] == {"number": 2}


def test_a_link_to_a_run_stays_a_link(tmp_path):
    save(tmp_path / "real", {}, {"number": 1})
    (tmp_path / "latest").symlink_to(tmp_path / "real")
    save(tmp_path / "latest", {}, {"number": 2})
    assert (tmp_path / "latest").is_symlink()
    assert load(tmp_path / "real")[1] == {"number": 2}


def test_a_folder_that_is_not_a_run_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    before = snapshot(tmp_path)
    with pytest.raises(DataError, match=r"a folder that holds something must hold a run, got no run\.json in .*thesis"):
        save(tmp_path / "thesis", frames_of(), RUN)
    assert snapshot(tmp_path) == before


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(DataError, match=r"a run must be saved to a folder, got the file .*run"):
        save(tmp_path / "run", frames_of(), RUN)
    with pytest.raises(DataError, match=r"a run must be a folder, got a file at .*run"):
        load(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "a file"


def full_disk(error):
    """Return a writer that gives up at its second file, part of it written."""
    calls = []

    def write(path, frame):
        calls.append(path)
        if len(calls) == 2:
            path.write_bytes(b"PAR1 and then")
            raise error
        frame.to_parquet(path)

    return write


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt("stop")])
def test_a_save_that_fails_midway_leaves_the_old_run(tmp_path, monkeypatch, error):
    save(tmp_path / "run", frames_of(), {"number": 1})
    before = snapshot(tmp_path)
    monkeypatch.setattr(storage, "write_frame", full_disk(error))
    with pytest.raises(type(error), match=r"No space left on device|stop"):
        save(tmp_path / "run", frames_of(9), {"number": 2})
    assert snapshot(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_save_that_fails_midway_leaves_none_where_none_was(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "write_frame", full_disk(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left on device"):
        save(tmp_path / "run", frames_of(), RUN)
    assert list(tmp_path.iterdir()) == []


def test_what_a_crash_leaves_is_in_nobodys_way(tmp_path, monkeypatch):
    save(tmp_path / "run", frames_of(), {"number": 1})
    with monkeypatch.context() as crash:
        crash.setattr(storage, "write_frame", full_disk(OSError(5, "power cut")))
        crash.setattr(storage.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(OSError, match="power cut"):
            save(tmp_path / "run", frames_of(9), {"number": 2})
    assert load(tmp_path / "run")[1] == {"number": 1}
    save(tmp_path / "run", frames_of(9), {"number": 3})
    assert load(tmp_path / "run")[1] == {"number": 3}


def test_a_description_that_json_cannot_hold_leaves_the_old_run(tmp_path):
    save(tmp_path / "run", frames_of(), {"number": 1})
    before = snapshot(tmp_path)
    with pytest.raises(TypeError, match="not JSON serializable"):
        save(tmp_path / "run", frames_of(9), {"number": object()})
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("failing", [".old", "run"])
def test_a_swap_that_fails_puts_the_old_run_back(tmp_path, monkeypatch, failing):
    save(tmp_path / "run", frames_of(), {"number": 1})
    before = snapshot(tmp_path)
    rename = Path.rename
    done = []

    def fail_once(path, target):
        if not done and Path(target).name.endswith(failing):
            done.append(target)
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(PermissionError, match="Permission denied"):
        save(tmp_path / "run", frames_of(9), {"number": 2})
    assert done
    assert snapshot(tmp_path) == before


def test_nothing_is_renamed_before_the_disk_has_every_file(tmp_path, monkeypatch):
    events = []
    rename, sync = Path.rename, storage.os.fsync
    monkeypatch.setattr(storage.os, "fsync", lambda descriptor: events.append("sync") or sync(descriptor))
    monkeypatch.setattr(Path, "rename", lambda path, target: events.append("rename") or rename(path, target))
    save(tmp_path / "run", frames_of(), RUN)
    assert events == ["sync"] * 5 + ["rename", "sync"]  # three frames, run.json, their folder; then its parent


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda run: (run / "trades.parquet").unlink(), r"every file named in its run\.json, got no .*trades\.parquet"),
        (
            lambda run: (run / "history.parquet").write_bytes((run / "history.parquet").read_bytes()[:-20]),
            r"must be as it was saved, got sha256 \w{12} != \w{12} in .*history\.parquet",
        ),
        (lambda run: (run / "trades.parquet").write_bytes(b""), r"as it was saved, got sha256 .* in .*trades\.parquet"),
        (lambda run: (run / "run.json").unlink(), r"a run must hold run\.json, got none in "),
        (lambda run: edit(run, lambda text: text[:-30]), r"run\.json must be JSON, got .* in "),
        (lambda run: (run / "run.json").write_bytes(b"\xff\xfe{"), r"run\.json must be JSON, got .* in "),
        (lambda run: edit(run, lambda _: "[1]"), r"run\.json must name the format of the run, got None in "),
        (lambda run: edit(run, lambda _: "{}"), r"run\.json must name the format of the run, got None in "),
        (
            lambda run: edit(run, lambda text: text.replace('"leverage": 10', '"leverage": 20')),
            r"run\.json must be as it was saved, got other contents in ",
        ),
        (
            lambda run: edit(run, lambda text: text.replace('"leverage": 10', '"leverage": NaN')),
            r"run\.json must be as it was saved, got other contents in ",
        ),
        (
            lambda run: edit(run, lambda text: resigned(text, format=2)),
            r"the format of a run must be at most 1 in this version, got 2 in ",
        ),
    ],
)
def test_a_damaged_run_is_refused_in_one_sentence(tmp_path, damage, sentence):
    save(tmp_path / "run", frames_of(), RUN)
    damage(tmp_path / "run")
    with pytest.raises(DataError, match=sentence) as caught:
        load(tmp_path / "run")
    assert re.search(r"\n", str(caught.value)) is None


def test_a_run_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a run must be a folder, got nothing at .*absent"):
        load(tmp_path / "absent")


def test_a_description_may_be_laid_out_anew(tmp_path):
    save(tmp_path / "run", frames_of(), RUN)
    edit(tmp_path / "run", lambda text: json.dumps(json.loads(text), sort_keys=True))
    assert load(tmp_path / "run")[1]["settings"] == RUN["settings"]

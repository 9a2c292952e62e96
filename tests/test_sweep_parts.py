"""Sweeps on disk: parts that are whole or not there, interrupted, resumed, and refused."""

import json

import pandas as pd
import pyarrow.parquet as pq
import pytest
from scenes import venue_of
from wild import market_of, signals_of

import backtest as bt
from backtest.errors import ConfigError, DataError
from backtest.signalling.signals import as_signals
from backtest.sweeping import jobs
from backtest.sweeping.grids import settings_of
from backtest.sweeping.parts import read_table, rows_kept, write_part

VENUE = venue_of([(0, 0.005, 50)], taker_fee=0.0004)
BARS = bt.Bars.from_frames(market_of(1, 1, 120))
SIGNALS = signals_of(1, 1, 120)
OVER = {"leverage": [1, 2, 5, 51, 10], "margin_mode": ["isolated", "cross"]}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(jobs, "MOST_ROWS", 3)


def swept(out=None, **more):
    return bt.sweep(BARS, SIGNALS, **{"venue": VENUE, "over": OVER, "out": out, **more})


def parts(out):
    return sorted(path.name for path in (out / "parts").iterdir())


def interrupt(chunks):
    """Return a progress that is interrupted after some chunks."""
    left = iter(range(chunks - 1))

    def progress(*_counts):
        if next(left, None) is None:
            raise KeyboardInterrupt

    return progress


def test_a_table_on_disk_is_the_one_returned(tmp_path):
    plain, table = swept(), swept(tmp_path / "deep" / "out", workers=2)
    pd.testing.assert_frame_equal(table, plain, check_exact=True)
    pd.testing.assert_frame_equal(read_table(tmp_path / "deep" / "out"), plain, check_exact=True)
    assert parts(tmp_path / "deep" / "out") == [f"part-00000{chunk}.parquet" for chunk in range(4)]
    assert {name: table.attrs[name] for name in ("path", "rows")} == {
        name: plain.attrs[name] for name in ("path", "rows")
    }


def test_parts_are_a_dataset_that_others_read(tmp_path):
    table = swept(tmp_path / "out")
    rows = pd.read_parquet(tmp_path / "out" / "parts")
    assert rows["row"].to_list() == list(range(10))
    assert rows["max_drawdown"].equals(table["max_drawdown"])
    assert pq.read_table(tmp_path / "out" / "parts" / "part-000000.parquet").num_rows == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_finished_before_an_interruption_is_kept_and_gone_on_with(tmp_path, workers, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        swept(tmp_path, progress=interrupt(2), workers=workers)
    assert parts(tmp_path) == ["part-000000.parquet", "part-000001.parquet"]
    assert rows_kept(tmp_path) == 6
    kept = read_table(tmp_path)
    run, told = [], []
    replayed = jobs.summaries
    monkeypatch.setattr(jobs, "summaries", lambda b, s, lanes, *more: run.extend(lanes) or replayed(b, s, lanes, *more))
    table = swept(tmp_path, resume=True, progress=lambda *counts: told.append(counts))
    assert sorted(lane.row for lane in run) == [8, 9]
    assert told == [(9, 10), (10, 10)]
    pd.testing.assert_frame_equal(table, swept(), check_exact=True)
    pd.testing.assert_frame_equal(table[:6], kept, check_exact=True, check_dtype=False)


def test_an_interrupted_replay_leaves_nothing_half_done(tmp_path, monkeypatch):
    def stop_at_row_4(bars, signals, lanes, *more):
        for found in replayed(bars, signals, lanes, *more):
            if found[0] == 4:
                raise KeyboardInterrupt
            yield found

    replayed = jobs.summaries
    monkeypatch.setattr(jobs, "summaries", stop_at_row_4)
    with pytest.raises(KeyboardInterrupt):
        swept(tmp_path, workers=2)
    assert parts(tmp_path) == ["part-000000.parquet"]


def test_a_sweep_of_which_nothing_is_finished_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "summaries", stop)
        with pytest.raises(KeyboardInterrupt):
            swept(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    assert len(swept(tmp_path / "out")) == 10


def test_a_sweep_may_be_resumed_that_never_began_or_is_finished(tmp_path):
    first = swept(tmp_path / "out", resume=True)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "parts").iterdir()}
    again = swept(tmp_path / "out", resume=True)
    pd.testing.assert_frame_equal(again, first, check_exact=True)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "parts").iterdir()} == written


def test_chunks_may_come_in_any_order_and_twice(tmp_path):
    table = swept(tmp_path)
    settings = settings_of(OVER, bt.Account(), VENUE, None, None)
    job = jobs.Job(BARS, as_signals(SIGNALS, BARS), settings)
    for chunk in (3, 0, 2, 0, 1, 2):
        ((found, rows),) = job.tables([chunk], 1)
        assert found == chunk
        write_part(tmp_path, chunk, rows)
    pd.testing.assert_frame_equal(read_table(tmp_path), table, check_exact=True)


def test_rows_with_the_same_parameters_are_in_the_same_chunks():
    strategy = bt.Strategy.from_function(lambda data, size: data["close"] * 0 + size / 4, {"size": 1})
    settings = settings_of({"leverage": [1, 2, 3], "size": [1, 2]}, bt.Account(), VENUE, strategy, None)
    assert jobs.Job(BARS, strategy, settings).chunks == [[0, 2, 4], [1, 3, 5]]


def test_chunks_are_smaller_where_bars_are_many(monkeypatch):
    monkeypatch.setattr(jobs, "WORK", 2 * 120)
    settings = settings_of(OVER, bt.Account(), VENUE, None, None)
    assert [len(chunk) for chunk in jobs.Job(BARS, SIGNALS, settings).chunks] == [2] * 5
    monkeypatch.setattr(jobs, "WORK", 10)
    assert [len(chunk) for chunk in jobs.Job(BARS, SIGNALS, settings).chunks] == [1] * 10


def test_histories_are_the_runs(tmp_path):
    strategy = bt.Strategy.from_function(lambda data, size: data["close"] * 0 + size / 4, {"size": 1})
    over = {"leverage": [2, 51], "size": [1, 2]}
    bt.sweep(BARS, strategy, venue=VENUE, over=over, out=tmp_path, histories=True, workers=2)
    assert sorted(path.name for path in (tmp_path / "histories").iterdir()) == ["000000", "000001"]
    for row, size in enumerate((1, 2)):
        saved = bt.load(tmp_path / "histories" / f"00000{row}")
        run = bt.run(BARS, strategy, venue=VENUE, account=bt.Account(leverage=2), params={"size": size})
        run.save(tmp_path / "run")
        alone = bt.load(tmp_path / "run")
        assert saved.description == alone.description
        assert saved.summary.equals(alone.summary)
        assert saved.history.equals(alone.history)
        assert saved.fills.equals(alone.fills)


STRATEGY = bt.Strategy.from_function(lambda data, size: data["close"] * 0 + size / 4, {"size": 1})


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"bars": BARS[:100], "signals": SIGNALS[:100]}, r"bars: 100 instead of 120$"),
        ({"bars": BARS.with_funding(0.01)}, r"data: sha256:\w{12} instead of sha256:\w{12}$"),
        ({"signals": SIGNALS / 2}, r"signals: sha256:\w{12} instead of sha256:\w{12}$"),
        ({"signals": STRATEGY}, r"signals: \{'strategy': '<lambda>'"),
        ({"over": {**OVER, "leverage": [1, 2, 5, 51, 11]}}, r"over: 11\.0 instead of 10\.0$"),
        ({"over": {"leverage": [1, 2, 5, 51, 10]}}, r"over: \{'leverage'"),
        ({"venue": VENUE.model_copy(update={"slippage": 0.1})}, r"settings: sha256:\w{12} instead"),
        ({"venue": venue_of([(0, 0.006, 50)], taker_fee=0.0004)}, r"settings: sha256:\w{12} instead"),
        ({"account": bt.Account(cash=5)}, r"settings: sha256:\w{12} instead"),
        ({"histories": True}, r"histories: True instead of False$"),
    ],
)
def test_another_sweep_is_not_resumed(tmp_path, change, name):
    swept(tmp_path)
    given = {"bars": BARS, "signals": SIGNALS, "venue": VENUE, "over": OVER, **change}
    bars, signals = given.pop("bars"), given.pop("signals")
    with pytest.raises(
        ConfigError, match=f"^resume must be given what the sweep in .* was made of, got another {name}"
    ):
        bt.sweep(bars, signals, out=tmp_path, resume=True, **given)


def test_other_versions_are_not_resumed(tmp_path, monkeypatch):
    swept(tmp_path)
    monkeypatch.setattr("backtest.sweeping.manifests.versions", lambda: {"python": "2.7"})
    with pytest.raises(ConfigError, match=r"got another versions: \{'python': '2\.7'\} instead of \{'python': '3"):
        swept(tmp_path, resume=True)


def test_a_folder_that_holds_a_sweep_or_something_else_is_refused(tmp_path):
    swept(tmp_path / "out")
    with pytest.raises(ConfigError, match=r"^out must not hold a sweep, unless resume goes on with it, got swe"):
        swept(tmp_path / "out")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.doc").touch()
    for resume in (False, True):
        with pytest.raises(ConfigError, match=r"^out must be an empty folder, or hold a sweep, got thesis\.doc in "):
            swept(tmp_path / "other", resume=resume)
    file = tmp_path / "file"
    file.touch()
    for path in (file, file / "out"):
        with pytest.raises(ConfigError, match=r"^out must be a folder, got the file "):
            swept(path)
    for nothing in ("", 3, "a\0b"):
        with pytest.raises(ConfigError, match=r"^out must be a folder, got "):
            swept(nothing)
    assert (tmp_path / "other" / "thesis.doc").exists()


def test_nothing_is_written_of_a_sweep_that_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="levrage"):
        swept(tmp_path / "out", over={"levrage": [1]})
    assert not (tmp_path / "out").exists()


def test_what_killed_writers_left_behind_is_swept_away(tmp_path):
    swept(tmp_path, progress=lambda *_: None)
    left = tmp_path / "parts" / ".part-000009.parquet.0a1b2c3d.new"
    left.write_bytes(b"PAR1")
    assert rows_kept(tmp_path) == 10
    swept(tmp_path, resume=True)
    assert not left.exists()


def test_a_full_disk_leaves_no_part(tmp_path, monkeypatch):
    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    write = jobs.Job.tables

    def tables(*given):
        monkeypatch.setattr("backtest.sweeping.parts.os.fsync", fail)
        return write(*given)

    monkeypatch.setattr(jobs.Job, "tables", tables)
    with pytest.raises(OSError, match="No space left"):
        swept(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_damaged_sweeps_are_told(tmp_path):
    with pytest.raises(DataError, match=r"^there must be a sweep, got no sweep\.json in "):
        read_table(tmp_path)
    assert rows_kept(tmp_path) == 0
    swept(tmp_path)
    part = tmp_path / "parts" / "part-000001.parquet"
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(DataError, match=r"^the part of a sweep must be as it was written, got .*part-000001\.parquet$"):
        swept(tmp_path, resume=True)
    with pytest.raises(DataError, match=r"^the part of a sweep must be as it was written, got .*part-000001\.parquet$"):
        rows_kept(tmp_path)
    for each in (tmp_path / "parts").iterdir():
        each.unlink()
    with pytest.raises(DataError, match=r"^there must be a finished part of the sweep, got none in "):
        read_table(tmp_path)
    manifest = json.loads((tmp_path / "sweep.json").read_text())
    (tmp_path / "sweep.json").write_text(json.dumps({**manifest, "format": 2}))
    with pytest.raises(DataError, match=r"^the format of a sweep must be at most 1 in this version, got 2 in "):
        swept(tmp_path, resume=True)
    (tmp_path / "sweep.json").write_text("[]")
    with pytest.raises(DataError, match=r"sweep\.json must name the format of the sweep, got None$"):
        swept(tmp_path, resume=True)
    (tmp_path / "sweep.json").write_text("{")
    with pytest.raises(DataError, match=r"sweep\.json must be the description of a sweep, got "):
        swept(tmp_path, resume=True)

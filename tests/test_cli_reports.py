"""Pages: `report`, `tearsheet` and --report, where they go, and what is refused before anything is replayed."""

import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from shell import CRASH, DATA, HOLD, MARCH, TIERS, bars_file, config_file, document, fact

import backtest as bt
from backtest import comparison, replay, sweeps, tearsheets
from backtest.command_line import progress
from backtest.command_line.progress import Progress
from backtest.command_line.reports import size_of
from backtest.errors import ConfigError
from backtest.outcome.results import Result
from backtest.pages.documents import GENERATOR, SCRIPT
from backtest.sweeping.sweep_tables import SweepTable

SWEEP = ("sweep", HOLD, *MARCH)
COMPARE = ("compare", HOLD, *MARCH, "--leverage", "5", "--resamples", "100")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return the folder of a run."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    bars = bt.read_bars(DATA)["2020-03-01":"2020-03-20"]
    account = bt.Account(leverage=10)
    bt.run(bars, bt.strategy(HOLD), venue=bt.venue("binance_usdm"), account=account).save(folder)
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return the folder that commands are called in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def drawn(monkeypatch):
    """Return what pages are asked for, none of which is drawn: of a real one others know more."""
    asked = []

    def write(self, path, **how):
        asked.append((self, Path(path), how))
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(f'<meta name="generator" content="{GENERATOR}">')

    for kind in (Result, SweepTable, comparison.Comparison):
        monkeypatch.setattr(kind, "report", write)
    return asked


def is_page(path):
    return GENERATOR in path.read_text(encoding="utf-8")[:2000]


# ---- real pages


def test_a_saved_run_becomes_a_page_in_its_folder(call, saved, tmp_path):
    run = shutil.copytree(saved, tmp_path / "one")
    code, out, err = call("report", run)
    page = run / "report.html"
    assert (code, err) == (0, "")
    assert out == f"Report in {page}, {page.stat().st_size / 1e6:.1f} MB\n"
    assert is_page(page)
    assert call("report", run)[0] == 0  # over itself
    assert len(bt.load(run).liquidations) == 1


def test_a_page_may_leave_its_script_to_others(call, saved, tmp_path):
    page = tmp_path / "new" / "page.html"
    code, out, _ = call("report", saved, "--out", page, "--shared-script")
    assert code == 0
    assert out == f"Report in {page}, {round(page.stat().st_size / 1e3)} kB\nIt takes {SCRIPT} beside it.\n"
    assert page.stat().st_size < 1_000_000 < (page.parent / SCRIPT).stat().st_size
    code, out, _ = call("report", saved, "--out", page, "--shared-script", "--json")
    given = document(out)
    assert given == {
        "format": 1,
        "command": "report",
        "run": str(saved),
        "path": str(page),
        "bytes": page.stat().st_size,
    }


def test_each_command_writes_a_real_page(call, place):
    for command in ((*CRASH, "--leverage", "10"), (*SWEEP, "--over", "leverage=1:4"), COMPARE):
        code, out, err = call(*command, "--report", f"{command[0]}.html")
        assert (code, err) == (0, "")
        assert re.search(rf"^Report in {command[0]}\.html, \d\.\d MB$", out, re.MULTILINE)
        assert is_page(place / f"{command[0]}.html")


# ---- where they go


@pytest.mark.parametrize(
    ("given", "page"),
    [
        (("--report",), "report.html"),
        (("--report", "mine.html"), "mine.html"),
        (("--report=mine.html",), "mine.html"),
        (("--report", "new/mine.HTML"), "new/mine.HTML"),
        (("--report", "--out", "runs/x"), "runs/x/report.html"),
        (("--out", "runs/x", "--report", "mine.html"), "mine.html"),
        (("--out", "runs/x", "--report", "runs/x/mine.html"), "runs/x/mine.html"),
    ],
)
def test_a_run_is_drawn_where_it_is_said(call, place, drawn, given, page):
    for _ in range(2):
        code, out, err = call(*CRASH, *given)
        assert (code, err) == (0, "")
        assert out.splitlines()[-1] == f"Report in {Path(page)}, 0 kB"
        assert (place / page).is_file()
    assert [(str(path), how) for _, path, how in drawn] == [(page, {})] * 2
    if "--out" in given:
        assert bt.load("runs/x").summary["trades"] == 1


@pytest.mark.usefixtures("place")
def test_a_strategy_after_the_option_is_the_strategy(call, drawn):
    code, out, _ = call("run", "--report", HOLD, *MARCH)
    assert code == 0
    assert fact(out, "strategy").startswith("buy_and_hold")
    assert str(drawn[0][1]) == "report.html"
    assert call("run", "--report", "x.html", HOLD, *MARCH)[0] == 0
    assert str(drawn[1][1]) == "x.html"


@pytest.mark.usefixtures("drawn")
def test_a_document_says_where_the_page_is(call, place):
    for command in (CRASH, (*SWEEP, "--over", "leverage=1:2"), COMPARE):
        code, out, err = call(*command, "--report", "mine.html", "--json")
        assert (code, err) == (0, "")
        assert document(out)["report"] == {"path": "mine.html", "bytes": (place / "mine.html").stat().st_size}


def test_a_comparison_is_drawn_in_the_folder_that_is_stood_in(call, place, drawn):
    config = config_file(place, "out = 'elsewhere'\n")
    code, out, _ = call(*COMPARE, "--config", config, "--report")
    assert code == 0
    assert out.endswith("\n\nReport in report.html, 0 kB\n")
    found = drawn[0][0]
    assert list(found.results) == ["isolated", "cross"]


@pytest.mark.parametrize(("length", "said"), [(999_499, "999 kB"), (1_000_000, "1.0 MB"), (4_948_515, "4.9 MB")])
def test_sizes_are_said_as_files_are(length, said):
    assert size_of(length) == said


# ---- sweeps are drawn with a second one


def test_leverages_are_swept_again_in_the_best_order(call, place, drawn, monkeypatch):
    prepared = []

    @contextmanager
    def bar(bars, settings, purpose=""):
        prepared.append((bars, settings, purpose))
        yield Progress(bars)

    monkeypatch.setattr(progress, "progress_bar", bar)
    over = ("--over", "leverage=1:6", "target=1,-1")
    code, out, err = call(*SWEEP, *over, "--out", "swept", "--report")
    assert (code, err) == (0, "")
    assert prepared == [(480, 12, ""), (480, 12, "for the report, ")]
    table, path, how = drawn[0]
    assert str(path) == "swept/report.html"
    bars, strategy, venue = bt.read_bars(DATA)["2020-03-01":"2020-03-20"], bt.strategy(HOLD), bt.venue("binance_usdm")
    over = {"leverage": range(1, 7), "target": [1.0, -1.0]}
    for found, intrabar in ((table, "worst"), (how["best"], "best")):
        expected = bt.sweep(bars, strategy, venue=venue, over=over, account=bt.Account(intrabar=intrabar))
        assert found.equals(expected)
    assert list(how) == ["best", "facts"]
    assert how["facts"]["data"] == fact(out, "data")
    assert how["facts"]["swept"] == "leverage 1 to 6; target 1, -1"
    said = " ".join(out.split("Report in swept/report.html, 0 kB")[1].split())
    assert said.startswith("The same 12 settings ran once more for it, with intrabar best: ")
    assert max(len(line) for line in out.splitlines() if not line.startswith("Saved")) <= 80
    assert bt.query("swept", "SELECT count(*) AS rows FROM sweep")["rows"].tolist() == [12]  # the second is not kept
    assert call(*SWEEP, "--over", "leverage=1:6", "target=1,-1", "--out", "swept", "--resume", "--report")[0] == 0
    assert (place / "swept" / "report.html").is_file()


@pytest.mark.parametrize(
    "given",
    [
        ("--over", "target=1,-1"),
        ("--over", "leverage=1:3", "intrabar=worst,best"),
        ("--over", "leverage=1:3", "--intrabar", "best"),
        ("--over", "leverage=1:3", "--intrabar", "path"),
    ],
)
@pytest.mark.usefixtures("place")
def test_where_the_order_says_nothing_there_is_one_sweep(call, drawn, given):
    code, out, _ = call(*SWEEP, *given, "--report")
    assert code == 0
    assert drawn[0][2]["best"] is None
    assert "once more" not in out


def test_a_sweep_without_a_report_is_one_sweep(call, monkeypatch):
    calls, sweep = [], sweeps.sweep
    monkeypatch.setattr(sweeps, "sweep", lambda *a, **k: calls.append(k) or sweep(*a, **k))
    assert call(*SWEEP, "--over", "leverage=1:3")[0] == 0
    assert len(calls) == 1


@pytest.mark.usefixtures("place")
def test_symbols_in_a_folder_are_swept_again_too(call, drawn, tmp_path):
    for symbol in ("A", "B"):
        folder = tmp_path / "universe" / f"symbol={symbol}"
        folder.mkdir(parents=True)
        bars_file(folder / "bars.parquet", [100.0] * 48)
    given = ("--config", config_file(tmp_path, TIERS), "--over", "leverage=1:2", "--report")
    assert call("sweep", HOLD, "--data", tmp_path / "universe", *given)[0] == 0
    assert drawn[0][2]["best"]["symbol"].tolist() == ["A", "A", "B", "B"]


def test_an_interrupt_in_the_second_sweep_leaves_the_first(call, place, drawn, monkeypatch):
    sweep = sweeps.sweep

    def once(*given, **how):
        if how["account"].intrabar == "best":
            raise KeyboardInterrupt
        return sweep(*given, **how)

    monkeypatch.setattr(sweeps, "sweep", once)
    code, out, err = call(*SWEEP, "--over", "leverage=1:3", "--out", "swept", "--report")
    assert (code, err) == (130, "interrupted: the sweep is finished, its report is not\n")
    assert "\nSaved to swept: " in out
    assert drawn == []
    assert not (place / "swept" / "report.html").exists()


@pytest.mark.usefixtures("place")
def test_of_a_sweep_in_which_nothing_ran_no_page_is_made(call, drawn):
    code, _, err = call(*SWEEP, "--over", "leverage=151,152", "--report")
    assert code == 2
    assert err.startswith("error: no setting could run, of 2; ")
    assert drawn == []


# ---- what is refused


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--report", "folder.html"), "^a report must be written to a file, got the folder folder.html$"),
        (("--report", "notes.html"), "^a report must not be written over something else, got notes.html$"),
        (("--report", "notes.html/page.html"), "^a report must be written into a folder, got the file notes.html$"),
        (("--report=folder",), r"^--report must be alone, or name a file that ends in \.html, got folder$"),
        (("--report=notes.txt",), r"^--report must be alone, or name a file that ends in \.html, got notes\.txt$"),
    ],
)
@pytest.mark.parametrize("command", [CRASH, (*SWEEP, "--over", "leverage=1:2"), COMPARE], ids=lambda given: given[0])
def test_a_place_for_no_page_is_refused_before_the_replay(refused, place, monkeypatch, command, given, message):
    (place / "folder.html").mkdir()
    (place / "folder").mkdir()
    (place / "notes.html").write_text("mine")
    for door, name in ((replay, "run"), (sweeps, "sweep"), (comparison, "compare")):
        monkeypatch.setattr(door, name, lambda *_, **__: pytest.fail("it was replayed"))
    assert re.search(message, refused(*command, *given))
    assert (place / "notes.html").read_text() == "mine"


def test_a_page_that_another_run_left_is_no_obstacle_but_anything_else_is(refused, place):
    (place / "report.html").write_text("mine")
    assert refused(*CRASH, "--report").endswith(" report.html")


def test_what_is_no_run_makes_no_page(refused, saved, tmp_path):
    (tmp_path / "empty").mkdir()
    for command in ("report", "tearsheet"):
        assert refused(command, tmp_path / "none").startswith("a run must be a folder, got nothing at ")
        assert refused(command, tmp_path / "empty").startswith("a run must hold run.json, got none in ")
    run = shutil.copytree(saved, tmp_path / "damaged")
    (run / "trades.parquet").write_bytes(b"damaged")
    assert refused("report", run).startswith("the file of a run must be as it was saved, got sha256 ")
    assert not list(run.glob("*.html"))


def test_a_page_is_not_written_over_a_folder_or_a_file(refused, saved, tmp_path):
    message = refused("report", saved, "--out", tmp_path)
    assert message == f"a report must be written to a file, got the folder {tmp_path}"
    (tmp_path / "notes.md").write_text("mine")
    for place in ("notes.md", "notes.md/page.html"):
        assert refused("report", saved, "--out", tmp_path / place).endswith("notes.md")
    assert refused("report", saved, "--out", saved / "run.json").endswith("run.json")
    assert (tmp_path / "notes.md").read_text() == "mine"


def test_a_run_must_be_named(refused):
    for command in ("report", "tearsheet"):
        assert refused(command) == "Missing argument 'RUN'."


# ---- tear sheets


@pytest.mark.parametrize(("out", "page"), [((), "tearsheet.html"), (("--out", "mine.html"), "mine.html")])
def test_a_tear_sheet_is_made_of_a_saved_run(call, saved, place, monkeypatch, out, page):
    run = shutil.copytree(saved, place / "one")

    def write(result, path):
        assert len(result.liquidations) == 1
        path.write_text("sheet" * 1000)
        return path

    monkeypatch.setattr(tearsheets, "tearsheet", write)
    where = Path(page) if out else run / page
    assert call("tearsheet", run, *out) == (0, f"Tear sheet in {where}, 5 kB\n", "")
    code, text, _ = call("tearsheet", run, *out, "--json")
    assert code == 0
    assert document(text) == {
        "format": 1,
        "command": "tearsheet",
        "run": str(run),
        "path": str(where),
        "bytes": 5000,
    }


def test_a_tear_sheet_that_cannot_be_made_is_one_line(refused, saved, monkeypatch):
    def write(*_):
        raise ConfigError(
            "a tear sheet needs quantstats, which is not installed: pip install 'margin-backtest[tearsheet]'"
        )

    monkeypatch.setattr(tearsheets, "tearsheet", write)
    assert refused("tearsheet", saved).endswith("pip install 'margin-backtest[tearsheet]'")


def test_a_tear_sheet_is_not_written_over_a_folder(refused, saved, tmp_path):
    assert refused("tearsheet", saved, "--out", tmp_path).endswith(f"got the folder {tmp_path}")

"""The other commands, and how screens look."""

import os
import re
import subprocess
import sys
import warnings
from importlib import metadata

import pandas as pd
import pytest
from shell import (
    CRASH,
    CROSS,
    DATA,
    ETH,
    HOLD,
    ROOT,
    TASTES,
    VENUE,
    bars_file,
    fact,
    printed_on_a_terminal,
)

from backtest import figures_in_words
from backtest.command_line import run_screens, shell
from backtest.market import inspection


def test_inspect_prints_what_is_there(call):
    code, out, err = call("inspect", DATA, ETH)
    assert (code, err) == (0, "")
    first, second = out.strip().split("\n\n")
    assert first.splitlines()[0] == DATA
    assert second.splitlines()[0] == ETH
    assert fact(first, "range") == "2017-08-17 04:00 to 2022-12-31 23:00 UTC"
    assert fact(first, "interval") == "1h"
    assert fact(first, "worst bar of a long").startswith("-24.5% inside the bar of 2020-03-12 10:00")
    assert "Refused" not in out


def test_inspect_says_that_dirty_data_would_be_refused(call, tmp_path):
    code, out, _ = call("inspect", bars_file(tmp_path / "a.parquet", [100.0, 0.0, 100.0]))
    assert code == 0
    assert "1 price_not_positive" in fact(out, "bad rows")
    assert "Refused as it is; --repair" in out


@pytest.mark.parametrize("strategy", [HOLD, CROSS])
def test_check_passes_strategies_that_do_not_look_ahead(call, strategy):
    code, out, err = call("check", strategy, "--data", DATA, "--to", "2018-01", "--cuts", "4")
    assert (code, err) == (0, "")
    assert re.match(r"\w+ shows no look-ahead in 4 prefixes of", out)


def test_check_finds_where_a_strategy_looks_ahead(call, tmp_path):
    path = tmp_path / "peek.py"
    path.write_text("def signals(data):\n    return (data['close'].shift(-1) > data['close']).astype(float)\n")
    code, out, err = call("check", "--data", DATA, path, "--to", "2017-09")
    assert (code, err) == (1, "")
    assert re.fullmatch(r"peek looks ahead: its signal at 2017-.* in BTCUSDT \(row .*\) is 1\.0 with all bars.*\n", out)


def test_check_says_where_the_strategy_failed(call, tmp_path):
    path = tmp_path / "long.py"
    path.write_text("def signals(data):\n    data.index[500]\n    return data['close'] * 0\n")
    code, out, _ = call("check", path, "--data", DATA, "--to", "2017-09", "--cuts", "8")
    assert code == 0
    assert re.search(r"\nThe strategy failed on [2-7] more prefixes, which were skipped\.\n", out)
    _, out, _ = call("check", path, "--data", DATA, "--to", "2017-09", "--cuts", "2")
    assert re.search(r"\nThe strategy failed on 1 more prefix, which was skipped\.\n", out)


def test_check_gives_marks_and_funding_to_the_strategy(call, tmp_path):
    path = tmp_path / "rates.py"
    path.write_text("def signals(data):\n    return -data['funding_rate'].clip(-1, 1) + 0 * data['mark_close']\n")
    data = bars_file(tmp_path / "btcusdt.parquet", [100.0] * 200)
    mark = bars_file(tmp_path / "mark.parquet", [99.0] * 200)
    assert call("check", path, "--data", data, "--mark", mark, "--funding", "0.0001", "--to", "2020-01-05")[0] == 0


def test_version_and_help(call):
    try:
        version = metadata.version("margin-backtest")
    except metadata.PackageNotFoundError:
        version = "unknown"
    assert call("--version") == (0, f"backtest {version}\n", "")
    code, out, _ = call("--help")
    assert code == 0
    assert all(
        f"│ {command} " in out
        for command in ("run", "sweep", "compare", "bracket", "walk-forward", "query", "inspect", "check", "venues")
    )


def test_the_help_of_run_names_every_option_in_80_columns(call):
    code, out, _ = call("run", "--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    options = set(re.findall(r"│ (--[a-z-]+)", out))
    new = ("on-liquidation", "reserve", "currency", "liquidation", "liquidation-order", "target-ratio")
    assert {f"--{name}" for name in (*new, "insurance-fund", "venue", "leverage")} <= options


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("sweep", "over by out resume histories workers cluster report"),
        ("compare", "over setting seed resamples confidence report"),
        ("bracket", "detail"),
        ("walk-forward", "over train test objective anchored workers"),
    ],
)
def test_commands_of_many_settings_take_those_of_run_and_their_own(call, command, options):
    code, out, _ = call(command, "--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    found = set(re.findall(r"│ (--[a-z-]+)", out))
    of_run = set(re.findall(r"│ (--[a-z-]+)", call("run", "--help")[1]))
    assert of_run - {"--out", "--report"} <= found
    assert {f"--{name}" for name in options.split()} <= found


def test_an_interrupt_ends_quietly(call, monkeypatch):
    def interrupt(_path):
        raise KeyboardInterrupt

    monkeypatch.setattr(inspection, "inspect_file", interrupt)
    assert call("inspect", DATA) == (130, "", "")


def test_warnings_of_a_strategy_are_one_line(call, tmp_path):
    path = tmp_path / "loud.py"
    path.write_text(
        "import warnings\ndef signals(data):\n    warnings.warn('so\\nloud')\n    return data['close'] * 0\n"
    )
    filters = list(warnings.filters)
    assert call("run", path, "--data", DATA, "--to", "2017-09", *VENUE)[2] == "warning: so loud\n"
    assert filters == list(warnings.filters)


@pytest.mark.parametrize(
    ("given", "spread"),
    [
        ("run s.py --data a b --leverage 3", "run s.py --data a --data b --leverage 3"),
        ("run --data a b s.py", "run --data a --data b s.py"),
        ("run s.py --data=a b --mark c d", "run s.py --data=a --data b --mark c --mark d"),
        ("run s.py --funding -0.1 --param a=1 b=-2", "run s.py --funding -0.1 --param a=1 --param b=-2"),
        ("run s.py --repair --data a b -- c", "run s.py --repair --data a --data b -- c"),
        ("sweep s.py --over a=1 b=2:3 --resume", "sweep s.py --over a=1 --over b=2:3 --resume"),
        ("bracket --detail a b s.py", "bracket --detail a --detail b s.py"),
        ("run --report s.py --data a b", "run --report= s.py --data a --data b"),
        ("run s.py --data a b --report", "run s.py --data a --data b --report="),
        ("run --data a --report b.html s.py", "run --data a --report=b.html s.py"),
        ("run --report B.HTML c.html", "run --report=B.HTML c.html"),
        ("run --report= a.html --report=b.html", "run --report= a.html --report=b.html"),
        ("run --report -- a.html", "run --report= -- a.html"),
        ("inspect a b", "inspect a b"),
    ],
)
def test_options_take_several_values(given, spread):
    assert shell.spread(given.split()) == spread.split()


def test_wide_liquidations_lose_columns_and_no_digits():
    time = pd.Timestamp("2020-03-12 10:00", tz="UTC")
    money = dict.fromkeys(("margin_lost", "penalty", "forfeited", "bad_debt"), 123_456_789.0)
    prices = {"quantity": -12345.678, "mark_price": 12345.6, "fill_price": 12344.5}
    flags = {"gap": True, "joint": True, "partial": False}
    events = pd.DataFrame([{"time": time, "symbol": "1000PEPEUSDT", **prices, **money, **flags}])
    full = run_screens.liquidation_columns(events, figures_in_words.money)
    assert list(full)[2:] == [
        "quantity",
        "mark price",
        "fill price",
        "margin lost",
        "penalty",
        "forfeited",
        "bad debt",
        "how",
    ]
    assert full["how"] == ["gap joint"]
    table, dropped = run_screens.liquidation_table(events, 80, figures_in_words.money)
    assert [str(column.header) for column in table.columns] == [
        "liquidated",
        "symbol",
        "mark price",
        "margin lost",
        "penalty",
    ]
    assert dropped == ["forfeited", "fill price", "how", "quantity", "bad debt"]
    table, dropped = run_screens.liquidation_table(events, 200, figures_in_words.money)
    assert [str(column.header) for column in table.columns] == list(full)
    assert dropped == []


@pytest.fixture
def elsewhere(tmp_path):
    """Return settings for a process that starts outside of the checkout."""
    environment = {name: value for name, value in os.environ.items() if name not in (*TASTES, "PYTHONWARNINGS")}
    return {"cwd": tmp_path, "env": environment | {"PYTHONPATH": str(ROOT), "TERM": "xterm"}}


def test_the_module_is_a_command(elsewhere):
    command = [sys.executable, "-m", "backtest", "run", HOLD, "--data", DATA, *VENUE, "--margin-mode", "x"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **elsewhere)  # noqa: S603
    expected = (2, "", "error: --margin-mode must be 'isolated' or 'cross', got 'x'\n")
    assert (done.returncode, done.stdout, done.stderr) == expected


def test_a_reader_that_leaves_early_sees_no_traceback(elsewhere):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "backtest", "venues"]
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False, **elsewhere)  # noqa: S603
    assert done.stderr == ""


def test_colours_are_for_terminals(elsewhere):
    command = [sys.executable, "-m", "backtest", *CRASH, "--leverage", "10"]
    printed = printed_on_a_terminal(command, **elsewhere)
    assert re.search(r"liquidations +\x1b\[31m1\x1b\[0m", printed)
    assert re.search(r"penalties +[\d.]+\r\n", printed)
    assert re.search(r"\r\n\x1b\[31m +x +\x1b\[0m\r\n", printed)  # where it was liquidated


def test_no_colour_is_printed_to_those_who_want_none(elsewhere):
    command = [sys.executable, "-m", "backtest", *CRASH, "--leverage", "10", "--stop-loss", "0.5"]
    assert "\x1b[33m\x1b[1mwarning: " in printed_on_a_terminal(command, errors=True, **elsewhere)
    elsewhere["env"]["NO_COLOR"] = "1"
    printed = printed_on_a_terminal(command, errors=True, **elsewhere)
    assert printed.startswith("warning: stop_loss must be below ")
    assert not re.search(r"\x1b\[[0-9;]*3\d", printed)

"""The command line as the tests call it: files, commands and what to read on the screen."""

import json
import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtest.command_line.machine_output import FORMAT

ROOT = Path(__file__).parents[1]
DATA = str(ROOT / "data" / "btcusdt_1h.parquet")
BTC, ETH = (str(ROOT / "data" / f"{name}_30m.parquet") for name in ("btcusd", "ethusd"))
HOLD = str(ROOT / "strategies" / "buy_and_hold.py")
CROSS = str(ROOT / "strategies" / "moving_average_cross.py")
MOMENTUM = str(ROOT / "strategies" / "relative_momentum.py")
VENUE = ("--venue", "binance_usdm")
MARCH = ("--data", DATA, "--from", "2020-03-01", "--to", "2020-03-20", *VENUE)
CRASH = ("run", HOLD, *MARCH)
# What changes how wide and how colourful rich and typer print.
TASTES = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TERMINAL_WIDTH", "TTY_COMPATIBLE")
TIERS = "[venue]\ntiers = [{floor = 0, maintenance_rate = 0.01, max_leverage = 50}]\n"


def figure(out, name):
    """Return a figure of the summary as it is printed."""
    return re.search(rf"(?:^|  ){name} +(-|-?[\d ]+(?:\.\d+)?(?:%|x| days)?|[a-z]+)(?:  |$)", out, re.MULTILINE)[1]


def fact(out, label):
    return re.search(rf"^{label} +(.*)$", out, re.MULTILINE)[1]


def document(out):
    """Return the document that a command printed with --json: one line, and no number that JSON has not."""

    def refuse(word):
        raise AssertionError(word)

    assert out.endswith("\n")
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=refuse)


def answered(call, command, *arguments, code=0):
    """Return the document of a command that has nothing else to say."""
    found, out, err = call(command, *arguments, "--json")
    assert (found, err) == (code, "")
    given = document(out)
    assert (given.pop("format"), given.pop("command")) == (FORMAT, command)
    return given


def cells(frame):
    """Return a frame's rows as a document has them, written here in another way."""
    named = {name: f"{name}_seconds" for name in frame if frame[name].dtype.kind == "m"}
    rows = frame.rename(columns=named).to_dict("records")
    return [{name: cell(value) for name, value in row.items()} for row in rows]


def cell(value):
    if isinstance(value, pd.Timedelta):
        return value / pd.Timedelta(seconds=1)
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return None if value != value or value is None else value


def bars_file(path, closes, **columns):
    """Write hourly bars that never leave their closes, and return their path."""
    time = pd.date_range("2020-01-01", periods=len(closes), freq="h", tz="UTC")
    prices = dict.fromkeys(("open", "high", "low", "close"), np.asarray(closes, float))
    pd.DataFrame({"timestamp": time, **prices, **columns}).to_parquet(path)
    return path


def config_file(tmp_path, text):
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def printed_on_a_terminal(command, errors=False, **how):
    """Return what a command that succeeds prints on a terminal, with its errors or without."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    printed = b""
    if errors:
        how["stderr"] = theirs
    with subprocess.Popen(command, stdout=theirs, **how) as process:  # noqa: S603
        os.close(theirs)
        with suppress(OSError):  # a terminal that nobody writes to any more
            while chunk := os.read(ours, 4096):
                printed += chunk
    os.close(ours)
    assert process.returncode == 0
    return printed.decode()

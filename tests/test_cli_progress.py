"""How far a sweep is: done, rate and time left, on a terminal alone."""

import os
import re
import sys

import pytest
from shell import HOLD, TASTES, TIERS, bars_file, config_file, printed_on_a_terminal

from backtest.command_line.progress import Progress


def test_progress_is_done_rate_and_time_left():
    now, said = iter((10.0, 12.0, 12.0, 14.0)), []
    report = Progress(1_000_000, lambda *given: said.append(given), lambda: next(now))
    for done in (300, 400, 400, 1000):
        report(done, 8000)
    assert said == [
        (300, 8000, ""),
        (400, 8000, "50 M bar·settings/s, 50 settings/s, 2:32 left"),
        (400, 8000, "50 M bar·settings/s, 50 settings/s, 2:32 left"),
        (1000, 8000, "175 M bar·settings/s, 175 settings/s, 40 s left"),
    ]
    assert (report.done, report.total) == (1000, 8000)


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1:00"), (3723, "1:02:03")])
def test_the_time_left_is_short(seconds, said):
    now, told = iter((0.0, 1.0)), []
    report = Progress(0, lambda *given: told.append(given[2]), lambda: next(now))
    report(0, 10)
    report(1000, round(1000 + 1000 * seconds))
    assert told[1] == f"1 000 settings/s, {said} left"


def test_a_terminal_sees_a_bar_and_how_long_it_took(tmp_path):
    data = bars_file(tmp_path / "a.parquet", [100.0] * 50)
    command = [sys.executable, "-m", "backtest", "sweep", HOLD, "--data", data, "--config"]
    command += [config_file(tmp_path, TIERS), "--over", "leverage=1:40:0.1"]
    environment = {name: value for name, value in os.environ.items() if name not in (*TASTES, "PYTHONWARNINGS")}
    printed = printed_on_a_terminal(command, env=environment | {"TERM": "xterm"}, errors=True)
    assert re.search(r"took +\x1b.*[\d.]+ s, \d+ workers?: [\d. ]+ M bar·settings/s", printed)
    assert re.search("preparing 391 settings.*391 of 391", printed, re.DOTALL)

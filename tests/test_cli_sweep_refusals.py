"""What is wrong with a sweep, a comparison or a walk is one line, and exit code 2."""

import re

import pytest
from shell import CROSS, DATA, HOLD, VENUE, config_file

from backtest import ambiguity, comparison, forward, sweeps
from backtest.command_line.app import COMMANDS

MARCH = ("--data", DATA, "--from", "2020-03-01", "--to", "2020-03-20")
SWEEP = ("sweep", HOLD, *MARCH, *VENUE)
COMPARE = ("compare", HOLD, *MARCH, *VENUE)
WALK = ("walk-forward", HOLD, *MARCH, *VENUE)
BOTH = ("--train", "4d", "--test", "4d")
LEVERAGES = ("--over", "leverage=1:3")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sweep", *LEVERAGES), "a strategy must be given"),
        (("sweep", HOLD, *LEVERAGES, *VENUE), "data must name at least one file, got none"),
        (("sweep", HOLD, *MARCH, *LEVERAGES), "a venue must be given: binance_coinm, .* got none"),
        (SWEEP, "over must name at least one setting, as in --over leverage=1:50, got none"),
        ((*SWEEP, "--over", "leverage"), "--over must be written NAME=VALUES, as in leverage=1:50, got 'leverage'"),
        ((*SWEEP, "--over", "leverage="), "--over must be written NAME=VALUES, .* got 'leverage='"),
        ((*SWEEP, "--over", "=1"), "--over must be written NAME=VALUES, .* got '=1'"),
        ((*SWEEP, *LEVERAGES, "--over", "leverage=5"), "--over must be written .*, each name once, got leverage twice"),
        ((*SWEEP, "--over", "leverage=5:1"), "a range of over leverage must not end before it starts, got '5:1'"),
        ((*SWEEP, "--over", "leverage=1,1"), "leverage must hold each value once, got 1 twice"),
        ((*SWEEP, "--over", "levrage=1"), "levrage is not a setting in over; the nearest is leverage"),
        ((*SWEEP, "--over", "params.slow=1"), "params.slow is not a setting in over; the nearest is"),
        ((*SWEEP, "--over", "target=all"), "parameter target must be a number, got 'all'"),
        ((*SWEEP, "--over", "venue=nowhere"), "venue must be one of binance_coinm, .* got 'nowhere'"),
        ((*SWEEP, *LEVERAGES, "--by", "cargo"), "--by must be a figure of the summary, got 'cargo'; the nearest is ca"),
        ((*SWEEP, *LEVERAGES, "--resume"), "--resume needs --out FOLDER, where the table is kept"),
        ((*SWEEP, *LEVERAGES, "--histories"), "--histories needs --out FOLDER, where the table is kept"),
        ((*SWEEP, *LEVERAGES, "--workers", "0"), "workers must be .* above 0, got 0"),
        ((*SWEEP, *LEVERAGES, "--workers", "all"), "Invalid value for '--workers'"),
        ((*SWEEP, *LEVERAGES, "--cash", "0"), "--cash must be greater than 0, got '0'"),
        ((*SWEEP, *LEVERAGES, "--out", DATA), "out must be a folder, got the file "),
        ((*COMPARE, "--over", "leverage=3"), "settings must be at least two, to be compared, got 1"),
        ((*COMPARE, "--over", "leverage=3,200"), r"setting 200x must be able to run: leverage must be at most 150"),
        ((*COMPARE, "--setting", "leverage"), "--setting must be written NAME=VALUE,NAME=VALUE, got 'leverage'"),
        ((*COMPARE, "--setting", "leverage=1:3"), "--setting takes one value of each name, got leverage=1:3"),
        ((*COMPARE, "--setting", "cash=5", *LEVERAGES), "--setting and --over both say what to compare; give one"),
        ((*COMPARE, "--setting", "leverage=3", "leverage=3"), "settings must have names of their own, got .* twice"),
        ((*COMPARE, "--resamples", "10"), "resamples must be a whole number, at least 100, got 10"),
        ((*COMPARE, "--confidence", "95"), r"confidence must be a fraction in \(0, 1\), got 95"),
        ((*COMPARE, "--seed", "-1"), "seed must be a whole number, at least 0, got -1"),
        ((*WALK, *LEVERAGES), "--train must be given, as in --train 365d"),
        ((*WALK, *LEVERAGES, "--train", "4d"), "--test must be given, as in --test 90d"),
        ((*WALK, *BOTH), "over must name at least one setting, as in --over leverage=1:50, got none"),
        (
            (*WALK, *BOTH, *LEVERAGES, "--objective", "cargo"),
            "--objective must be a figure of the summary, got 'cargo'",
        ),
        ((*WALK, *LEVERAGES, "--train", "soon", "--test", "4d"), "train must be a fixed length of time"),
        ((*WALK, *LEVERAGES, "--train", "400d", "--test", "4d"), "bars must reach beyond the first training window"),
        ((*WALK, *BOTH, "--over", "cash=1,2"), "over must not hold cash, which a walk carries"),
        (("query",), "Missing argument 'FOLDER'"),
        (("query", "nowhere"), "Missing argument 'SQL'"),
    ],
)
def test_what_is_wrong_is_one_line(refused, arguments, message):
    assert re.search(f"^{message}", refused(*arguments))


def test_what_is_wrong_in_the_file_is_one_line(refused, tmp_path):
    for text, message in (
        ("over = 3", "over must be a table, got 3 in "),
        ("[over]\nleverage = []", "over leverage must have at least one value, got none"),
        ("[over]\nlevrage = 3", "levrage is not a setting in over; the nearest is leverage"),
    ):
        assert refused(*SWEEP, "--config", config_file(tmp_path, text)).startswith(message)


@pytest.mark.parametrize(
    ("module", "door", "arguments"),
    [
        (comparison, "compare", COMPARE),
        (forward, "walk_forward", (*WALK, *BOTH, *LEVERAGES)),
        (ambiguity, "bracket", ("bracket", HOLD, *MARCH, *VENUE)),
    ],
)
def test_an_interrupt_is_one_line(call, monkeypatch, module, door, arguments):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, door, interrupt)
    assert call(*arguments) == (130, "", "interrupted: nothing is kept\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("compare", HOLD, *VENUE, "--data"),
        ("bracket", HOLD, *VENUE, "--data"),
        ("bracket", HOLD, *MARCH, *VENUE, "--detail"),
        ("walk-forward", HOLD, *VENUE, *BOTH, *LEVERAGES, "--data"),
        ("check", HOLD, "--data"),
        ("inspect",),
    ],
)
def test_commands_that_take_files_say_so_of_a_folder(refused, tmp_path, arguments):
    said = f"this command takes files, not folders, got the folder {tmp_path}"
    assert refused(*arguments, tmp_path) == said


def test_the_help_names_a_folder_where_one_may_be_given(call):
    takes = {name: "a folder of" in " ".join(call(name, "--help")[1].split()) for name in COMMANDS}
    assert takes == {name: name in ("run", "sweep") for name in COMMANDS}


@pytest.mark.parametrize("arguments", [(*SWEEP, *LEVERAGES), COMPARE, (*WALK, *BOTH, *LEVERAGES)])
def test_settings_are_read_before_anything_is_replayed(refused, monkeypatch, arguments):
    for module, door in ((sweeps, "sweep"), (comparison, "compare"), (forward, "walk_forward")):
        monkeypatch.setattr(module, door, lambda *_, **__: pytest.fail("it was replayed"))
    assert refused(*arguments, "--margin-mode", "x").startswith("--margin-mode must be 'isolated' or 'cross', got 'x'")


def test_a_folder_of_something_else_is_left_alone(refused, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    message = refused(*SWEEP, *LEVERAGES, "--out", tmp_path)
    assert message == f"out must be an empty folder, or hold a sweep, got notes.txt in {tmp_path}"


def test_a_strategy_that_never_runs_is_a_reason_or_a_line(call, refused):
    given = (*MARCH, *VENUE, "--over", "fast=60,70")
    code, out, err = call("sweep", CROSS, *given)
    assert code == 2
    assert "0 of 2 settings" in out
    assert err.startswith("error: no setting could run, of 2; the first: strategy moving_average_cross failed with ")
    message = refused("walk-forward", CROSS, *given, *BOTH)
    assert message.startswith(
        "at least one setting must be able to run from 2020-03-01 00:00 to 2020-03-05 00:00: stra"
    )

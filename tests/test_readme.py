"""README says what its code and its command print."""

import contextlib
import io
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

import backtest as bt

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(python|console|text|toml)\n(.*?)```", re.DOTALL)


@pytest.fixture(autouse=True)
def _in_a_checkout(monkeypatch, tmp_path):
    """Stand where a reader of README would, in a folder with the data and the strategies."""
    for name in ("data", "strategies"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)


BLOCKS = BLOCK.findall(README)
SHOWN = [(kind, text, output) for (kind, text), (after, output) in pairwise(BLOCKS) if after == "text"]
STRATEGIES = [text for kind, text in BLOCKS if kind == "python" and "PARAMS" in text]


def words_of(block):
    """Return the words of a block that is one command."""
    return shlex.split(block.removeprefix("$ ").replace("\\\n", " "))


@pytest.mark.parametrize(("code", "output"), [(code, output) for kind, code, output in SHOWN if kind == "python"])
def test_code_prints_what_readme_shows(code, output):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102
    assert printed.getvalue() == output


@pytest.mark.parametrize(("code", "output"), [(code, output) for kind, code, output in SHOWN if kind == "console"])
def test_command_prints_what_readme_shows(call, code, output):
    command, *arguments = words_of(code)
    assert command == "backtest"
    if arguments[0] == "query":  # of what another block has left
        (source,) = (text for _, text, _ in SHOWN if f"--out {arguments[1]}" in text)
        assert call(*words_of(source)[1:])[0] == 0
    assert call(*arguments) == (0, output, "")


def test_other_commands_of_readme_run(call, tmp_path):
    for kind, text in BLOCKS:
        if kind == "toml":
            (tmp_path / ("cross.toml" if "strategy" in text else "mine.toml")).write_text(text)
    without_output = [text for (kind, text), (after, _) in pairwise(BLOCKS) if kind == "console" and after != "text"]
    elsewhere = ("pip install", "dask scheduler")  # the second is what test_clusters does
    chosen = [text for text in without_output if not any(words in text for words in elsewhere)]
    commands = [line for text in chosen for line in text.splitlines()]
    assert len(commands) > 6
    for command in commands:
        words = shlex.split(command.removeprefix("$ backtest "), comments=True)
        code, out, err = call(*words)
        assert (code, err) == (0, ""), command
        if "--config" in words:
            assert re.search(r"liquidations +0$", out, re.MULTILINE)


@pytest.mark.parametrize("code", STRATEGIES)
def test_strategies_of_readme_are_strategies(tmp_path, code):
    (tmp_path / "mine.py").write_text(code)
    bars = bt.read_bars("data/btcusdt_1h.parquet")
    signals = bt.strategy("mine.py").signals(bars)
    assert set(signals.target[100:, 0]) in ({1.0, -1.0}, {1.0})
    if "leverage" in code:
        assert set(signals.leverage[100:, 0]) == {2.0, 3.0}
        result = bt.run(bars, bt.strategy("mine.py"), venue=bt.venue("binance_usdm"))
        assert (result.fills["reason"] == "stop_loss").any()


def test_demo_is_the_command_of_readme():
    command = next(text for kind, text in BLOCKS if kind == "console" and "--out runs/demo" in text)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    demo = makefile.split("demo: $(INSTALLED)\n")[1].split("\n\n")[0]
    words = shlex.split(demo.replace("\\\n", " ").replace("$(BIN)/", ""))
    assert words == words_of(command)

"""README says what its code and its command print."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(python|console|text|toml)\n(.*?)```", re.DOTALL)


def shown(kind: str, marker: str) -> tuple[str, str]:
    """Return the block of a kind that holds the marker, and the text block after it."""
    blocks = BLOCK.findall(README)
    at = next(n for n, (name, text) in enumerate(blocks) if name == kind and marker in text)
    following, output = blocks[at + 1]
    assert following == "text"
    return blocks[at][1], output


@pytest.fixture(autouse=True)
def _in_a_checkout(monkeypatch, tmp_path):
    """Stand where a reader of README would, in a folder with the data and the strategies."""
    for name in ("data", "strategies"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)


def test_code_prints_what_readme_shows():
    code, output = shown("python", "read_bars")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102
    assert printed.getvalue() == output


def test_command_prints_what_readme_shows(call):
    command, output = shown("console", "backtest run")
    words = shlex.split(command.removeprefix("$ ").replace("\\\n", " "))
    assert words[0] == "backtest"
    assert call(*words[1:]) == (0, output, "")


def test_other_commands_of_readme_run(call, tmp_path):
    settings = next(text for kind, text in BLOCK.findall(README) if kind == "toml")
    (tmp_path / "cross.toml").write_text(settings)
    commands = next(text for kind, text in BLOCK.findall(README) if kind == "console" and "--config" in text)
    for command in commands.splitlines():
        words = shlex.split(command.removeprefix("$ backtest "), comments=True)
        code, out, err = call(*words)
        assert (code, err) == (0, "")
        if "--config" in words:
            assert re.search(r"liquidations +0$", out, re.MULTILINE)


def test_strategy_of_readme_is_a_strategy(tmp_path):
    code = next(text for kind, text in BLOCK.findall(README) if kind == "python" and "PARAMS" in text)
    (tmp_path / "mine.py").write_text(code)
    from backtest import read_bars, strategy

    signals = strategy("mine.py").signals(read_bars("data/btcusdt_1h.parquet"))
    assert set(signals.target[100:, 0]) == {1.0, -1.0}


def test_demo_is_the_command_of_readme():
    command, _ = shown("console", "backtest run")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    demo = makefile.split("demo: $(INSTALLED)\n")[1].split("\n\n")[0]
    words = shlex.split(demo.replace("\\\n", " ").replace("$(BIN)/", ""))
    assert words == shlex.split(command.removeprefix("$ ").replace("\\\n", " "))

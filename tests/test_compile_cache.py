"""Editing any kernel source, not just the entry's own file, compiles anew."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from backtest.kernels import _jit

ENTRY = """
from backtest.kernels._jit import entry
from backtest.kernels.rule import rule

@entry
def apply(x):
    return rule(x)
"""
RULE = """
from backtest.kernels._jit import helper

@helper
def rule(x):
    return x * {factor}
"""
PROGRAM = "from backtest.kernels.apply import apply; print(apply(10.0), sum(apply.stats.cache_hits.values()))"


def test_editing_a_helper_in_another_file_compiles_anew(tmp_path):
    kernels = tmp_path / "backtest" / "kernels"
    kernels.mkdir(parents=True)
    for folder in (kernels, kernels.parent):
        (folder / "__init__.py").touch()
    shutil.copy(Path(_jit.__file__), kernels)
    (kernels / "apply.py").write_text(ENTRY)

    def run(factor):
        (kernels / "rule.py").write_text(RULE.format(factor=factor))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"  # Python's own cache takes edits of one second for one
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    assert run(1.5) == ["15.0", "0"]
    assert run(1.5) == ["15.0", "1"]
    assert run(2.5) == ["25.0", "0"]


def test_a_place_that_cannot_be_written_is_passed_over(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.touch()
    name = f"kernels-{_jit.source_hash()}"
    monkeypatch.setattr(_jit.CONFIG, "CACHE_DIR", str(tmp_path / "given"))
    assert _jit.cache_folder() == str(tmp_path / "given" / name)
    monkeypatch.setattr(_jit.CONFIG, "CACHE_DIR", str(blocked))
    assert _jit.cache_folder() == ""
    monkeypatch.setattr(_jit.CONFIG, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert Path(_jit.cache_folder()).parent.name == "__pycache__"
    shutil.copytree(_jit.KERNELS, tmp_path / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "kernels" / "__pycache__").touch()
    monkeypatch.setattr(_jit, "KERNELS", tmp_path / "kernels")
    assert _jit.cache_folder() == str(tmp_path / "user" / "margin-backtest" / name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr(_jit.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    assert _jit.cache_folder() == str(tmp_path / "temporary" / f"margin-backtest-{os.getuid()}" / name)
    monkeypatch.setattr(_jit.tempfile, "gettempdir", lambda: str(blocked))
    assert _jit.cache_folder() == ""


def test_a_place_of_another_user_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(_jit.CONFIG, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(_jit.os, "getuid", lambda: 12_345)
    assert _jit.cache_folder() == ""

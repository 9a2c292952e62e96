"""A folder that one sweep writes at a time: a file with its host and process, for as long as it runs."""

import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from backtest.errors import ConfigError

__all__ = ["LOCK", "locked"]

LOCK = "sweep.lock"

_mine: set[str] = set()
"""Marks of the locks that this process holds: its number may have been another's before."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder to one sweep, taking it over from a process of this host that is gone.

    Raises
    ------
    ConfigError                for a folder that another sweep writes
    """
    path, mark = folder / LOCK, secrets.token_hex(8)
    holder = {"host": socket.gethostname(), "pid": os.getpid(), "mark": mark}
    _mine.add(mark)
    try:
        try:
            _write(path, holder)
        except FileExistsError:
            _clear(path)
            try:
                _write(path, holder)
            except FileExistsError:  # of another that has taken it over
                raise _refused(path, _holder(path)) from None
        try:
            yield
        finally:
            with suppress(OSError):
                if _holder(path).get("mark") == mark:
                    path.unlink()
    finally:
        _mine.discard(mark)


def _write(path: Path, holder: dict[str, Any]) -> None:
    with path.open("x", encoding="utf-8") as file:
        try:
            file.write(json.dumps(holder))
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _holder(path: Path) -> dict[str, Any]:
    """Return what a lock says, nothing where it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _clear(path: Path) -> None:
    """Take a lock away whose process is gone, and no other that may have come in its place."""
    held = _holder(path)
    if not _is_gone(held):
        raise _refused(path, held)
    aside = path.with_name(f".{LOCK}.{secrets.token_hex(4)}.new")
    with suppress(FileNotFoundError):
        path.rename(aside)
        found = _holder(aside)
        if found != held:
            aside.rename(path)
            raise _refused(path, found)
        aside.unlink()


def _is_gone(held: dict[str, Any]) -> bool:
    """Return whether the process that holds a lock was one of this host and has ended."""
    pid = held.get("pid")
    if held.get("host") != socket.gethostname() or not isinstance(pid, int) or pid < 1 or os.name != "posix":
        return False
    if pid == os.getpid():
        return held.get("mark") not in _mine
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _refused(path: Path, held: dict[str, Any]) -> ConfigError:
    who = f"process {held.get('pid', 'unknown')} on {held.get('host', 'an unknown host')}"
    return ConfigError(f"out must be written by one sweep at a time, got that of {who} (if it is gone: remove {path})")

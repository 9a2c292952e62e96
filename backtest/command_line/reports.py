"""Where reports are written: what --report means, and what the screen says of a file that is there."""

from pathlib import Path
from typing import NamedTuple

import typer
from rich.text import Text

from backtest.command_line.tables import show
from backtest.errors import DataError
from backtest.text import grouped

__all__ = ["REPORT", "Written", "check_place", "print_written", "target_of", "written_at"]

REPORT = "report.html"
"""The name of a report that is given none."""

SUFFIX = ".html"


class Written(NamedTuple):
    """A file that a command has written, and its length."""

    path: str
    bytes: int


def target_of(given: str | None, out: str | None = None) -> Path | None:
    """Return where --report writes, None where it is not given; "", which is the option alone, means `out`.

    Raises
    ------
    TyperException             for a file that does not end in .html
    DataError                  where no report can be written there
    """
    if given is None:
        return None
    path = Path(given) if given else Path(out or "") / REPORT
    if path.suffix.lower() != SUFFIX:
        raise typer.TyperException(f"--report must be alone, or name a file that ends in {SUFFIX}, got {given}")
    check_place(path)
    return path


def check_place(path: Path) -> None:
    """Refuse a place where no report can be written.

    Raises
    ------
    DataError                  for a folder, a file that is there and no report, or a file where a folder is needed
    """
    from backtest.pages import documents

    file = next((place for place in path.parents if place.exists() and not place.is_dir()), None)
    if file is not None:
        raise DataError(f"a report must be written into a folder, got the file {file}")
    documents.check_page(path)


def written_at(path: Path) -> Written:
    """Return a file that is there now."""
    return Written(str(path), path.stat().st_size)


def print_written(what: str, file: Written, note: str = "") -> None:
    """Print where a file is, and how big, with a sentence on how it was made."""
    show(f"{what} in {file.path}, {size_of(file.bytes)}", whole=True)
    if note:
        show(Text(note, style="dim"))


def size_of(length: int) -> str:
    """Return a number of bytes, as in 5.1 MB or 320 kB."""
    return f"{grouped(length / 1e6, 1)} MB" if length >= 1e6 else f"{grouped(length / 1e3)} kB"

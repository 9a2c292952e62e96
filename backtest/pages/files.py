"""Files that are written all or nothing, and over nothing but files of their kind."""

import os
from pathlib import Path
from uuid import uuid4

from backtest.errors import DataError
from backtest.text import shown

__all__ = ["check_file", "write_file"]

HEAD = 2_000
"""Bytes in which a file names its kind."""


def check_file(path: object, what: str, marker: str) -> Path:
    """Return where a file is to be written.

    Parameters
    ----------
    path : path                a file that is not there yet, or one of the kind; folders on the way need not be there
    what : str                 what is to be written there, as in "a report"
    marker : str               what stands in the head of every file of the kind

    Raises
    ------
    DataError                  for no path, a folder, and a file that is there and of another kind
    """
    if not isinstance(path, (str, os.PathLike)) or not str(path) or "\0" in str(path):
        raise DataError(f"{what} must be written to a file, got {shown(path)}")
    target = Path(path)
    if target.is_dir():
        raise DataError(f"{what} must be written to a file, got the folder {path}")
    try:
        if target.exists():
            with target.open("rb") as file:
                head = file.read(HEAD)
            if marker.encode() not in head:
                raise DataError(f"{what} must not be written over something else, got {path}")
    except OSError as error:
        raise DataError(
            f"{what} must be written over a file that can be read, got {error.strerror} at {path}"
        ) from None
    return target


def write_file(target: Path, text: str, what: str) -> None:
    """Write a file whole, or leave what was there; folders on the way are made.

    Raises
    ------
    DataError                  where nothing can be written
    """
    new = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with new.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            new.replace(target)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise DataError(f"{what} must be written to a place that can be, got {error.strerror} at {target}") from None

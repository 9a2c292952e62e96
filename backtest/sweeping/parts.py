"""A sweep on disk: what it is, and a Parquet file for every chunk of its rows, each written whole or not at all.

sweep.json                     what the sweep is made of
parts/part-000000.parquet ...  a chunk of rows each, a dataset that may be read while it grows
histories/000000 ...           where they are asked for, every run as Result.save writes it
"""

import contextlib
import functools
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from backtest.errors import ConfigError, DataError
from backtest.sweeping.sweep_tables import frame_of
from backtest.text import shown

__all__ = [
    "HISTORIES",
    "abandon",
    "begin",
    "finished",
    "part_files",
    "read_manifest",
    "read_table",
    "rows_kept",
    "write_part",
]

FORMAT = 1
"""Raised whenever an older version of this module could not read what this one writes."""

MANIFEST, PARTS, HISTORIES = "sweep.json", "parts", "histories"
PART = re.compile(r"part-(\d{6,})\.parquet")

Manifest = dict[str, Any]


def begin(folder: str | os.PathLike[str], manifest: Manifest, resume: bool) -> Path:
    """Return the folder of a sweep, ready for its parts.

    Parameters
    ----------
    folder : path             made where it is missing, with its parents
    manifest : dict           of what JSON can hold: all that decides the table
    resume : bool             whether a sweep that is there is to be gone on with

    Raises
    ------
    ConfigError               for a folder that holds something else, a sweep that is not to be resumed, or another one
    """
    if not isinstance(folder, (str, os.PathLike)) or not str(folder) or "\0" in str(folder):
        raise ConfigError(f"out must be a folder, got {shown(folder)}")
    path = Path(folder)
    if any(place.exists() and not place.is_dir() for place in (path, *path.absolute().parents)):
        raise ConfigError(f"out must be a folder, got the file {path}")
    wanted = {"format": FORMAT, **json.loads(json.dumps(manifest, default=str))}
    if (path / MANIFEST).exists():
        if not resume:
            raise ConfigError(f"out must not hold a sweep, unless resume goes on with it, got {MANIFEST} in {path}")
        _check_same(read_manifest(path), wanted, path)
    elif path.is_dir() and (strange := sorted(each.name for each in path.iterdir() if not _is_left_over(each))):
        raise ConfigError(f"out must be an empty folder, or hold a sweep, got {strange[0]} in {path}")
    (path / PARTS).mkdir(parents=True, exist_ok=True)
    for place in (path, path / PARTS):
        for each in filter(_is_left_over, place.iterdir()):
            if each.is_file():
                each.unlink()
    if not (path / MANIFEST).exists():
        _write(path / MANIFEST, json.dumps(wanted, indent=1, ensure_ascii=False).encode())
    return path


def read_manifest(folder: Path) -> Manifest:
    """Return what a sweep is made of.

    Raises
    ------
    DataError                 if there is none, or one that cannot be read
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"there must be a sweep, got no {MANIFEST} in {folder}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} must be the description of a sweep, got {error}") from None
    version = manifest.get("format") if isinstance(manifest, dict) else None
    if not isinstance(version, int):
        raise DataError(f"{path} must name the format of the sweep, got {version!r}")
    if version > FORMAT:
        raise DataError(f"the format of a sweep must be at most {FORMAT} in this version, got {version} in {folder}")
    found: Manifest = manifest
    return found


def abandon(folder: Path) -> None:
    """Leave nothing of a sweep of which nothing is finished, so that it may be begun anew."""
    if finished(folder) or (folder / HISTORIES).exists():
        return
    (folder / MANIFEST).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        (folder / PARTS).rmdir()


def write_part(folder: Path, chunk: int, table: pa.Table) -> None:
    """Write the rows of a chunk, in the place of the same rows that may be there."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    _write(folder / PARTS / f"part-{chunk:06d}.parquet", sink.getvalue())


def finished(folder: Path) -> set[int]:
    """Return the chunks whose rows are all there."""
    return {int(found[1]) for path in (folder / PARTS).iterdir() if (found := PART.fullmatch(path.name))}


def part_files(folder: Path) -> list[Path]:
    """Return the files of the chunks that are there, in their order."""
    return [folder / PARTS / f"part-{chunk:06d}.parquet" for chunk in sorted(finished(folder))]


def rows_kept(folder: str | os.PathLike[str]) -> int:
    """Return how many rows of a sweep are finished, 0 where there is none.

    Raises
    ------
    DataError                 if a part is damaged
    """
    path = Path(folder)
    return sum(_read(file, pq.read_metadata).num_rows for file in part_files(path)) if (path / PARTS).is_dir() else 0


def read_table(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the rows of a sweep that are finished, in their order, as `sweep` returned them.

    Raises
    ------
    DataError                 if there is no sweep, no finished part of it, or a damaged one
    """
    path = Path(folder)
    read_manifest(path)
    tables = [_read(file, functools.partial(pq.read_table, partitioning=None)) for file in part_files(path)]
    if not tables:
        raise DataError(f"there must be a finished part of the sweep, got none in {path}")
    return frame_of(tables)


def _read(file: Path, reader: Callable[[Path], Any]) -> Any:
    """Return what a reader makes of a part."""
    try:
        return reader(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"the part of a sweep must be as it was written, got {error} in {file}") from None


def _check_same(held: Manifest, wanted: Manifest, folder: Path) -> None:
    """Refuse to go on with a sweep that is another one."""
    for name in wanted:
        if held.get(name) != wanted[name]:
            old, new = _difference(held.get(name), wanted[name])
            raise ConfigError(
                f"resume must be given what the sweep in {folder} was made of, got another {name}: "
                f"{_told(new)} instead of {_told(old)}"
            )


def _difference(old: Any, new: Any) -> tuple[Any, Any]:
    """Return what is not the same in two values, as deep inside as it can be told."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return _difference(*_first(old, new, old))
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return _difference(*_first(old, new, range(len(old))))
    return old, new


def _told(value: Any) -> str:
    """Return a value as a message shows it; the beginning of a hash is enough."""
    return value[:19] if isinstance(value, str) and value.startswith("sha256:") else shown(value)


def _first(old: Any, new: Any, places: Iterable[Any]) -> tuple[Any, Any]:
    return next((old[place], new[place]) for place in places if old[place] != new[place])


def _is_left_over(path: Path) -> bool:
    """Return whether this is what a writer that was killed left behind."""
    return path.name.startswith(".") and path.name.endswith(".new")


def _write(path: Path, content: Any) -> None:
    """Write a file whose name appears when all of it is on the disk."""
    staging = path.parent / f".{path.name}.{secrets.token_hex(4)}.new"
    try:
        with staging.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        staging.replace(path)
    finally:
        staging.unlink(missing_ok=True)

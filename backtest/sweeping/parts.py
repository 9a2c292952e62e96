"""A sweep on disk: what it is, and a Parquet file for every chunk of its rows, each written whole or not at all.

sweep.json                     what the sweep is made of, and a name of its own
sweep.lock                     which process writes, while one does
parts/part-000000.parquet ...  a chunk of rows each, a dataset that may be read while it grows
histories/000000 ...           where they are asked for, every run as Result.save writes it
"""

import contextlib
import functools
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from backtest.errors import ConfigError, DataError
from backtest.sweeping.locks import LOCK, locked
from backtest.sweeping.sweep_tables import SweepTable, frame_of
from backtest.text import shown

__all__ = [
    "HISTORIES",
    "MANIFEST",
    "begun",
    "finished",
    "head_of",
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
STAGING = re.compile(rf"\.(sweep\.json|sweep\.lock|{PART.pattern})\.[0-9a-f]{{8}}\.new")

HEAD = 64
"""Bytes of the manifest that hold its format and the sweep's own name."""

Manifest = dict[str, Any]


@contextlib.contextmanager
def begun(folder: str | os.PathLike[str], manifest: Manifest, resume: bool) -> Iterator[Path]:
    """Return the folder of a sweep, ready for its parts, and keep it from others until it is left.

    Of a sweep that fails before any of it is finished nothing is left.

    Parameters
    ----------
    folder : path             made where it is missing, with its parents
    manifest : dict           of what JSON can hold: all that decides the table
    resume : bool             whether a sweep that is there is to be gone on with

    Raises
    ------
    ConfigError               for a folder that holds something else, a sweep that is not to be resumed, another one,
        or one that is being written
    """
    path = _folder(folder)
    wanted = {"format": FORMAT, **json.loads(json.dumps(manifest, default=str))}
    _check(path, wanted, resume)
    path.mkdir(parents=True, exist_ok=True)
    with locked(path):
        _check(path, wanted, resume)  # once more: another may have come and gone
        _prepare(path, wanted)
        try:
            yield path
        except BaseException:
            _abandon(path)
            raise


def _folder(folder: object) -> Path:
    """Return what was given as the folder of a sweep, which need not be there."""
    if not isinstance(folder, (str, os.PathLike)) or not str(folder) or "\0" in str(folder):
        raise ConfigError(f"out must be a folder, got {shown(folder)}")
    path = Path(folder)
    if any(place.exists() and not place.is_dir() for place in (path, *path.absolute().parents)):
        raise ConfigError(f"out must be a folder, got the file {path}")
    return path


def _check(path: Path, wanted: Manifest, resume: bool) -> None:
    """Refuse a folder that a sweep cannot be written to."""
    if (path / MANIFEST).exists():
        if not resume:
            raise ConfigError(f"out must not hold a sweep, unless resume goes on with it, got {MANIFEST} in {path}")
        _check_same(read_manifest(path), wanted, path)
    elif path.is_dir() and (strange := sorted(each.name for each in path.iterdir() if not _is_left_over(each))):
        raise ConfigError(f"out must be an empty folder, or hold a sweep, got {strange[0]} in {path}")


def _prepare(path: Path, wanted: Manifest) -> None:
    """Leave a folder with a manifest and parts that are whole."""
    (path / PARTS).mkdir(exist_ok=True)
    for place in (path, path / PARTS):
        for each in place.iterdir():
            if STAGING.fullmatch(each.name) and each.is_file():
                each.unlink(missing_ok=True)
    if not (path / MANIFEST).exists():
        named = {"format": wanted["format"], "id": secrets.token_hex(8), **wanted}
        _write(path / MANIFEST, json.dumps(named, indent=1, ensure_ascii=False).encode())


def head_of(folder: Path) -> bytes:
    """Return the beginning of a manifest, which is that of no other sweep."""
    with (folder / MANIFEST).open("rb", buffering=0) as file:
        return file.read(HEAD)


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


def _abandon(folder: Path) -> None:
    """Leave nothing of a sweep of which nothing is finished, so that it may be begun anew."""
    with contextlib.suppress(OSError):  # what has failed before is what is to be told
        if (folder / HISTORIES).exists() or any(PART.fullmatch(each.name) for each in (folder / PARTS).iterdir()):
            return
        (folder / MANIFEST).unlink(missing_ok=True)
        (folder / PARTS).rmdir()


def write_part(folder: Path, chunk: int, table: pa.Table) -> None:
    """Write the rows of a chunk, in the place of the same rows that may be there."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    _write(folder / PARTS / f"part-{chunk:06d}.parquet", sink.getvalue())


def finished(folder: Path) -> set[int]:
    """Return the chunks whose rows are all there.

    Raises
    ------
    DataError                 if there is no place for them, or a part that is none of this sweep
    """
    count = read_manifest(folder).get("chunks")
    try:
        names = [path.name for path in (folder / PARTS).iterdir()]
    except OSError:
        raise DataError(f"there must be the parts of the sweep, got no folder {PARTS} in {folder}") from None
    chunks = {int(found[1]) for name in names if (found := PART.fullmatch(name))}
    if isinstance(count, int) and chunks and max(chunks) >= count:
        rule = f"the parts of this sweep must be numbered below {count}"
        raise DataError(f"{rule}, got part-{max(chunks):06d}.parquet in {folder / PARTS}")
    return chunks


def part_files(folder: Path) -> list[Path]:
    """Return the files of the chunks that are there, in their order."""
    return [folder / PARTS / f"part-{chunk:06d}.parquet" for chunk in sorted(finished(folder))]


def rows_kept(folder: str | os.PathLike[str]) -> int:
    """Return how many rows of a sweep are finished, 0 where there is none.

    Raises
    ------
    DataError                 if the sweep is damaged
    """
    path = Path(folder)
    if not (path / MANIFEST).exists() or not (path / PARTS).exists():
        return 0
    return sum(_read(file, pq.read_metadata).num_rows for file in part_files(path))


def read_table(folder: str | os.PathLike[str]) -> SweepTable:
    """Return the rows of a sweep that are finished, in their order, as `sweep` returned them.

    Raises
    ------
    DataError                 if there is no sweep, no finished part of it, or a damaged one
    """
    path = Path(folder)
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
    """Return whether this is what a sweep left behind that was killed before any of it was finished."""
    if path.name == PARTS and path.is_dir():
        return all(map(_is_left_over, path.iterdir()))
    return path.name == LOCK or STAGING.fullmatch(path.name) is not None


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

"""A run on disk: one Parquet file per frame and `run.json`, all or nothing.

`run.json` holds what the caller says of the run, the format's version, the sha256 of every Parquet file, and that of
its own contents. A folder that has it is a whole run: it arrives by one rename, after everything is on the disk.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from backtest.errors import DataError

__all__ = ["check_target", "load", "save"]

FORMAT = 1
"""Raised whenever an older version of this module could not read what this one writes."""

RUN_FILE = "run.json"
RESERVED = ("format", "files", "sha256")

ROW_GROUP = 131_072
"""Rows that are encoded in memory at a time."""

Run = dict[str, Any]
Frame = pd.DataFrame | Iterator[pd.DataFrame]


def save(folder: str | os.PathLike[str], frames: Mapping[str, Frame], run: Run) -> None:
    """Write a run into `folder`, in the place of the run that may be there.

    Whatever happens on the way (a crash, a full disk), `folder` holds the old run, the new one or none, never a part of
    one. Files there that belong to no run stay.

    Parameters
    ----------
    folder : path             made where it is missing, with its parents
    frames : dict by name     each is written to `name.parquet`; one that comes in pieces, of which there must be at
        least one, is never held as a whole
    run : dict                of what JSON can hold, and infinities, NaN, numpy scalars, Timedelta and Timestamp; keys
        are strings, tuples come back as lists; the names `format`, `files` and `sha256` are taken

    Raises
    ------
    DataError                 if `folder` is a file, or holds files but no run
    OSError                   if the disk is full or the folder cannot be written
    """
    target = check_target(folder)
    if taken := [name for name in RESERVED if name in run]:
        raise ValueError(f"run must leave the names {', '.join(RESERVED)} free, got {taken[0]}")
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.parent / f".{target.name}.{secrets.token_hex(4)}.new"
    try:
        staging.mkdir()
        _write_run(staging, frames, run)
        _swap(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)  # gone already where the swap succeeded


def load(folder: str | os.PathLike[str]) -> tuple[dict[str, pd.DataFrame], Run]:
    """Return the frames, by name, and the description that `save` was given.

    Raises
    ------
    DataError                 if `folder` holds no run, a damaged one, or one in a newer format
    """
    if not isinstance(folder, (str, os.PathLike)) or not str(folder) or "\0" in str(folder):
        raise DataError(f"a run must be loaded from a folder, got {folder!r}")
    path = Path(folder)
    run = _read_description(path)
    files = run.pop("files")
    frames = {Path(name).stem: _read_frame(path / name, sha256) for name, sha256 in files.items()}
    return frames, {name: value for name, value in run.items() if name not in RESERVED}


def check_target(folder: str | os.PathLike[str]) -> Path:
    """Return where a run is to be written, with links followed.

    Raises
    ------
    DataError                 for no path, a file, a folder that holds files but no run, or the folder stood in
    """
    if not isinstance(folder, (str, os.PathLike)) or not str(folder) or "\0" in str(folder):
        raise DataError(f"a run must be saved to a folder, got {folder!r}")
    target = Path(folder).resolve()
    if any(place.exists() and not place.is_dir() for place in (target, *target.parents)):
        raise DataError(f"a run must be saved to a folder, got the file {folder}")
    if target == Path.cwd() or target in Path.cwd().parents:
        raise DataError(f"a run must be saved to another folder than the one stood in, got {folder}")
    if target.is_dir() and not (target / RUN_FILE).exists() and any(target.iterdir()):
        raise DataError(f"a folder that holds something must hold a run, got no {RUN_FILE} in {folder}")
    return target


def _write_run(staging: Path, frames: Mapping[str, Frame], run: Run) -> None:
    """Write every file of the run and wait until the disk has them."""
    files = {}
    for name, frame in frames.items():
        path = staging / f"{name}.parquet"
        write_frame(path, frame)
        with path.open("rb+") as file:
            files[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
    content = {"format": FORMAT, **_encoded(run), "files": files}
    content["sha256"] = _content_hash(content)
    with (staging / RUN_FILE).open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, allow_nan=False, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(staging)


def write_frame(path: Path, frame: Frame) -> None:
    """Write one frame: zstd, no dictionaries, the bytes of floats and the steps of times and integers put together.

    Level 1 is nearly as small as level 3 on equity curves.
    """
    tables = map(pa.Table.from_pandas, [frame] if isinstance(frame, pd.DataFrame) else frame)
    table = next(tables)
    encodings = {field.name: encoding for field in table.schema if (encoding := _encoding(field.type))}
    options = {"compression": "zstd", "compression_level": 1, "use_dictionary": False, "column_encoding": encodings}
    with pq.ParquetWriter(path, table.schema, **options) as writer:
        for following in tables:
            table = pa.concat_tables([table, following.cast(table.schema)])
            while table.num_rows > ROW_GROUP:
                writer.write_table(table.slice(0, ROW_GROUP))
                table = table.slice(ROW_GROUP)
        writer.write_table(table, row_group_size=ROW_GROUP)


def _encoding(kind: pa.DataType) -> str | None:
    """Return the Parquet encoding of a column, None for the plain one."""
    if pa.types.is_floating(kind):
        return "BYTE_STREAM_SPLIT"
    if pa.types.is_timestamp(kind) or pa.types.is_integer(kind):
        return "DELTA_BINARY_PACKED"
    return None


def _swap(staging: Path, target: Path) -> None:
    """Put the new run where the old one is; a crash between the two renames leaves the old one beside it, hidden."""
    old = staging.with_suffix(".old")
    try:
        if target.exists():
            target.rename(old)
        staging.rename(target)
    except BaseException:
        if old.exists():
            old.rename(target)
        raise
    if old.exists():
        for path in old.iterdir():
            if not (target / path.name).exists():
                path.rename(target / path.name)
        shutil.rmtree(old, ignore_errors=True)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Wait until the disk has the folder's list of names, where the system offers it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_description(folder: Path) -> Run:
    """Return the decoded contents of `run.json`, checked."""
    if not folder.is_dir():
        got = "a file" if folder.exists() else "nothing"
        raise DataError(f"a run must be a folder, got {got} at {folder}")
    try:
        content = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"a run must hold {RUN_FILE}, got none in {folder}") from None
    except OSError as error:
        raise DataError(f"{RUN_FILE} must be readable, got {error.strerror} in {folder}") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{RUN_FILE} must be JSON, got {error} in {folder}") from None
    version = content.get("format") if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise DataError(f"{RUN_FILE} must name the format of the run, got {version!r} in {folder}")
    if version > FORMAT:
        raise DataError(f"the format of a run must be at most {FORMAT} in this version, got {version} in {folder}")
    if content.pop("sha256", None) != _content_hash(content):
        raise DataError(f"{RUN_FILE} must be as it was saved, got other contents in {folder}")
    decoded: Run = _decoded(content)
    return decoded


def _read_frame(path: Path, sha256: str) -> pd.DataFrame:
    """Return one frame, refused where its file is not byte for byte what was saved."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"a run must hold every file named in its {RUN_FILE}, got no {path}") from None
    except OSError as error:
        raise DataError(f"the file of a run must be readable, got {error.strerror} at {path}") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise DataError(
            f"the file of a run must be as it was saved, got sha256 {found[:12]} != {sha256[:12]} in {path}"
        )
    table = pq.read_table(pa.BufferReader(data))
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    return frame


def _content_hash(content: Run) -> str:
    """Return the sha256 of a description, whatever its spaces and order."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _encoded(value: Any) -> Any:
    """Return `value` as JSON can hold it: what it cannot becomes an object with one name that begins with `$`."""
    if isinstance(value, dict):
        return {name: _encoded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    if isinstance(value, np.generic):
        return _encoded(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return {"$float": str(value)}
    if isinstance(value, pd.Timedelta):
        return {"$timedelta": value.isoformat()}
    if isinstance(value, pd.Timestamp):
        return {"$timestamp": value.isoformat()}
    return value


def _decoded(value: Any) -> Any:
    """Return what `_encoded` was given."""
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"$float": text, **rest} if not rest:
            return float(text)
        case {"$timedelta": text, **rest} if not rest:
            return pd.Timedelta(text).as_unit("ns")
        case {"$timestamp": text, **rest} if not rest:
            return pd.Timestamp(text).as_unit("ns")
    return {name: _decoded(item) for name, item in value.items()}

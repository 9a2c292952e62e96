"""What commands print with --json: one document, on one line of stdout.

Every document holds `format`, which is 1 until a key changes its meaning, and `command`; what else it holds is said in
`documents`, `data_documents` and `venue_documents`. Everything in them is written alike:

- numbers have all their digits, and shares and rates are fractions;
- times are ISO 8601 in UTC: "2020-03-13T02:00:00Z";
- a length of time is a number of seconds, under its name with `_seconds` after it;
- what is undefined is null; infinities, for which JSON has no number, are "Infinity" and "-Infinity";
- a table is a list of objects, one for each row, by the names of its columns.
"""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel

__all__ = ["FORMAT", "Answer", "plain", "print_document", "rows_of"]

FORMAT = 1
"""Raised whenever a key changes its meaning, or goes."""

SECONDS = "_seconds"


class Answer(NamedTuple):
    """What a command found, for its document, the exit code that it ends with, and what was wrong, if anything was."""

    document: Mapping[str, object]
    code: int = 0
    error: str = ""


def print_document(command: str, document: Mapping[str, object]) -> None:
    """Print a document to stdout."""
    print(json.dumps({"format": FORMAT, "command": command, **plain(document)}, allow_nan=False))


def plain(value: object) -> Any:
    """Return a value as JSON holds it, and as text where it is of a kind that JSON knows nothing of."""
    if isinstance(value, Mapping):
        return {
            lasting(str(name)) if isinstance(each, timedelta | np.timedelta64) else str(name): plain(each)
            for name, each in value.items()
        }
    if isinstance(value, BaseModel):
        return plain(value.model_dump())
    if isinstance(value, pd.DataFrame):
        return rows_of(value)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return plain(list(value)) if value.ndim else plain(value[()])
    return scalar(value)


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame by the names of its columns, without its index."""
    columns: dict[str, list[Any]] = {}
    for k, name in enumerate(frame.columns):
        column = frame.iloc[:, k]
        values = column.tolist()
        lasts = column.dtype.kind == "m" or any(isinstance(each, timedelta) for each in values)
        columns[lasting(str(name)) if lasts else str(name)] = values if is_plain(column) else plain(values)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def is_plain(column: pd.Series) -> bool:
    """Return whether JSON can hold the values of a column as they are: a large sweep has millions of them."""
    if not isinstance(column.dtype, np.dtype):
        return False
    return column.dtype.kind in "iub" or (column.dtype.kind == "f" and bool(np.isfinite(column.to_numpy()).all()))


def lasting(name: str) -> str:
    """Return the name of a length of time, with the unit that it is written in."""
    return name if name.endswith(SECONDS) else f"{name}{SECONDS}"


def scalar(value: object) -> Any:
    """Return a value that holds no others."""
    if isinstance(value, float | Decimal):
        return number(float(value))
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, np.timedelta64):
        value = pd.Timedelta(value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime):
        return moment(pd.Timestamp(value))
    if isinstance(value, timedelta):
        return pd.Timedelta(value).total_seconds()
    return value.isoformat() if isinstance(value, date) else str(value)


def number(value: float) -> float | str | None:
    """Return a number as it is, null for NaN, a word for what is infinite."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else "Infinity" if value > 0.0 else "-Infinity"


def moment(time: pd.Timestamp) -> str:
    """Return a time in UTC, to the nanosecond where it takes that; one without a zone is in UTC already."""
    utc = time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
    return utc.isoformat().replace("+00:00", "Z")

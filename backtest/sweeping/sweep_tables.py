"""The table of a sweep: its rows as Arrow tables of the same columns, and those as one frame."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from backtest.sweeping.figures import figure_types
from backtest.sweeping.grids import Setting

__all__ = ["Row", "frame_of", "schema_of", "table_of"]

NOT_RUN = "not run"
PATHS = b"paths"
"""Where the metadata of a table say how many rows went which way."""

INT64 = range(-(2**63), 2**63)


class Row(NamedTuple):
    """What became of a setting: figures and the way through the engine, or why it did not run."""

    row: int
    figures: dict[str, Any]
    path: str
    reason: str


def schema_of(settings: Sequence[Setting]) -> pa.Schema:
    """Return the columns of a sweep's table: row, what is swept, reason, and every figure of a summary."""
    swept = [(name, _type([setting.values[name] for setting in settings])) for name in settings[0].values]
    return pa.schema([("row", pa.int64()), *swept, ("reason", pa.string()), *figure_types().items()])


def _type(values: Iterable[object]) -> pa.DataType:
    """Return the narrowest type that holds all values: booleans, whole numbers, numbers or text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int} and None not in values and all(value in INT64 for value in values):
        return pa.int64()
    return pa.float64() if kinds <= {int, float} else pa.string()


def table_of(rows: Iterable[Row], settings: Sequence[Setting], schema: pa.Schema) -> pa.Table:
    """Return rows, in their order, as a table; what is undefined or has not run is null."""
    rows = sorted(rows)
    columns: dict[str, list[Any]] = {"row": [row.row for row in rows], "reason": [row.reason for row in rows]}
    for name in settings[0].values:
        text = schema.field(name).type == pa.string()
        cells = [settings[row.row].values[name] for row in rows]
        columns[name] = [cell if cell is None or not text else str(cell) for cell in cells]
    for name in figure_types():
        columns[name] = [row.figures.get(name) for row in rows]
    paths: dict[str, int] = {}
    for row in rows:
        paths[row.path or NOT_RUN] = paths.get(row.path or NOT_RUN, 0) + 1
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema.with_metadata({PATHS: json.dumps(paths)}))


def frame_of(tables: Sequence[pa.Table]) -> pd.DataFrame:
    """Return tables that together hold all rows as one frame, whose `attrs` say which way the rows went."""
    whole = pa.concat_tables([table.replace_schema_metadata() for table in tables]).sort_by("row")
    frame: pd.DataFrame = whole.drop_columns("row").to_pandas()
    counts = dict.fromkeys(("fast", "general", NOT_RUN), 0)
    for table in tables:
        for path, count in json.loads(table.schema.metadata[PATHS]).items():
            counts[path] += count
    went = [path for path in ("fast", "general") if counts[path]]
    frame.attrs = {"path": " and ".join(went) or "none", "rows": counts}
    return frame

"""The table of a sweep: its rows as Arrow tables of the same columns, and those as one frame."""

import json
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
from pandas.plotting import PlotAccessor

from backtest.sweeping.figures import figure_types
from backtest.sweeping.grids import Setting

__all__ = ["Row", "SweepPlots", "SweepTable", "frame_of", "schema_of", "table_of"]

NOT_RUN = "not run"
PATHS = b"paths"
"""Where the metadata of a table say how many rows went which way."""

INT64 = range(-(2**63), 2**63)


class SweepPlots(PlotAccessor):
    """What `plot` is on a sweep's table: the sweep's own figure, and all that pandas draws of any frame.

    `table.plot()` returns growth, falls, liquidations and ruin against leverage, or another number that is swept, as a
    plotly Figure; `bt.plots.sweep` takes the number and a second table, `bt.plots.heatmap` draws two settings. With an
    argument (`table.plot(x="leverage", y="cagr")`), by a kind (`table.plot.scatter(...)`), and of a frame without the
    swept settings, the reasons and the figures that are drawn (`table[["leverage", "cagr"]].plot()`), pandas draws with
    its own backend: matplotlib, or what `pd.options.plotting.backend` names, has to be installed.
    """

    def __init__(self, data: pd.DataFrame) -> None:
        super().__init__(data)
        self._table = data

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the sweep's figure; given an argument, or of another frame, what `pandas.DataFrame.plot` returns."""
        from backtest import plots
        from backtest.plots.swept import is_table

        if args or kwargs or not is_table(self._table):
            return super().__call__(*args, **kwargs)
        return plots.sweep(self._table)


class SweepTable(pd.DataFrame):
    """The table of a sweep: a DataFrame that can be drawn. Rows taken from it can be, too."""

    @property
    def _constructor(self) -> type["SweepTable"]:
        return SweepTable

    @property
    def plot(self) -> SweepPlots:
        """What draws the table: `table.plot()` the sweep, all else as on any frame; see `SweepPlots`."""
        return SweepPlots(self)

    def report(
        self,
        path: str | PathLike[str],
        *,
        best: pd.DataFrame | None = None,
        facts: Mapping[str, str] | None = None,
        shared_script: bool = False,
    ) -> None:
        """Write a page on the sweep that any browser opens; see `Result.report`.

        Parameters
        ----------
        path : path                an .html file; it may be there, if it is such a page
        best : DataFrame           the same settings swept with intrabar="best": what lies between the two tables is
            what the order inside the bars can make of them
        facts : dict               what the page says of the sweep besides, text by title
        shared_script : bool       put plotly's script beside the page
        """
        from backtest.pages.sweep_pages import write_sweep_page

        write_sweep_page(self, path, best=best, facts=facts, shared_script=shared_script)


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


def frame_of(tables: Sequence[pa.Table]) -> SweepTable:
    """Return tables that together hold all rows as one frame, whose `attrs` say which way the rows went."""
    whole = pa.concat_tables([table.replace_schema_metadata() for table in tables]).sort_by("row")
    frame = SweepTable(whole.drop_columns("row").to_pandas())
    counts = dict.fromkeys(("fast", "general", NOT_RUN), 0)
    for table in tables:
        for path, count in json.loads(table.schema.metadata[PATHS]).items():
            counts[path] += count
    went = [path for path in ("fast", "general") if counts[path]]
    frame.attrs = {"path": " and ".join(went) or "none", "rows": counts}
    return frame

"""A sweep's table draws itself, and is a frame like any other where pandas is asked to draw."""

import pandas as pd
import pytest
from pandas.plotting import PlotAccessor
from plotted import roles, table_of

from backtest import plots
from backtest.sweeping.sweep_tables import SweepTable

TABLE = SweepTable(table_of([{"leverage": a} for a in (1.0, 2.0, 4.0)], [0.1, 0.3, 0.2]))


@pytest.fixture
def asked(monkeypatch):
    """Return what pandas is asked to draw: the columns, and with which arguments."""
    calls = []

    def drawn(self, *args, **kwargs):
        calls.append((list(self._table.columns), args, kwargs))
        return "drawn by pandas"

    monkeypatch.setattr(PlotAccessor, "__call__", drawn)
    return calls


@pytest.mark.parametrize(
    "rows",
    [TABLE, TABLE[TABLE["cagr"] > 0.1], TABLE.sort_values("cagr"), TABLE.head(1), TABLE.copy(), TABLE.assign(more=1)],
)
def test_a_table_and_rows_of_it_draw_the_sweep(rows, asked):
    assert type(rows) is SweepTable
    assert rows.plot().to_json() == plots.sweep(rows).to_json()
    assert set(roles(rows.plot())) >= {"growth", "ruined"}
    assert asked == []


def test_with_arguments_pandas_draws(asked):
    assert TABLE.plot(x="leverage", y="cagr") == "drawn by pandas"
    assert TABLE.plot("leverage", "cagr", kind="scatter") == "drawn by pandas"
    assert TABLE.plot("leverage", "cagr") == "drawn by pandas"
    everything = list(TABLE.columns)
    assert asked == [
        (everything, (), {"x": "leverage", "y": "cagr"}),
        (everything, ("leverage", "cagr"), {"kind": "scatter"}),
        (everything, ("leverage", "cagr"), {}),
    ]


def test_a_kind_is_drawn_by_pandas(asked):
    assert TABLE.plot.line(y="cagr") == "drawn by pandas"
    assert TABLE.plot.scatter("leverage", "cagr") == "drawn by pandas"
    assert TABLE.plot.line() == "drawn by pandas"
    assert [kwargs["kind"] for _, _, kwargs in asked] == ["line", "scatter", "line"]


@pytest.mark.parametrize(
    "frame",
    [
        TABLE[["leverage", "cagr"]],
        TABLE.drop(columns="reason"),
        TABLE.drop(columns="leverage"),
        TABLE.drop(columns="ruined"),
        pd.concat([TABLE, TABLE], axis=1),
    ],
)
def test_a_frame_that_is_no_table_any_more_is_drawn_by_pandas(frame, asked):
    assert type(frame) is SweepTable
    assert frame.plot() == "drawn by pandas"
    assert asked == [(list(frame.columns), (), {})]

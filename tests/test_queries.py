"""SQL on the rows of a sweep."""

import sys

import pandas as pd
import pytest
from scenes import venue_of
from wild import market_of, signals_of

import backtest as bt
from backtest.errors import ConfigError, DataError
from backtest.sweeping import jobs

VENUE = venue_of([(0, 0.005, 50)], taker_fee=0.0004)
BARS = bt.Bars.from_frames(market_of(1, 1, 120))
OVER = {"leverage": [1, 2, 5, 51, 10], "margin_mode": ["isolated", "cross"]}


@pytest.fixture(name="out", scope="module")
def _out(tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "it's out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "MOST_ROWS", 3)
        bt.sweep(BARS, signals_of(1, 1, 120), venue=VENUE, over=OVER, out=out)
    return out


def test_rows_are_found(out):
    table = bt.sweep(BARS, signals_of(1, 1, 120), venue=VENUE, over=OVER)
    best = bt.query(out, "SELECT row, leverage, cagr FROM sweep WHERE reason = '' ORDER BY cagr DESC, row LIMIT 3")
    wanted = table[table["reason"] == ""].nlargest(3, "cagr")
    assert best["row"].to_list() == wanted.index.to_list()
    assert best["cagr"].to_list() == wanted["cagr"].to_list()
    modes = bt.query(out, "SELECT margin_mode, count(*) AS settings FROM sweep GROUP BY ALL ORDER BY ALL")
    assert modes.to_dict("list") == {"margin_mode": ["cross", "isolated"], "settings": [5, 5]}


def test_all_rows_are_the_table(out):
    table = bt.sweep(BARS, signals_of(1, 1, 120), venue=VENUE, over=OVER)
    found = bt.query(out, "SELECT * FROM sweep ORDER BY row")
    assert list(found) == ["row", *table]
    longest = found.pop("max_drawdown_duration").dt.as_unit("ns")
    assert longest.equals(table.pop("max_drawdown_duration"))
    pd.testing.assert_frame_equal(found.drop(columns="row"), table, check_exact=True, check_frame_type=False)


def test_integers_and_booleans_are_as_in_the_table(out):
    found = bt.query(out, "SELECT trades, ruined FROM sweep WHERE cagr IS NOT NULL")
    assert [str(kind) for kind in found.dtypes] == ["int64", "bool"]
    some = bt.query(out, "SELECT trades, ruined FROM sweep")
    assert [str(kind) for kind in some.dtypes] == ["float64", "object"]


def test_what_is_undefined_is_null(out):
    assert bt.query(out, "SELECT count(*) AS n FROM sweep WHERE cagr IS NULL")["n"].to_list() == [2]


def test_a_sweep_is_queried_while_it_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_ROWS", 3)
    seen = []

    def look(_done, _total):
        seen.append(bt.query(tmp_path, "SELECT count(*) AS n FROM sweep")["n"].item())

    bt.sweep(BARS, signals_of(1, 1, 120), venue=VENUE, over=OVER, out=tmp_path, progress=look)
    assert seen == [3, 6, 9, 10]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", r"^sql must be a statement that duckdb understands, got 'SELEC 1': Parser Error: [^\n]*$"),
        ("SELECT sharp FROM sweep", r"^sql must be .*Binder Error: Referenced column \"sharp\" not found[^\n]*$"),
        (3, "^sql must be a text, got 3$"),
        ("", "^sql must be a statement that finds rows, got ''$"),
        (";", "^sql must be a statement that finds rows, got ';'$"),
        ("-- x", "^sql must be a statement that finds rows, got '-- x'$"),
    ],
)
def test_statements_that_fail_are_told_in_one_line(out, sql, message):
    with pytest.raises(ConfigError, match=message):
        bt.query(out, sql)


def test_a_folder_without_rows_is_told(tmp_path):
    with pytest.raises(DataError, match=r"^there must be a sweep, got no sweep\.json in "):
        bt.query(tmp_path / "none", "SELECT 1")
    with pytest.raises(ConfigError, match=r"^folder must be that of a sweep, got 3$"):
        bt.query(3, "SELECT 1")
    bt.sweep(BARS, signals_of(1, 1, 120), venue=VENUE, over=OVER, out=tmp_path)
    for part in (tmp_path / "parts").iterdir():
        part.unlink()
    with pytest.raises(DataError, match=r"^there must be a finished part of the sweep, got none in "):
        bt.query(tmp_path, "SELECT 1")


def test_without_duckdb_the_extra_is_named(out, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ConfigError, match=r"^query needs duckdb, which is not installed: pip install 'margin-back"):
        bt.query(out, "SELECT 1")

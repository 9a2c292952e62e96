"""The commands `walk-forward` and `query`."""

import re

import pytest
from shell import CROSS, DATA, HOLD, TIERS, VENUE, bars_file, config_file, fact, figure

import backtest as bt
from backtest.figures_in_words import written
from backtest.forward import walk_forward
from backtest.text import grouped

YEAR = ("--data", DATA, "--from", "2020-01", "--to", "2020-12")
WALK = ("walk-forward", CROSS, *YEAR, *VENUE, "--over", "leverage=1:3", "--over", "fast=10,20")
OVER = {"leverage": [1, 2, 3], "fast": [10, 20]}


def windows(out):
    """Return the lines of the windows as lists of cells."""
    table = out.split("all test windows as one account")[0]
    return [re.split(r" {2,}", line.strip()) for line in re.findall(r"^2020-\d\d-\d\d  .*$", table, re.MULTILINE)]


@pytest.mark.parametrize(
    ("options", "said", "given"),
    [
        ((), "the 90d before, chosen by cagr", {}),
        (("--anchored",), "all of what is before, at least 90d, chosen by cagr", {"anchored": True}),
        (("--objective", "sharpe"), "the 90d before, chosen by sharpe", {"objective": "sharpe"}),
    ],
)
def test_a_walk_prints_a_row_for_each_window(call, options, said, given):
    code, out, err = call(*WALK, "--train", "90d", "--test", "60d", *options)
    bars = bt.read_bars(DATA)["2020-01":"2020-12"]
    venue = bt.venue("binance_usdm")
    found = walk_forward(bars, bt.strategy(CROSS), over=OVER, train="90d", test="60d", venue=venue, **given)
    assert (code, err) == (0, "")
    assert fact(out, "chosen from") == "leverage 1 to 3; fast 10, 20"
    text = " ".join(out.split())
    assert f"windows {len(found.windows)} of 60d, each after training on {said} equity" in text
    rows = windows(out)
    assert [row[0] for row in rows] == [f"{time:%Y-%m-%d}" for time in found.windows["test_start"]]
    assert [row[1:3] for row in rows] == [[f"{row.leverage:g}", str(row.fast)] for row in found.windows.itertuples()]
    objective = given.get("objective", "cagr")
    assert [row[4] for row in rows] == [written(objective, value) for value in found.windows["out_of_sample"]]
    assert fact(out, "equity") == f"10 000.00 -> {grouped(found.equity.iloc[-1], 2)}"
    assert figure(out, "total return") == f"{found.summary['total_return']:.2%}"
    assert figure(out, "max drawdown low") == f"{found.summary['max_drawdown_low']:.2%}"
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out


def test_an_account_that_is_lost_ends_the_walk_and_is_said_so(call, tmp_path):
    closes = [100.0 + 0.1 * (k % 7) for k in range(72)] + [60.0] * 96
    file = bars_file(tmp_path / "a.parquet", closes)
    given = ("--data", file, "--config", config_file(tmp_path, TIERS), "--over", "leverage=10,20")
    code, out, _ = call("walk-forward", HOLD, *given, "--train", "2d", "--test", "2d")
    assert code == 0
    assert "The account was lost in the window from 2020-01-03 00:00 to 2020-01-05 00:00, 2 before the last." in out
    assert figure(out, "ruined") == "yes"


# ---- query


@pytest.fixture
def swept(call, tmp_path):
    pytest.importorskip("duckdb")
    file = bars_file(tmp_path / "a.parquet", [100.0 + 0.1 * k for k in range(50)])
    given = ("--data", file, "--config", config_file(tmp_path, TIERS), "--over", "leverage=1:4,51", "target=1,-1")
    assert call("sweep", HOLD, *given, "--out", tmp_path / "swept")[0] == 0
    return tmp_path / "swept"


def test_a_query_prints_its_rows(call, swept):
    sql = "SELECT leverage, target, total_return, win_rate, ruined FROM sweep WHERE leverage > 3 ORDER BY leverage"
    code, out, err = call("query", swept, sql)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["leverage", "target", "total_return", "win_rate", "ruined"]
    rows = [line.split() for line in lines[2:]]
    assert sorted(row[:2] for row in rows) == [["4", "-1"], ["4", "1"], ["51", "-1"], ["51", "1"]]
    assert rows[-1][2:] == ["-", "-", "-"]  # it could not run
    code, out, _ = call("query", swept, "SELECT count(*) AS rows FROM sweep WHERE reason = ''")
    assert out == "rows\n────\n   8\n"


def test_a_query_with_many_columns_is_a_block_for_each_row(call, swept):
    code, out, _ = call("query", swept, "SELECT * FROM sweep ORDER BY row LIMIT 2")
    assert code == 0
    first, second = out.strip().split("\n\n")
    assert fact(first, "row") == "0"
    assert fact(second, "target") == "-1"
    assert fact(first, "marks") == "traded prices"
    assert max(map(len, out.splitlines())) <= 80


def test_a_query_may_find_nothing(call, swept):
    assert call("query", swept, "SELECT leverage FROM sweep WHERE leverage > 99") == (0, "no rows\n", "")


def test_what_is_wrong_with_a_query_is_one_line(refused, swept, tmp_path):
    assert re.search(
        "^sql must be a statement that duckdb understands, got 'SELECT': ", refused("query", swept, "SELECT")
    )
    assert re.search("^sql must .* got 'SELECT x FROM sweep': ", refused("query", swept, "SELECT x FROM sweep"))
    assert re.search("^there must be a sweep, got no sweep.json in ", refused("query", tmp_path, "FROM sweep"))

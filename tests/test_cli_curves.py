"""Equity in a line of blocks: what it shows of an account's life and death, and how it fits the screen."""

import re

import numpy as np
import pandas as pd
import pytest
from shell import BTC, CRASH, CROSS, DATA, ETH, HOLD, MOMENTUM, TIERS, VENUE, bars_file, config_file, figure

import backtest as bt
from backtest.command_line.curve_screens import Curve, curve_of, print_curves
from backtest.command_line.sparklines import blocks, ends, marks
from backtest.figures_in_words import money


def row(*bars):
    return np.array(bars, np.int64)


@pytest.mark.parametrize(
    ("values", "cells", "line"),
    [
        ([100.0] * 5, 5, "█████"),  # flat
        ([100.0], 1, "█"),  # one bar
        ([100.0], 4, "████"),
        ([50.0, 100.0], 4, "▄▄██"),  # fewer bars than cells
        ([100.0, 0.0], 2, "█ "),
        ([0.0, 0.0, 0.0], 3, "   "),  # ruined at the first bar
        ([12.5 * k for k in range(9)], 9, " ▁▂▃▄▅▆▇█"),
        ([100.0, 1.0, 50.0, 25.0], 2, "▁▂"),  # the last of a cell counts
        ([10.0, 20.0, 80.0], 2, "▂█"),  # of three bars the second ends the first of two cells
        ([1e6, 1.0001, 1.0, 0.0], 4, "█▁  "),  # a millionth of the highest is nothing, more is something
        ([100.0, -5.0], 2, "█ "),
    ],
)
def test_blocks_go_from_nothing_to_the_highest(values, cells, line):
    assert blocks(np.array(values), cells, max(values)) == line


def test_blocks_of_several_accounts_share_a_height():
    assert blocks(np.array([100.0, 50.0]), 2, 200.0) == "▄▂"


@pytest.mark.parametrize("count", [1, 2, 3, 79, 80, 81, 159, 1000])
def test_every_event_is_marked_in_the_cell_of_its_bar(count):
    for bar in range(count):
        cell = marks(row(bar), count, 80).index("x")
        values = np.full(count, 8.0)
        values[bar:] = 0.0
        curve = blocks(values, 80, 8.0)
        dead = curve.index(" ") if " " in curve else 80
        assert dead == cell  # the account is gone from the cell in which it died


def test_marks_of_one_cell_are_one():
    assert marks(row(0, 1, 5), 6, 3) == "x x"
    assert marks(row(), 6, 3) == "   "


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (30, f"2020{'x'.center(22)}2021"),
        (13, "2020  x  2021"),
        (12, "2020    2021"),
        (9, "2020 2021"),
        (8, "2020"),
    ],
)
def test_a_line_gives_up_its_middle_before_its_ends(width, line):
    assert ends("2020", "2021", width, "x") == line


def printed(capsys, curves, monkeypatch, columns=80):
    monkeypatch.setenv("COLUMNS", str(columns))
    print_curves(curves, money)
    return capsys.readouterr().out.splitlines()


def curve(values, liquidated=(), every="D"):
    time = pd.date_range("2020-01-01", periods=len(values), freq=every, tz="UTC")
    return Curve(pd.Series(values, time, dtype=float), row(*liquidated))


def test_a_curve_has_its_highest_its_dates_and_its_liquidations(capsys, monkeypatch):
    lines = printed(capsys, {"": curve([100.0, 200.0, 0.0, 0.0], [2])}, monkeypatch)
    assert lines == [
        f"equity over time{'highest 200.00'.rjust(64)}",
        "▄" * 20 + "█" * 20,
        " " * 40 + "x",
        f"2020-01-01{'x liquidated'.center(60)}2020-01-04".rstrip(),
        "",
    ]


def test_without_a_liquidation_nothing_is_marked(capsys, monkeypatch):
    lines = printed(capsys, {"": curve([100.0] * 100)}, monkeypatch)
    assert lines[1:] == ["█" * 80, f"2020-01-01{'2020-04-09'.rjust(70)}", ""]


def test_a_short_span_is_dated_to_the_minute(capsys, monkeypatch):
    lines = printed(capsys, {"": curve([100.0] * 49, every="h")}, monkeypatch)
    assert lines[-2].split("  ")[0] == "2020-01-01 00:00"
    assert lines[-2].endswith("2020-01-03 00:00")
    assert printed(capsys, {"": curve([100.0])}, monkeypatch)[-2].startswith("2020-01-01 00:00 ")


def test_accounts_stand_below_each_other_at_one_height(capsys, monkeypatch):
    curves = {"isolated": curve([100.0, 0.0], [1]), "cross": curve([100.0, 200.0])}
    lines = printed(capsys, curves, monkeypatch, 60)
    assert lines == [
        f"equity over time{'highest 200.00'.rjust(44)}",
        f"isolated  {'▄' * 25}",
        f"          {' ' * 25}x",
        f"cross     {'▄' * 25}{'█' * 25}",
        f"          2020-01-01 00:00{'x liquidated'.center(18)}2020-01-02 00:00",
        "",
    ]


def test_what_cannot_be_read_is_left_out(capsys, monkeypatch):
    assert printed(capsys, {"": curve([1.0, 2.0])}, monkeypatch, 23) == []
    assert len(printed(capsys, {"": curve([1.0, 2.0])}, monkeypatch, 24)) == 4
    named = {f"{'name' * 8} {k}": curve([1.0, 2.0]) for k in range(2)}
    assert printed(capsys, named, monkeypatch, 40) == []
    many = {str(k): curve([1.0, 2.0]) for k in range(9)}
    assert printed(capsys, many, monkeypatch) == []
    assert len(printed(capsys, dict(list(many.items())[:8]), monkeypatch)) == 11


def test_a_wide_terminal_is_not_filled(capsys, monkeypatch):
    lines = printed(capsys, {"": curve([1.0] * 300)}, monkeypatch, 200)
    assert {len(line) for line in lines} == {80, 0}


# ---- on the screens of commands


def drawn(out):
    """Return the lines of equity over time."""
    return out[out.index("equity over time ") :].split("\n\n")[0].splitlines()


@pytest.mark.parametrize("columns", [80, 60, 37])
def test_a_run_shows_where_the_account_died(call, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    _, out, _ = call(*CRASH, "--leverage", "10")
    result = bt.run(
        bt.read_bars(DATA)["2020-03-01":"2020-03-20"],
        bt.strategy(HOLD),
        account=bt.Account(leverage=10),
        venue=bt.venue("binance_usdm"),
    )
    title, line, marked, dates = drawn(out)
    assert title == "equity over time" + f"highest {money(result.equity.max())}".rjust(columns - 16)
    found = curve_of(result.equity, [result.liquidations])
    assert found.liquidated.tolist() == [result.equity.index.get_loc(result.liquidations["time"][0])]
    assert line == blocks(result.equity.to_numpy(), columns, result.equity.max()).rstrip()
    assert marked == marks(found.liquidated, len(result.equity), columns).rstrip()
    assert "██" not in line[len(marked) :]
    assert dates.startswith("2020-03-01 ")
    assert dates.endswith(" 2020-03-20")
    assert ("x liquidated" in dates) == (columns > 36)


def test_an_account_that_is_ruined_at_its_first_trade_is_drawn(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", [100.0, 100.0, 50.0], low=[100.0, 50.0, 50.0])
    config = config_file(tmp_path, TIERS + "liquidation_fee = 0.5\n")
    _, out, _ = call("run", HOLD, "--data", file, "--config", config, "--leverage", "20")
    _, line, marked, _ = drawn(out)
    assert figure(out, "ruined") == "yes"
    assert line == "█" * 26
    assert marked == " " * 26 + "x"
    assert "nan" not in out


def test_one_bar_is_drawn(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", [100.0])
    _, out, _ = call("run", HOLD, "--data", file, "--config", config_file(tmp_path, TIERS))
    assert drawn(out)[1:] == ["█" * 80, f"2020-01-01 00:00{'2020-01-01 00:00'.rjust(64)}"]


def test_money_in_coins_is_written_so(call, tmp_path):
    config = config_file(tmp_path, TIERS + "contract = 'inverse'\n")
    file = bars_file(tmp_path / "btcusd.parquet", [100.0] * 5)
    given = ("--config", config, "--currency", "base", "--cash", "2")
    assert drawn(call("run", HOLD, "--data", file, *given)[1])[0].endswith("highest 2.000000")


def test_a_comparison_shows_every_account(call):
    book = ("--data", BTC, ETH, "--symbol-map", "BTCUSD=BTCUSDT", "ETHUSD=ETHUSDT", *VENUE, "--to", "2018-02")
    _, out, _ = call("compare", MOMENTUM, *book, "--leverage", "5", "--resamples", "100")
    _, isolated, marked, cross, dates = drawn(out)
    assert isolated.startswith("isolated  ▂")
    assert re.fullmatch(r" {10}[ x]+x", marked)
    assert cross.startswith("cross     ▂")
    assert (len(cross), len(dates)) == (80, 80)


def test_a_walk_shows_its_test_windows(call, tmp_path):
    closes = [100.0 + 0.1 * (k % 7) for k in range(72)] + [60.0] * 96
    file = bars_file(tmp_path / "a.parquet", closes)
    given = ("--data", file, "--config", config_file(tmp_path, TIERS), "--over", "leverage=10,20")
    _, out, _ = call("walk-forward", HOLD, *given, "--train", "2d", "--test", "2d")
    _, line, marked, dates = drawn(out)
    assert re.fullmatch(r"[▇█]{40}", line)  # the second of two days takes all
    assert marked == " " * 40 + "x"
    assert dates.startswith("2020-01-03 00:00 ")
    windows = ("--train", "90d", "--test", "30d")
    _, out, _ = call("walk-forward", CROSS, "--data", DATA, "--to", "2018-02", *VENUE, "--over", "fast=10,20", *windows)
    assert len(drawn(out)) == 3

"""The command `run`: what it prints, saves and passes on."""

import re

import numpy as np
import pandas as pd
import pytest
from shell import BTC, CRASH, DATA, ETH, HOLD, MOMENTUM, TIERS, VENUE, bars_file, config_file, fact, figure

import backtest as bt
from backtest import figures_in_words as figures
from backtest.command_line.configuration import ACCOUNT, RATES
from backtest.outcome.sources import FILES
from backtest.text import grouped

IN_FILES = [
    "short_borrow_rate",
    "funding_from",
    "maintenance_on",
    "fee_in_maintenance_at",
    "breach",
    "call",
    "liquidation_share",
    "liquidation_floor",
    "cooldown",
    "backstop",
    "contract",
    "multiplier",
    "lot_size",
    "minimum_notional",
]


def test_a_crash_at_ten_times_is_printed_as_it_happened(call):
    code, out, err = call(*CRASH, "--leverage", "10")
    bars = bt.read_bars(DATA)["2020-03-01":"2020-03-20"]
    result = bt.run(bars, bt.strategy(HOLD), account=bt.Account(leverage=10), venue=bt.venue("binance_usdm"))
    assert (code, err) == (0, "")
    assert len(result.liquidations) == 1
    row = result.liquidations.iloc[0]
    assert f"{row.time:%Y-%m-%d %H:%M}   BTCUSDT" in out
    assert re.search(rf" price .*\n.*\n.* {grouped(row.fill_price, 2)} ", out)
    assert "mark price " not in out
    assert re.search(rf" {grouped(row.margin_lost, 2)} +{grouped(row.penalty, 2)}$", out, re.MULTILINE)
    assert figure(out, "total return") == f"{result.summary['total_return']:.2%}"
    assert figure(out, "liquidation loss") == f"{grouped(result.summary['liquidation_loss'], 2)}"
    assert fact(out, "equity") == f"10 000.00 -> {grouped(result.equity.iloc[-1], 2)}"
    assert fact(out, "account") == "isolated margin, 10x"
    assert fact(out, "prices") == "mark prices are the traded ones, no funding"


def test_every_figure_of_the_summary_is_on_the_screen(call):
    _, out, _ = call(*CRASH)
    bars = bt.read_bars(DATA)[:100]
    summary = bt.run(bars, np.ones(100), venue=bt.venue("binance_usdm")).summary
    usual = [name for groups in (figures.LEFT, figures.RIGHT) for names in groups.values() for name in names]
    others = [name for names in figures.OCCASIONAL.values() for name in names]
    assert sorted([*usual, *others, "marks"]) == sorted(summary.index)
    assert all(f"{name.replace('_', ' ')} " in out for name in usual)
    assert not any(f"{name.replace('_', ' ')} " in out for name in others)
    _, out, _ = call(*CRASH, "--leverage", "10", "--on-liquidation", "refill")
    assert all(f"{name.replace('_', ' ')} " in out for name in usual + others)


@pytest.mark.parametrize("command", [("venues",), ("inspect", DATA), (*CRASH, "--leverage", "25"), ("run", "--help")])
def test_no_line_is_wider_than_eighty_columns(call, command):
    code, out, _ = call(*command)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    assert "…" not in out


def test_figures_without_a_meaning_are_a_dash(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", [100.0] * 5)
    _, out, _ = call("run", HOLD, "--data", file, "--config", config_file(tmp_path, TIERS), "--param", "target=0")
    assert figure(out, "win rate") == figure(out, "sharpe") == figure(out, "smallest liquidation distance") == "-"
    assert figure(out, "total return") == "0.00%"
    assert "liquidated" not in out


def test_at_most_twenty_liquidations_are_printed(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", [100.0] * 60, low=80.0)
    config = config_file(tmp_path, TIERS + "liquidation_fee = 0.02\nliquidation_slippage = 0.1\n")
    settings = ("--leverage", "10", "--sizing", "cash", "--cash", "1e9", "--on-liquidation", "reenter")
    code, out, _ = call("run", HOLD, "--data", file, "--config", config, *settings, "--param", "target=0.001")
    assert code == 0
    assert len(re.findall(r"^2020-01-0\d \d\d:00   A ", out, re.MULTILINE)) == 20
    assert figure(out, "liquidations") == "59"
    assert "\nand 39 more\n" in out
    assert "bad debt" in out.split("liquidated")[1]
    assert max(map(len, out.splitlines())) <= 80


def test_of_a_cross_account_the_loss_of_a_liquidation_is_printed(call):
    code, out, _ = call(*CRASH, "--leverage", "10", "--margin-mode", "cross")
    bars = bt.read_bars(DATA)["2020-03-01":"2020-03-20"]
    account = bt.Account(leverage=10, margin_mode="cross")
    result = bt.run(bars, bt.strategy(HOLD), account=account, venue=bt.venue("binance_usdm"))
    row = result.liquidations.iloc[0]
    assert code == 0
    assert re.search(r"^liquidated +symbol +quantity +price +loss +penalty$", out, re.MULTILINE)
    assert re.search(rf" {grouped(row.loss, 2)} +{grouped(row.penalty, 2)}$", out, re.MULTILINE)


def test_a_run_is_saved_where_it_says(call, tmp_path):
    code, out, _ = call(*CRASH, "--leverage", "10", "--out", tmp_path / "runs" / "x")
    assert code == 0
    place, files = out.split("Saved to ")[1].split(":\n")
    assert place == str(tmp_path / "runs" / "x")
    assert files.split() == f"{', '.join(FILES)}, run.json".split()
    assert max(map(len, files.splitlines())) <= 80
    loaded = bt.load(tmp_path / "runs" / "x")
    assert len(loaded.liquidations) == 1
    assert loaded.description["account"]["leverage"] == 10.0


def test_a_history_in_a_folder_is_read_in_pieces_and_prints_the_same(call, tmp_path):
    config = config_file(tmp_path, TIERS + "as_of = '2021-01-01'\n")
    path = tmp_path / "hold.py"
    path.write_text("LOOKBACK = 0\n\n\ndef signals(data):\n    return data['close'] * 0 + 1\n")
    place = tmp_path / "history" / "symbol=A"
    place.mkdir(parents=True)
    file = bars_file(place / "a.parquet", [100.0] * 40 + [80.0] * 8)
    given = ("--config", config, "--leverage", "10")
    code, out, err = call("run", path, "--data", place.parent, *given, "--out", tmp_path / "saved")
    assert (code, err) == (0, "")
    _, whole, _ = call("run", path, "--data", f"A={file}", *given)
    assert fact(out, "data") == "A: 48 bars, read in pieces"
    curve = whole[whole.index("\nequity over time ") : whole.index("\nreturn ")]  # takes every close
    assert len(curve.splitlines()) == 5
    pieces, one = (set(text.split("\nSaved to")[0].splitlines()) for text in (out, whole.replace(curve, "")))
    assert {line.split("  ")[0].split(" ")[0] for line in pieces ^ one} == {"data", "equity", "Not"}
    assert len(bt.load(tmp_path / "saved").history) == 48


def test_a_stop_beyond_liquidation_is_one_line_on_stderr(call):
    code, out, err = call(*CRASH, "--leverage", "10", "--stop-loss", "0.5")
    assert code == 0
    assert re.fullmatch(r"warning: stop_loss must be below .* for BTCUSDT at 10x: .*\n", err)
    assert fact(out, "account") == "isolated margin, 10x, stop loss 0.5"


def test_every_setting_of_account_and_venue_is_an_option(call):
    _, out, _ = call("run", "--help")
    # the rest of a venue is for a file
    for name in (*ACCOUNT, *(name for name in RATES if name not in IN_FILES)):
        assert f"--{name.replace('_', '-')} " in out
    assert not [name for name in IN_FILES if f"--{name.replace('_', '-')} " in out]
    account = bt.Account()
    for name in ("margin_mode", "sizing", "rebalance", "reentry", "intrabar"):
        assert f" {getattr(account, name)}|" in out
    assert f"({account.leverage:g})" in out
    assert f"({account.cash:g})" in out


def test_every_option_reaches_the_run(call, tmp_path):
    account = {
        "cash": 5000.0,
        "leverage": 3.0,
        "margin_mode": "cross",
        "sizing": "cash",
        "rebalance": "bar",
        "reentry": "bar",
        "on_liquidation": "stop",
        "reserve": 100.0,
        "intrabar": "path",
        "stop_loss": 0.11,
        "take_profit": 0.22,
        "currency": "quote",
    }
    venue = {
        "taker_fee": 0.001,
        "slippage": 0.002,
        "liquidation_fee": 0.003,
        "liquidation_slippage": 0.004,
        "residual": "forfeit",
        "borrow_rate": 0.05,
        "fee_in_maintenance": 0.0006,
        "liquidation": "restore",
        "liquidation_order": "largest_loss",
        "target_ratio": 1.5,
        "insurance_fund": 1000.0,
    }
    options = [text for name, value in (account | venue).items() for text in (f"--{name.replace('_', '-')}", value)]
    out = tmp_path / "run"
    code, _, err = call(*CRASH, *options, "--as-of", "2025-01-01", "--param", "target=-0.5", "--out", out)
    assert code == 0
    assert err.startswith(
        "warning: reserve is for margin calls, which venue binance_usdm does not answer with deposits"
    )
    assert err.count("\n") == 1
    run = bt.load(out).description
    assert run["account"] == account
    assert venue.items() <= run["venue"].items()
    assert run["venue"]["as_of"] == "2024-10-24"
    assert run["strategy"]["params"] == {"target": -0.5}
    assert run["data"]["first"] == "2020-03-01 00:00:00+00:00"
    assert run["data"]["last"] == "2020-03-20 23:00:00+00:00"


def test_several_files_mapped_symbols_and_rates_by_symbol(call):
    files = ("--data", BTC, f"ETH.X={ETH}", "--funding", "BTCUSD=0.0001", "ETH.X=-0.0002", "--to", "2018-01")
    code, out, _ = call("run", MOMENTUM, *files, *VENUE, "--symbol-map", "BTCUSD=BTCUSDT", "ETH.X=ETHUSDT")
    assert code == 0
    assert fact(out, "data").startswith("BTCUSD, ETH.X: ")
    assert fact(out, "prices").endswith("with funding")


def test_a_rate_alone_is_for_every_symbol(call, tmp_path):
    files = [bars_file(tmp_path / f"{symbol}.parquet", [100.0] * 24) for symbol in ("btcusdt", "ethusdt")]
    path = tmp_path / "both.py"
    path.write_text("def signals(data):\n    return {symbol: 0 * data[symbol]['close'] + 0.5 for symbol in data}\n")
    arguments = ("run", path, "--data", *files, *VENUE, "--taker-fee", "0", "--funding")
    assert figure(call(*arguments, "0.001")[1], "funding") == "20.00"
    assert figure(call(*arguments, "ETHUSDT=0.001")[1], "funding") == "10.00"


def test_marks_and_funding_come_from_files_of_their_own(call, tmp_path):
    data = bars_file(tmp_path / "btcusdt_perp.parquet", [100.0] * 24)
    mark = bars_file(tmp_path / "anything.parquet", [99.0] * 24)
    time = pd.date_range("2020-01-01", periods=3, freq="8h", tz="UTC")
    pd.DataFrame({"timestamp": time, "rate": 0.01}).to_csv(tmp_path / "funding.csv", index=False)
    given = ("--data", data, "--mark", mark, "--funding", tmp_path / "funding.csv", "--leverage", "2")
    code, out, _ = call("run", HOLD, *given, *VENUE, "--taker-fee", "0")
    assert code == 0
    assert fact(out, "prices") == "mark prices are given, with funding"
    # 200 units at a mark of 99 pay 1 % at 08:00 and 16:00; at 00:00 nothing is held
    assert figure(out, "funding") == "396.00"


def test_a_rate_is_settled_as_often_as_every_says(call, tmp_path):
    data = bars_file(tmp_path / "btcusdt.parquet", [100.0] * 24)
    arguments = ("run", HOLD, "--data", data, "--funding", "0.001", "--taker-fee", "0", *VENUE)
    assert figure(call(*arguments)[1], "funding") == "20.00"
    assert figure(call(*arguments, "--every", "4h")[1], "funding") == "50.00"


def test_repair_lists_changes_on_stderr(call, refused, tmp_path):
    data = bars_file(tmp_path / "btcusdt.parquet", [100.0, 0.0, 100.0, 100.0], volume=[1.0, 1.0, -1.0, 1.0])
    message = refused("run", HOLD, "--data", data, *VENUE)
    assert re.search(r"must be above 0, got 0\.0 at 2020-01-01 01:00 in .*btcusdt\.parquet \(row 1\)", message)
    code, _, err = call("run", HOLD, "--data", data, *VENUE, "--repair")
    assert code == 0
    first, second = err.splitlines()
    assert first.startswith("repaired: price_not_positive: ")
    assert second.startswith("repaired: bad_volume: ")


def test_repair_lists_ten_changes_and_counts_the_others(call, tmp_path):
    data = bars_file(tmp_path / "btcusdt.parquet", [100.0] + [0.0] * 13 + [100.0])
    code, _, err = call("run", HOLD, "--data", data, *VENUE, "--repair")
    assert code == 0
    *listed, last = err.splitlines()
    assert len(listed) == 10
    assert all(line.startswith("repaired: price_not_positive: ") for line in listed)
    assert last == "and 3 more"

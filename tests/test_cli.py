"""The command line: what it prints, its exit codes, and one line for everything that is wrong."""

import os
import re
import subprocess
import sys
import warnings
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import backtest as bt
from backtest import cli, inspection, screens
from backtest.configuration import ACCOUNT, RATES, settings_of, venue_of
from backtest.results import FRAMES

ROOT = Path(__file__).parents[1]
DATA = str(ROOT / "data" / "btcusdt_1h.parquet")
BTC, ETH = (str(ROOT / "data" / f"{name}_30m.parquet") for name in ("btcusd", "ethusd"))
HOLD = str(ROOT / "strategies" / "buy_and_hold.py")
CROSS = str(ROOT / "strategies" / "moving_average_cross.py")
MOMENTUM = str(ROOT / "strategies" / "relative_momentum.py")
VENUE = ("--venue", "binance_usdm")
CRASH = ("run", HOLD, "--data", DATA, "--from", "2020-03-01", "--to", "2020-03-20", *VENUE)
TIERS = "[venue]\ntiers = [{floor = 0, maintenance_rate = 0.01, max_leverage = 50}]\n"


@pytest.fixture
def call(capsys):
    """Return a function that runs a command and returns its exit code, stdout and stderr."""

    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def refused(call):
    """Return a function that runs a command which must end in one line on stderr, and returns that line."""

    def run(*arguments):
        code, out, err = call(*arguments)
        assert code == 2
        assert out == ""
        assert err.startswith("error: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1
        return err.removeprefix("error: ").strip()

    return run


def figure(out, name):
    """Return a figure of the summary as it is printed."""
    return re.search(rf"(?:^|  ){name} +(\S+(?: days)?)", out, re.MULTILINE)[1]


def fact(out, label):
    return re.search(rf"^{label} +(.*)$", out, re.MULTILINE)[1]


def bars_file(path, closes, **columns):
    """Write hourly bars that never leave their closes, and return their path."""
    time = pd.date_range("2020-01-01", periods=len(closes), freq="h", tz="UTC")
    prices = dict.fromkeys(("open", "high", "low", "close"), np.asarray(closes, float))
    pd.DataFrame({"timestamp": time, **prices, **columns}).to_parquet(path)
    return path


def config_file(tmp_path, text):
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_crash_at_ten_times_is_printed_as_it_happened(call):
    code, out, err = call(*CRASH, "--leverage", "10")
    bars = bt.read_bars(DATA)["2020-03-01":"2020-03-20"]
    result = bt.run(bars, bt.strategy(HOLD), account=bt.Account(leverage=10), venue=bt.venue("binance_usdm"))
    assert (code, err) == (0, "")
    assert len(result.liquidations) == 1
    row = result.liquidations.iloc[0]
    assert f"{row.time:%Y-%m-%d %H:%M}   BTCUSDT" in out
    assert f"{row.fill_price:,.2f}" in out
    assert re.search(rf" {row.margin_lost:,.2f} +{row.penalty:,.2f}$", out, re.MULTILINE)
    assert figure(out, "total return") == f"{result.summary['total_return']:.2%}"
    assert figure(out, "liquidation loss") == f"{result.summary['liquidation_loss']:,.2f}"
    assert fact(out, "equity") == f"10,000.00 -> {result.equity.iloc[-1]:,.2f}"
    assert fact(out, "account") == "isolated margin, 10x"
    assert fact(out, "prices") == "mark prices are the traded ones, no funding"


def test_every_figure_of_the_summary_is_on_the_screen(call):
    _, out, _ = call(*CRASH)
    bars = bt.read_bars(DATA)[:100]
    summary = bt.run(bars, np.ones(100), venue=bt.venue("binance_usdm")).summary
    shown = [name for groups in (screens.LEFT, screens.RIGHT) for names in groups.values() for name in names]
    assert sorted([*shown, "marks"]) == sorted(summary.index)
    assert all(f"{name.replace('_', ' ')} " in out for name in shown)


@pytest.mark.parametrize("command", [("venues",), ("inspect", DATA), (*CRASH, "--leverage", "25"), ("run", "--help")])
def test_no_line_is_wider_than_eighty_columns(call, command, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
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
    settings = ("--leverage", "10", "--sizing", "cash", "--cash", "1e9", "--reentry", "bar", "--param", "target=0.001")
    code, out, _ = call("run", HOLD, "--data", file, "--config", config, *settings)
    assert code == 0
    assert len(re.findall(r"^2020-01-0\d \d\d:00   A ", out, re.MULTILINE)) == 20
    assert figure(out, "liquidations") == "59"
    assert "\nand 39 more\n" in out
    assert "bad debt" in out.split("liquidated")[1]
    assert max(map(len, out.splitlines())) <= 80


def test_a_run_is_saved_where_it_says(call, tmp_path):
    code, out, _ = call(*CRASH, "--leverage", "10", "--out", tmp_path / "runs" / "x")
    assert code == 0
    assert f"Saved to {tmp_path / 'runs' / 'x'}: {', '.join(FRAMES)}, run.json\n" in out
    loaded = bt.load(tmp_path / "runs" / "x")
    assert len(loaded.liquidations) == 1
    assert loaded.description["account"]["leverage"] == 10.0


def test_a_run_that_cannot_be_saved_is_still_printed(call, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    code, out, err = call(*CRASH, "--out", tmp_path)
    assert code == 2
    assert "total return" in out
    assert re.fullmatch(r"error: .* must hold a run.*\n", err)


def test_a_stop_beyond_liquidation_is_one_line_on_stderr(call):
    code, out, err = call(*CRASH, "--leverage", "10", "--stop-loss", "0.5")
    assert code == 0
    assert re.fullmatch(r"warning: stop_loss must be below .* for BTCUSDT at 10x: .*\n", err)
    assert fact(out, "account") == "isolated margin, 10x, stop loss 0.5"


def test_every_setting_of_account_and_venue_is_an_option(call):
    _, out, _ = call("run", "--help")
    for name in (*ACCOUNT, *RATES):
        assert f"--{name.replace('_', '-')} " in out or name == "liquidation"  # one policy so far
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
        "reentry": "never",
        "intrabar": "path",
        "stop_loss": 0.11,
        "take_profit": 0.22,
    }
    venue = {
        "taker_fee": 0.001,
        "slippage": 0.002,
        "liquidation_fee": 0.003,
        "liquidation_slippage": 0.004,
        "residual": "forfeit",
        "borrow_rate": 0.05,
        "fee_in_maintenance": 0.0006,
    }
    options = [text for name, value in (account | venue).items() for text in (f"--{name.replace('_', '-')}", value)]
    out = tmp_path / "run"
    code, _, err = call(*CRASH, *options, "--as-of", "2025-01-01", "--param", "target=-0.5", "--out", out)
    assert (code, err) == (0, "")
    run = bt.load(out).description
    assert run["account"] == account
    assert venue.items() <= run["venue"].items()
    assert run["venue"]["as_of"] == "2024-10-24"
    assert run["params"] == {"target": -0.5}
    assert run["data"]["first"] == "2020-03-01 00:00:00+00:00"
    assert run["data"]["last"] == "2020-03-20 23:00:00+00:00"


def test_several_files_mapped_symbols_and_rates_by_symbol(call):
    files = ("--data", BTC, f"ETH.X={ETH}", "--funding", "BTCUSD=0.0001", "ETH.X=-0.0002", "--to", "2018-01")
    code, out, _ = call("run", MOMENTUM, *files, *VENUE, "--symbol-map", "BTCUSD=BTCUSDT", "ETH.X=ETHUSDT")
    assert code == 0
    assert fact(out, "data").startswith("BTCUSD, ETH.X: ")
    assert fact(out, "prices").endswith("with funding")


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


def test_repair_lists_every_change_on_stderr(call, refused, tmp_path):
    data = bars_file(tmp_path / "btcusdt.parquet", [100.0, 0.0, 100.0, 100.0], volume=[1.0, 1.0, -1.0, 1.0])
    message = refused("run", HOLD, "--data", data, *VENUE)
    assert re.search(r"must be above 0, got 0\.0 at 2020-01-01 01:00 in .*btcusdt\.parquet \(row 1\)", message)
    code, _, err = call("run", HOLD, "--data", data, *VENUE, "--repair")
    assert code == 0
    first, second = err.splitlines()
    assert first.startswith("repaired: price_not_positive: ")
    assert second.startswith("repaired: bad_volume: ")


def test_the_command_line_wins_over_the_file(call, tmp_path):
    config = config_file(
        tmp_path,
        f"""
        strategy = '{CROSS}'
        data = '{DATA}'
        venue = "binance_usdm"
        margin-mode = "cross"
        leverage = 3
        taker_fee = 0.001
        from = 2020-03-01
        to = "2020-03"
        [params]
        fast = 10
        slow = 40
        """,
    )
    _, out, _ = call("run", "--config", config)
    assert fact(out, "account") == "cross margin, 3x"
    assert fact(out, "strategy") == "moving_average_cross: fast 10, slow 40"
    assert fact(out, "time") == "2020-03-01 00:00 to 2020-03-31 23:00 UTC"
    assert fact(out, "rates").startswith("taker fee 0.001,")
    given = ("--leverage", "5", "--param", "slow=30", "--to", "2020-03-02", "--taker-fee", "0.002")
    _, out, _ = call("run", "--config", config, *given)
    assert fact(out, "account") == "cross margin, 5x"
    assert fact(out, "strategy") == "moving_average_cross: fast 10, slow 30"
    assert fact(out, "time") == "2020-03-01 00:00 to 2020-03-02 23:00 UTC"
    assert fact(out, "rates").startswith("taker fee 0.002,")
    code, out, _ = call("run", "--config", config, "--data", f"ETHUSDT={DATA}", "--venue", "binance_usdm")
    assert code == 0
    assert fact(out, "data").startswith("ETHUSDT: ")


def test_no_repair_wins_over_repair_in_the_file(refused, tmp_path):
    data = bars_file(tmp_path / "btcusdt.parquet", [100.0, 0.0, 100.0])
    config = config_file(tmp_path, "repair = true\n")
    assert "above 0" in refused("run", HOLD, "--data", data, *VENUE, "--config", config, "--no-repair")


def test_tables_in_the_file_give_files_and_rates_by_symbol(call, tmp_path):
    config = config_file(
        tmp_path,
        f"""
        data = {{BTCUSD = '{BTC}', ETHUSD = '{ETH}'}}
        funding = {{BTCUSD = 0.0001}}
        symbol_map = {{BTCUSD = "BTCUSDT", ETHUSD = "nothing"}}
        to = 2017-12-01
        [venue]
        preset = "binance_usdm"
        as_of = 2025-01-01
        taker_fee = 0
        """,
    )
    code, out, _ = call("run", MOMENTUM, "--config", config, "--symbol-map", "ETHUSD=ETHUSDT")
    assert code == 0
    assert fact(out, "data").startswith("BTCUSD, ETHUSD: ")
    assert fact(out, "venue") == "binance_usdm as of 2024-10-24"
    assert fact(out, "rates") == "liquidation fee 0.0125"


def test_a_venue_can_be_described_in_the_file(tmp_path):
    config = config_file(
        tmp_path,
        """
        taker_fee = 0.002
        [venue]
        name = "mine"
        as_of = 2025-01-01
        taker_fee = 0.001
        [[venue.tiers.BTCUSDT]]
        floor = 0
        maintenance-rate = 0.01
        max_leverage = 20
        [[venue.tiers.BTCUSDT]]
        floor = 1000000
        maintenance_rate = 0.02
        max_leverage = 10
        """,
    )
    venue = venue_of(settings_of({}, str(config)), ("BTCUSDT",))
    tiers = (
        bt.Tier(floor=0, maintenance_rate=0.01, max_leverage=20),
        bt.Tier(floor=1e6, maintenance_rate=0.02, max_leverage=10),
    )
    assert venue == bt.Venue(tiers={"BTCUSDT": tiers}, taker_fee=0.002, name="mine", as_of="2025-01-01")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("leverege = 3", r"leverege is not a setting in .*run\.toml; the nearest is leverage"),
        ("param = 3", r"param is not a setting in .*run\.toml; the nearest is params"),
        ("[venue]\ntakerfee = 0", r"takerfee is not a setting in \[venue\] of .*; the nearest is taker_fee"),
        ("[venue]\ntiers = [{flor = 0}]", "flor is not a setting in tier 0; the nearest is floor"),
        ("[venue]\ntiers = [{floor = 0}]", r"Tier\.maintenance_rate must be given"),
        ("[venue]\ntiers = 3", "tiers must be an array of tables, or a table of such arrays by symbol, got 3"),
        ("[venue]\npreset = 'binance'", "venue must be one of binance_usdm, got 'binance'"),
        ("[venue]\ntaker_fee = 0", r"Venue\.tiers must be given"),
        ("venue = 3", "a venue must be given: binance_usdm, or a .* got 3"),
        ("as_of = 2024-01-01\n" + TIERS, r"as_of picks the tiers of a preset venue, got 2024-01-01"),
        ("venue = 'binance_usdm'\nleverage = 'high'", r"Account\.leverage must be a valid number.*, got 'high'"),
        ("venue = 'binance_usdm'\nmargin_mode = 'both'", r"Account\.margin_mode must be .*, got 'both'"),
        ("repair = 'yes'", r"repair must be true or false, got 'yes' in .*run\.toml"),
        ("every = 8", r"every must be text in quotes, got 8 in .*run\.toml"),
        ("params = 3", r"params must be a table, got 3 in .*run\.toml"),
        ("mark = 3", "mark must be files, alone or in a table by symbol, got 3"),
        ("funding = true", "funding must be rates or files, alone or in a table by symbol, got True"),
        ("[params]\ntarget = 'all'", "parameter target must be a number, got 'all'"),
        ("leverage == 3", r"run\.toml must be a TOML file: .*line 1"),
        ("[params]\nsize = 1", "parameter must be one of target, got size"),
    ],
)
def test_what_is_wrong_in_the_file_is_one_line(refused, tmp_path, text, message):
    assert re.search(message, refused("run", HOLD, "--data", DATA, "--config", config_file(tmp_path, text)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "a command must be given: run, inspect, check or venues"),
        (("frob",), "No such command 'frob'"),
        (("run",), "a strategy must be given"),
        (("check",), "a strategy must be given"),
        (("inspect",), "Missing argument 'FILE...'"),
        (("run", "--levrage", "3"), "No such option: --levrage.*--leverage"),
        (("run", "--data"), "'--data' requires an argument"),
        (("run", HOLD, "more", "--data", DATA), r"unexpected extra argument.*more"),
        (("run", "none.py", "--data", DATA), "strategy must be a readable Python file, got none.py"),
        (("run", HOLD, *VENUE), "data must name at least one file, got none"),
        (("run", HOLD, "--data", DATA), r"a venue must be given: binance_usdm, or a \[venue\] table .*, got none"),
        (("run", HOLD, "--data", DATA, "--venue", "nowhere"), "venue must be one of binance_usdm, got 'nowhere'"),
        (("run", HOLD, "--data", "none.parquet", *VENUE), "there must be a file, got none at none.parquet"),
        (("run", HOLD, "--data", BTC, *VENUE), "symbol must be listed by venue binance_usdm, got 'BTCUSD'"),
        (("run", HOLD, "--data", DATA, f"BTCUSDT={DATA}", *VENUE), "each file must be of a symbol of its own"),
        (("run", HOLD, "--config", "none.toml"), "^No such file or directory: none.toml$"),
        ((*CRASH, "--leverage", "500"), "leverage must be at most 150"),
        ((*CRASH, "--leverage", "0.5"), r"Account\.leverage must be .* 1, got '?0\.5"),
        ((*CRASH, "--leverage", "nan"), r"Account\.leverage must be .* got '?nan"),
        ((*CRASH, "--leverage", "ten"), r"Account\.leverage must be a valid number.*'ten'"),
        ((*CRASH, "--margin-mode", "both"), r"Account\.margin_mode must be 'isolated' or 'cross', got 'both'"),
        ((*CRASH, "--taker-fee", "-1"), r"Venue\.taker_fee must be greater than or equal to 0, got '?-1"),
        ((*CRASH, "--as-of", "never"), "as_of must be a date, got 'never'"),
        ((*CRASH, "--as-of", "1999-01-01"), "as_of must not be before the first tiers"),
        ((*CRASH, "--symbol-map", "BTCUSDT"), "--symbol-map must be written FROM=TO"),
        ((*CRASH, "--symbol-map", "ETH=ETHUSDT"), "symbol_map must map one of BTCUSDT, got 'ETH'"),
        ((*CRASH, "--funding", "nan"), "funding rates must be finite, got nan in BTCUSDT"),
        ((*CRASH, "--funding", "ETH=0.1"), "funding must be for one of BTCUSDT, got ETH; write SYMBOL=0.1"),
        ((*CRASH, "--funding", "0.1", "BTCUSDT=0.1"), "funding must be given once for each symbol"),
        ((*CRASH, "--funding", "0.1", "--every", "often"), "every must be a fixed length of time"),
        ((*CRASH, "--mark", f"ETH={ETH}"), "mark must be for one of BTCUSDT, got ETH"),
        ((*CRASH, "--mark", "none.csv"), "there must be a file, got none at none.csv"),
        ((*CRASH, "--param", "target"), "a parameter must be written name=value, got 'target'"),
        ((*CRASH, "--param", "tarket=1"), "parameter must be one of target, got tarket; did you mean target?"),
        ((*CRASH, "--param", "target=all"), "parameter target must be a number, got 'all'"),
        ((*CRASH, "--from", "soon"), "from must be a time such as 2020-03-12, got 'soon'"),
        ((*CRASH, "--from", "2030"), "there must be at least one bar"),
        (("check", HOLD, "--data", DATA, "--cuts", "0"), "cuts must be at least 1, got 0"),
        (("check", HOLD, "--data", DATA, "--cuts", "x"), "Invalid value for '--cuts'"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_one_line(refused, arguments, message):
    assert re.search(message, refused(*arguments))


def test_bad_files_are_one_line(refused, tmp_path):
    (tmp_path / "empty.csv").touch()
    assert "empty" in refused("inspect", tmp_path / "empty.csv")
    truncated = tmp_path / "cut.parquet"
    truncated.write_bytes(Path(DATA).read_bytes()[:5000])
    for command in (("inspect", truncated), ("run", HOLD, *VENUE, "--data", truncated)):
        assert re.search(r"must be readable as parquet, got .* from .*cut\.parquet", refused(*command))
    (tmp_path / "other.csv").write_text("timestamp,a\n2020-01-01,1\n")
    assert "there must be a column open, got timestamp, a" in refused("inspect", tmp_path / "other.csv")
    assert "must end in" in refused("inspect", tmp_path)


def test_a_strategy_that_fails_is_one_line(refused, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("def signals(data):\n    return data['nothing']\n")
    message = refused("run", path, "--data", DATA, *VENUE)
    assert message == "strategy broken failed with KeyError: 'nothing' at line 2 of broken.py"


def test_inspect_prints_what_is_there(call):
    code, out, err = call("inspect", DATA, ETH)
    assert (code, err) == (0, "")
    first, second = out.strip().split("\n\n")
    assert first.splitlines()[0] == DATA
    assert second.splitlines()[0] == ETH
    assert fact(first, "range") == "2017-08-17 04:00 to 2022-12-31 23:00 UTC"
    assert fact(first, "interval") == "1h"
    assert fact(first, "worst bar of a long").startswith("-24.5% inside the bar of 2020-03-12 10:00")
    assert "Refused" not in out


def test_inspect_says_that_dirty_data_would_be_refused(call, tmp_path):
    code, out, _ = call("inspect", bars_file(tmp_path / "a.parquet", [100.0, 0.0, 100.0]))
    assert code == 0
    assert "1 price_not_positive" in fact(out, "bad rows")
    assert "Refused as it is; --repair" in out


@pytest.mark.parametrize("strategy", [HOLD, CROSS])
def test_check_passes_strategies_that_do_not_look_ahead(call, strategy):
    code, out, err = call("check", strategy, "--data", DATA, "--to", "2018-01", "--cuts", "4")
    assert (code, err) == (0, "")
    assert re.match(r"\w+ shows no look-ahead in 4 prefixes of", out)


def test_check_finds_where_a_strategy_looks_ahead(call, tmp_path):
    path = tmp_path / "peek.py"
    path.write_text("def signals(data):\n    return (data['close'].shift(-1) > data['close']).astype(float)\n")
    code, out, err = call("check", "--data", DATA, path, "--to", "2017-09")
    assert (code, err) == (1, "")
    assert re.fullmatch(r"peek looks ahead: its signal at 2017-.* in BTCUSDT \(row .*\) is 1\.0 with all bars.*\n", out)


def test_check_gives_marks_and_funding_to_the_strategy(call, tmp_path):
    path = tmp_path / "rates.py"
    path.write_text("def signals(data):\n    return -data['funding_rate'].clip(-1, 1) + 0 * data['mark_close']\n")
    files = ("--data", DATA, "--mark", DATA, "--funding", "0.0001", "--to", "2017-09")
    assert call("check", path, *files)[0] == 0


def test_venues_lists_figures_with_dates_and_sources(call):
    code, out, _ = call("venues")
    assert code == 0
    assert re.search(r"^binance_usdm: Binance USD-M perpetual futures$", out, re.MULTILINE)
    assert re.search(r"^2026-09 +858 +[\d,]+ +Binance USD-M leverage brackets", out, re.MULTILINE)
    assert re.search(r"^2024-10-24 +6 ", out, re.MULTILINE)
    assert re.search(r"^2026-09 +taker fee +0.0005 +Binance", out, re.MULTILINE)
    assert re.search(r"^2026-09 +liquidation fee +0.0125 +Binance", out, re.MULTILINE)


def test_version_and_help(call):
    try:
        version = metadata.version("margin-backtest")
    except metadata.PackageNotFoundError:
        version = "unknown"
    assert call("--version") == (0, f"backtest {version}\n", "")
    code, out, _ = call("--help")
    assert code == 0
    assert all(f"│ {command} " in out for command in ("run", "inspect", "check", "venues"))


def test_an_interrupt_ends_quietly(call, monkeypatch):
    def interrupt(_path):
        raise KeyboardInterrupt

    monkeypatch.setattr(inspection, "inspect_file", interrupt)
    assert call("inspect", DATA) == (130, "", "")


def test_warnings_of_a_strategy_are_one_line(call, tmp_path):
    path = tmp_path / "loud.py"
    path.write_text(
        "import warnings\ndef signals(data):\n    warnings.warn('so\\nloud')\n    return data['close'] * 0\n"
    )
    filters = list(warnings.filters)
    assert call("run", path, "--data", DATA, "--to", "2017-09", *VENUE)[2] == "warning: so loud\n"
    assert filters == list(warnings.filters)


@pytest.mark.parametrize(
    ("given", "spread"),
    [
        ("run s.py --data a b --leverage 3", "run s.py --data a --data b --leverage 3"),
        ("run --data a b s.py", "run --data a --data b s.py"),
        ("run s.py --data=a b --mark c d", "run s.py --data=a --data b --mark c --mark d"),
        ("run s.py --funding -0.1 --param a=1 b=-2", "run s.py --funding -0.1 --param a=1 --param b=-2"),
        ("run s.py --repair --data a -- b", "run s.py --repair --data a -- b"),
        ("inspect a b", "inspect a b"),
    ],
)
def test_options_take_several_values(given, spread):
    assert cli.spread(given.split()) == spread.split()


@pytest.mark.parametrize(
    ("values", "significant", "least", "texts"),
    [
        ([10297.193246, -4.5], 5, 2, ["10,297.1932", "-4.5000"]),
        ([47.677983, -1234.5], 4, 0, ["47.68", "-1,234.50"]),
        ([0.0000123456], 4, 0, ["0.00001235"]),
        ([12345.678], 5, 2, ["12,345.68"]),
        ([1234567.8, 0.0], 4, 0, ["1,234,568", "0"]),
    ],
)
def test_numbers_in_a_column_have_as_many_decimals_as_the_smallest_needs(values, significant, least, texts):
    assert screens.aligned(pd.Series(values), significant, least) == texts


def test_wide_liquidations_lose_columns_and_no_digits():
    time = pd.Timestamp("2020-03-12 10:00", tz="UTC")
    money = dict.fromkeys(("margin_lost", "penalty", "forfeited", "bad_debt"), 123_456_789.0)
    prices = {"quantity": -12345.678, "mark_price": 12345.6, "fill_price": 12344.5}
    flags = {"gap": True, "joint": True, "partial": False}
    events = pd.DataFrame([{"time": time, "symbol": "1000PEPEUSDT", **prices, **money, **flags}])
    full = screens.liquidation_columns(events)
    assert list(full)[2:] == [
        "quantity",
        "mark price",
        "fill price",
        "margin lost",
        "penalty",
        "forfeited",
        "bad debt",
        "how",
    ]
    assert full["how"] == ["gap joint"]
    titles = [str(column.header) for column in screens.liquidation_table(events).columns]
    assert titles == ["liquidated", "symbol", "quantity", "margin lost", "bad debt"]


@pytest.fixture
def elsewhere(tmp_path):
    """Return settings for a process that starts outside of the checkout."""
    unwanted = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "PYTHONWARNINGS")
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {"cwd": tmp_path, "env": environment | {"PYTHONPATH": str(ROOT), "TERM": "xterm"}}


def test_the_module_is_a_command(elsewhere):
    command = [sys.executable, "-m", "backtest", "run", HOLD, "--data", DATA, *VENUE, "--margin-mode", "x"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **elsewhere)  # noqa: S603
    expected = (2, "", "error: Account.margin_mode must be 'isolated' or 'cross', got 'x'\n")
    assert (done.returncode, done.stdout, done.stderr) == expected


def test_a_reader_that_leaves_early_sees_no_traceback(elsewhere):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "backtest", "venues"]
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False, **elsewhere)  # noqa: S603
    assert done.stderr == ""


def test_colours_are_for_terminals(elsewhere):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "backtest", "venues"]
    with os.fdopen(theirs, "wb") as terminal:
        subprocess.run(command, stdout=terminal, check=True, **elsewhere)  # noqa: S603
    printed = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "\x1b[1mbinance_usdm" in printed

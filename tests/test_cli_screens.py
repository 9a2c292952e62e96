"""What a screen says beside the figures, and how it fits narrow terminals."""

import re
import sys
from pathlib import Path

import pytest
from shell import CRASH, DATA, HOLD, TIERS, VENUE, bars_file, config_file, fact, figure
from stand_in import StandIn, bars_of

import backtest as bt
from backtest.command_line import run_screens
from backtest.command_line.tables import show
from backtest.figures_in_words import money
from backtest.kernels import _jit
from backtest.terms.facts_in_words import facts_of


def test_tiers_that_are_later_than_the_bars_are_named_so(call, tmp_path):
    assert fact(call(*CRASH)[1], "venue") == "binance_usdm as of 2026-09, later than the bars"
    for said, note in [("2020-03-19", ""), ("2020-03-22 00:00Z", ", later than the bars"), ("my own", "")]:
        config = config_file(tmp_path, TIERS + f"as_of = '{said}'\n")
        _, out, _ = call(*CRASH[:-2], "--config", config)
        assert fact(out, "venue") == f"custom as of {said}{note}"
    assert fact(call(*CRASH[:-2], "--config", config_file(tmp_path, TIERS))[1], "venue") == "custom"


def test_a_screen_says_of_a_run_what_its_page_says(call):
    out = call(*CRASH, "--leverage", "3", "--stop-loss", "0.25", "--param", "target=0.5")[1]
    bars, account = bt.read_bars(DATA)["2020-03-01":"2020-03-20"], bt.Account(leverage=3, stop_loss=0.25)
    result = bt.run(bars, bt.strategy(HOLD), params={"target": 0.5}, venue=bt.venue("binance_usdm"), account=account)
    said = facts_of(result.description, result.bars.interval)
    for label in ("data", "time", "prices", "venue", "rates"):
        assert fact(out, label) == said.pop(label)
    assert said == {"parameters": "target 0.5", "account": f"{fact(out, 'account')}, cash 10 000.00"}
    assert fact(out, "strategy") == "buy_and_hold: target 0.5"


def test_facts_leave_out_what_is_said_elsewhere_and_name_the_coin():
    description = StandIn(bars_of(3, *"ABCDEF")).description
    description["account"] |= {"currency": "base", "cash": 2.5, "leverage": 5.0}
    said = facts_of(description, None, without=("params.fast", "leverage", "taker_fee"), note=", or so")
    assert said["parameters"] == "size 0.5"
    assert said["data"] == "A, B, C, D and 2 more: 3 bars, or so"
    assert said["account"] == "isolated margin, cash 2.500000, in A"
    assert said["rates"] == "none"
    assert not {"venue", "rates"}.intersection(facts_of(description, None, without=("venue",)))
    everything = ("margin_mode", "leverage", "cash", "currency")
    assert facts_of(description, None, without=everything)["account"] == "all of it swept"


def test_figures_beyond_all_measure_are_short_on_a_screen(capsys):
    vast = {"highest_effective_leverage": 1e300, "profit_factor": float("inf"), "fees": 1e300, "cagr": 1e300}
    show(run_screens.figures(StandIn(bars_of(3), figures=vast).summary, 80, money))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    words = " ".join(" ".join(lines).split())
    for said in ("effective leverage 1e+300 ", "profit factor inf ", "fees 1e+300 ", "cagr 1e+302% "):
        assert said in words


def test_bars_without_marks_are_counted(call, tmp_path):
    data = bars_file(tmp_path / "btcusdt.parquet", [100.0] * 24)
    for bars, note in [(24, ""), (23, ", the traded ones in 1 bar"), (20, ", the traded ones in 4 bars")]:
        mark = bars_file(tmp_path / "mark.parquet", [99.0] * bars)
        _, out, _ = call("run", HOLD, "--data", data, "--mark", mark, *VENUE)
        assert fact(out, "prices") == f"mark prices are given{note}, no funding"


def test_a_single_bar_is_one_bar(call, tmp_path):
    data = bars_file(tmp_path / "btcusdt.parquet", [100.0])
    assert fact(call("run", HOLD, "--data", data, *VENUE)[1], "data") == "BTCUSDT: 1 bar"


def liquidated(call, tmp_path, symbol):
    """Return the lines about a liquidation of 10 x 1e9 at prices of 0.001."""
    file = bars_file(tmp_path / "a.parquet", [0.00123456] * 3, low=[0.00123456, 0.0005, 0.00123456])
    config = config_file(tmp_path, TIERS + "liquidation_fee = 0.02\n")
    given = ("--leverage", "10", "--cash", "123456", "--config", config)
    code, out, _ = call("run", HOLD, "--data", f"{symbol}={file}", *given)
    assert code == 0
    return out, out[out.index("\nliquidated ") + 1 :].splitlines()


def test_a_long_symbol_narrows_the_gaps_before_a_column_goes(call, tmp_path):
    _, lines = liquidated(call, tmp_path, "1000SHIBUSDT")
    assert lines[0].split("  ")[0] == "liquidated"
    assert re.sub("  +", ", ", lines[0]) == "liquidated, symbol, quantity, price, margin lost, penalty"
    assert 75 < len(lines[0]) <= 80
    assert "Without" not in "".join(lines)


def test_columns_that_do_not_fit_are_named(call, tmp_path, monkeypatch):
    _, lines = liquidated(call, tmp_path, "1000000SHIBUSDTPERPETUAL")
    assert re.sub("  +", ", ", lines[0]) == "liquidated, symbol, price, margin lost, penalty"
    assert "Without quantity, for want of room." in lines
    monkeypatch.setenv("COLUMNS", "120")
    assert "Without" not in "".join(liquidated(call, tmp_path, "1000000SHIBUSDTPERPETUAL")[1])


@pytest.mark.parametrize("columns", [40, 50, 79])
def test_figures_stand_below_each_other_in_a_narrow_terminal(call, tmp_path, monkeypatch, columns):
    wide, _ = liquidated(call, tmp_path, "X")
    monkeypatch.setenv("COLUMNS", str(columns))
    narrow, _ = liquidated(call, tmp_path, "X")
    assert "…" not in narrow
    assert max(len(line) for line in narrow.splitlines() if not line.startswith(("Not saved", "Without"))) <= columns
    for name in ("total return", "smallest liquidation distance", "liquidation loss", "fees", "win rate"):
        assert figure(narrow, name) == figure(wide, name)
    assert [name for name in ("return", "margin", "trades", "costs") if f"\n{name}\n───" in narrow] == [
        "return",
        "margin",
        "trades",
        "costs",
    ]


NOTICE = "compiling the engine, once for this installation: about 25 seconds\n"


def test_the_first_run_says_on_a_terminal_that_it_compiles(call, monkeypatch, tmp_path):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(_jit, "CACHE_FOLDER", str(tmp_path))
    monkeypatch.setattr(_jit.CONFIG, "DISABLE_JIT", 0)
    assert call(*CRASH)[2] == NOTICE
    (tmp_path / "kernels_1").mkdir()
    (tmp_path / "kernels_1" / "loop.replay-11.py311.nbi").touch()
    assert call(*CRASH)[2] == ""


def test_the_first_sweep_says_what_it_compiles_too(call, monkeypatch, tmp_path):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(_jit, "CACHE_FOLDER", str(tmp_path))
    monkeypatch.setattr(_jit.CONFIG, "DISABLE_JIT", 0)
    said = [NOTICE.replace("25", seconds) for seconds in ("60", "35")]
    sweep = ("sweep", *CRASH[1:], "--over", "leverage=1:3")
    assert call(*sweep)[2].startswith(said[0])
    (tmp_path / "loop.replay-11.py311.nbi").touch()
    assert call(*sweep)[2].startswith(said[1])
    (tmp_path / "lanes.replay_lanes-11.py311.nbi").touch()
    assert "compiling" not in call(*sweep)[2]


def test_code_that_cannot_be_kept_is_compiled_each_time(call, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(_jit, "CACHE_FOLDER", "")
    monkeypatch.setattr(_jit.CONFIG, "DISABLE_JIT", 0)
    assert call(*CRASH)[2] == "compiling the engine, which no folder can keep: about 25 seconds\n"


def test_nothing_is_said_of_compiling_where_no_terminal_is(call, monkeypatch, tmp_path):
    monkeypatch.setattr(_jit, "CACHE_FOLDER", str(tmp_path))
    assert call(*CRASH)[2] == ""


def test_compiled_code_is_found_where_numba_puts_it(call):
    if _jit.CONFIG.DISABLE_JIT or not _jit.CACHE_FOLDER:
        pytest.skip("nothing is compiled or kept")
    assert call(*CRASH)[0] == 0
    assert any(Path(_jit.CACHE_FOLDER).rglob("loop.replay-*.nbi"))

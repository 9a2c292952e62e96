"""What a screen says beside the figures, and how it fits narrow terminals."""

import re
import sys
from pathlib import Path

import pytest
from shell import CRASH, HOLD, TIERS, VENUE, bars_file, config_file, fact, figure

from backtest.kernels import _jit


def test_tiers_that_are_later_than_the_bars_are_named_so(call, tmp_path):
    assert fact(call(*CRASH)[1], "venue") == "binance_usdm as of 2026-09, later than the bars"
    for said, note in [("2020-03-19", ""), ("2020-03-22 00:00Z", ", later than the bars"), ("my own", "")]:
        config = config_file(tmp_path, TIERS + f"as_of = '{said}'\n")
        _, out, _ = call(*CRASH[:-2], "--config", config)
        assert fact(out, "venue") == f"custom as of {said}{note}"
    assert fact(call(*CRASH[:-2], "--config", config_file(tmp_path, TIERS))[1], "venue") == "custom"


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

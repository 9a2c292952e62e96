"""The command `sweep`: what it prints, keeps and goes on with."""

import re
import shlex
from contextlib import contextmanager

import pandas as pd
import pytest
from shell import CROSS, DATA, HOLD, TIERS, VENUE, bars_file, config_file, fact

import backtest as bt
from backtest import sweeps
from backtest.command_line import progress
from backtest.command_line.progress import Progress
from backtest.command_line.survival import lines_of
from backtest.pages.survival import by_leverage_in_words

MARCH = ("--data", DATA, "--from", "2020-03-01", "--to", "2020-03-20")
SWEEP = ("sweep", HOLD, *MARCH, *VENUE)
GRID = ("--over", "leverage=1:12", "--over", "margin_mode=isolated,cross", "--over", "target=1,-1")
OVER = {"leverage": list(range(1, 13)), "margin_mode": ["isolated", "cross"], "target": [1.0, -1.0]}


@pytest.fixture(scope="module")
def bars():
    return bt.read_bars(DATA)["2020-03-01":"2020-03-20"]


def best_rows(out):
    """Return the lines of the best settings as lists of cells."""
    lines = out.split("\nbest ")[1].split("\n\n")[1].splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("──")) + 1
    return [re.split(r" {2,}", line.strip()) for line in lines[start:]]


def test_a_sweep_prints_what_ran_and_what_was_best(call, bars):
    code, out, err = call(*SWEEP, *GRID)
    table = sweeps.sweep(bars, bt.strategy(HOLD), venue=bt.venue("binance_usdm"), over=OVER)
    assert (code, err) == (0, "")
    assert fact(out, "swept") == "leverage 1 to 12; margin mode isolated, cross; target 1, -1"
    assert fact(out, "account") == "cash 10 000.00"
    assert fact(out, "strategy") == "buy_and_hold"
    assert fact(out, "ran") == f"48 of 48 settings, on the {table.attrs['path']} path"
    assert "took" not in out  # the clock is for terminals
    best = table.sort_values("cagr", ascending=False, kind="stable").head(10)
    rows = best_rows(out)
    assert [row[:3] for row in rows] == [
        [f"{row.leverage:g}", row.margin_mode, f"{row.target:g}"] for row in best.itertuples()
    ]
    assert "best 10 by cagr" in out
    assert "Not saved: --out FOLDER" in out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    assert "\x1b" not in out


def test_a_wide_screen_has_more_figures(call, monkeypatch):
    narrow = call(*SWEEP, *GRID)[1]
    monkeypatch.setenv("COLUMNS", "160")
    wide = call(*SWEEP, *GRID)[1]
    assert len(best_rows(wide)[0]) > len(best_rows(narrow)[0]) > 5
    assert max(map(len, wide.splitlines())) <= 160


@pytest.mark.parametrize("by", ["max_drawdown", "fees", "highest-effective-leverage"])
def test_best_is_what_is_asked_for(call, bars, by):
    code, out, _ = call(*SWEEP, "--over", "leverage=1:3", "target=1,-1", "--by", by)
    table = sweeps.sweep(
        bars,
        bt.strategy(HOLD),
        venue=bt.venue("binance_usdm"),
        over={"leverage": [1, 2, 3], "target": [1.0, -1.0]},
    )
    figure = by.replace("-", "_")
    best = table.loc[table[figure].idxmax() if figure == "max_drawdown" else table[figure].idxmin()]
    assert code == 0
    assert f"best by {figure.replace('_', ' ')}\n" in out
    assert best_rows(out)[0][:2] == [f"{best['leverage']:g}", f"{best['target']:g}"]


def test_every_setting_of_a_run_is_what_is_not_swept(call, bars):
    base = ("--margin-mode", "cross", "--cash", "500", "--taker-fee", "0.002", "--param", "target=0.5")
    _, out, _ = call(*SWEEP, *base, "--funding", "0.001", "--over", "leverage=2,3", "--by", "total_return")
    table = sweeps.sweep(
        bars.with_funding(0.001),
        bt.strategy(HOLD),
        venue=bt.venue("binance_usdm", taker_fee=0.002),
        account=bt.Account(margin_mode="cross", cash=500),
        params={"target": 0.5},
        over={"leverage": [2, 3]},
    )
    best = sorted(table["total_return"], reverse=True)
    assert [row[1] for row in best_rows(out)] == [f"{value:.2%}" for value in best]
    assert fact(out, "account") == "cross margin, cash 500.00"
    assert fact(out, "strategy") == "buy_and_hold: target 0.5"
    assert fact(out, "rates") == "taker fee 0.002, liquidation fee 0.0125"


def test_the_file_may_say_what_is_swept_and_options_win_name_by_name(call, tmp_path):
    text = (
        "leverage = 7\n[over]\nleverage = '1:4'\nmargin_mode = ['isolated', 'cross']\n[over.params]\ntarget = [1, 0.5]"
    )
    config = config_file(tmp_path, text)
    _, out, _ = call(*SWEEP, "--config", config, "--over", "leverage=2,3")
    assert fact(out, "swept") == "leverage 2, 3; margin mode isolated, cross; target 1, 0.5"
    assert fact(out, "ran").startswith("8 of 8 settings")
    assert call("run", HOLD, *MARCH, *VENUE, "--config", config)[0] == 0


def test_a_swept_venue_keeps_the_rates_that_are_given(call, bars):
    over = ("--over", "venue=binance_usdm,bybit_linear", "--over", "leverage=3")
    code, out, _ = call("sweep", HOLD, *MARCH, *over, "--taker-fee", "0.01", "--by", "fees")
    venues = [bt.venue(name, taker_fee=0.01) for name in ("binance_usdm", "bybit_linear")]
    table = sweeps.sweep(bars, bt.strategy(HOLD), venue=venues[0], over={"venue": venues, "leverage": [3]}).sort_values(
        "fees"
    )
    assert code == 0
    assert fact(out, "swept") == "venue binance_usdm, bybit_linear; leverage 3"
    assert "\nvenue  " not in out.split("\nbest")[0]
    fees = [f"{value:,.2f}".replace(",", " ") for value in table["fees"]]
    assert [[row[0], row[2]] for row in best_rows(out)] == [
        list(pair) for pair in zip(table["venue"], fees, strict=True)
    ]


def test_settings_that_cannot_run_are_counted_by_their_reasons(call):
    given = ("--over", "leverage=1,149:153", "--over", "fast=10,50,60")
    code, out, _ = call("sweep", CROSS, *MARCH, *VENUE, *given)
    assert code == 0
    assert fact(out, "ran").startswith("3 of 18 settings")
    table = " ".join(out.split("could not run   why\n")[1].split())
    assert re.search(r" 9 leverage must be at most 150, .* got 151 for BTCUSDT .*, and the like 6 ", table)
    assert re.search(
        r" 6 strategy moving_average_cross failed with .* got fast=50 and slow=50 .*, and the like ", table
    )
    assert max(map(len, out.splitlines())) <= 80


def test_where_nothing_could_run_only_reasons_are_printed(call):
    code, out, err = call(*SWEEP, "--over", "leverage=151,152")
    assert code == 2
    assert re.search(r"^error: no setting could run, of 2; the first: leverage must be at most 150, [^\n]*\n$", err)
    assert fact(out, "ran") == "0 of 2 settings"
    assert "best" not in out
    assert "lived" not in out


# ---- would the account have lived?


def frame(*rows):
    """Return rows of leverage, ruined and liquidations, and refills where they are said."""
    columns = ["leverage", "ruined", "liquidations", "refills"]
    return pd.DataFrame([(*row, 0)[: len(columns)] for row in rows], columns=columns)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(1, False, 0), (2, False, 0)], "every account lived up to 2x, without a liquidation"),
        ([(1, False, 0), (2, False, 1)], "every account lived up to 2x, without a liquidation up to 1x"),
        ([(1, False, 0), (2, True, 1)], "every account lived up to 1x, without a liquidation; none above"),
        ([(1, True, 1), (2, True, 0)], "no account lived, from 1x on"),
        (
            [(1, False, 0), (2, False, 2), (3, True, 1), (3, False, 1), (4, True, 1)],
            "every account lived up to 2x, without a liquidation up to 1x; the highest that one lived through is 3x",
        ),
        (
            [(1, True, 1), (1, False, 1), (5, False, 1)],
            "accounts were ruined even at 1x; the highest that one lived through is 5x, not one without a liquidation",
        ),
        (
            [(1, True, 1), (1, False, 1), (5, False, 0), (5, True, 1)],
            "accounts were ruined at every leverage; the highest that one lived through is 5x, "
            "some with a liquidation even at 1x",
        ),
        ([(1, False, 1), (1, False, 0)], "every account lived up to 1x, some with a liquidation even at 1x"),
        ([(1, False, 1), (2, False, 1)], "every account lived up to 2x, not one without a liquidation"),
        (
            [(1, False, 0, 0), (2, False, 1, 1)],
            "every account lived up to 1x, without a liquidation; none above",
        ),
        (
            [(1, False, 1, 1), (1, False, 0, 0)],
            "accounts were ruined or refilled at every leverage; the highest that one lived through is 1x, "
            "some with a liquidation even at 1x",
        ),
        (
            [(1.5, False, 0), (2.5, True, 1), (3.5, False, 0)],
            "every account lived up to 1.5x, without a liquidation; the highest that one lived through is 3.5x",
        ),
    ],
)
def test_the_highest_leverage_that_lived_is_said(rows, said):
    assert by_leverage_in_words(frame(*rows)) == said


def test_leverages_that_are_alike_share_a_line():
    rows = frame((1, False, 0), (2, False, 0), (3, True, 1), (3, False, 1), (4, True, 1))
    found = lines_of({"isolated": rows, "cross": rows[:3]})
    assert found == [(1, 2, ((0, 2), (0, 2))), (3, 3, ((1, 2), (1, 1))), (4, 4, ((1, 1), (0, 0)))]


def test_many_leverages_are_a_dozen_lines():
    rows = frame(*((leverage, leverage % 2 == 0, 0) for leverage in range(1, 51)))
    found = lines_of({"": rows})
    assert len(found) <= 12
    assert found[0] == (1, 5, ((2, 5),))
    assert sum(line.counts[0][1] for line in found) == 50


def test_ruined_accounts_are_shown_by_leverage_and_mode(call, bars):
    _, out, _ = call(*SWEEP, *GRID)
    table = sweeps.sweep(bars, bt.strategy(HOLD), venue=bt.venue("binance_usdm"), over=OVER)
    part = out.split("would the account have lived?")[1]
    for mode in ("isolated", "cross"):
        rows = table[table["margin_mode"] == mode]
        assert by_leverage_in_words(rows) in " ".join(part.split())
        assert f"ruined, {mode}" in part
    assert re.search(r"^ *1x +0 of 2  ·{12}   +0 of 2  ·{12}$", part, re.MULTILINE)
    _, out, _ = call(*SWEEP, "--over", "target=1,0.5", "--leverage", "10")
    ruined, liquidated = (int(re.search(rf"(\d) {what}", out)[1]) for what in ("of 2 accounts ruined", "liquidated"))
    assert ruined <= liquidated <= 2
    assert "ruined, " not in out.replace("accounts ruined, ", "")


def test_an_account_that_was_refilled_has_not_lived(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", [100.0] * 20 + [80.0] * 20)
    given = ("--data", file, "--config", config_file(tmp_path, TIERS), "--on-liquidation", "refill")
    code, out, _ = call("sweep", HOLD, *given, "--over", "leverage=1,20")
    assert code == 0
    assert "every account lived up to 1x, without a liquidation; none above" in out
    assert re.search(r"^leverage   ruined or refilled$", out, re.MULTILINE)
    assert re.search(r"^ +20x   1 of 1  █{12}$", out, re.MULTILINE)
    assert [row[2] for row in best_rows(out)] == ["0", "1"]
    assert re.search(r"^leverage +cagr +refills +", out, re.MULTILINE)
    _, out, _ = call("sweep", HOLD, *given, "--over", "target=1,0.01", "--leverage", "20", "--margin-mode", "cross")
    assert "1 of 2 accounts ruined or refilled, 1 liquidated at least once" in out


# ---- what is kept


def test_a_sweep_is_kept_and_gone_on_with(call, refused, tmp_path):
    out = tmp_path / "swept"
    code, first, err = call(*SWEEP, *GRID, "--out", out)
    assert (code, err) == (0, "")
    sql = "SELECT leverage, margin_mode, target, cagr, ruined FROM sweep ORDER BY cagr DESC LIMIT 5"
    assert f"\nSaved to {out}: backtest query {out} '{sql}'\n" in first
    assert re.search(
        "^out must not hold a sweep, unless resume goes on with it, got", refused(*SWEEP, *GRID, "--out", out)
    )
    code, again, _ = call(*SWEEP, *GRID, "--out", out, "--resume")
    assert code == 0
    assert fact(again, "ran") == fact(first, "ran") + "; 48 were finished before"
    assert best_rows(again) == best_rows(first)
    for other in (("--cash", "5"), ("--to", "2020-03-19"), ("--over", "leverage=1:11")):
        message = refused(*SWEEP, *(GRID if other[0] != "--over" else ()), *other, "--out", out, "--resume")
        assert message.startswith(f"resume must be given what the sweep in {out} was made of, got another ")


def test_the_query_that_is_suggested_runs(call, tmp_path):
    pytest.importorskip("duckdb")
    strategy = tmp_path / "windowed.py"
    strategy.write_text(
        "PARAMS = {'window': 1.0}\n\n\ndef signals(data, window):\n    return data['close'] * 0 + window\n", "utf-8"
    )
    out = tmp_path / "a folder"
    given = ("--over", "window=1,0.5", "--by", "max_drawdown_duration", "--out", out)
    _, printed, err = call("sweep", strategy, *MARCH, *VENUE, *given)
    assert err == ""
    command = shlex.split(printed.splitlines()[-1].split(": ", 1)[1])
    assert command[:3] == ["backtest", "query", str(out)]
    assert command[3].startswith('SELECT "window", max_drawdown_duration, ruined FROM sweep ORDER BY max_dr')
    code, answer, _ = call(*command[1:])
    assert code == 0
    assert [line.split()[0] for line in answer.splitlines()[2:]] == [row[0] for row in best_rows(printed)]


def test_every_run_is_saved_where_it_is_asked_for(call, tmp_path):
    out = tmp_path / "swept"
    assert call(*SWEEP, "--over", "leverage=1,10", "--out", out, "--histories")[0] == 0
    loaded = bt.load(out / "histories" / "000001")
    assert loaded.description["account"]["leverage"] == 10
    assert len(loaded.liquidations) == 1


def test_any_number_of_workers_prints_the_same(call):
    one, two = (call(*SWEEP, *GRID, "--workers", number) for number in ("1", "2"))
    assert one == two


def test_an_interrupt_says_what_is_kept(call, monkeypatch, tmp_path):
    many, out = ("--over", "leverage=1:4:0.01"), tmp_path / "swept"
    report = Progress.__call__

    def interrupt(self, done, total):
        report(self, done, total)
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "__call__", interrupt)
    said = f"interrupted: 256 of 301 settings are kept in {out}; add --resume to go on\n"
    assert call(*SWEEP, *many, "--out", out) == (130, "", said)
    monkeypatch.undo()
    code, again, err = call(*SWEEP, *many, "--out", out, "--resume")
    assert (code, err) == (0, "")
    assert fact(again, "ran").endswith("; 256 were finished before")
    assert best_rows(again) == best_rows(call(*SWEEP, *many)[1])


def test_an_interrupt_without_a_folder_keeps_nothing(call, monkeypatch):
    def interrupt(*_, progress, **__):
        progress(1, 4)
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeps, "sweep", interrupt)
    said = "interrupted: nothing is kept; --out FOLDER keeps what is finished\n"
    assert call(*SWEEP, "--over", "leverage=1:4") == (130, "", said)


def test_an_interrupt_before_anything_is_finished_keeps_nothing(call, monkeypatch, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeps, "sweep", interrupt)
    out = tmp_path / "swept"
    said = f"interrupted: nothing was finished that {out} could keep\n"
    assert call(*SWEEP, "--over", "leverage=1:4", "--out", out) == (130, "", said)


# ---- symbols in a folder


@pytest.fixture
def folder(tmp_path):
    """Return a folder of two symbols, one of which falls by half."""
    for symbol, last in (("A", 120.0), ("B", 50.0)):
        place = tmp_path / "universe" / f"symbol={symbol}"
        place.mkdir(parents=True)
        bars_file(place / "bars.parquet", [100.0] * 40 + [last] * 8)
    return tmp_path / "universe"


def test_every_symbol_of_a_folder_is_a_market_of_its_own(call, folder, tmp_path):
    config = config_file(tmp_path, TIERS)
    code, out, err = call("sweep", HOLD, "--data", folder, "--config", config, "--over", "leverage=1:4")
    assert (code, err) == (0, "")
    assert fact(out, "data") == "A, B: 96 bars, each symbol on its own"
    assert fact(out, "ran").startswith("8 of 8 settings")
    assert [row[:2] for row in best_rows(out)][:5] == [["A", "4"], ["A", "3"], ["A", "2"], ["A", "1"], ["B", "1"]]
    assert "every account lived up to 1x" in out


def test_a_folder_of_symbols_stands_alone(refused, folder, tmp_path):
    given = ("--config", config_file(tmp_path, TIERS), "--over", "leverage=1:4")
    for option in (("--from", "2020"), ("--funding", "0.1"), ("--mark", DATA), ("--repair",)):
        message = refused("sweep", HOLD, "--data", folder, *given, *option)
        assert re.search(f"^{option[0][2:]} must not be given for a folder of symbols, got ", message)
    message = refused("sweep", HOLD, "--data", folder, DATA, *given)
    assert message == f"data must be one folder, or files, got the folder {folder} among 2"
    (tmp_path / "empty").mkdir()
    assert "must hold Parquet files" in refused("sweep", HOLD, "--data", tmp_path / "empty", *given)


def test_what_a_sweep_of_a_folder_prepares_is_every_symbol_of_it(call, folder, tmp_path, monkeypatch):
    prepared = []

    @contextmanager
    def bar(bars, settings):
        prepared.append((bars, settings))
        yield Progress(bars)

    monkeypatch.setattr(progress, "progress_bar", bar)
    given = ("--config", config_file(tmp_path, TIERS), "--over", "leverage=1:4", "target=1,-1")
    assert call("sweep", HOLD, "--data", folder, *given)[0] == 0
    assert prepared == [(48, 16)]

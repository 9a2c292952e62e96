"""The command `compare`: settings side by side, how sure the difference is, and which liquidations differ."""

import re

import numpy as np
import pandas as pd
import pytest
from shell import BTC, ETH, HOLD, MOMENTUM, TIERS, VENUE, bars_file, config_file, fact

import backtest as bt
from backtest.command_line.comparison_screens import growth_in_words, verdict
from backtest.comparison import compare
from backtest.text import grouped

BOOK = ("--data", BTC, ETH, "--symbol-map", "BTCUSD=BTCUSDT", "ETHUSD=ETHUSDT", *VENUE, "--to", "2018-02")
FIGURES = "final equity,total return,max drawdown,max drawdown low,liquidations,loss per liquidation,funding,"
FIGURES += "time under margin pressure,ruined"


@pytest.fixture(scope="module")
def book():
    bars = bt.read_bars({"BTCUSD": BTC, "ETHUSD": ETH})[:"2018-02"]
    venue = bt.venue("binance_usdm", symbols={"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"})
    return bars, bt.strategy(MOMENTUM), venue


def row(out, name):
    """Return the cells of a figure."""
    return re.split(r" {2,}", re.search(rf"^{name} +(.*)$", out, re.MULTILINE)[1])


def test_cross_is_compared_with_isolated(call, book):
    code, out, err = call("compare", MOMENTUM, *BOOK, "--leverage", "5", "--resamples", "500", "--seed", "7")
    bars, strategy, venue = book
    found = compare(bars, strategy, venue=venue, account=bt.Account(leverage=5), resamples=500, seed=7)
    assert (code, err) == (0, "")
    assert fact(out, "account") == "5x, cash 10 000.00"
    assert fact(out, "compared") == "margin mode isolated, cross"
    table = found.table
    assert row(out, "final equity") == [grouped(value, 2) for value in table["final_equity"]]
    assert row(out, "liquidations") == [str(value) for value in table["liquidations"]]
    assert row(out, "time under margin pressure") == [f"{value:.2%}" for value in table["pressure"]]
    assert row(out, "ruined") == ["yes" if value else "no" for value in table["ruined"]]
    assert [name for name in FIGURES.split(",") if not re.search(f"^{name} ", out, re.MULTILINE)] == []
    said = " ".join(out.split("growth against isolated, in logarithms")[1].split())
    growth = found.growth.loc["cross"]
    assert f"cross grew by {abs(growth['difference']):.2f} a year" in said
    assert f"95% interval {growth['low']:+.2f} to {growth['high']:+.2f}" in said
    for event in found.liquidations.itertuples():
        assert f"{event.time:%Y-%m-%d %H:%M}   {event.symbol}   yes        -" in out
    assert len(found.liquidations) > 0
    assert max(map(len, out.splitlines())) <= 80


def test_the_same_seed_prints_the_same(call):
    one, two, three = (
        call("compare", MOMENTUM, *BOOK, "--leverage", "3", "--resamples", "200", "--seed", seed) for seed in "112"
    )
    assert one == two
    assert one != three


def test_many_settings_fit_a_narrow_screen(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    code, out, _ = call("compare", MOMENTUM, *BOOK, "--over", "leverage=3:6", "--resamples", "100")
    assert code == 0
    assert "…" not in out
    assert max(len(line) for line in out.splitlines() if not line.startswith("A lost account")) <= 60
    assert re.search(r"^setting +a year +95% interval$", out, re.MULTILINE)
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = call("compare", MOMENTUM, *BOOK, "--over", "leverage=3:6", "--resamples", "100")
    assert re.search(r"^setting +a year +95% interval +above 0 in$", out, re.MULTILINE)


def test_settings_may_be_a_product_or_listed(call, book):
    _, product, _ = call("compare", MOMENTUM, *BOOK, "--over", "leverage=2,3", "--over", "lookback=720,1440")
    assert fact(product, "compared") == "leverage 2, 3; lookback 720, 1440"
    listed = [f"leverage={leverage},lookback={lookback}" for leverage in (2, 3) for lookback in (720, 1440)]
    code, out, _ = call("compare", MOMENTUM, *BOOK, *(text for each in listed for text in ("--setting", each)))
    assert code == 0
    assert out == product
    for name in ("2x lookback 720", "2x lookback 1440", "3x lookback 720", "3x lookback 1440"):
        assert all(word in out for word in name.split())
    bars, strategy, venue = book
    settings = [{"leverage": leverage, "lookback": lookback} for leverage in (2, 3) for lookback in (720, 1440)]
    growth = compare(bars, strategy, settings, venue=venue).growth
    lines = re.findall(r"^\dx lookback \d+ +([+-][\d.]+) +([+-][\d.]+ to [+-][\d.]+) +", out, re.MULTILINE)
    assert lines == [
        (f"{each.difference:+.2f}", f"{each.low:+.2f} to {each.high:+.2f}") for each in growth.itertuples()
    ]
    assert max(map(len, out.splitlines())) <= 80


def test_many_settings_are_several_tables_and_none_is_lost(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", np.linspace(100.0, 120.0, 200))
    config = config_file(tmp_path, TIERS)
    given = ("--data", file, "--config", config, "--resamples", "100")
    code, out, _ = call("compare", HOLD, *given, "--over", "leverage=1:12")
    assert code == 0
    assert out.count("final equity ") > 1
    assert sum(len(re.findall(r"\d\d\.\d\d", line)) for line in re.findall("^final equity.*$", out, re.MULTILINE)) == 12
    assert "No liquidation in any of them." in out
    assert max(map(len, out.splitlines())) <= 80


def test_settings_that_make_no_difference_are_alike(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", np.linspace(100.0, 120.0, 200))
    _, out, _ = call("compare", HOLD, "--data", file, "--config", config_file(tmp_path, TIERS))
    assert "cross grew as isolated did" in out


def test_at_most_twenty_liquidations_are_printed(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", [100.0] * 60, low=80.0)
    config = config_file(tmp_path, TIERS)
    given = ("--sizing", "cash", "--cash", "1e9", "--on-liquidation", "reenter", "--param", "target=0.001")
    code, out, _ = call("compare", HOLD, "--data", file, "--config", config, *given, "--over", "leverage=1,10")
    assert code == 0
    assert len(re.findall(r"^2020-01-0\d \d\d:00   A +- +yes$", out, re.MULTILINE)) == 20
    assert "\nand 39 more that not all of them have\n" in out
    _, out, _ = call(
        "compare",
        HOLD,
        "--data",
        file,
        "--config",
        config,
        *given[:2],
        *given[4:],
        "--leverage",
        "10",
        "--over",
        "cash=1e9,2e9",
    )
    assert "All of them have the same liquidations." in out


def test_liquidations_that_differ_in_no_setting_with_room_are_left_out(call, tmp_path):
    falls = np.repeat([100.0, 93.0, 60.0], 20)
    file = bars_file(tmp_path / "a.parquet", falls)
    given = ("--data", file, "--config", config_file(tmp_path, TIERS), "--resamples", "100")
    code, out, _ = call("compare", HOLD, *given, "--over", "leverage=1:40")
    assert code == 0
    names = next(line for line in out.splitlines() if line.startswith("liquidated ")).split()[2:]
    lines = [line.split()[3:] for line in re.findall(r"^2020-01-0\d .*$", out, re.MULTILINE)]
    assert len(lines) == 1  # at 93 only settings without room are liquidated
    assert all(set(line) == {"yes", "-"} for line in lines)
    left = 40 - len(names)
    assert f"\nand 1 more that not all of them have\nWithout {len(names) + 1}x to 40x, {left} of them, for want" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_setting_that_was_ruined_is_called_so(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", np.repeat([100.0, 80.0], 72))
    given = ("--data", file, "--config", config_file(tmp_path, TIERS), "--resamples", "100")
    _, out, _ = call("compare", HOLD, *given, "--over", "leverage=1,20")
    assert " ".join(out.split("in logarithms")[1].split()).split("resamples: ")[1].startswith("ruined A lost account")
    _, out, _ = call("compare", HOLD, *given, "--over", "leverage=20,1")
    assert re.search("resamples: (may be|more than) chance", " ".join(out.split()))  # of the one that lived
    _, out, _ = call("compare", HOLD, *given, "--over", "leverage=1,2,20,30")
    assert re.findall(r"^(\d+)x .* (ruined|chance)$", out, re.MULTILINE) == [
        ("2", "chance"),
        ("20", "ruined"),
        ("30", "ruined"),
    ]


@pytest.mark.parametrize(
    ("difference", "low", "high", "share", "said"),
    [
        (0.5, 0.25, 0.75, 0.99, "b grew by 0.50 a year more; 95% interval +0.25 to +0.75, more in 99.00% of resamples"),
        (0.5, -0.25, 0.75, 0.9, "b grew by 0.50 a year more; 95% interval -0.25 to +0.75, more in 90.00% of resamples"),
        (
            -0.5,
            -0.75,
            -0.25,
            0.0,
            "b grew by 0.50 a year less; 95% interval -0.75 to -0.25, less in 100.00% of resamples",
        ),
        (1e-12, -1e-11, 1e-11, 0.5, "b grew as a did"),
    ],
)
def test_an_interval_is_said_in_words(difference, low, high, share, said):
    values = {"difference": difference, "low": low, "high": high, "confidence": 0.95, "share_above_zero": share}
    text = growth_in_words("b", "a", pd.Series(values), ruined=False).plain
    sure = {"": "", "yes": ": more than chance", "no": ": may be chance"}
    ending = sure["" if said.endswith("did") else "yes" if low * high > 0 else "no"]
    assert text == said + ending
    assert verdict(pd.Series(values), ruined=False).plain in ("alike", "more than chance", "may be chance")

"""The command `bracket`: what the order inside the bars makes of an account."""

import re

import numpy as np
import pandas as pd
import pytest
from shell import BTC, ETH, HOLD, MOMENTUM, TIERS, VENUE, bars_file, config_file, fact

import backtest as bt
from backtest.ambiguity import bracket
from backtest.command_line.bracket_screens import print_liquidations
from backtest.text import grouped

BOOK = ("--data", BTC, ETH, "--symbol-map", "BTCUSD=BTCUSDT", "ETHUSD=ETHUSDT", *VENUE)


def orders(out):
    """Return the cells of every order."""
    return [re.split(r" {2,}", line) for line in re.findall(r"^(?:worst|path|best|resolved)  .*$", out, re.MULTILINE)]


def test_every_order_and_every_verdict_is_printed(call):
    given = ("--leverage", "20", "--margin-mode", "cross", "--on-liquidation", "refill", "--to", "2018-06")
    code, out, err = call("bracket", MOMENTUM, *BOOK, *given)
    venue = bt.venue("binance_usdm", symbols={"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"})
    found = bracket(
        bt.read_bars({"BTCUSD": BTC, "ETHUSD": ETH})[:"2018-06"],
        bt.strategy(MOMENTUM),
        venue=venue,
        account=bt.Account(leverage=20, margin_mode="cross", on_liquidation="refill"),
    )
    assert (code, err) == (0, "")
    assert [row[:2] for row in orders(out)] == [
        [order, grouped(row["final_equity"], 2)] for order, row in found.final.iterrows()
    ]
    assert fact(out, "account") == "cross margin, 20x"
    lines = re.findall(r"^(\d{4}-\d\d-\d\d \d\d:\d\d)   (\w+)   (certain|possible) ", out, re.MULTILINE)
    events = found.liquidations
    assert len(events) > 0
    assert lines == [(f"{row.time:%Y-%m-%d %H:%M}", row.symbol, row.verdict) for row in events.head(20).itertuples()]
    for verdict, number in events["verdict"].value_counts().items():
        assert f"{number} {verdict}" in out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out


@pytest.fixture
def hour(tmp_path):
    """Return a strategy and options: an hour in which a stop and the liquidation of a long 10x position are met."""
    data = bars_file(
        tmp_path / "a.parquet",
        [100.0] * 8,
        low=[100.0] * 5 + [85.0] + [100.0] * 2,
        high=[100.0] * 5 + [112.0, 100, 100],
    )
    return (HOLD, "--data", data, "--config", config_file(tmp_path, TIERS), "--leverage", "10", "--take-profit", "0.1")


def finer(path, prices):
    """Write bars of 15 minutes, of which the sixth hour goes through these closes."""
    closes = np.full(32, 100.0)
    closes[20:24] = prices
    opens = np.concatenate([[100.0], closes[:-1]])
    time = pd.date_range("2020-01-01", periods=32, freq="15min", tz="UTC")
    low, high = np.minimum(opens, closes), np.maximum(opens, closes)
    pd.DataFrame({"timestamp": time, "open": opens, "high": high, "low": low, "close": closes}).to_parquet(path)
    return path


def test_what_may_have_gone_either_way_asks_for_finer_bars(call, hour):
    code, out, _ = call("bracket", *hour)
    assert code == 0
    assert [(row[0], row[3]) for row in orders(out)] == [("worst", "1"), ("path", "1"), ("best", "0")]
    assert re.search(r"^2020-01-01 05:00   A +possible   worst", out, re.MULTILINE)
    assert "1 bar may have gone either way: --detail FILE of finer bars may tell." in out


@pytest.mark.parametrize(
    ("prices", "verdict", "liquidations"),
    [([85, 112, 100, 100], "happened", "1"), ([112, 85, 100, 100], "averted", "0")],
)
def test_finer_bars_settle_it(call, hour, tmp_path, prices, verdict, liquidations):
    code, out, err = call("bracket", *hour, "--detail", f"A={finer(tmp_path / 'fine.parquet', prices)}")
    assert (code, err) == (0, "")
    assert (orders(out)[3][0], orders(out)[3][3]) == ("resolved", liquidations)
    assert re.search(rf"^2020-01-01 05:00   A +{verdict} ", out, re.MULTILINE)
    assert f"\n1 {verdict}\n" in out
    assert "The finer bars settled 1 bar; none is left open." in out


def test_an_instrument_without_finer_bars_is_named(call, hour, tmp_path):
    other = bars_file(tmp_path / "b.parquet", [100.0] * 8)
    both = tmp_path / "both.py"
    both.write_text(
        "import pandas as pd\n\n\ndef signals(data):\n"
        "    return pd.DataFrame({'A': 0.8, 'B': 0.2}, index=data['A'].index)\n",
        "utf-8",
    )
    given = ("--data", f"A={hour[2]}", f"B={other}", *hour[3:], "--margin-mode", "cross")
    detail = f"A={finer(tmp_path / 'fine.parquet', [85, 112, 100, 100])}"
    code, out, err = call("bracket", both, *given, "--detail", detail)
    assert (code, err) == (0, "")
    assert "The finer bars settled 0 bars; 1 bar left open: no finer bars of B.\n" in out


def test_the_row_of_a_liquidation_begins_with_its_date(capsys):
    events = {"time": pd.to_datetime(["2020-01-01"]), "symbol": "BTCUSDT", "leg": "long", "gap": False}
    orders = "worst, path, BTCUSDT worst, ETHUSDT worst, SOLUSDT worst"
    print_liquidations(pd.DataFrame(events | {"verdict": "possible", "happens_in": orders}))
    lines = capsys.readouterr().out.splitlines()
    assert re.match("2020-01-01 00:00   BTCUSDT   long +possible   worst, path, ", lines[2])
    assert re.fullmatch(" +ETHUSDT worst, SOLUSDT worst", lines[3])


def test_an_account_that_is_never_liquidated_is_said_so(call, tmp_path):
    data = bars_file(tmp_path / "a.parquet", [100.0] * 8)
    _, out, _ = call("bracket", HOLD, "--data", data, "--config", config_file(tmp_path, TIERS))
    assert "No liquidation, whichever way the bars go." in out
    assert "either way:" not in out


def test_finer_bars_that_are_none_are_refused(refused, hour, tmp_path):
    other = bars_file(tmp_path / "b.parquet", [100.0] * 8)
    assert re.search("B", refused("bracket", *hour, "--detail", other))
    assert refused("bracket", *hour, "--detail", f"A={other}")
    assert refused("bracket", *hour, "--detail", "none.parquet") == "there must be a file, got none at none.parquet"

"""The documents of commands that replay: all of what their screens print in short."""

import pandas as pd
import pytest
from shell import (
    BTC,
    CRASH,
    CROSS,
    DATA,
    ETH,
    HOLD,
    MARCH,
    MOMENTUM,
    TIERS,
    VENUE,
    answered,
    bars_file,
    cell,
    cells,
    config_file,
    document,
)

import backtest as bt

BOOK = ("--data", BTC, ETH, "--symbol-map", "BTCUSD=BTCUSDT", "ETHUSD=ETHUSDT", *VENUE, "--to", "2018-02")


@pytest.fixture(scope="module")
def bars():
    return bt.read_bars(DATA)["2020-03-01":"2020-03-20"]


@pytest.fixture(scope="module")
def book():
    bars = bt.read_bars({"BTCUSD": BTC, "ETHUSD": ETH})[:"2018-02"]
    return bars, bt.strategy(MOMENTUM), bt.venue("binance_usdm", symbols={"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"})


def test_a_run_is_all_of_its_summary_and_liquidations(call, bars, tmp_path):
    given = answered(call, *CRASH, "--leverage", "10", "--out", tmp_path / "run")
    result = bt.load(tmp_path / "run")
    assert sorted(given) == sorted(
        ["description", "summary", "final_equity", "liquidations", "counts", "saved_to", "report"]
    )
    summary = dict(result.summary)
    lasting = summary.pop("max_drawdown_duration")
    assert given["summary"].pop("max_drawdown_duration_seconds") == lasting.total_seconds()
    assert given["summary"] == {name: cell(value) for name, value in summary.items()}
    assert given["final_equity"] == result.equity.iloc[-1]
    assert given["liquidations"] == cells(result.liquidations)
    assert len(given["liquidations"]) == 1
    assert given["counts"] == {"trades": 1, "fills": 2, "orders": len(result.orders), "calls": 0, "liquidations": 1}
    assert (given["saved_to"], given["report"]) == (str(tmp_path / "run"), None)
    said = given["description"]
    data = said.pop("data")
    assert said == {name: value for name, value in result.description.items() if name != "data"}
    assert (data["first"], data["last"]) == ("2020-03-01T00:00:00Z", "2020-03-20T23:00:00Z")
    assert data["interval_seconds"] == 3600.0
    assert data["fingerprint"] == bars.fingerprint
    assert answered(call, *CRASH)["saved_to"] is None


def test_every_liquidation_is_there(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", [100.0] * 60, low=80.0)
    config = config_file(tmp_path, TIERS + "liquidation_fee = 0.02\nliquidation_slippage = 0.1\n")
    settings = ("--leverage", "10", "--sizing", "cash", "--cash", "1e9", "--on-liquidation", "reenter")
    given = answered(call, "run", HOLD, "--data", file, "--config", config, *settings, "--param", "target=0.001")
    assert len(given["liquidations"]) == given["counts"]["liquidations"] == 59


def test_undefined_figures_are_null(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", [100.0])
    given = answered(call, "run", HOLD, "--data", file, "--config", config_file(tmp_path, TIERS))
    assert given["summary"]["win_rate"] is None
    assert given["description"]["data"]["interval_seconds"] is None


def test_a_history_in_pieces_has_no_final_equity(call, tmp_path):
    path = tmp_path / "hold.py"
    path.write_text("LOOKBACK = 0\n\n\ndef signals(data):\n    return data['close'] * 0 + 1\n")
    place = tmp_path / "history" / "symbol=A"
    place.mkdir(parents=True)
    bars_file(place / "a.parquet", [100.0] * 40 + [80.0] * 8)
    config = config_file(tmp_path, TIERS)
    given = answered(call, "run", path, "--data", place.parent, "--config", config, "--leverage", "10")
    assert given["final_equity"] is None
    assert given["description"]["data"]["bars"] == 48
    assert len(given["liquidations"]) == 1


def test_a_sweep_is_all_of_its_rows(call, bars, tmp_path):
    over = ("--over", "leverage=1:12,151", "--over", "margin_mode=isolated,cross")
    given = answered(call, "sweep", HOLD, *MARCH, *over, "--out", tmp_path / "swept")
    table = bt.sweep(
        bars,
        bt.strategy(HOLD),
        venue=bt.venue("binance_usdm"),
        over={"leverage": [*range(1, 13), 151], "margin_mode": ["isolated", "cross"]},
    )
    assert sorted(given) == sorted(["description", "swept", "rows", "attrs", "saved_to", "report"])
    assert given["rows"] == cells(pd.DataFrame(table))
    assert len(given["rows"]) == 26
    assert given["rows"][0]["trades"] == 1
    assert isinstance(given["rows"][0]["trades"], int)  # beside rows that did not run, too
    assert given["rows"][-1]["trades"] is None
    assert given["rows"][-1]["reason"].startswith("leverage must be at most 150")
    assert given["swept"] == {"leverage": [*range(1, 13), 151], "margin_mode": ["isolated", "cross"]}
    attrs = given["attrs"]
    assert attrs.pop("seconds") > 0
    counted = {**table.attrs["rows"], "not_run": table.attrs["rows"]["not run"]}
    del counted["not run"]
    same = {name: table.attrs[name] for name in ("path", "workers", "currency")}
    assert attrs == {**same, "rows": counted, "bars": 480}
    assert attrs["currency"] == "quote"
    assert given["saved_to"] == str(tmp_path / "swept")
    assert given["description"]["strategy"]["name"] == "buy_and_hold"
    assert given["description"]["account"]["cash"] == 10_000
    assert given["description"]["data"]["symbols"] == ["BTCUSDT"]


def test_swept_venues_go_by_their_names(call):
    over = ("--over", "venue=binance_usdm,bybit_linear", "--over", "leverage=3")
    given = answered(call, "sweep", HOLD, *MARCH[:-2], *over)
    assert given["swept"] == {"venue": ["binance_usdm", "bybit_linear"], "leverage": [3]}
    assert [row["venue"] for row in given["rows"]] == ["binance_usdm", "bybit_linear"]


def test_a_sweep_in_which_nothing_ran_says_so_and_is_a_document_all_the_same(call):
    code, out, err = call("sweep", HOLD, *MARCH, "--over", "leverage=151,152", "--json")
    assert code == 2
    assert err.startswith("error: no setting could run, of 2; the first: leverage must be at most 150")
    assert err.count("\n") == 1
    assert [row["leverage"] for row in document(out)["rows"]] == [151, 152]


def test_symbols_in_a_folder_are_counted(call, tmp_path):
    for symbol in ("A", "B"):
        place = tmp_path / "universe" / f"symbol={symbol}"
        place.mkdir(parents=True)
        bars_file(place / "bars.parquet", [100.0] * 48)
    given = ("--data", tmp_path / "universe", "--config", config_file(tmp_path, TIERS), "--over", "leverage=1:2")
    data = answered(call, "sweep", HOLD, *given)["description"]["data"]
    assert data["bars_by_symbol"] == {"A": 48, "B": 48}
    assert (data["bars"], data["interval_seconds"]) == (96, None)


def test_a_comparison_is_its_table_its_growth_and_all_liquidations(call, book):
    given = answered(call, "compare", MOMENTUM, *BOOK, "--leverage", "5", "--resamples", "200")
    bars, strategy, venue = book
    found = bt.compare(bars, strategy, venue=venue, account=bt.Account(leverage=5), resamples=200)
    assert sorted(given) == sorted(
        ["description", "settings", "table", "growth", "liquidations", "differing", "report"]
    )
    assert given["settings"] == {"isolated": {"margin_mode": "isolated"}, "cross": {"margin_mode": "cross"}}
    assert given["table"] == cells(found.table.reset_index())
    assert given["growth"] == cells(found.growth.reset_index())
    assert given["liquidations"] == {name: cells(result.liquidations) for name, result in found.results.items()}
    assert given["differing"] == cells(found.liquidations)
    assert len(given["differing"]) > 0


def test_settings_that_are_compared_are_named(call):
    listed = ("--setting", "leverage=2,margin_mode=cross", "--setting", "leverage=3")
    given = answered(call, "compare", HOLD, *MARCH, *listed, "--resamples", "100")
    assert given["settings"] == {"2x cross": {"leverage": 2, "margin_mode": "cross"}, "3x": {"leverage": 3}}
    given = answered(call, "compare", HOLD, *MARCH[:-2], "--over", "venue=binance_usdm,bybit_linear")
    assert given["settings"] == {name: {"venue": name} for name in ("binance_usdm", "bybit_linear")}


def test_a_bracket_is_its_orders_and_verdicts(call, book):
    given = answered(call, "bracket", MOMENTUM, *BOOK, "--leverage", "5")
    bars, strategy, venue = book
    found = bt.bracket(bars, strategy, venue=venue, account=bt.Account(leverage=5))
    assert sorted(given) == sorted(["description", "final", "liquidations", "settled", "ambiguous", "without_detail"])
    assert given["final"] == cells(found.final.reset_index())
    orders = [event.pop("happens_in") for event in given["liquidations"]]
    assert orders == [text.split(", ") for text in found.liquidations["happens_in"]]
    assert given["liquidations"] == cells(found.liquidations.drop(columns="happens_in"))
    assert (given["settled"], given["ambiguous"], given["without_detail"]) == (0, found.ambiguous, [])


def test_a_walk_is_its_windows_and_its_summary(call):
    year = ("--data", DATA, "--from", "2020-01", "--to", "2020-12", *VENUE)
    how = ("--over", "leverage=1:3", "--over", "fast=10,20", "--train", "90d", "--test", "60d", "--anchored")
    given = answered(call, "walk-forward", CROSS, *year, *how)
    found = bt.walk_forward(
        bt.read_bars(DATA)["2020-01":"2020-12"],
        bt.strategy(CROSS),
        over={"leverage": [1, 2, 3], "fast": [10, 20]},
        train="90d",
        test="60d",
        venue=bt.venue("binance_usdm"),
        anchored=True,
    )
    assert given["windows"] == cells(found.windows)
    assert given["summary"]["total_return"] == found.summary["total_return"]
    assert given["final_equity"] == found.equity.iloc[-1]
    assert given["liquidations"] == []
    assert [given[name] for name in ("train", "test", "objective", "anchored", "ended")] == [
        *("90d", "60d", "cagr", True),
        None,
    ]
    assert given["swept"] == {"leverage": [1, 2, 3], "fast": [10, 20]}


def test_a_walk_that_ended_says_why(call, tmp_path):
    file = bars_file(tmp_path / "a.parquet", [100.0 + 0.1 * (k % 7) for k in range(72)] + [60.0] * 96)
    given = ("--data", file, "--config", config_file(tmp_path, TIERS), "--over", "leverage=10,20")
    found = answered(call, "walk-forward", HOLD, *given, "--train", "2d", "--test", "2d")
    assert found["ended"].startswith("the account was lost in the window from 2020-01-03 00:00")
    assert [event["time"] for event in found["liquidations"]] == ["2020-01-04T00:00:00Z"]

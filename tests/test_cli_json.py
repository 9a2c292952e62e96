"""Documents for programs: how values are written, that nothing else is printed, and those of data and venues."""

import math
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from shell import DATA, HOLD, MARCH, TIERS, VENUE, answered, bars_file, document

import backtest as bt
from backtest.command_line.app import COMMANDS
from backtest.command_line.machine_output import plain
from backtest.market.inspection import inspect_file
from backtest.terms.symbols import listed_name

# ---- how values are written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.1 + 0.2, 0.1 + 0.2),
        (np.float64(1.5), 1.5),
        (np.float32(0.25), 0.25),
        (math.nan, None),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (np.array([1.0, math.nan, -math.inf]), [1.0, None, "-Infinity"]),
        (np.array(2.5), 2.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (10**30, 10**30),
        (Decimal("0.5"), 0.5),
        (None, None),
        (pd.NaT, None),
        (pd.NA, None),
        ("NaN", "NaN"),
        (pd.Timestamp("2020-03-13 02:00", tz="UTC"), "2020-03-13T02:00:00Z"),
        (pd.Timestamp("2020-03-13 02:00"), "2020-03-13T02:00:00Z"),
        (pd.Timestamp("2020-03-13 02:00", tz="Europe/Berlin"), "2020-03-13T01:00:00Z"),
        (pd.Timestamp(1, tz="UTC"), "1970-01-01T00:00:00.000000001Z"),
        (datetime(2020, 3, 13, 2, tzinfo=timezone(timedelta(hours=1))), "2020-03-13T01:00:00Z"),
        (np.datetime64("2020-03-13T02:00"), "2020-03-13T02:00:00Z"),
        (date(2020, 3, 13), "2020-03-13"),
        (pd.Timedelta("90min"), 5400.0),
        (
            {"length": pd.Timedelta("1h"), "wait_seconds": timedelta(1)},
            {"length_seconds": 3600.0, "wait_seconds": 86400},
        ),
        ({"length": np.timedelta64(5, "s")}, {"length_seconds": 5.0}),
        ((1, [2.0, (None,)]), [1, [2.0, [None]]]),
        (bt.Tier(floor=0, maintenance_rate=0.01, max_leverage=50), {"floor": 0.0, "maintenance_rate": 0.01}),
        (b"bytes", "b'bytes'"),
    ],
)
def test_a_value_is_written_as_json_holds_it(value, written):
    found = plain(value)
    if isinstance(value, bt.Tier):
        found = {name: found[name] for name in written}
    assert found == written
    assert type(found) is type(written) or isinstance(written, int)


def test_a_frame_is_a_list_of_rows():
    frame = pd.DataFrame(
        {
            "time": pd.to_datetime(["2020-01-01", None], utc=True),
            "length": pd.to_timedelta([None, None]),
            "whole": pd.array([1, None], "Int64"),
            "number": [math.inf, 2.0],
            "mixed": pd.Series([timedelta(seconds=1), None], dtype=object),
            "word": ["a", None],
        }
    )
    first, second = plain(frame)
    assert first == {
        "time": "2020-01-01T00:00:00Z",
        "length_seconds": None,
        "whole": 1,
        "number": "Infinity",
        "mixed_seconds": 1.0,
        "word": "a",
    }
    assert list(second.values()) == [None, None, None, 2.0, None, None]
    assert plain(frame[:0]) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_document(call, command):
    code, out, _ = call(command, "--help")
    assert code == 0
    assert re.search("│ +--json ", out)


# ---- nothing else on stdout


def test_what_a_strategy_prints_is_not_in_the_document(call, tmp_path):
    path = tmp_path / "loud.py"
    path.write_text(
        "import warnings\nprint('read')\ndef signals(data):\n    print('asked')\n    warnings.warn('so loud')\n"
        "    return data['close'] * 0 + 1\n"
    )
    for command in (("run",), ("sweep", "--over", "leverage=1:2"), ("compare", "--resamples", "100"), ("bracket",)):
        code, out, err = call(command[0], path, *MARCH, *command[1:], "--json")
        assert code == 0
        assert document(out)["command"] == command[0]
        assert {"read", "asked"} <= set(err.splitlines())
    assert call("run", path, *MARCH)[1].startswith("read\nasked\n")


def test_repairs_and_warnings_stay_on_stderr(call, tmp_path):
    data = bars_file(tmp_path / "btcusdt.parquet", [100.0, 0.0, 100.0, 100.0])
    code, out, err = call(
        "run", HOLD, "--data", data, *VENUE, "--repair", "--leverage", "10", "--stop-loss", "0.5", "--json"
    )
    assert code == 0
    assert document(out)["counts"]["trades"] == 1
    repaired, warned = err.splitlines()
    assert repaired.startswith("repaired: price_not_positive: ")
    assert warned.startswith("warning: stop_loss must be below ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--json"),
        ("sweep", HOLD, *MARCH, "--json"),
        ("venues", "nowhere", "--json"),
        ("inspect", "none.parquet", "--json"),
        ("query", "none", "FROM sweep", "--json"),
        ("liquidation-price", *VENUE, "--entry", "1", "--json"),
        ("report", "none", "--json"),
    ],
)
def test_what_is_wrong_is_one_line_and_no_document(refused, arguments):
    assert refused(*arguments)


# ---- data and venues


def test_a_query_is_its_columns_and_rows(call, tmp_path):
    pytest.importorskip("duckdb")
    assert call("sweep", HOLD, *MARCH, "--over", "leverage=1:3", "--out", tmp_path / "swept")[0] == 0
    sql = "SELECT leverage, win_rate, max_drawdown_duration, [1, 2] AS list FROM sweep ORDER BY leverage"
    given = answered(call, "query", tmp_path / "swept", sql)
    assert given["columns"] == ["leverage", "win_rate", "max_drawdown_duration", "list"]
    assert [row["leverage"] for row in given["rows"]] == [1, 2, 3]
    assert given["rows"][0]["list"] == [1, 2]
    assert given["rows"][0]["max_drawdown_duration_seconds"] > 86400
    empty = answered(call, "query", tmp_path / "swept", "SELECT leverage FROM sweep WHERE leverage > 9")
    assert empty == {"columns": ["leverage"], "rows": []}


def test_a_check_is_its_prefixes_and_its_leak(call, tmp_path):
    given = answered(call, "check", HOLD, "--data", DATA, "--to", "2018-01", "--cuts", "4")
    assert (given["strategy"], given["passed"], given["repeatable"], given["leak"]) == (
        "buy_and_hold",
        True,
        True,
        None,
    )
    assert len(given["cuts"]) == 4
    path = tmp_path / "peek.py"
    path.write_text("def signals(data):\n    return (data['close'].shift(-1) > data['close']).astype(float)\n")
    given = answered(call, "check", "--data", DATA, path, "--to", "2017-09", code=1)
    assert not given["passed"]
    assert sorted(given["leak"]) == sorted(
        ["time", "row", "symbol", "column", "with_all_bars", "with_prefix", "prefix"]
    )
    assert given["leak"]["time"].startswith("2017-0")


def test_an_inspection_is_a_list_of_files(call, tmp_path):
    dirty = bars_file(tmp_path / "a.parquet", [100.0, 0.0, 100.0])
    given = answered(call, "inspect", DATA, dirty)
    first, second = given["files"]
    found = inspect_file(DATA)
    assert (first["path"], first["rows"], first["interval_seconds"], first["clean"]) == (DATA, 47_077, 3600.0, True)
    assert first["worst_fall"] == {"time": "2020-03-12T10:00:00Z", "move": found.worst_fall[1]}
    assert first["longest_gap"] == {"from": "2018-02-08T00:00:00Z", "to": "2018-02-09T02:00:00Z"}
    assert (second["clean"], second["bad_rows"]["price_not_positive"], second["longest_gap"]) == (False, 1, None)


def test_venues_are_listed_or_one_in_full(call, tmp_path):
    listed = answered(call, "venues")["venues"]
    assert [each["name"] for each in listed][:2] == ["binance_coinm", "binance_usdm"]
    assert sorted(listed[0]) == sorted(["name", "title", "contract", "as_of", "source", "symbols", "tiers"])
    given = answered(call, "venues", "binance_usdm")
    venue = bt.venue("binance_usdm")
    assert sorted(given) == sorted(["name", "title", "settings", "rules", "tiers", "snapshots", "figures", "notes"])
    assert len(given["tiers"]) == len(venue.tiers) == listed[1]["symbols"]
    assert given["settings"]["taker_fee"] == venue.taker_fee
    assert given["snapshots"][-1]["as_of"] == venue.as_of
    one = answered(call, "venues", "binance_usdm", "--symbol", "BTCUSDT")
    assert one["tiers"] == {"BTCUSDT": given["tiers"][listed_name("BTCUSDT", venue.tiers)]}
    assert one["tiers"]["BTCUSDT"][0] == venue.ladder("BTCUSDT")[0].model_dump()
    reg_t = answered(call, "venues", "reg_t")
    assert list(reg_t["tiers"]) == ["*"]
    assert reg_t["settings"]["call"]["deposit"] == "reserve"
    (tmp_path / "mine.toml").write_text(TIERS.replace("[venue]\n", "").replace("[{", "[\n{"))
    mine = answered(call, "venues", "--check", tmp_path / "mine.toml")
    assert (mine["name"], list(mine["tiers"])) == ("mine", ["*"])


def test_a_liquidation_price_is_whole(call):
    given = answered(call, "liquidation-price", *VENUE, "--symbol", "BTCUSDT", "--entry", "100", "--leverage", "20")
    venue = bt.venue("binance_usdm")
    price = bt.liquidation_price(1, 100, margin=5, venue=venue, symbol="BTCUSDT")
    assert given == {
        "venue": "binance_usdm",
        "as_of": venue.as_of,
        "contract": "linear",
        "symbol": "BTCUSDT",
        "side": "long",
        "quantity": 1.0,
        "entry_price": 100.0,
        "leverage": 20.0,
        "margin": 5.0,
        "trigger": "liquidation",
        "liquidation_price": price,
        "distance": price / 100 - 1.0,
        "maintenance_margin": bt.maintenance_margin(price, venue, "BTCUSDT"),
        "bankruptcy_price": 95.0,
    }


def test_a_price_that_is_none_is_null_and_a_call_is_named_so(call):
    given = answered(call, "liquidation-price", *VENUE, "--symbol", "BTCUSDT", "--entry", "100", "--leverage", "1")
    assert [given[name] for name in ("liquidation_price", "distance", "maintenance_margin")] == [None] * 3
    called = answered(
        call, "liquidation-price", "--venue", "reg_t", "--entry", "100", "--leverage", "2", "--side", "short"
    )
    assert called["trigger"] == "margin_call"
    assert called["distance"] > 0

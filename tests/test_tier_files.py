"""Files of tiers: tables, and what ccxt answers."""

import json

import pytest

import backtest as bt
from backtest.errors import ConfigError, MarginError

TABLE = """\
symbol,floor,maintenance_rate,max_leverage
BTC/USDT,0,0.004,125
BTC/USDT,50000,0.005,100
ETH/USDT,0,0.01,50
"""


def table(tmp_path, text):
    path = tmp_path / "tiers.csv"
    path.write_text(text, encoding="utf-8")
    return path


def answer(tmp_path, content):
    path = tmp_path / "tiers.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def ccxt(k, floor, cap, rate, leverage, **info):
    """Return a tier as ccxt's fetch_leverage_tiers does."""
    names = ("tier", "symbol", "currency", "minNotional", "maxNotional", "maintenanceMarginRate", "maxLeverage", "info")
    return dict(zip(names, (k, "BTC/USDT:USDT", "USDT", floor, cap, rate, leverage, info), strict=True))


LADDER = [ccxt(1, 0, 50_000, 0.004, 125, bracket=1), ccxt(2, 50_000, 250_000, 0.005, 100, bracket=2)]
READ = (
    bt.Tier(floor=0, maintenance_rate=0.004, max_leverage=125, cap=50_000),
    bt.Tier(floor=50_000, maintenance_rate=0.005, max_leverage=100, cap=250_000),
)


def test_a_table_gives_ladders_by_symbol(tmp_path):
    ladders = bt.read_tiers(table(tmp_path, TABLE))
    assert ladders == {
        "BTC/USDT": (
            bt.Tier(floor=0, maintenance_rate=0.004, max_leverage=125),
            bt.Tier(floor=50_000, maintenance_rate=0.005, max_leverage=100),
        ),
        "ETH/USDT": (bt.Tier(floor=0, maintenance_rate=0.01, max_leverage=50),),
    }
    assert bt.Venue(tiers=ladders).ladder("ETHUSDT")[0].max_leverage == 50


def test_short_rates_caps_and_notes_may_be_columns(tmp_path):
    text = (
        "tier,symbol,floor,maintenance_rate,max_leverage,short_maintenance_rate,cap,source,as_of\n"
        '1,*,0,0.25,2,0.3,,"a, b",2020\n2,*,100,0.25,2,,500,c,2020\n'
    )
    (ladder,) = bt.read_tiers(table(tmp_path, text)).values()
    assert [(each.short_maintenance_rate, each.cap) for each in ladder] == [(0.3, None), (None, 500)]
    venue = bt.Venue(tiers={"*": ladder[:1]})
    assert venue.ladder("SPY")[0].short_rate == 0.3


def test_symbols_pick_ladders(tmp_path):
    path = table(tmp_path, TABLE)
    assert list(bt.read_tiers(path, ["ethusdt"])) == ["ETH/USDT"]
    assert list(bt.read_tiers(str(path), "BTC-USDT")) == ["BTC/USDT"]
    assert list(bt.read_tiers(path, ["ETHUSDT", "BTCUSDT", "ETH/USDT"])) == ["ETH/USDT", "BTC/USDT"]
    with pytest.raises(ConfigError, match=r"^symbols must be in .*tiers\.csv, got 'BTCUSD'; the nearest is 'BTCUSDT'$"):
        bt.read_tiers(path, ["BTCUSD"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there must be a column symbol, got none in .*tiers.csv"),
        ("symbol,floor,max_leverage\n", "there must be a column maintenance_rate, got symbol, floor, max_leverage in"),
        (TABLE.replace("leverage", "leverage,capp", 1), "capp is not a column of tiers, the nearest is cap, in"),
        (TABLE.replace("symbol", "symbol,floor", 1), "floor is there twice in .*tiers.csv"),
        (TABLE + "ETH/USDT,5\n", "each line must have a value, or nothing, for each column, got line 5 of .*tiers.csv"),
        (TABLE + "ETH/USDT,5,0.1,2,2\n", "each line must have a value.* got line 5 of"),
        (TABLE + ",5,0.1,2\n", r"symbol must be given, or '\*' for any, got none in line 5 of .*tiers.csv"),
        (TABLE.replace("0.004", "low"), r"^Tier\.maintenance_rate must be a valid number, .*'low' in line 2 of"),
        (TABLE.replace("0.004", ""), r"^Tier\.maintenance_rate must be a valid number, got None in line 2 of"),
        (TABLE.replace("0.004", "1"), r"^Tier\.maintenance_rate must be less than 1, got 1\.0 in line 2 of"),
        (TABLE.replace("50000", "nan"), r"^Tier\.floor must be a finite number, got nan in line 3 of"),
        (TABLE.replace("50000", "-1"), r"^Tier\.floor must be greater than or equal to 0, got -1\.0 in line 3 of"),
        (
            TABLE.replace(",50\n", ",0.5\n"),
            r"^Tier\.max_leverage must be greater than or equal to 1, got 0\.5 in line 4",
        ),
        (TABLE.replace(",50\n", ",inf\n"), r"^Tier\.max_leverage must be a finite number, got inf in line 4"),
    ],
)
def test_tables_that_are_refused(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        bt.read_tiers(table(tmp_path, text))


def test_a_table_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "tiers.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"^.*tiers\.csv must be a table: "):
        bt.read_tiers(path)


def test_floors_that_fall_in_a_table_are_refused_by_the_venue(tmp_path):
    lines = TABLE.splitlines()
    ladders = bt.read_tiers(table(tmp_path, "\n".join([lines[0], lines[2], lines[1], lines[3]])))
    with pytest.raises(MarginError, match="tiers must start at a floor of 0, got 50000 for BTC/USDT"):
        bt.Venue(tiers=ladders)


def test_an_answer_of_ccxt_gives_ladders_by_symbol(tmp_path):
    ladders = bt.read_tiers(answer(tmp_path, {"BTC/USDT:USDT": LADDER, "ETH/USDT:USDT": LADDER[:1]}))
    assert ladders == {"BTC/USDT:USDT": READ, "ETH/USDT:USDT": READ[:1]}
    venue = bt.Venue(tiers=ladders)
    assert venue.ladder("BTCUSDT")[-1].cap == 250_000
    assert list(bt.read_tiers(tmp_path / "tiers.json", ["ETHUSDT"])) == ["ETH/USDT:USDT"]


@pytest.mark.parametrize(
    "ladder",
    [
        LADDER[::-1],
        [LADDER[0] | {"minNotional": None}, LADDER[1]],
        [{name: value for name, value in tier.items() if name not in ("minNotional", "info")} for tier in LADDER],
        [LADDER[0] | {"maintenanceMarginRate": "0.004"}, LADDER[1]],
    ],
)
def test_order_and_lowest_notionals_may_be_missing(tmp_path, ladder):
    assert bt.read_tiers(answer(tmp_path, {"BTC/USDT:USDT": ladder})) == {"BTC/USDT:USDT": READ}


def test_a_last_tier_without_an_end_has_no_cap(tmp_path):
    ladder = [LADDER[0], LADDER[1] | {"maxNotional": None}]
    assert bt.read_tiers(answer(tmp_path, {"A": ladder}))["A"][-1].cap is None


@pytest.mark.parametrize(
    ("ladder", "message"),
    [
        ([], r"tiers of BTC must be a list of tables, got \[\] in .*tiers\.json"),
        ({"tier": 1}, "tiers of BTC must be a list of tables, got {'tier': 1}"),
        ([5], r"tiers of BTC must be a list of tables, got \[5\]"),
        ([LADDER[0], LADDER[0]], "each tier must have a minNotional of its own, got 0 twice in BTC"),
        (
            [LADDER[0], ccxt(2, 60_000, 250_000, 0.005, 100)],
            "maxNotional must be the minNotional of the next tier, got 50000 before 60000 in BTC of",
        ),
        (
            [ccxt(1, 0, None, 0.004, 125), ccxt(2, None, 250_000, 0.005, 100)],
            "minNotional must be given, or maxNotional of the tier before, got neither in tier 1 of BTC in",
        ),
        ([ccxt(1, 0, 5, None, 125)], "maintenanceMarginRate must be given, got None in tier 0 of BTC in"),
        ([ccxt(1, 0, 5, 0.004, None)], "maxLeverage must be given, got None in tier 0 of BTC in"),
        ([ccxt(1, 0, 5, 0.004, True)], r"^Tier\.max_leverage must not be true or false, got True in tier 0 of BTC in"),
        ([ccxt(1, -1, 5, 0.004, 2)], r"^Tier\.floor must be greater than or equal to 0, got -1 in tier 0 of BTC in"),
        # as ccxt passes on what OKX and HTX answer
        (
            [ccxt(1, 0, 500, 0.004, 125, minSz="0", maxSz="500")],
            r"^minNotional must be money, got a count of contracts \(info\.minSz\) in tier 0 of BTC in",
        ),
        ([ccxt(1, 0, 500, 0.004, 125, min_size="0")], r"got a count of contracts \(info\.min_size\)"),
    ],
)
def test_answers_that_are_refused(tmp_path, ladder, message):
    with pytest.raises(ConfigError, match=message):
        bt.read_tiers(answer(tmp_path, {"BTC": ladder}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"^.*tiers\.json must be a JSON file: "),
        ([1], r"^.*tiers\.json must hold lists of tiers by symbol, as ccxt answers, got \[1\]$"),
        ({}, r"^.*tiers\.json must hold lists of tiers by symbol, as ccxt answers, got {}$"),
    ],
)
def test_files_that_are_no_answers(tmp_path, content, message):
    with pytest.raises(ConfigError, match=message):
        bt.read_tiers(answer(tmp_path, content))


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^tiers must be in a \.csv or a \.json file, got .*tiers\.xlsx$"):
        bt.read_tiers(tmp_path / "tiers.xlsx")
    with pytest.raises(FileNotFoundError):
        bt.read_tiers(tmp_path / "none.csv")

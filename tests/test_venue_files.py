"""Venues in files of the user's own: TOML, and the format of the presets."""

import json
from pathlib import Path

import pytest

import backtest as bt
from backtest.errors import ConfigError, MarginError
from backtest.terms.presets import read_preset

MINE = """
as_of = 2025-01-01
source = "the rule book"
taker_fee = "0.001"
liquidation = "restore"
target-ratio = 1.5
[symbols]
BITCOIN = "BTCUSDT"
[call]
level = 1.25
grace = 2
deposit = "reserve"
[multiplier]
BTCUSDT = 100
[[tiers.BTCUSDT]]
floor = 0
maintenance-rate = 0.01
max_leverage = 20
[[tiers.BTCUSDT]]
floor = 1000
maintenance_rate = 0.02
short_maintenance_rate = 0.03
max_leverage = 10
cap = 5000
"""
ONE = "[[tiers]]\nfloor = 0\nmaintenance_rate = 0.01\nmax_leverage = 20\n"
TIERS = (
    bt.Tier(floor=0, maintenance_rate=0.01, max_leverage=20),
    bt.Tier(floor=1000, maintenance_rate=0.02, max_leverage=10, short_maintenance_rate=0.03, cap=5000),
)


def mine(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_ones_own_is_a_venue(tmp_path):
    path = mine(tmp_path, MINE)
    expected = bt.Venue(
        name="mine",
        as_of="2025-01-01",
        source="the rule book",
        taker_fee=0.001,
        liquidation="restore",
        target_ratio=1.5,
        symbols={"BITCOIN": "BTCUSDT"},
        call=bt.MarginCall(level=1.25, grace=2, deposit="reserve"),
        multiplier={"BTCUSDT": 100},
        tiers={"BTCUSDT": TIERS},
    )
    assert bt.venue(path) == bt.venue(str(path)) == expected
    changed = bt.venue(path, taker_fee=0, symbols={"XBT": "BTCUSDT"}, name="other")
    assert (changed.taker_fee, changed.name) == (0, "other")
    assert changed.symbols == {"BITCOIN": "BTCUSDT", "XBT": "BTCUSDT"}


def test_one_ladder_is_for_all_symbols(tmp_path):
    venue = bt.venue(mine(tmp_path, ONE))
    assert venue.ladder("ANY") == TIERS[:1]
    assert (venue.as_of, venue.source) == ("", "")


def test_tiers_are_read_from_a_file_beside_it(tmp_path, monkeypatch):
    folder = tmp_path / "venues"
    folder.mkdir()
    (folder / "tiers.csv").write_text("symbol,floor,maintenance_rate,max_leverage\n*,0,0.01,20\n")
    path = mine(folder, "tiers = 'tiers.csv'\n")
    monkeypatch.chdir(tmp_path)
    assert bt.venue("venues/mine.toml") == bt.venue(path) == bt.Venue(name="mine", tiers=TIERS[:1])
    tier = {"tier": 1, "minNotional": 0, "maxNotional": None, "maintenanceMarginRate": 0.01, "maxLeverage": 20}
    (folder / "tiers.json").write_text(json.dumps({"BTC/USDT:USDT": [tier]}))
    mine(folder, "tiers = 'tiers.json'\n")
    assert bt.venue("venues/mine.toml").ladder("BTCUSDT") == TIERS[:1]
    mine(folder, "tiers = 'none.json'\n")
    with pytest.raises(FileNotFoundError, match=r"none\.json"):
        bt.venue(path)


def test_a_file_may_change_a_preset(tmp_path):
    path = mine(tmp_path, "preset = 'binance_usdm'\nas_of = 2025-01-01\ntaker_fee = 0\n")
    assert bt.venue(path) == bt.venue("binance_usdm", as_of="2025", taker_fee=0)
    assert bt.venue(path, as_of="2026-10", slippage=0.1) == bt.venue("binance_usdm", taker_fee=0, slippage=0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("taker_fee == 0", r"^.*mine\.toml must be a TOML file: .*line 1"),
        ("takerfee = 0\n" + ONE, r"^takerfee is not a setting in .*mine\.toml; the nearest is taker_fee$"),
        ("taker_fee = 0", r"^Venue\.tiers must be given$"),
        ("taker_fee = true\n" + ONE, r"^Venue\.taker_fee must not be true or false, got True$"),
        ("call = 1.25\n" + ONE, r"^call must be a table, got 1\.25 in .*mine\.toml$"),
        ("call = {levl = 1.25}\n" + ONE, r"^levl is not a setting in call of .*mine\.toml; the nearest is level$"),
        ("call = {level = 1, grace = 1}\n" + ONE, r"^MarginCall\.deposit must be 'reserve' or 'none' where grace"),
        ("liquidation = 'restore'\n" + ONE, r"^Venue\.target_ratio must be given with liquidation 'restore'"),
        ("tiers = 3", r"^tiers must be an array of tables, a table of such arrays by symbol, or a file, got 3$"),
        ("tiers = 'tiers.txt'", r"^tiers must be in a \.csv or a \.json file, got .*tiers\.txt$"),
        ("tiers = [{flor = 0}]", r"^flor is not a setting in tier 0; the nearest is floor$"),
        ("preset = 'binance'", r"^venue must be one of binance_coinm, .* got 'binance'$"),
        ("preset = 'mine.toml'", r"^venue must be one of binance_coinm, .* got 'mine\.toml'$"),
        ("preset = 'reg_t'\nname = 'x'", r"^name is what a preset has already, 'reg_t', got 'x'$"),
        ("symbols = 3\n" + ONE, r"^Venue\.symbols must be a dict, got 3$"),
    ],
)
def test_files_that_are_refused(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        bt.venue(mine(tmp_path, text))


def test_days_and_kinds_of_files_that_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^as_of picks the tiers of a preset, got '2024' for .*mine\.toml$"):
        bt.venue(mine(tmp_path, ONE), as_of="2024")
    with pytest.raises(ConfigError, match=r"^the file of a venue must end in \.toml or \.json, got mine\.yaml$"):
        bt.venue(Path("mine.yaml"))
    with pytest.raises(MarginError, match=r"^tiers must start at a floor of 0, got 5$"):
        bt.venue(mine(tmp_path, ONE.replace("floor = 0", "floor = 5")))
    with pytest.raises(FileNotFoundError):
        bt.venue("nowhere.toml")


SAID = {
    "title": "A venue",
    "figures": {
        "taker_fee": {"value": 0.001, "as_of": "2025", "source": "x"},
        "call": {"value": {"level": 1.25, "grace": 1, "deposit": "none"}, "as_of": "2025", "source": "x"},
    },
    "tiers": [{"file": "mine.csv", "as_of": "2025", "source": "x"}],
}


def said(tmp_path, change=None):
    """Return the path of a file in the format of the presets."""
    (tmp_path / "mine.csv").write_text("symbol,floor,maintenance_rate,max_leverage\n*,0,0.01,20\n")
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**SAID, **(change or {})}))
    return path


def test_a_file_in_the_format_of_presets_is_a_venue(tmp_path):
    venue = bt.venue(said(tmp_path), slippage=0.1)
    call = bt.MarginCall(level=1.25, grace=1, deposit="none")
    assert venue == bt.Venue(
        tiers=TIERS[:1], taker_fee=0.001, call=call, slippage=0.1, name="mine", as_of="2025", source="x"
    )
    (tmp_path / "mine.csv").write_text("symbol,floor,maintenance_rate,max_leverage\n*,0,0.02,20\n")
    assert bt.venue(tmp_path / "mine.json").tiers[0].maintenance_rate == 0.02


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": ""}, r"^title must be text, got '' in .*mine\.json$"),
        ({"titel": "x"}, r"^titel is not a setting in .*mine\.json; the nearest is title$"),
        ({"figures": []}, r"^figures must be a table, got \[\] in .*mine\.json$"),
        ({"tiers": []}, r"^tiers must be a list, got \[\] in .*mine\.json$"),
        ({"notes": "x"}, r"^notes must be a list of texts, got 'x' in .*mine\.json$"),
        ({"figures": {"fee": 1}}, r"^fee is not a setting in figures of .*mine\.json; the nearest is "),
        ({"figures": {"tiers": 1}}, r"^tiers is not a setting in figures of .*mine\.json; the nearest is "),
        (
            {"figures": {"taker_fee": 1}},
            r"^there must be a table with value, as_of, source, got 1 in figure taker_fee of",
        ),
        (
            {"figures": {"taker_fee": {"value": 1, "as_of": "2025"}}},
            r"^source must be given, got none in figure taker_fee of .*mine\.json$",
        ),
        (
            {"figures": {"taker_fee": {"value": 1, "as_of": 2025, "source": "x"}}},
            r"^as_of must be text, got 2025 in figure taker_fee of .*mine\.json$",
        ),
        (
            {"figures": {"taker_fee": {"value": -1, "as_of": "2025", "source": "x"}}},
            r"^Venue\.taker_fee must be greater than or equal to 0, got -1$",
        ),
        (
            {"figures": {"call": {"value": 1, "as_of": "2025", "source": "x"}}},
            r"^call must be a table, got 1 in .*mine\.json$",
        ),
        ({"tiers": [{"file": "mine.csv"}]}, r"^as_of must be given, got none in tiers 0 of .*mine\.json$"),
    ],
)
def test_presets_that_are_refused(tmp_path, change, message):
    with pytest.raises(ConfigError, match=message):
        bt.venue(said(tmp_path, change))


def test_a_preset_that_is_no_json_or_lacks_its_title(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text("{")
    with pytest.raises(ConfigError, match=r"^.*mine\.json must be a JSON file: "):
        read_preset(path)
    path.write_text("{}")
    with pytest.raises(ConfigError, match=r"^title must be given, got none in .*mine\.json$"):
        read_preset(path)
    path.write_text("[]")
    with pytest.raises(
        ConfigError, match=r"^there must be a table with title, figures, tiers, got \[\] in .*mine\.json$"
    ):
        read_preset(path)

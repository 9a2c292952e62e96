"""The settings file: what it may hold, and what wins over it."""

import re

import pytest
from shell import BTC, CROSS, DATA, ETH, HOLD, MOMENTUM, TIERS, VENUE, bars_file, config_file, fact

import backtest as bt
from backtest.command_line.configuration import account_of, settings_of, venue_of


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
    assert fact(out, "venue") == "binance_usdm as of 2024-10-24, later than the bars"
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
    venue = venue_of(settings_of({"config": str(config)}), ("BTCUSDT",))
    tiers = (
        bt.Tier(floor=0, maintenance_rate=0.01, max_leverage=20),
        bt.Tier(floor=1e6, maintenance_rate=0.02, max_leverage=10),
    )
    assert venue == bt.Venue(tiers={"BTCUSDT": tiers}, taker_fee=0.002, name="mine", as_of="2025-01-01")


OWN = """
as_of = 2025-01-01
taker_fee = 0.001
tiers = "tiers.csv"
[call]
level = 1.25
grace = 2
deposit = "none"
"""


def test_a_venue_can_be_a_file_of_its_own(tmp_path, monkeypatch):
    folder = tmp_path / "venues"
    folder.mkdir()
    (folder / "tiers.csv").write_text("symbol,floor,maintenance_rate,max_leverage\n*,0,0.01,20\n")
    (folder / "mine.toml").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    config = config_file(tmp_path, "venue = 'venues/mine.toml'\nslippage = 0.01\n")
    tier = bt.Tier(floor=0, maintenance_rate=0.01, max_leverage=20)
    margin_call = bt.MarginCall(level=1.25, grace=2, deposit="none")
    expected = {"tiers": [tier], "taker_fee": 0.001, "call": margin_call, "name": "mine", "as_of": "2025-01-01"}
    assert venue_of(settings_of({"config": str(config)}), ("BTCUSDT",)) == bt.Venue(**expected, slippage=0.01)
    given = {"venue": "venues/mine.toml", "liquidation": "restore", "target_ratio": "1.5", "symbol_map": {"A": "B"}}
    assert venue_of(given, ("A",)) == bt.Venue(**expected, liquidation="restore", target_ratio=1.5, symbols={"A": "B"})


def test_new_settings_may_stand_in_the_file_or_on_the_command_line(tmp_path):
    config = config_file(
        tmp_path,
        """
        cash = 2
        on_liquidation = "refill"
        reserve = 500
        currency = "base"
        liquidation = "share"
        liquidation_share = 0.2
        insurance_fund = 0
        [call]
        level = 1.5
        grace = 1
        deposit = "none"
        [multiplier]
        BTCUSD = 100
        [venue]
        preset = "binance_coinm"
        """,
    )
    account = account_of(settings_of({"reserve": "600", "config": str(config)}))
    assert account == bt.Account(cash=2, on_liquidation="refill", reserve=600, currency="base")
    venue = venue_of(settings_of({"liquidation_share": "0.5", "config": str(config)}), ("BTCUSD",))
    changes = {"call": bt.MarginCall(level=1.5, grace=1, deposit="none"), "multiplier": {"BTCUSD": 100}}
    assert venue == bt.venue("binance_coinm", liquidation="share", liquidation_share=0.5, insurance_fund=0, **changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("leverege = 3", r"leverege is not a setting in .*run\.toml; the nearest is leverage"),
        ("param = 3", r"param is not a setting in .*run\.toml; the nearest is params"),
        ("[venue]\ntakerfee = 0", r"takerfee is not a setting in \[venue\] of .*; the nearest is taker_fee"),
        ("[venue]\ntiers = [{flor = 0}]", "flor is not a setting in tier 0; the nearest is floor"),
        ("[venue]\ntiers = [{floor = 0}]", r"Tier\.maintenance_rate must be given"),
        ("[venue]\ntiers = 3", "tiers must be an array of tables, a table of such arrays by symbol, or a file, got 3"),
        ("[venue]\ntiers = 'none.csv'", "No such file or directory: none.csv"),
        ("[venue]\npreset = 'binance'", r"venue must be one of binance_coinm, .*, or a \.toml file, got 'binance'"),
        ("[venue]\ntaker_fee = 0", r"Venue\.tiers must be given"),
        ("venue = 3", r"a venue must be given: binance_coinm, .*, a \.toml file, or a .* got 3"),
        ("venue = 'none.toml'", "No such file or directory: none.toml"),
        ("call = 1.5", r"call must be a table, got 1\.5 in .*run\.toml"),
        ("[call]\nlevl = 1.5", r"levl is not a setting in call of .*run\.toml; the nearest is level"),
        ("[call]\nlevel = 0.5", r"MarginCall\.level must be greater than or equal to 1, got 0\.5"),
        ("[venue]\ncall = 1", r"call must be a table, got 1 in \[venue\]"),
        (
            "reentry = 'never'\nvenue = 'binance_usdm'",
            r"\(--on-liquidation stop in the shell\)",
        ),
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

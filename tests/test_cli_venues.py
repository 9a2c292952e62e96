"""The command about venues: a short list, all of one, and files that are checked."""

import json
import re

import pytest
from scenes import venue_of
from shell import fact

from backtest.command_line.wording import rules
from backtest.terms.presets import preset_names

MINE = """
taker_fee = 0.001
liquidation = "share"
liquidation_share = 0.2
liquidation_floor = 100000
cooldown = 30
backstop = 0.5
fee_in_maintenance = 0.0005
fee_in_maintenance_at = "bankruptcy"
funding_from = "wallet"
residual = "forfeit"
breach = "below"
target_ratio = 1.5
insurance_fund = 5000
minimum_notional = 5
lot_size = {BTCUSDT = 0.001}
[call]
level = 1.25
grace = 1
deposit = "reserve"
[[tiers.BTCUSDT]]
floor = 0
maintenance_rate = 0.01
short_maintenance_rate = 0.015
max_leverage = 20
[[tiers.BTCUSDT]]
floor = 1000
maintenance_rate = 0.02
max_leverage = 10
cap = 5000
"""


@pytest.fixture
def mine(tmp_path):
    """Return a function that writes a venue's file and returns its path."""

    def write(text, name="mine.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_venues_lists_each_preset_in_a_few_lines(call):
    code, out, err = call("venues")
    assert (code, err) == (0, "")
    blocks = out.strip().split("\n\n")
    assert [block.split(":")[0] for block in blocks[:-1]] == preset_names()
    assert max(len(block.splitlines()) for block in blocks) <= 10
    assert max(len(line) for block in blocks[:-1] for line in block.splitlines()) <= 80
    assert blocks[-1].startswith("backtest venues NAME prints all of one")
    block = blocks[preset_names().index("binance_usdm")]
    assert block.startswith("binance_usdm: Binance USD-M perpetual futures\n")
    assert fact(block, "tiers") == "858 symbols, 6 817 tiers, linear, as of 2026-09"
    assert fact(block, "costs") == "taker fee 0.0005, liquidation fee 0.0125"
    assert fact(block, "breach").startswith("at the requirement or below closes the whole position; what is left")
    assert fact(block, "source").startswith("Binance USD-M leverage brackets")
    block = blocks[preset_names().index("reg_t")]
    assert fact(block, "tiers") == "1 tier for any symbol, linear, as of 2026-11-24"
    assert fact(block, "breach").startswith("a margin call, then liquidation; below the requirement closes as much as")


@pytest.mark.parametrize("name", preset_names())
def test_all_of_a_preset_fits_in_80_columns(call, name):
    code, out, err = call("venues", name)
    assert (code, err) == (0, "")
    tables = out.split("note: ")[0]
    assert max(map(len, tables.splitlines())) <= 80
    assert "…" not in tables
    assert "note: " in out


def test_a_preset_is_printed_with_dates_and_sources(call):
    _, out, _ = call("venues", "binance_usdm")
    assert re.search(r"^binance_usdm: Binance USD-M perpetual futures$", out, re.MULTILINE)
    assert re.search(r"^2026-09 +858 +[\d ]+ +Binance USD-M leverage brackets", out, re.MULTILINE)
    assert re.search(r"^2024-10-24 +6 ", out, re.MULTILINE)
    assert re.search(r"^2026-09 +taker fee 0.0005 +Binance", out, re.MULTILINE)
    assert re.search(r"^2026-09 +liquidation fee 0.0125 +Binance", out, re.MULTILINE)
    assert "858 symbols, 6 817 tiers: --symbol SYMBOL prints those of one." in out
    assert re.search(r"^note: cross: the order", out, re.MULTILINE)
    _, out, _ = call("venues", "binance_coinm")
    assert fact(out, "contract").startswith("inverse: quantities in quote units, money in the coin")
    assert re.search(r"multiplier BTC/USD:BTC 100", out)


def test_a_symbol_is_printed_with_its_tiers(call):
    _, out, _ = call("venues", "binance_usdm", "--symbol", "btc-usdt")
    assert "tiers of btc-usdt\n" in out
    assert re.search(r"^ +300 000.00 +0.005 +100.00x$", out, re.MULTILINE)
    assert "--symbol SYMBOL" not in out
    _, out, _ = call("venues", "okx_swap")
    assert re.search(r"^tiers of BTC/USDT:USDT$", out, re.MULTILINE)
    assert re.search(r"^cap 20 000 000.00", out, re.MULTILINE)
    _, out, _ = call("venues", "reg_t")
    assert re.search(r"^tiers of any symbol\nfrom notional +maintenance +of shorts +leverage up to$", out, re.MULTILINE)
    assert re.search(r"^ +0.00 +0.25 +0.3 +2.00x$", out, re.MULTILINE)


def test_a_checked_file_is_printed_as_it_is_understood(call, mine):
    code, out, err = call("venues", "--check", mine(MINE))
    assert (code, err) == (0, "")
    assert re.match(r"mine: .*mine\.toml, as it is understood\n", out)
    flat = " ".join(out.split())
    assert "linear: quantities in base units, money in quote; lots of their own by symbol; at least 5" in flat
    assert "at the mark price, plus 0.0005 of the notional at the bankruptcy price" in flat
    assert fact(out, "breach") == "below the requirement"
    assert "below 1.25x the requirement, 1 bar of grace, a deposit from the reserve up to 1.5x" in flat
    assert "0.2 of a position whose notional is above 100 000, 30 s or more after the last such close, else" in flat
    assert "below 0.5 of the requirement everything" in flat
    assert fact(out, "insurance") == "a fund of 5 000.00"
    assert fact(out, "costs") == "taker fee 0.001"
    assert re.search(r"^ +1 000.00 +0.02 +0.02 +10.00x$", out, re.MULTILINE)
    assert "Without as_of and source: say where the figures are from, and of when." in out
    assert fact(out, "taker fee") == "0.001"
    assert fact(out, "lot size") == "BTCUSDT 0.001"
    assert fact(out, "call").startswith("below 1.25x")
    assert max(map(len, out.splitlines()[1:])) <= 80


@pytest.mark.parametrize(
    ("settings", "label", "sentence"),
    [
        ({}, "requirement", "the tiers' rates of the notional at the mark price"),
        ({"maintenance_on": "entry"}, "requirement", "the tiers' rates of the notional at the entry price"),
        (
            {"fee_in_maintenance": 0.001},
            "requirement",
            "the tiers' rates of the notional at the mark price, each rate plus 0.001",
        ),
        ({}, "call", None),
        ({"call": {"level": 1.5}}, "call", "at or below 1.5x the requirement, answered by liquidation at once"),
        (
            {"call": {"level": 1.5, "grace": 3, "deposit": "none", "close_below": 1.2}},
            "call",
            "at or below 1.5x the requirement, 3 bars of grace, no deposit; closed at once below 1.2x",
        ),
        ({"liquidation": "share", "liquidation_share": 0.25}, "closes", "0.25 of a position"),
        (
            {"liquidation": "share", "liquidation_share": 0.25, "cooldown": 30},
            "closes",
            "0.25 of a position, 30 s or more after the last such close, else all of it",
        ),
        (
            {"liquidation": "restore", "target_ratio": 1.2},
            "closes",
            "as much as brings the balance to 1.2x the requirement",
        ),
        ({"liquidation_order": "largest_loss"}, "cross", "the position with the largest loss goes first"),
        (
            {"contract": "inverse", "multiplier": 100},
            "contract",
            "inverse: quantities in quote units, money in the coin; contracts of 100",
        ),
        ({"insurance_fund": 1000}, "insurance", "a fund of 1 000.00"),
        ({}, "costs", "none"),
    ],
)
def test_rules_are_said_in_words(settings, label, sentence):
    assert rules(venue_of(**settings)).get(label) == sentence


def test_a_file_with_its_sources_is_not_asked_for_them(call, mine):
    both = "as_of = 2025-01-01\nsource = 'the rule book'\n"
    assert "Without" not in call("venues", "--check", mine(both + MINE))[1]
    assert "Without source: say" in call("venues", "--check", mine("as_of = 2025-01-01\n" + MINE))[1]
    _, out, _ = call("venues", "--check", mine("preset = 'binance_usdm'\ntaker_fee = 0.001\n"))
    assert "Without" not in out
    assert "858 symbols, 6 817 tiers: --symbol SYMBOL prints those of one." in out
    _, out, _ = call("venues", "--check", mine("preset = 'binance_usdm'\n"), "--symbol", "BTCUSDT")
    assert "tiers of BTCUSDT\n" in out


def test_a_preset_of_ones_own_is_checked_too(call, mine):
    figures = {"taker_fee": {"value": 0.001, "as_of": "2025", "source": "the rule book"}}
    tiers = [{"file": "tiers.csv", "as_of": "2025", "source": "the rule book"}]
    path = mine(json.dumps({"title": "My venue", "figures": figures, "tiers": tiers}), "mine.json")
    mine("symbol,floor,maintenance_rate,max_leverage\n*,0,0.01,20\n", "tiers.csv")
    code, out, err = call("venues", "--check", path)
    assert (code, err) == (0, "")
    assert out.startswith("mine: My venue\n")
    assert re.search(r"^2025 +taker fee 0.001 +the rule book$", out, re.MULTILINE)
    assert re.search(r"^2025 +any +1 +the rule book$", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "taker_fee = -1\n" + MINE.replace("taker_fee = 0.001", ""),
            r"^Venue\.taker_fee must be greater than",
        ),
        (
            MINE.replace("cap = 5000", "cap = 500"),
            r"^cap must be above the floor, got 500 <= 1000 in tier 1 for",
        ),
        (
            MINE.replace("liquidation_share = 0.2", ""),
            r"^Venue\.liquidation_share must be given with",
        ),
        (MINE.replace("[call]", "[cal]"), r"^cal is not a setting in .*mine\.toml; the nearest is call$"),
        (MINE.replace("grace = 1", "grace = 1.5"), r"^MarginCall\.grace must be a whole number, got 1\.5$"),
        ("", r"^Venue\.tiers must be given$"),
    ],
)
def test_a_file_that_is_wrong_is_one_line(refused, mine, text, message):
    assert re.search(message, refused("venues", "--check", mine(text)))

"""Presets: their figures, their dates, and how symbols are matched."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import backtest as bt
from backtest.errors import ConfigError
from backtest.records import highest_notional, tier_records
from backtest.venues import canonical_symbol, preset_names

# Binance's own maintenance amounts for BTCUSDT, by tier, as published beside the tiers
BTCUSDT_2026 = [0, 300, 1500, 12000, 132000, 482000, 2982000, 14482000, 26482000, 41482000, 121482000, 421482000]
BTCUSDT_2024 = [0, 50, 950, 11450, 131450, 481450, 2981450, 14481450, 26481450, 41481450, 121481450, 421481450]


@pytest.mark.parametrize(("as_of", "amounts"), [(None, BTCUSDT_2026), ("2025-06-30", BTCUSDT_2024)])
def test_deductions_are_the_published_maintenance_amounts(as_of, amounts):
    ladder = bt.venue("binance_usdm", as_of=as_of).ladder("BTCUSDT")
    assert tier_records(ladder, 0.0)["deduction"].tolist() == pytest.approx(amounts, abs=1e-6)


def test_preset_has_the_published_figures():
    venue = bt.venue("binance_usdm")
    assert (venue.taker_fee, venue.liquidation_fee, venue.slippage) == (0.0005, 0.0125, 0.0)
    assert len(venue.tiers) == 858
    first = venue.ladder("BTCUSDT")[0]
    assert (first.floor, first.maintenance_rate, first.max_leverage) == (0, 0.004, 150)
    assert venue.as_of == "2026-09"
    assert "freqtrade 2026.9" in venue.source


def test_as_of_picks_the_newest_tiers_published_by_then():
    assert bt.venue("binance_usdm", as_of="2024-10-24").as_of == "2024-10-24"
    assert bt.venue("binance_usdm", as_of="2026-08-31").as_of == "2024-10-24"
    assert bt.venue("binance_usdm", as_of="2026-09-01").as_of == "2026-09"
    with pytest.raises(ConfigError, match="as_of must not be before the first tiers of binance_usdm, 2024-10-24, got"):
        bt.venue("binance_usdm", as_of="2024-10-23")
    with pytest.raises(ConfigError, match="as_of must be a date, got 'soon'"):
        bt.venue("binance_usdm", as_of="soon")


@pytest.mark.parametrize("day", [date(2025, 1, 1), pd.Timestamp("2025-01-01", tz="UTC"), np.datetime64("2025-01-01")])
def test_as_of_may_be_any_date(day):
    assert bt.venue("binance_usdm", as_of=day).as_of == "2024-10-24"


@pytest.mark.parametrize("day", [True, 2025, [], b"x", Decimal(3), pd.NaT, pd.NA, ""])
def test_as_of_that_is_no_date(day):
    with pytest.raises(ConfigError, match=r"^as_of must be a date, got "):
        bt.venue("binance_usdm", as_of=day)


@pytest.mark.parametrize(
    "symbol", ["BTCUSDT", "btcusdt", "BTC/USDT", "BTC/USDT:USDT", "BTC-USDT", "btc_usdt", "BTC-USDT-SWAP", "BTCUSDT.P"]
)
def test_base_and_quote_are_matched_however_they_are_written(symbol):
    assert canonical_symbol(symbol) == "BTCUSDT"
    assert bt.venue("binance_usdm").ladder(symbol) == bt.venue("binance_usdm").ladder("BTCUSDT")


def test_no_two_contracts_of_the_preset_share_a_name():
    names = [canonical_symbol(symbol) for symbol in bt.venue("binance_usdm").tiers]
    assert len(set(names)) == len(names)


def test_symbols_map_what_is_not_the_same():
    mapped = bt.venue("binance_usdm", symbols={"BTCUSD": "BTCUSDT"})
    assert mapped.ladder("BTCUSD") == mapped.ladder("BTCUSDT")


def test_unknown_symbol_names_the_nearest():
    with pytest.raises(
        ConfigError, match="must be listed by venue binance_usdm, got 'BTCUSD'; the nearest is 'BTCUSDT'"
    ):
        bt.venue("binance_usdm").ladder("BTCUSD")


@pytest.mark.parametrize(
    ("symbol", "nearest"),
    [
        ("XBTUSD", "BTCUSDT"),
        ("SHIBUSDT", "1000SHIBUSDT"),
        ("SHIB/USD", "1000SHIBUSDT"),
        ("MOGUSDT", "1000000MOGUSDT"),
        ("BABYDOGEUSDT", "1MBABYDOGEUSDT"),
        ("1000BTCUSDT", "BTCUSDT"),
        ("BTC", "BTCUSDT"),
        ("BTCFDUSD", "BTCUSDT"),
        ("DODGEUSDT", "DOGEUSDT"),
    ],
)
def test_the_nearest_symbol_is_of_the_same_coin(symbol, nearest):
    with pytest.raises(ConfigError, match=f"the nearest is '{nearest}'.*; as of 2026-09 it lists 858 symbols$"):
        bt.venue("binance_usdm").ladder(symbol)


def test_a_smaller_table_says_how_small_it_is():
    with pytest.raises(ConfigError, match=r"got 'ADAUSDT'; the nearest is .*; as of 2024-10-24 it lists 6 symbols$"):
        bt.venue("binance_usdm", as_of="2025").ladder("ADAUSDT")


def test_a_symbol_mapped_to_an_unknown_one_names_that():
    with pytest.raises(ConfigError, match=r"got 'FOO'; the nearest is 'FOGOUSDT': symbols=.'BTCUSDT': 'FOGOUSDT'."):
        bt.venue("binance_usdm", symbols={"BTCUSDT": "FOO"}).ladder("BTCUSDT")


@pytest.mark.parametrize("name", [[], {}, None, "../presets/binance_usdm", "binance_usdm\0"])
def test_names_that_are_no_preset(name):
    with pytest.raises(ConfigError, match=r"^venue must be one of binance_usdm, got "):
        bt.venue(name)


def test_a_preset_has_its_name_already():
    with pytest.raises(ConfigError, match=r"^name is what a preset has already, 'binance_usdm', got 'x'$"):
        bt.venue("binance_usdm", name="x")


@pytest.mark.parametrize("symbols", [[], pd.Series({"A": "B"})])
def test_symbols_that_are_no_dict(symbols):
    with pytest.raises(ConfigError, match=r"^Venue\.symbols must be a dict, got "):
        bt.venue("binance_usdm", symbols=symbols)


def test_unknown_preset_names_those_that_exist():
    assert "binance_usdm" in preset_names()
    with pytest.raises(ConfigError, match=r"venue must be one of .*binance_usdm.*, got 'binance'"):
        bt.venue("binance")


def test_changes_replace_the_presets_settings():
    assert bt.venue("binance_usdm", slippage=0.001, taker_fee=0.0002).taker_fee == 0.0002
    with pytest.raises(ConfigError, match=r"Venue\.slipage is not a setting of Venue"):
        bt.venue("binance_usdm", slipage=0.001)


def test_highest_notional_is_the_floor_of_the_first_tier_that_forbids_the_leverage():
    ladder = bt.venue("binance_usdm").ladder("BTCUSDT")
    assert highest_notional(ladder, 100) == 800_000
    assert highest_notional(ladder, 100.5) == 300_000
    assert highest_notional(ladder, 1) == float("inf")

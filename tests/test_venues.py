"""Venues: symbols matched however they are written, and figures that differ by symbol."""

import re

import pytest
from scenes import venue_of

import backtest as bt
from backtest.errors import ConfigError
from backtest.terms.symbols import base_of, canonical_symbol, listed_name, twins

TIER = (0, 0.01, 50)
CHEAP, DEAR = (0, 0.02, 20), (0, 0.1, 5)


@pytest.mark.parametrize(
    "symbol", ["BTCUSDT", "btcusdt", "BTC/USDT", "BTC/USDT:USDT", "BTC-USDT", "btc_usdt", "BTC-USDT-SWAP", "BTCUSDT.P"]
)
def test_base_and_quote_are_matched_however_they_are_written(symbol):
    assert canonical_symbol(symbol) == "BTCUSDT"
    venue = bt.venue("binance_usdm")
    assert venue.ladder(symbol) == venue.ladder("BTCUSDT")
    assert venue_of({"BTC/USDT:USDT": [CHEAP]}, multiplier={symbol: 7}).figure("multiplier", "BTC/USDT") == 7


@pytest.mark.parametrize(
    ("symbol", "canonical", "base"),
    [
        ("BTC/USD:BTC", "BTCUSD", "BTC"),
        ("BTCUSD_PERP", "BTCUSD", "BTC"),
        ("BTC-USD-SWAP", "BTCUSD", "BTC"),
        ("XBTUSD", "XBTUSD", "BTC"),
        ("BTC/USDT:USDT-261225", "BTCUSDT261225", "BTC"),
        ("BTCUSDT_261225", "BTCUSDT261225", "BTC"),
        ("ETHUSD_261225", "ETHUSD261225", "ETH"),
        ("1000SHIB/USDT:USDT", "1000SHIBUSDT", "SHIB"),
        ("SPY", "SPY", "SPY"),
    ],
)
def test_symbols_and_their_coins(symbol, canonical, base):
    assert canonical_symbol(symbol) == canonical
    assert base_of(canonical) == base
    assert venue_of().base(symbol) == base


def test_a_delivery_is_not_the_perpetual():
    venue = venue_of({"BTC/USDT:USDT": [CHEAP], "BTC/USDT:USDT-261225": [DEAR]})
    assert venue.ladder("BTCUSDT")[0].max_leverage == 20
    assert venue.ladder("BTCUSDT_261225")[0].max_leverage == 5


def test_the_coin_is_that_of_the_mapped_symbol():
    assert venue_of(symbols={"ETHUSD": "BTC/USD"}).base("ETHUSD") == "ETH"  # whosever tiers it takes


def test_a_star_stands_for_the_symbols_that_are_not_named():
    venue = venue_of({"BTCUSDT": [CHEAP], "*": [DEAR]}, lot_size={"BTCUSDT": 0.001, "*": 1})
    assert venue.ladder("BTC/USDT")[0].max_leverage == 20
    assert venue.ladder("ETHUSDT")[0].max_leverage == 5
    assert (venue.figure("lot_size", "BTC/USDT"), venue.figure("lot_size", "ETHUSDT")) == (0.001, 1)
    assert venue_of({"*": [DEAR]}) == venue_of([DEAR])


def test_a_figure_of_all_symbols_is_that_of_each():
    venue = venue_of(multiplier=100, lot_size=1, minimum_notional=5)
    assert [venue.figure(name, "S0") for name in ("multiplier", "lot_size", "minimum_notional")] == [100, 1, 5]
    assert [venue_of().figure(name, "S0") for name in ("multiplier", "lot_size", "minimum_notional")] == [1, 0, 0]


def test_figures_follow_the_map_of_symbols():
    assert venue_of(symbols={"BITCOIN": "BTC/USD"}, multiplier={"BTCUSD": 100}).figure("multiplier", "BITCOIN") == 100


@pytest.mark.parametrize("setting", ["multiplier", "lot_size", "minimum_notional"])
def test_figures_by_symbol_must_hold_the_symbol(setting):
    venue = venue_of(**{setting: {"BTCUSDT": 1, "SOLUSDT": 2}})
    message = (
        rf"^Venue\.{setting} must be given for 'ETHUSDT', or for '\*', all others, got \['BTCUSDT', 'SOLUSDT'\] on"
    )
    with pytest.raises(ConfigError, match=message):
        venue.figure(setting, "ETHUSDT")


def test_names_of_one_symbol_are_twins():
    assert twins(["BTCUSDT", "ETHUSDT", "BTC/USDT:USDT"]) == ("BTCUSDT", "BTC/USDT:USDT")
    assert twins(["BTCUSDT", "BTCUSD", "*"]) is None
    assert twins([]) is None


def test_the_name_as_it_stands_goes_before_any_other():
    assert listed_name("BTC-USD", ["BTC/USD", "BTC-USD"]) == "BTC-USD"
    assert listed_name("ETH-USD", ["BTC/USD"]) is None
    assert listed_name("ETH-USD", ["BTC/USD", "*"]) == "*"


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
    with pytest.raises(ConfigError, match=r"got 'FOO'; the nearest is 'FOGOUSDT', another coin; as of"):
        bt.venue("binance_usdm", symbols={"BTCUSDT": "FOO"}).ladder("BTCUSDT")


@pytest.mark.parametrize(
    ("venue", "text"),
    [
        (venue_of([TIER]), r"^Venue\(custom: 1 tier, taker_fee=0, slippage=0, liquidation_fee=0\)$"),
        (venue_of({"A": [TIER], "B": [TIER]}, as_of="2020"), r"^Venue\(custom as of 2020: 2 symbols, taker_fee=0"),
    ],
)
def test_the_text_of_a_venue_is_short(venue, text):
    assert re.search(text, str(venue))

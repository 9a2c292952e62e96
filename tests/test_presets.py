"""Presets: their figures, dates and sources."""

import csv
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import backtest as bt
from backtest.errors import ConfigError
from backtest.terms import presets
from backtest.terms.presets import preset, preset_names

NAMES = (
    "binance_coinm",
    "binance_usdm",
    "bybit_inverse",
    "bybit_linear",
    "dydx_v4",
    "hyperliquid",
    "okx_swap",
    "portfolio_margin",
    "reg_t",
)
BYBIT = (0.00055, "bankruptcy", "at", "step_down", "forfeit", "wallet")
# Binance's own maintenance amounts for BTCUSDT, by tier, as published beside the tiers
BTCUSDT_2026 = [0, 300, 1500, 12000, 132000, 482000, 2982000, 14482000, 26482000, 41482000, 121482000, 421482000]
BTCUSDT_2024 = [0, 50, 950, 11450, 131450, 481450, 2981450, 14481450, 26481450, 41481450, 121481450, 421481450]
# those of COIN-M, in coin: ccxt/ccxt issue #9500, and 11.605 from Binance's calculator
BNBUSD = [0, 50, 50, 50, 1050, 2050, 3550, 13550]
BTCUSD = [0, 0.005, 0.055, 0.355, 1.605, 6.605, 11.605, 21.605, 121.605, 496.605]
# Bybit's own deductions for BTCUSDT, /v5/market/risk-limit of 2026-08-05, the first eight tiers
BYBIT_BTCUSDT = [0, 1200, 3020, 4300, 5820, 8460, 15460, 20500]


def deductions(ladder):
    """Return what a venue subtracts in each tier, SPEC section 2, exactly."""
    amounts = [Fraction(0)]
    for below, tier in pairwise(ladder):
        step = Fraction(str(tier.maintenance_rate)) - Fraction(str(below.maintenance_rate))
        amounts.append(amounts[-1] + Fraction(tier.floor) * step)
    return [float(amount) for amount in amounts]


@pytest.mark.parametrize(
    ("name", "as_of", "symbol", "amounts"),
    [
        ("binance_usdm", None, "BTCUSDT", BTCUSDT_2026),
        ("binance_usdm", "2025-06-30", "BTCUSDT", BTCUSDT_2024),
        ("binance_coinm", None, "BTCUSD", BTCUSD),
        ("binance_coinm", None, "BNBUSD_PERP", BNBUSD),
        ("bybit_linear", None, "BTCUSDT", BYBIT_BTCUSDT),
        ("bybit_inverse", None, "BTCUSD", [0, 0.75, 2.25]),
        ("hyperliquid", None, "BTC/USDC", [0, 1_875_000]),
    ],
)
def test_deductions_are_the_published_maintenance_amounts(name, as_of, symbol, amounts):
    found = deductions(bt.venue(name, as_of=as_of).ladder(symbol))
    assert found[: len(amounts)] == pytest.approx(amounts, abs=1e-9)


def test_the_presets_are_these():
    assert tuple(preset_names()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_its_day_and_its_source(name):
    said = preset(name)
    assert said.title
    assert said.notes
    for setting, figure in said.figures.items():
        assert re.fullmatch(r"20\d\d(-\d\d(-\d\d)?)?", figure.as_of), setting
        assert len(figure.source) > 5, setting
    for snapshot in said.tiers:
        assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", snapshot.as_of)
        assert snapshot.as_of in snapshot.file.name
        assert snapshot.source
        assert bt.venue(name, as_of=snapshot.as_of).as_of == snapshot.as_of


@pytest.mark.parametrize("name", [name for name in NAMES if name != "binance_usdm"])
def test_every_row_of_a_small_table_has_its_day_and_its_source(name):
    for snapshot in preset(name).tiers:
        with snapshot.file.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert all(row["as_of"] and row["source"] for row in rows)


def test_no_table_is_left_over():
    used = {snapshot.file.name for name in NAMES for snapshot in preset(name).tiers}
    assert used == {path.name for path in presets.FOLDER.iterdir() if path.suffix == ".csv"}


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("binance_usdm", {"taker_fee": 0.0005, "liquidation_fee": 0.0125, "liquidation": "full", "residual": "return"}),
        ("binance_coinm", {"contract": "inverse", "taker_fee": 0.0005, "liquidation_fee": 0, "breach": "at"}),
        ("bybit_linear", {"contract": "linear", "maintenance_on": "mark", "fee_in_maintenance": 0.00055}),
        ("bybit_inverse", {"contract": "inverse", "maintenance_on": "mark", "fee_in_maintenance": 0.00055}),
        (
            "okx_swap",
            {
                "fee_in_maintenance": 0.0005,
                "fee_in_maintenance_at": "mark",
                "breach": "at",
                "liquidation": "step_down",
                "liquidation_order": "largest_maintenance",
                "residual": "forfeit",
                "funding_from": "margin",
            },
        ),
        (
            "hyperliquid",
            {
                "breach": "below",
                "liquidation": "share",
                "liquidation_share": 0.2,
                "liquidation_floor": 100_000,
                "cooldown": 30,
                "backstop": 2 / 3,
                "liquidation_fee": 0,
                "residual": "return",
                "taker_fee": 0.00045,
            },
        ),
        (
            "dydx_v4",
            {
                "breach": "below",
                "liquidation": "restore",
                "target_ratio": 1.05,
                "liquidation_fee": 0.015,
                "residual": "return",
            },
        ),
        (
            "reg_t",
            {
                "breach": "below",
                "liquidation": "restore",
                "call": bt.MarginCall(level=1, grace=2, deposit="reserve", close_below=0.01),
                "maintenance_on": "mark",
            },
        ),
        ("portfolio_margin", {"breach": "below", "liquidation": "restore", "maintenance_on": "net", "call": None}),
    ],
)
def test_presets_have_the_published_rules(name, settings):
    venue = bt.venue(name)
    assert {setting: getattr(venue, setting) for setting in settings} == settings
    assert venue.name == name


@pytest.mark.parametrize("name", ["bybit_linear", "bybit_inverse"])
def test_bybit_settles_at_the_bankruptcy_price(name):
    venue = bt.venue(name)
    names = ("taker_fee", "fee_in_maintenance_at", "breach", "liquidation", "residual", "funding_from")
    assert tuple(getattr(venue, each) for each in names) == BYBIT


@pytest.mark.parametrize("symbol", ["SPY", "BRK.B", "BTCUSDT"])
def test_us_margin_is_for_any_symbol(symbol):
    (tier,) = bt.venue("reg_t").ladder(symbol)
    assert (tier.maintenance_rate, tier.short_rate, tier.max_leverage) == (0.25, 0.3, 2)
    (tier,) = bt.venue("portfolio_margin").ladder(symbol)
    assert (tier.maintenance_rate, tier.short_rate) == (0.15, 0.15)
    assert tier.max_leverage * 0.15 < 1


def test_contracts_of_coin_margined_presets():
    venue = bt.venue("binance_coinm")
    assert [venue.figure("multiplier", symbol) for symbol in ("BTCUSD", "BTCUSD_PERP", "ETHUSD", "BNB/USD:BNB")] == [
        100,
        100,
        10,
        10,
    ]
    assert (venue.base("BTCUSD_PERP"), venue.base("ETHUSD")) == ("BTC", "ETH")
    assert bt.venue("bybit_inverse").figure("multiplier", "BTCUSD") == 1
    assert bt.venue("okx_swap").figure("multiplier", "BTC-USDT-SWAP") == 0.01


def test_positions_are_capped_where_tables_end():
    caps = {"bybit_linear": ("BTCUSDT", True), "bybit_inverse": ("BTCUSD", 450), "okx_swap": ("BTCUSDT", 20e6)}
    for name, (symbol, cap) in caps.items():
        last = bt.venue(name).ladder(symbol)[-1].cap
        assert last == cap if cap is not True else last > 1e8


def test_rates_of_hyperliquid_are_half_of_the_initial_ones():
    venue = bt.venue("hyperliquid")
    assert len(venue.tiers) == 189
    assert all(
        tier.maintenance_rate == 1 / (2 * tier.max_leverage) for ladder in venue.tiers.values() for tier in ladder
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_two_contracts_of_a_preset_share_a_name(name):
    venue = bt.venue(name)
    if isinstance(venue.tiers, dict):
        assert all(venue.ladder(symbol) is ladder for symbol, ladder in venue.tiers.items())


def test_the_newest_tiers_are_taken():
    venue = bt.venue("binance_usdm")
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
    "name", [[], {}, None, 5, "", "binance", "../presets/binance_usdm", "binance_usdm\0", "\0.toml"]
)
def test_names_that_are_no_preset(name):
    with pytest.raises(ConfigError, match=r"^venue must be one of binance_coinm, .*, reg_t, or a \.toml file, got "):
        bt.venue(name)


def test_a_preset_has_its_name_already():
    with pytest.raises(ConfigError, match=r"^name is what a preset has already, 'binance_usdm', got 'x'$"):
        bt.venue("binance_usdm", name="x")


@pytest.mark.parametrize("symbols", [[], pd.Series({"A": "B"})])
def test_symbols_that_are_no_dict(symbols):
    with pytest.raises(ConfigError, match=r"^Venue\.symbols must be a dict, got "):
        bt.venue("binance_usdm", symbols=symbols)


def test_changes_replace_the_presets_settings():
    assert bt.venue("binance_usdm", slippage=0.001, taker_fee=0.0002).taker_fee == 0.0002
    assert bt.venue("reg_t", call=None).call is None
    assert bt.venue("reg_t", call={"level": 1, "grace": 9, "deposit": "none"}).call.grace == 9
    with pytest.raises(ConfigError, match=r"Venue\.slipage is not a setting of Venue"):
        bt.venue("binance_usdm", slipage=0.001)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("name", NAMES)
def test_every_preset_replays_a_crash(name, margin_mode):
    venue = bt.venue(name)
    ladders = venue.tiers if isinstance(venue.tiers, dict) else {"SPY": venue.tiers}
    symbol, ladder = next(iter(ladders.items()))
    time = pd.date_range("2026-12-01", periods=6, freq="h", tz="UTC")
    prices = np.array([100.0, 100.0, 100.0, 40.0, 40.0, 40.0])
    lows = np.array([100.0, 100.0, 40.0, 40.0, 40.0, 40.0])
    frame = pd.DataFrame({"open": [100.0, *prices[:-1]], "high": 100.0, "low": lows, "close": prices}, index=time)
    account = bt.Account(
        cash=10 if venue.contract == "linear" else 0.01,
        leverage=ladder[0].max_leverage,
        margin_mode=margin_mode,
        currency="quote" if venue.contract == "linear" else "base",
    )
    result = bt.run(bt.Bars.from_frames({symbol: frame}), np.ones(6), account=account, venue=venue)
    assert result.fills["quantity"].iloc[0] > 0
    assert len(result.liquidations) > 0
    assert result.equity.iloc[-1] < account.cash / 2
    other = account.model_copy(update={"currency": "base" if account.currency == "quote" else "quote"})
    with pytest.raises(ConfigError, match=r"^Account\.currency must be '(base|quote)'"):
        bt.run(bt.Bars.from_frames({symbol: frame}), np.ones(6), account=other, venue=venue)

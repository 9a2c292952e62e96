"""Mistakes that other backtesters made in what they reported, and in when a signal may act."""

import math

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of, play, reasons, values

from backtest.signalling.lookahead import check_lookahead
from backtest.signalling.strategies import Strategy

TENFOLD = {"cash": 1000.0, "leverage": 10}


def test_r1_a_bust_account_stays_bust():
    """Returns on an equity at or below 0 changed sign, so that a bust account recovered."""
    bars = bars_of([100, 100, 80, 80, 160, 80], every="1D")
    result = play(bars, "1 . 0.5 1 -1 .", **TENFOLD)
    assert result.equity.tolist() == [1000, 1000, 0, 0, 0, 0]
    assert reasons(result) == [(24, "signal"), (48, "liquidation")]
    assert (result.summary["total_return"], result.summary["cagr"], result.summary["ruined"]) == (-1, -1, True)
    assert result.summary["max_drawdown"] == -1
    # one day of -1 among six, the last of them a Saturday
    assert result.summary["sortino"] == pytest.approx(-1 / 6 / math.sqrt(1 / 6) * math.sqrt(365))


def test_r2_the_high_water_mark_starts_at_cash():
    """The first loss was no drawdown, for the high-water mark started after it."""
    result = play(bars_of([100, (100, 100, 80, 80), (80, 90, 80, 90)]), "1 . .", cash=1000.0)
    assert result.equity.tolist() == [1000, 800, 900]
    assert result.summary["max_drawdown"] == pytest.approx(-0.2)


def test_r3_equity_is_marked_on_every_bar_and_at_its_low():
    """Equity was marked on fills only, or on closes only, so that the worst moments were never seen."""
    result = play(bars_of([100, (100, 104, 96, 102), (102, 103, 94, 101), 101]), "1 . . .", cash=1000.0, leverage=5)
    assert result.equity.tolist() == [1000, 1100, 1050, 1050]
    assert result.history["equity_low"].tolist() == [1000, 800, 700, 1050]
    # 800 of the 1000 of cash and 700 of the 1100 of the close before
    assert result.summary["max_drawdown_low"] == pytest.approx(-4 / 11)
    assert result.summary["max_drawdown"] == pytest.approx(-1 / 22)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_r4_figures_of_a_bust_account_are_sane(margin_mode):
    """On a curve that ends at 0 the usual figures were NaN, or a drawdown of 150 %."""
    bars = bars_of([100, 100, (100, 120, 70, 100), 100, 100], every="1D")
    summary = play(bars, "1 . . -1 .", margin_mode=margin_mode, liquidation_fee=0.05, **TENFOLD).summary
    assert -1 <= summary["max_drawdown"] <= summary["total_return"] < 0
    assert -1 <= summary["max_drawdown_low"] <= 0
    for name in ("cagr", "volatility", "sharpe", "sortino", "calmar", "win_rate", "expectancy"):
        assert math.isfinite(summary[name]), name
    assert (summary["liquidations"], summary["win_rate"]) == (1, 0)


def test_r5_a_signal_is_traded_at_the_next_open():
    """Orders filled at prices of the bar whose close had given the signal."""
    prices = [(100, 103, 99, 101), (102, 104, 101, 103), (105, 107, 104, 106), (108, 109, 107, 108)]
    result = play(bars_of(prices), "1 0 -0.5 1", cash=1000.0)
    assert values(result.fills, "bar", "price", "reason") == [
        (1, 102, "signal"),
        (2, 105, "signal"),
        (3, 108, "signal"),
    ]
    # the signal of the last bar has no next open
    assert result.history["notional"].iloc[-1] == pytest.approx(1000 * (105 / 102) * 0.5)


def test_r5_signals_of_the_future_change_nothing_before_it():
    """A run on the first half of the bars said something else than the first half of the run."""
    random = np.random.default_rng(5)
    closes = 100 * np.exp(np.cumsum(random.normal(0, 0.03, 300)))
    rows = [
        (last, max(last, close) * 1.01, min(last, close) * 0.98, close)
        for last, close in zip([100, *closes[:-1]], closes, strict=True)
    ]
    bars, signals = bars_of(rows), random.choice([np.nan, np.nan, np.nan, 1, 0, -1], (300, 1))
    rules = {"taker_fee": 0.0005, "liquidation_fee": 0.01, "take_profit": 0.05, **TENFOLD}
    whole = play(bars, signals, **rules)
    assert {"signal", "take_profit", "liquidation"} <= set(whole.fills["reason"])
    for length in (1, 2, 97, 150, 299):
        part = play(bars[:length], signals[:length], **rules)
        assert part.history.equals(whole.history.iloc[:length])
        fills = whole.fills[whole.fills["time"] < bars.time[0] + length * pd.Timedelta("1h")]
        pd.testing.assert_frame_equal(part.fills, fills, check_exact=True)


def held_up(data, shift):
    """Follow the candle of four hours, as it stood `shift` candles ago."""
    candle = data["close"].resample("4h").last().diff().shift(shift)
    return np.sign(candle.reindex(data.index, method="ffill"))


def unshifted(data):
    return held_up(data, 0)


def shifted(data):
    return held_up(data, 1)


def test_r6_a_longer_candle_is_known_when_it_has_closed():
    """A column of a longer interval showed its close from its open on."""
    closes = 100 + np.cumsum(np.random.default_rng(6).normal(0, 1, 200))
    bars = bars_of(list(closes))
    report = check_lookahead(Strategy.from_function(unshifted), bars)
    assert not report.passed
    assert report.leak.row % 4 != 3  # the last hour of a candle knows all of it
    assert check_lookahead(Strategy.from_function(shifted), bars).passed


def test_r8_leverage_scales_a_fraction_of_equity():
    """Five times the leverage bought the same quantity."""
    two, ten = (play(bars_of([100, 100, 101]), "0.5 . .", cash=1000.0, leverage=leverage) for leverage in (2, 10))
    assert (ten.history["notional"] == 5 * two.history["notional"]).all()
    assert ten.equity.iloc[-1] - 1000 == 5 * (two.equity.iloc[-1] - 1000) == 50


def test_r8_leverage_decides_when_a_given_notional_dies():
    """Leverage changed nothing at all, and the report left liquidations out."""
    rows = [100, (100, 100, 97, 99), (99, 102, 96, 101), (101, 101, 89, 95), (95, 95, 70, 90)]
    results = {
        leverage: play(bars_of(rows), f"{1 / leverage} . . . .", cash=1000.0, leverage=leverage)
        for leverage in (1, 4, 16)
    }
    for leverage, result in results.items():
        assert result.equity.iloc[:3].tolist() == pytest.approx([1000, 990, 1010])
        assert result.summary["liquidations"] == (leverage > 1)
    price = {leverage: result.liquidations["mark_price"].tolist() for leverage, result in results.items()}
    assert price == {1: [], 4: [pytest.approx(75 / 0.996)], 16: [pytest.approx(93.75 / 0.996)]}
    # ten units; what the margin leaves is the maintenance margin, which comes back
    assert results[16].summary["liquidation_loss"] == pytest.approx(10 * (100 - 93.75 / 0.996))

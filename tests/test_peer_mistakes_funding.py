"""Mistakes that other backtesters made with funding and interest."""

import numpy as np
import pytest
from scenes import bars_of, play, reasons, values

TENFOLD = {"cash": 1000.0, "leverage": 10}


def test_f3_funding_reaches_the_money():
    """Rates were fetched, checked, and never used."""
    rates = np.array([0, 0, 0.001, -0.002, 0.0005])
    for factor in (0, 1, 3):
        result = play(bars_of([100] * 5, funding=(list(rates * factor),)), "0.5 . . . .", **TENFOLD)
        assert result.equity.iloc[-1] == pytest.approx(1000 + 5000 * 0.0005 * factor)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_f4_only_what_is_carried_into_a_bar_pays(margin_mode):
    """Funding was booked a bar early: on the bar of the entry, or after the exit."""
    bars = bars_of([100] * 5, funding=([0.5, 0.5, 0.001, 0.002, 0.5],))
    result = play(bars, "0.5 . 0 . .", margin_mode=margin_mode, **TENFOLD)
    # entered at bar 1 after its settlement, left at bar 3 after its settlement
    assert result.history["funding"].tolist() == pytest.approx([0, 0, 5, 15, 15])
    assert result.trades["funding"].tolist() == pytest.approx([15])


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(("signal", "rate"), [(0.5, 0.01), (0.5, -0.01), (-0.5, 0.01), (-0.5, -0.01)])
def test_f5_longs_pay_a_positive_rate_and_shorts_receive_it(margin_mode, signal, rate):
    """Funding had the wrong sign for shorts, or for negative rates."""
    result = play(bars_of([100] * 3, funding=([0, 0, rate],)), f"{signal} . .", margin_mode=margin_mode, **TENFOLD)
    paid = 5000 * rate * (1 if signal > 0 else -1)
    assert result.history["funding"].iloc[-1] == pytest.approx(paid)
    assert result.equity.iloc[-1] == pytest.approx(1000 - paid)
    kept = result.history["wallet" if margin_mode == "cross" else "margin"].diff().iloc[-1]
    assert kept == pytest.approx(-paid)  # what backs the position pays


def test_f6_funding_is_on_the_quantity_held_at_the_mark():
    """Funding was taken on the notional at entry, or went on with the old quantity after a change."""
    bars = bars_of([100, 100, 110, 120], marks=([100, 100, 112, 124],), funding=([0, 0, 0.001, 0.001],))
    result = play(bars, "0.5 0.25 . .", cash=1000.0, leverage=4, sizing="cash")
    # 20 units at a mark of 112, then 1000 / 110 at a mark of 124
    assert result.history["funding"].tolist() == pytest.approx([0, 0, 2.24, 2.24 + 124 / 110])


def test_f7_funding_can_liquidate():
    """Funding came out of nowhere: on a flat price no position ever died of it."""
    bars = bars_of([100] * 12, funding=([1 / 64] * 12,))
    result = play(bars, "1" + " ." * 11, **TENFOLD)
    # each bar takes 1.5625 of the 10 a unit; 0.4 are needed: 0.625 are left after six, -0.9375 after seven
    assert values(result.liquidations, "bar", "fill_price", "bad_debt", "gap") == [(8, 100, 93.75, True)]
    assert reasons(result) == [(1, "signal"), (8, "liquidation")]
    assert result.history["funding"].iloc[-1] == 7 * 156.25
    assert result.equity.iloc[-1] == 0


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_f8_borrowed_money_costs_interest(margin_mode):
    """A leverage of 2 doubled the gain for nothing."""
    bars = bars_of([100] * 11, every="1D")
    rules = {"borrow_rate": 0.365, "margin_mode": margin_mode, "cash": 1000.0}
    result = play(bars, "1" + " ." * 10, leverage=2, **rules)
    # 1000 are owed for nine days, and the interest is owed too
    assert result.history["interest"].iloc[-1] == pytest.approx(1000 * (1.001**9 - 1))
    assert result.equity.iloc[-1] == pytest.approx(1000 - 1000 * (1.001**9 - 1))
    assert play(bars, "1" + " ." * 10, leverage=1, **rules).history["interest"].iloc[-1] == 0


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_f8_borrowed_coins_cost_interest_at_their_price_of_the_day(margin_mode):
    """Shorts borrowed for nothing."""
    bars = bars_of([100, 100, 100, 110, 121], every="1D")
    result = play(bars, "-1 . . . .", borrow_rate=0.365, margin_mode=margin_mode, cash=1000.0)
    assert result.history["interest"].tolist() == pytest.approx([0, 0, 1, 2.1, 3.31])

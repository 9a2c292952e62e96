"""How sure the liquidations of a result are."""

import numpy as np
import pytest
from scenes import bars_of, play

import backtest as bt

VENUE = bt.venue("binance_usdm", symbols={"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"})


def test_what_only_the_worst_order_does_is_possible():
    """A long with a take-profit: with the high first it is out before the low comes."""
    bars = bars_of([100, 100, (100, 108, 85, 100)])
    result = play(bars, "1 . .", leverage=8, take_profit=0.05)
    assert result.verdicts[["gap", "verdict", "happens_in"]].to_numpy().tolist() == [[False, "possible", "worst, path"]]


def test_what_every_order_does_is_certain_and_so_is_a_gap():
    inside = play(bars_of([100, 100, (100, 101, 85, 86)]), "1 . .", leverage=8)
    gap = play(bars_of([100, 100, 80]), "1 . .", leverage=8)
    assert inside.verdicts["verdict"].tolist() == gap.verdicts["verdict"].tolist() == ["certain"]
    assert [inside.verdicts["gap"].iloc[0], gap.verdicts["gap"].iloc[0]] == [False, True]


def test_without_liquidations_there_are_no_verdicts():
    result = play(bars_of([100, 100, 101]), "1 . .")
    liquidated = play(bars_of([100, 100, 80]), "1 . .", leverage=8)
    assert len(result.verdicts) == 0
    assert result.verdicts.dtypes.equals(liquidated.verdicts.dtypes)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("intrabar", ["worst", "path", "best"])
def test_there_is_a_row_for_every_liquidation_whatever_the_order(intrabar, margin_mode):
    bars = bt.read_bars(["data/btcusd_30m.parquet", "data/ethusd_30m.parquet"]).resample("1D")
    signals = np.array([[0.5, -0.5], [0.49, -0.49]] * (len(bars) // 2) + [[0.5, -0.5]] * (len(bars) % 2))
    account = bt.Account(leverage=12, margin_mode=margin_mode, on_liquidation="refill", intrabar=intrabar)
    result = bt.run(bars, signals, venue=VENUE, account=account)
    same = ["time", "symbol", "gap"]
    assert len(result.liquidations) > 10
    assert result.verdicts[same].equals(result.liquidations[same])
    happens = result.verdicts["happens_in"].str.split(", ")
    assert all(intrabar in orders for orders in happens)
    if intrabar == "worst":
        bracket = bt.bracket(bars, signals, venue=VENUE, account=account)
        assert bracket.liquidations.equals(result.verdicts)
        assert set(result.verdicts["verdict"]) == ({"certain", "possible"} if margin_mode == "cross" else {"certain"})

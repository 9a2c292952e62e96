"""Where the marks of trades stand."""

import pandas as pd
from plotted import points, roles
from scenes import bars_of, play

from backtest import plots


def test_a_trade_of_several_fills_is_marked_where_it_begins_and_ends():
    """Half of it is bought at 100 and half at 200: the average is no price of any bar."""
    result = play(bars_of([100, 100, (200, 201, 199, 200), 200, (300, 301, 299, 300)]), "0.25 1 . 0 .")
    trade = result.trades.iloc[0]
    assert 100 < trade["entry_price"] < 200
    found = roles(plots.price(result.bars.frame("S0"), trades=result.trades))
    ((start, begun),), ((end, left),) = points(found["entries"]), points(found["exits"])
    assert (begun, left) == (100.0, 300.0)
    assert [pd.Timestamp(at, unit="ms", tz="UTC") for at in (start, end)] == [trade["entry_time"], trade["exit_time"]]
    assert found["entries"].customdata[0].tolist() == [trade["quantity"], trade["entry_price"]]


def test_a_fill_that_slipped_out_of_its_bar_stays_where_it_was():
    result = play(bars_of([100, 100, 100, 100]), "1 . 0 .", slippage=0.002)
    found = roles(plots.price(result.bars.frame("S0"), trades=result.trades))
    assert points(found["entries"])[0][1] == result.trades["entry_price"].iloc[0] > 100

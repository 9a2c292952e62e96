"""How positions change from close to close, as a result says it; the reference is asked on every draw of the others."""

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of, play, venue_of

import backtest as bt

VENUE = bt.venue("binance_usdm", symbols={"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"})


@pytest.fixture(scope="module")
def pair():
    return bt.read_bars(["data/btcusd_30m.parquet", "data/ethusd_30m.parquet"])["2017-11":"2018-02"].with_funding(
        0.0001
    )


@pytest.fixture(scope="module")
def result(pair):
    return bt.run(
        pair, bt.strategy("strategies/relative_momentum.py"), venue=VENUE, account=bt.Account(leverage=5),
        params={"lookback": 240},
    )  # fmt: skip


def dense(result, symbol, column):
    """Return a column of positions at every close, 0 where nothing was held yet."""
    own = result.positions[result.positions["symbol"] == symbol].set_index("time")[column]
    return own.reindex(result.history.index, method="ffill").fillna(0.0)


def test_margins_and_notionals_add_up_to_the_history(result, pair):
    margin = sum(dense(result, symbol, "margin") for symbol in pair.symbols)
    assert np.allclose(margin, result.history["margin"], rtol=1e-12)
    close = {symbol: pair.frame(symbol)["close"].ffill() for symbol in pair.symbols}
    notional = sum(dense(result, symbol, "quantity").abs() * close[symbol] for symbol in pair.symbols)
    assert np.allclose(notional, result.history["notional"], rtol=1e-12)
    assert len(result.positions) > 300


def test_a_liquidation_stands_at_the_price_of_the_close_before_it(result):
    """Where the bar pays no funding, for that changes the margin at its open."""
    met = 0
    for row in result.liquidations[~result.liquidations["gap"]].itertuples():
        rows = result.positions[(result.positions["symbol"] == row.symbol) & (result.positions["time"] < row.time)]
        if row.time.hour % 8 or row.time.minute:
            assert row.mark_price == pytest.approx(rows["liquidation_price"].iloc[-1], rel=1e-12)
            met += 1
    assert met >= 2


def test_the_price_is_that_of_the_calculator(result):
    rows = result.positions[result.positions["quantity"] != 0]
    for symbol, own in rows.groupby("symbol"):
        listed = {"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"}[symbol]
        price = bt.liquidation_price(
            own["quantity"], own["entry_price"], margin=own["margin"], venue=bt.venue("binance_usdm"), symbol=listed
        )
        assert np.allclose(own["liquidation_price"], price, rtol=1e-12)


def test_rows_stand_where_something_changes_and_nowhere_else():
    result = play(bars_of([100, 100, 102, 101, 99, 99, 99]), "1 . . 0.5 . 0 .", leverage=2, stop_loss=0.1)
    rows = result.positions
    assert rows["time"].tolist() == result.history.index[[1, 4, 6]].tolist()
    assert rows["quantity"].tolist() == pytest.approx([200.0, 9800 / 99, 0.0])
    assert rows["entry_price"].tolist()[:2] == [100.0, 100.0]
    assert rows["stop_price"].tolist()[:2] == [90.0, 90.0]
    assert rows["take_profit_price"].isna().all()
    assert rows.iloc[2, 3:].isna().all()


def test_a_price_that_no_market_reaches_is_none():
    """A long at 1x fails at 0, a short earns no more than its notional."""
    long = play(bars_of([100, 100, 101]), "1 . .", tiers=[(0, 0.0, 50)])
    assert long.positions["liquidation_price"].isna().all()
    short = play(bars_of([100, 100, 101]), "-0.5 . .", take_profit=1.5)
    assert short.positions["take_profit_price"].isna().all()
    assert short.positions["liquidation_price"].iloc[0] == pytest.approx(200 / 1.004)
    coin = play(bars_of([100, 100, 101]), "-0.5 . .", take_profit=1.5, contract="inverse", currency="base", cash=100.0)
    assert len(coin.positions) == 1
    assert coin.positions["take_profit_price"].isna().all()


def test_in_a_cross_account_it_moves_with_what_the_others_earn(pair):
    signals = np.array([[0.5, -0.5]] * len(pair))
    account = bt.Account(leverage=3, margin_mode="cross")
    cross = bt.run(pair, signals, venue=VENUE, account=account)
    rows = cross.positions[cross.positions["symbol"] == "BTCUSD"]
    assert len(rows) > 1000
    assert (cross.positions["margin"].dropna() == 0.0).all()
    for at in (10, 500, 1000):
        time = rows["time"].iloc[at]
        both = cross.positions[cross.positions["time"] <= time].groupby("symbol").last()
        ether = pair.frame("ETHUSD").loc[time, "close"]
        held, other = both.loc["BTCUSD"], both.loc["ETHUSD"]
        price = bt.liquidation_price(
            held["quantity"], held["entry_price"], margin=cross.history.loc[time, "wallet"], symbol="BTCUSDT",
            venue=bt.venue("binance_usdm"), other_pnl=other["quantity"] * (ether - other["entry_price"]),
            other_maintenance=bt.maintenance_margin(other["quantity"] * ether, bt.venue("binance_usdm"), "ETHUSDT"),
        )  # fmt: skip
        assert held["liquidation_price"] == pytest.approx(price, rel=1e-12)


def test_legs_of_a_hedged_symbol_have_rows_of_their_own():
    bars = bars_of([100, 100, 102, 101])
    table = pd.DataFrame({"target_long": [0.5, np.nan, 0.25, np.nan], "target_short": [0.25] * 4}, bars.time)
    result = bt.run(bars, table, venue=venue_of([(0, 0.01, 50)]), account=bt.Account(leverage=4))
    assert result.positions["leg"].tolist() == ["long", "short", "long"]
    assert result.positions["liquidation_price"].tolist()[:2] == pytest.approx([7500 / 99, 12_500 / 101])


def test_legs_that_balance_fail_where_prices_rise():
    """Whatever the price, they earn nothing; what they require rises with it, to all that there is."""
    bars = bars_of([100, 100, 102])
    table = pd.DataFrame({"target_long": 0.5, "target_short": 0.5}, bars.time)
    account = bt.Account(leverage=4, margin_mode="cross")
    result = bt.run(bars, table, venue=venue_of([(0, 0.01, 50)]), account=account)
    assert result.positions["quantity"].tolist() == [200.0, -200.0]
    assert result.positions["liquidation_price"].tolist() == pytest.approx([10_000 / (400 * 0.01)] * 2)


def test_the_loss_of_an_isolated_liquidation_is_the_margin_that_was_lost(result):
    assert len(result.liquidations) > 3
    assert result.liquidations["loss"].tolist() == pytest.approx(result.liquidations["margin_lost"].tolist(), rel=1e-9)


def test_the_losses_of_a_cross_account_are_what_its_trades_lost(pair):
    account = bt.Account(leverage=20, margin_mode="cross")
    venue = VENUE.model_copy(update={"taker_fee": 0.0})
    halves = pair.with_funding(0.0)
    result = bt.run(halves, np.array([[0.5, -0.5]] * len(pair)), venue=venue, account=account)
    assert len(result.liquidations) == 2
    assert result.liquidations["margin_lost"].isna().all()
    assert result.liquidations["loss"].sum() == pytest.approx(-result.trades["pnl"].sum(), rel=1e-9)
    assert 10_000 - result.liquidations["loss"].sum() == pytest.approx(result.equity.iloc[-1], abs=1e-6)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_what_the_market_takes_beyond_the_margin_is_no_loss_of_the_account(margin_mode):
    """100 times 400 at 4x backed by 10 000: a gap to 70 costs 12 000, of which 2 000 are bad debt."""
    result = play(bars_of([100, 100, 70]), "1 . .", leverage=4, margin_mode=margin_mode)
    row = result.liquidations.iloc[0]
    assert (row["loss"], row["bad_debt"], row["gap"]) == (10_000.0, 2_000.0, True)
    assert result.equity.iloc[-1] == 10_000.0 - row["loss"]


def test_of_two_failing_prices_of_hedged_legs_the_nearer_one_counts():
    """A long of 1 000 and a short of 890 at 100, with 10 000, fail at 10.98, for they are net long.

    At 110 the long enters a tier that asks for nine tenths, so that they fail at 121.29 as well.
    """
    bars = bars_of([100, 100, 100])
    table = pd.DataFrame({"target_long": 0.5, "target_short": 0.445}, bars.time)
    account = bt.Account(leverage=20, margin_mode="cross")
    near = bt.run(bars, table, venue=venue_of([(0, 0.01, 20), (110_000, 0.9, 1)]), account=account)
    at_110 = 10_000 + 110 * 10 - 0.01 * 1890 * 110
    assert near.positions["liquidation_price"].tolist() == pytest.approx([110 + at_110 / (900 + 8.9 - 110)] * 2)
    far = bt.run(bars, table, venue=venue_of([(0, 0.01, 20), (300_000, 0.9, 1)]), account=account)
    assert far.positions["liquidation_price"].tolist() == pytest.approx([1000 / (110 - 18.9)] * 2)

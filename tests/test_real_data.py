"""The engine on the market data that ships, with prices and times worked out by hand."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import reference
from comparison import check_ledger, compare, engine_result
from draws import Case

import backtest as bt

ROOT = Path(__file__).parents[1]
PAIR = {"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"}
STRATEGIES = sorted(path.stem for path in (ROOT / "strategies").glob("*.py"))


@pytest.fixture(scope="module")
def bitcoin():
    return bt.read_bars(ROOT / "data" / "btcusdt_1h.parquet")


@pytest.fixture(scope="module")
def pair():
    return bt.read_bars([ROOT / "data" / "btcusd_30m.parquet", ROOT / "data" / "ethusd_30m.parquet"])


def long_from(bars, time, **settings):
    """Return the result of going all in at the open of one bar, and the bars from there on."""
    targets = np.full(bars.shape, np.nan)
    targets[bars.time.get_loc(pd.Timestamp(time, tz="UTC")) - 1] = 1 / len(bars.symbols)
    account = bt.Account(**settings)
    result = bt.run(bars, targets, account=account, venue=bt.venue("binance_usdm", symbols=PAIR))
    check_ledger(result, account.cash)
    return result, {symbol: bars.frame(symbol).loc[time:] for symbol in bars.symbols}


def test_a_tenfold_long_dies_on_the_12th_of_march_2020(bitcoin):
    result, frames = long_from(bitcoin, "2020-03-12 05:00", leverage=10)
    frame = frames["BTCUSDT"]
    entry = frame["open"].iloc[0]
    # everything goes into margin and fee: quantity * entry * (1/10 + 0.0005) = 10 000
    quantity = 10_000 / (entry * 0.1005)
    # entry / 10 + price - entry = 0.004 price; the notional stays below 300 000, in the first tier
    price = entry * 0.9 / 0.996
    died = frame.index[frame["low"] <= price][0]
    assert died == pd.Timestamp("2020-03-12 10:00", tz="UTC")
    (row,) = result.liquidations.to_dict("records")
    assert row["time"] == died
    assert row["quantity"] == pytest.approx(quantity, rel=1e-12)
    assert row["mark_price"] == row["fill_price"] == pytest.approx(price, rel=1e-12)
    assert row["bankruptcy_price"] == pytest.approx(entry * 0.9, rel=1e-12)
    # a fee of 1.25 % asks for more than the maintenance margin of 0.4 % that remains
    assert row["penalty"] == pytest.approx(quantity * price * 0.004, rel=1e-9)
    assert (row["gap"], row["joint"], row["bad_debt"]) == (False, False, 0)
    assert result.equity.iloc[-1] == pytest.approx(0, abs=1e-9)
    # a check on closes sees it too, 870 lower, where the margin was long gone
    close = frame["close"][died]
    assert price - close > 870
    assert close < row["bankruptcy_price"]


def test_a_long_dies_where_no_close_says_so(bitcoin):
    result, frames = long_from(bitcoin, "2020-03-12 10:00", leverage=5)
    frame = frames["BTCUSDT"]
    price = frame["open"].iloc[0] * 0.8 / 0.996
    died, seen = frame.index[frame["low"] <= price][0], frame.index[frame["close"] <= price][0]
    assert (died, seen) == tuple(pd.DatetimeIndex(["2020-03-12 10:00", "2020-03-12 20:00"], tz="UTC"))
    assert result.liquidations["time"].tolist() == [died]
    assert result.liquidations["mark_price"].tolist() == [pytest.approx(price, rel=1e-12)]


def test_a_cross_account_dies_at_its_joint_price(pair):
    entered = "2017-12-21 12:00"
    result, frames = long_from(pair, entered, leverage=4, margin_mode="cross")
    opens, lows = (pd.DataFrame({symbol: frame[name] for symbol, frame in frames.items()}) for name in ("open", "low"))
    entry = opens.iloc[0]
    # half of the notional in each, and a quarter of the notional and its fee make the 10 000
    quantity = 10_000 / (0.25 + 0.0005) / 2 / entry
    wallet = 10_000 - 0.0005 * (quantity * entry).sum()

    def surplus(prices):
        return wallet + (quantity * (prices - entry)).sum(axis=1) - 0.004 * (quantity * prices).sum(axis=1)

    died = lows.index[surplus(lows) <= 0][0]
    at_open, at_low = surplus(opens)[died], surplus(lows)[died]
    assert at_open > 0 > at_low
    point = at_open / (at_open - at_low)
    price = opens.loc[died] + point * (lows.loc[died] - opens.loc[died])
    table = result.liquidations
    assert table["time"].tolist() == [died, died]
    assert table["symbol"].tolist() == ["BTCUSD", "ETHUSD"]
    assert table["mark_price"].tolist() == pytest.approx(price.tolist(), rel=1e-9)
    assert table["quantity"].tolist() == pytest.approx(quantity.tolist(), rel=1e-12)
    assert table[["joint", "gap", "partial"]].to_numpy().tolist() == [[True, False, False]] * 2
    # neither had to be at its low for that, and the wallet pays the penalties as far as it goes
    assert (price > lows.loc[died]).all()
    assert table["penalty"].sum() == pytest.approx(0.004 * (quantity * price).sum(), rel=1e-9)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("name", STRATEGIES)
def test_the_ledger_of_every_strategy_on_every_bar(name, margin_mode, bitcoin, pair):
    bars = pair if name == "relative_momentum" else bitcoin
    bars = bars.with_funding(0.0001, every="8h")
    venue = bt.venue("binance_usdm", symbols=PAIR, slippage=0.0002)
    strategy = bt.strategy(ROOT / "strategies" / f"{name}.py")
    liquidations = 0
    for settings in ({"leverage": 2}, {"leverage": 10}, {"leverage": 5, "sizing": "cash", "on_liquidation": "reenter"}):
        account = bt.Account(margin_mode=margin_mode, **settings)
        result = bt.run(bars, strategy, account=account, venue=venue)
        check_ledger(result, account.cash)
        history, trades, last = result.history, result.trades, result.history.iloc[-1]
        assert (history.index == bars.time).all()
        assert not history.isna().any().any()
        assert (history["equity_low"] <= history["equity"] + 1e-9 * history["notional"]).all()
        assert (history["equity"] >= -1e-9 * account.cash).all()
        assert last["fees"] == pytest.approx(result.fills["fee"].sum())
        # what no trade bears: the debt of a wallet that fills left below 0
        unrealised, shortfall = (
            last["equity"] - last["wallet"] - last["margin"],
            last["bad_debt"] - trades["bad_debt"].sum(),
        )
        assert last["equity"] - account.cash == pytest.approx(trades["pnl"].sum() + unrealised + shortfall, abs=1e-5)
        liquidations += len(result.liquidations)
    assert liquidations > 0


def test_leverage_decides_who_lived_to_see_2021(bitcoin):
    ends = {}
    for leverage in (1, 2, 3, 5):
        result, frames = long_from(bitcoin, "2019-07-01 00:00", leverage=leverage)
        frame = frames["BTCUSDT"]
        price = frame["open"].iloc[0] * (1 - 1 / leverage) / 0.996
        ends[leverage] = result.liquidations["time"].tolist()
        assert ends[leverage] == frame.index[frame["low"] <= price].tolist()[:1]
    assert not ends[1]
    assert ends[5][0] < ends[3][0] < ends[2][0]


def exact(bars, targets, **settings):
    """Return a case of the slow engine with the very floats of the bars."""
    frames = list(bars.frames().values())
    prices = {
        name: [
            [None if np.isnan(frame[name].iloc[t]) else Fraction(frame[name].iloc[t]) for frame in frames]
            for t in range(len(bars))
        ]
        for name in ("open", "high", "low", "close")
    }
    funding = [[Fraction(rate) for rate in row] for row in bars.funding] if len(bars.funding) else None
    market = reference.Market(bars.time.as_unit("ns").asi8.tolist(), **prices, funding_rate=funding)
    tiers = [
        reference.Tier(Fraction(floor), Fraction(rate), Fraction(most))
        for floor, rate, most in ((0, 0.004, 125), (50_000, 0.005, 100), (250_000, 0.01, 50), (1_000_000, 0.025, 20))
    ]
    rates = {"taker_fee": 0.0005, "slippage": 0.0002, "liquidation_fee": 0.0125}
    venue = reference.Venue([tiers] * len(frames), **{name: Fraction(rate) for name, rate in rates.items()})
    signals = [[None if np.isnan(value) else Fraction(value) for value in row] for row in targets]
    account = reference.Account(cash=Fraction(10_000), **settings)
    return Case(market, signals, account, venue)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("data", ["bitcoin", "pair"])
def test_the_slow_engine_agrees_on_a_real_week(data, margin_mode, request):
    bars = request.getfixturevalue(data)
    if data == "bitcoin":
        bars = bars["2020-03-09":"2020-03-15"].with_funding(0.0003, every="8h")
        averages = bt.strategy(ROOT / "strategies" / "moving_average_cross.py")
        targets = averages.signals(bars, {"fast": 2, "slow": 6}).target
    else:
        bars = bars["2017-12-19":"2017-12-24"]
        params = {"lookback": 6, "hold": 8, "size": 0.5}
        targets = bt.strategy(ROOT / "strategies" / "relative_momentum.py").signals(bars, params).target
    case = exact(bars, targets, leverage=Fraction(20), margin_mode=margin_mode, sizing="cash", on_liquidation="reenter")
    outcome = reference.replay(case.market, case.signals, case.account, case.venue)
    result = engine_result(case)
    check_ledger(result, 10_000.0)
    compare(case, outcome, result)
    assert len(outcome.fills) > 10
    assert outcome.liquidations

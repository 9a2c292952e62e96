"""Settings side by side: cross against isolated on real data, and what is exact by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from frames import DATA
from scenes import bars_of, venue_of

import backtest as bt
from backtest.comparison import compare
from backtest.outcome.growth import daily_log_growth
from backtest.outcome.metrics import EquityCurve

FIGURES = (
    "total_return max_drawdown max_drawdown_low liquidations loss_per_liquidation funding pressure ruined final_equity"
)
VENUE = venue_of()
ROOT = DATA.parent


@pytest.fixture(scope="module")
def pair():
    """Return two years of Bitcoin and Ether, a venue and relative momentum."""
    bars = bt.read_bars([DATA / "btcusd_30m.parquet", DATA / "ethusd_30m.parquet"]).with_funding(0.0001)
    venue = bt.venue("binance_usdm", symbols={"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"})
    return bars, bt.strategy(ROOT / "strategies" / "relative_momentum.py"), venue


def test_cross_outlives_isolated_on_the_crash_of_a_hedged_book(pair):
    bars, strategy, venue = pair
    found = compare(bars, strategy, venue=venue, account=bt.Account(leverage=5))
    assert list(found.table) == FIGURES.split()
    assert list(found.table.index) == ["isolated", "cross"]
    assert found.table["liquidations"].tolist() == [5, 0]
    assert found.table["ruined"].tolist() == [True, False]
    assert found.table["final_equity"].tolist() == [0.0, pytest.approx(13799.39, abs=0.01)]
    # the figures that the README prints for isolated margin
    assert found.table["loss_per_liquidation"].iloc[0] == pytest.approx(36_853.31 / 5, abs=0.01)
    assert math.isnan(found.table["loss_per_liquidation"].iloc[1])
    assert found.liquidations["time"].dt.strftime("%Y-%m-%d %H:%M").tolist() == [
        "2017-11-19 07:00",
        "2017-12-12 03:00",
        "2017-12-22 07:00",
        "2018-01-05 22:30",
        "2018-02-06 05:00",
    ]
    assert found.liquidations["symbol"].tolist() == ["ETHUSD", "ETHUSD", "ETHUSD", "BTCUSD", "ETHUSD"]
    assert found.liquidations["isolated"].all()
    assert not found.liquidations["cross"].any()
    row = found.growth.loc["cross"]
    assert row["days"] == 731
    assert row["difference"] == pytest.approx((math.log(1.3799387292) - math.log(1e-6)) * 365 / 731, rel=1e-9)
    assert row["low"] < row["difference"] < row["high"]
    # a single ruin: of the resamples that hold none, about a third, half are below 0
    assert 0.75 < row["share_above_zero"] < 0.9


def test_every_setting_is_the_run_of_that_setting(pair):
    bars, strategy, venue = pair
    params = {"hold": 96}
    settings = [{"leverage": 2}, {"leverage": 2, "margin_mode": "cross", "params.lookback": 720}]
    found = compare(bars, strategy, settings, venue=venue, params=params, resamples=100)
    names = ["leverage=2", "leverage=2, margin_mode=cross, params.lookback=720"]
    assert list(found.results) == names
    own = [
        bt.run(bars, strategy, venue=venue, account=bt.Account(leverage=2), params=params),
        bt.run(
            bars,
            strategy,
            venue=venue,
            account=bt.Account(leverage=2, margin_mode="cross"),
            params={**params, "lookback": 720},
        ),
    ]
    for name, result in zip(names, own, strict=True):
        assert found.results[name].equity.equals(result.equity)
        assert found.results[name].description == result.description
        for figure in ("total_return", "max_drawdown", "max_drawdown_low", "liquidations", "funding", "ruined"):
            assert found.table.loc[name, figure] == result.summary[figure]


def test_a_strategy_is_evaluated_once_for_each_set_of_parameters():
    asked = []

    def signals(data, size):
        asked.append(size)
        return data["close"] * 0 + size

    strategy = bt.Strategy.from_function(signals, {"size": 0.5})
    bars = bars_of([100, 101, 99, 100])
    settings = {"a": {}, "b": {"leverage": 3}, "c": {"size": 0.25}, "d": {"size": 0.25, "leverage": 2}}
    found = compare(bars, strategy, settings, venue=VENUE, resamples=100)
    assert asked == [0.5, 0.25]
    assert list(found.growth.index) == ["b", "c", "d"]


def test_equal_settings_differ_by_exactly_nothing(pair):
    bars, strategy, venue = pair
    found = compare(bars, strategy, {"a": {"leverage": 3}, "b": {"leverage": 3.0}}, venue=venue)
    assert found.growth.loc["b", ["difference", "low", "high", "share_above_zero"]].tolist() == [0, 0, 0, 0]
    assert len(found.liquidations) == 0
    assert list(found.liquidations) == ["time", "symbol", "loss", "a", "b"]
    assert str(found.liquidations["time"].dtype) == "datetime64[ns, UTC]"


def test_two_accounts_that_lose_all_grow_alike():
    """One dies in a gap on the third day, the other on the fourth: both came from cash to nothing."""
    bars = bars_of([100, 100, 92, 80, 80], every="1D")
    found = compare(bars, np.ones(5), {"10x": {"leverage": 10}, "20x": {"leverage": 20}}, venue=VENUE)
    assert found.table["ruined"].all()
    assert found.growth.loc["20x", "difference"] == pytest.approx(0.0, abs=1e-9)
    assert found.liquidations.drop(columns=["symbol", "loss"]).to_numpy().tolist() == [
        [bars.time[2], False, True],
        [bars.time[3], True, False],
    ]


def test_a_single_day_has_a_difference_and_no_interval():
    bars = bars_of([100, 100, 110])
    found = compare(bars, np.ones(3), {"1x": {}, "2x": {"leverage": 2}}, venue=venue_of(taker_fee=0.0))
    row = found.growth.loc["2x"]
    assert row["days"] == 1
    assert row["difference"] == pytest.approx((math.log(1.2) - math.log(1.1)) * 252)  # a Monday, no weekend
    assert row[["low", "high", "share_above_zero"]].isna().all()
    assert "interval" not in repr(found)


def test_pressure_is_the_share_of_closes_below_one_and_a_half_maintenance_margins():
    # 10x at 100, maintenance 0.4 %: 1.5 maintenance margins are left at 90 / 0.994 = 90.543
    bars = bars_of([100, 100, 90.55, 90.54, (90.6, 100, 90.6, 100)])
    found = compare(bars, np.ones(5), {"10x": {"leverage": 10}, "1x": {}}, venue=venue_of(taker_fee=0.0))
    assert found.table["pressure"].tolist() == [0.2, 0.0]


def test_liquidations_of_a_hedge_name_their_leg():
    bars = bars_of([100, 100, (100, 111, 100, 100), 100])
    table = pd.DataFrame({"target_long": 0.5, "target_short": -0.5}, bars.time)
    found = compare(bars, table, venue=VENUE, account=bt.Account(leverage=10), resamples=100)
    assert list(found.liquidations) == ["time", "symbol", "leg", "loss", "isolated", "cross"]
    lost = found.results["isolated"].liquidations["loss"].iloc[0]
    assert lost > 0
    assert found.liquidations.to_numpy().tolist() == [[bars.time[2], "S0", "short", lost, True, False]]


def test_liquidations_in_parts_are_one_row_of_their_bar():
    bars = bars_of([100, 100, (100, 100, 90.1, 100), 100])
    venue = venue_of(liquidation="share", liquidation_share=0.2)
    found = compare(bars, np.ones(4), {"1x": {}, "10x": {"leverage": 10}}, venue=venue, resamples=100)
    assert found.table["liquidations"].iloc[1] > 1
    assert (found.results["10x"].liquidations["time"] == bars.time[2]).all()
    lost = pytest.approx(found.results["10x"].liquidations["loss"].sum(), rel=1e-12)
    assert found.liquidations.to_numpy().tolist() == [[bars.time[2], "S0", lost, False, True]]


def test_the_loss_of_a_liquidation_is_the_largest_of_the_settings_that_have_it():
    bars = bars_of([100, 100, 70, 100])
    settings = {"1x": {}, "cross": {"leverage": 10, "margin_mode": "cross"}, "isolated": {"leverage": 10}}
    found = compare(bars, np.full(4, 0.5), settings, venue=VENUE, resamples=100)
    lost = [found.results[name].liquidations["loss"].tolist() for name in settings]
    assert [len(each) for each in lost] == [0, 1, 1]
    assert lost[1][0] > lost[2][0] > 0
    assert found.liquidations["loss"].tolist() == lost[1]


def test_the_same_seed_gives_the_same_bytes_and_rows_do_not_depend_on_each_other(pair):
    bars, strategy, venue = pair
    modes = {"isolated": {"margin_mode": "isolated"}, "cross": {"margin_mode": "cross"}}

    def growth(settings=modes, **how):
        return compare(bars, strategy, settings, venue=venue, account=bt.Account(leverage=2), **how).growth

    first = growth(resamples=300)
    assert growth(resamples=300).to_numpy().tobytes() == first.to_numpy().tobytes()
    assert growth({**modes, "3x": {"leverage": 3}}, resamples=300).loc["cross"].equals(first.loc["cross"])
    other = growth(resamples=300, seed=1)
    assert other["difference"].equals(first["difference"])
    assert not other["low"].equals(first["low"])
    narrow = growth(resamples=300, confidence=0.5)
    assert first.loc["cross", "low"] < narrow.loc["cross", "low"] < narrow.loc["cross", "high"]
    assert narrow.loc["cross", "high"] < first.loc["cross", "high"]


def test_final_equity_has_the_reserve_that_total_return_counts():
    """One setting leaves its reserve alone, the other spends some of it on a call."""
    bars = bars_of([100, 100, 88, 88, 90])
    venue = venue_of([(0, 0.1, 5)], call=bt.MarginCall(level=2.5, grace=1, deposit="reserve"), target_ratio=3)
    account = bt.Account(reserve=5000.0, margin_mode="cross")
    found = compare(bars, np.ones(5), {"1x": {"leverage": 1}, "3x": {"leverage": 3}}, venue=venue, account=account)
    left = [result.history["reserve"].iloc[-1] for result in found.results.values()]
    assert left[0] == 5000.0
    assert 0 < left[1] < 5000.0
    assert found.table["final_equity"].tolist() == pytest.approx([14_000.0, 12_000.0])
    assert found.table["total_return"].tolist() == pytest.approx([14 / 15 - 1, 12 / 15 - 1])


def test_the_curve_of_a_result_is_that_of_its_summary():
    """With a reserve that answers calls, and refills from outside that are no returns."""
    halves = bars_of([100, 100, (100, 100, 50, 50), 50, 50], [100, 100, 100, 20, 30])
    signals = pd.DataFrame({"S0": [0.5] + [np.nan] * 4, "S1": [0.5] + [np.nan] * 4}, halves.time)
    refilled = bt.Account(leverage=2, on_liquidation="refill")
    falling = bars_of([100, 100, 88, 87, 95, 99], every="1D")
    backed = bt.Account(reserve=5000.0, leverage=3, margin_mode="cross")
    calls = venue_of([(0, 0.1, 5)], call=bt.MarginCall(level=2.5, grace=1, deposit="reserve"), target_ratio=3)
    both = bt.Account(leverage=2, on_liquidation="refill", reserve=1000.0)
    answers = {"call": bt.MarginCall(level=1.5, grace=1, deposit="reserve"), "target_ratio": 2}
    cases = [
        (halves, signals, refilled, venue_of([(0, 0.005, 50)])),
        (falling, np.ones(6), backed, calls),
        (halves, signals, both, venue_of([(0, 0.005, 50)], **answers)),
    ]
    for bars, wanted, account, venue in cases:
        result = bt.run(bars, wanted, venue=venue, account=account)
        assert result.summary["refills"] + (result.summary["deposits"] > 0) == 1
        curve = result.curve
        assert curve.equity[-1] / curve.cash - 1 == result.summary["total_return"]
        high = np.maximum.accumulate(np.append(curve.cash, curve.equity))[:-1]
        assert (curve.equity_low / high - 1).min() == pytest.approx(result.summary["max_drawdown_low"], rel=1e-12)
        assert result.drawdowns.min().tolist() == [result.summary[f"max_drawdown{low}"] for low in ("", "_low")]
        assert (1 + result.monthly_returns["year"]).prod() - 1 == pytest.approx(result.summary["total_return"])
        assert daily_log_growth(curve).sum() == pytest.approx(math.log1p(result.summary["total_return"]), rel=1e-9)


def test_a_lost_account_counts_as_a_millionth():
    time = pd.date_range("2024-01-01", periods=4, freq="D", tz="UTC", name="time")
    equity = np.array([100.0, 50.0, 1e-5, 0.0])
    growth = daily_log_growth(EquityCurve(time, equity, equity, 100.0))
    assert growth.tolist() == [0.0, pytest.approx(math.log(0.5)), pytest.approx(math.log(2e-6)), 0.0]


def test_a_comparison_is_written_in_a_line(pair):
    bars, strategy, venue = pair
    found = compare(bars, strategy, venue=venue, account=bt.Account(leverage=5))
    text = repr(found)
    start = "Comparison(isolated: total_return -100.00%, liquidations 5, ruined; cross: total_return +37.99%, "
    assert text.startswith(start + "liquidations 0; log growth of cross over isolated +7.06 a year, 95% interval ")
    assert "\n" not in text
    with pytest.raises(AttributeError, match="cannot assign"):
        found.table = None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cross": {"margin_mode": "cross"}}, "settings must be at least two, to be compared, got 1"),
        ([{"leverage": 2}, {"leverge": 3}], "leverge is not a setting in over; the nearest is leverage"),
        ([{"leverage": 2}, {"leverage": 2}], "settings must have names of their own, got leverage=2 twice"),
        (
            {"a": {}, "time": {"leverage": 2}},
            "a setting must have a name, other than time, symbol, leg, loss, got 'time'",
        ),
        ({"a": {}, "loss": {"leverage": 2}}, "a setting must have a name, other than time, symbol, leg, loss, got"),
        ({"a": {}, "b": {"leverage": 500}}, "setting b must be able to run: leverage must be at most 125"),
        ({"a": {}, "b": {"leverage": 0.5}}, "setting b must be able to run: Account.leverage must be"),
        ({"a": {}, "b": 3}, "each setting of over must be a dict of values by name, got 3"),
        ("cross", "settings must be a dict of dicts by name, or a list of dicts, got 'cross'"),
        (3, "settings must be a dict of dicts by name, or a list of dicts, got 3"),
    ],
)
def test_settings_that_cannot_be_compared_are_one_sentence(settings, message):
    with pytest.raises(bt.ConfigError, match="^" + message):
        compare(bars_of([100, 101, 102]), np.ones(3), settings, venue=VENUE)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"seed": -1}, "seed must be a whole number, at least 0, got -1"),
        ({"seed": True}, "seed must be a whole number, at least 0, got True"),
        ({"resamples": 99}, "resamples must be a whole number, at least 100, got 99"),
        ({"resamples": 1e3}, "resamples must be a whole number, at least 100, got 1000.0"),
        ({"confidence": 95}, r"confidence must be a fraction in \(0, 1\), got 95"),
        ({"confidence": 1.0}, r"confidence must be a fraction in \(0, 1\), got 1.0"),
        ({"venue": "binance_usdm"}, "venue must be a Venue"),
        ({"account": 3}, "account must be an Account, got int"),
        ({"params": {"fast": 3}}, "params need a Strategy"),
    ],
)
def test_how_to_compare_is_checked(how, message):
    with pytest.raises(bt.ConfigError, match="^" + message):
        compare(bars_of([100, 101, 102]), np.ones(3), **{"venue": VENUE, **how})


def test_bars_and_signals_are_checked():
    with pytest.raises(bt.DataError, match=r"^bars must be Bars"):
        compare(None, np.ones(3), venue=VENUE)
    with pytest.raises(bt.DataError, match=r"^signals must have the shape"):
        compare(bars_of([100, 101, 102]), np.ones(4), venue=VENUE)

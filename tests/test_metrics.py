"""The summary: hand-computed curves, busts, and figures printed by quantstats."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtest.kernels.curves import end_falls, mark_days, start_falls, walk_falls
from backtest.kernels.enums import Shortfall
from backtest.kernels.schema import ACCOUNT, CALL, FILL, LIQUIDATION, ORDER, Logs
from backtest.kernels.sums_schema import TRIP
from backtest.outcome import metrics
from backtest.outcome.metrics import EquityCurve, daily_returns, summarise
from backtest.outcome.ratios import periods_per_year
from backtest.outcome.trades import EXIT_REASONS

DATA = Path(__file__).parent.parent / "data"
NAMES = [
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "max_drawdown_duration",
    "exposure",
    "trades",
    "win_rate",
    "profit_factor",
    "expectancy",
    "fees",
    "funding",
    "interest",
    "liquidations",
    "liquidation_loss",
    "penalties",
    "forfeited",
    "bad_debt",
    "max_drawdown_low",
    "highest_margin_ratio",
    "smallest_liquidation_distance",
    "highest_effective_leverage",
    "cut_orders",
    "refused_orders",
    "ruined",
    "margin_calls",
    "forced_closes",
    "deposits",
    "refills",
    "refilled",
    "insurance_fund",
    "socialised_loss",
    "marks",
]
NO_TRADES = np.zeros(0, TRIP)


def curve_of(equity, low=None, cash=100.0, start="2024-01-01", freq="D"):
    """Return a curve; 2024-01-01 is a Monday."""
    time = pd.date_range(start, periods=len(equity), freq=freq, tz="UTC", unit="ns")
    closes = np.array(equity, dtype=np.float64)
    return EquityCurve(time, closes, closes if low is None else np.array(low, dtype=np.float64), cash)


def summary_of(curve, trades=NO_TRADES, orders=(), liquidations=0, has_marks=False, **account):
    records = np.zeros(len(orders), dtype=ORDER)
    records["reason"] = list(orders)
    state = np.zeros(1, dtype=ACCOUNT)
    for name, value in account.items():
        state[name] = value
    counts = np.array([0, liquidations, len(orders), 0])
    logs = Logs(np.zeros(0, FILL), np.zeros(liquidations, LIQUIDATION), records, np.zeros(0, CALL), counts)
    return summarise(curve, trades, logs, state[0], bool(curve.equity[-1] <= 1e-6 * curve.cash), has_marks)


def trades_of(*rows):
    pnl, reasons = zip(*rows, strict=True)
    codes = np.array([EXIT_REASONS.index(word) for word in reasons])
    trips = np.zeros(len(rows), TRIP)
    trips["pnl"], trips["reason"], trips["liquidated"] = pnl, codes, codes == EXIT_REASONS.index("liquidation")
    return trips


def test_the_summary_has_the_specified_names_in_order():
    assert list(summary_of(curve_of([100.0, 110.0])).index) == NAMES


def test_returns_ratios_and_growth_by_hand():
    summary = summary_of(curve_of([110.0, 99.0, 108.9], start="2024-01-04"))  # Thursday to Saturday
    # returns 0.1 -0.1 0.1: mean 1/30, sample variance ((1/15)²·2 + (2/15)²) / 2 = 1/75, downside² = 0.01 / 3
    assert summary["total_return"] == pytest.approx(0.089)
    assert summary["cagr"] == pytest.approx(1.089 ** (365 / 3) - 1)
    assert summary["volatility"] == pytest.approx(math.sqrt(365 / 75))
    assert summary["sharpe"] == pytest.approx(math.sqrt(365) / 30 * math.sqrt(75))
    assert summary["sortino"] == pytest.approx(math.sqrt(365) / 30 / math.sqrt(0.01 / 3))
    assert summary["calmar"] == pytest.approx((1.089 ** (365 / 3) - 1) / 0.1)
    assert summary["max_drawdown"] == pytest.approx(-0.1)
    assert summary["max_drawdown_duration"] == pd.Timedelta("2D")


def test_a_day_has_the_equity_of_its_last_bar_and_starts_from_cash():
    returns = daily_returns(curve_of([90.0, 120.0, 60.0, 150.0, 75.0], freq="9h"))
    # bars open at 0, 9 and 18 h on Monday, 3 and 12 h on Tuesday
    expected = pd.DatetimeIndex(["2024-01-01", "2024-01-02"], tz="UTC").as_unit("ns")
    assert returns.index.tolist() == expected.tolist()
    assert returns.tolist() == pytest.approx([-0.4, 0.25])


def test_a_day_without_bars_has_no_return():
    curve = curve_of([110.0, 121.0])
    gap = EquityCurve(curve.time[[0]].append(curve.time[[1]] + pd.Timedelta("5D")), curve.equity, curve.equity, 100.0)
    assert daily_returns(gap).tolist() == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize(
    ("start", "bars", "freq", "periods"),
    [
        ("2024-01-01", 5, "D", 252.0),  # Monday to Friday
        ("2024-01-01", 6, "D", 365.0),
        ("2024-01-07", 1, "D", 365.0),  # a Sunday
        ("2024-01-05 23:00", 1, "h", 252.0),
        ("2024-01-05 23:00", 2, "h", 365.0),
        ("1969-12-29", 5, "D", 252.0),  # Monday to Friday, across the epoch
        ("1969-12-27", 1, "D", 365.0),  # a Saturday
        ("2024-01-01", 9, "W-FRI", 365 / 7),
        ("2024-01-01", 9, "2D", 365 / 2),
    ],
)
def test_a_year_has_365_days_where_bars_fall_on_weekends_else_252(start, bars, freq, periods):
    equity = np.array([100.0, 110.0] * bars)[:bars]
    curve = curve_of(equity, start=start, freq=freq)
    returns = daily_returns(curve).to_numpy()
    if len(returns) == 1:
        assert periods_per_year(curve.time.asi8 // metrics.DAY) == periods
    else:
        assert summary_of(curve)["volatility"] == pytest.approx(returns.std(ddof=1) * math.sqrt(periods))


def test_the_high_water_mark_starts_at_cash():
    """A peer measured falls from the first bar, or against the size of a negative peak."""
    assert summary_of(curve_of([80.0, 90.0]))["max_drawdown"] == pytest.approx(-0.2)
    assert summary_of(curve_of([-20.0, -50.0, -100.0]))["max_drawdown"] == pytest.approx(-2.0)


def test_a_low_is_held_against_the_closes_before_it():
    summary = summary_of(curve_of([120.0, 150.0, 140.0], low=[90.0, 108.0, 120.0]))
    # 90 of 100, 108 of 120 (not of 150, which came later), 120 of 150
    assert summary["max_drawdown_low"] == pytest.approx(-0.2)
    assert summary_of(curve_of([120.0, 150.0, 150.0], low=[90.0, 90.0, 150.0]))["max_drawdown_low"] == pytest.approx(
        -0.25
    )
    assert summary_of(curve_of([120.0], low=[70.0]))["max_drawdown_low"] == pytest.approx(-0.3)
    assert summary["max_drawdown"] == pytest.approx(-1 / 15)


@pytest.mark.parametrize(
    ("equity", "hours"),
    [
        ([100.0, 101.0, 102.0], 0),
        ([100.0, 100.0, 100.0], 0),  # level is not below
        ([100.0, 110.0, 100.0, 109.0, 110.0, 111.0], 3),  # back at the mark three bars after it
        ([100.0, 110.0, 100.0, 110.0, 105.0, 104.0], 2),  # the second fall lasts to the end
        ([100.0, 110.0, 105.0, 104.0, 103.0], 3),
        ([90.0, 95.0, 100.0], 3),  # below from the first bar's open to the third's close
        ([90.0, 95.0], 2),
    ],
)
def test_the_longest_time_below_a_high_water_mark(equity, hours):
    duration = summary_of(curve_of(equity, freq="h"))["max_drawdown_duration"]
    assert duration == pd.Timedelta(hours=hours)
    assert isinstance(duration, pd.Timedelta)


def test_years_run_from_the_first_open_to_the_end_of_the_last_bar():
    curve = curve_of([100.0] * 364 + [121.0])
    assert summary_of(curve)["cagr"] == pytest.approx(0.21)
    assert summary_of(curve_of([100.0] * 729 + [121.0]))["cagr"] == pytest.approx(0.1)


def test_a_ruined_curve_has_sane_figures():
    """A peer's returns flip signs on equity at or below 0; another's growth rate is not a number."""
    curve = curve_of([150.0, 0.0, 0.0, 0.0], low=[100.0, -20.0, 0.0, 0.0])
    summary = summary_of(curve, ruined=1)
    assert daily_returns(curve).tolist() == pytest.approx([0.5, -1.0, 0.0, 0.0])
    assert summary["total_return"] == -1.0
    assert summary["cagr"] == -1.0
    assert summary["calmar"] == -1.0
    assert summary["max_drawdown"] == -1.0
    assert summary["max_drawdown_low"] == pytest.approx(-170 / 150)
    assert summary["max_drawdown_duration"] == pd.Timedelta("3D")
    assert summary["ruined"] is True
    assert all(math.isfinite(summary[name]) for name in ("volatility", "sharpe", "sortino"))
    assert summary["sharpe"] < 0.0


def test_equity_below_zero_stays_bust():
    """A peer let a curve rise from -50 to -25 with a return of -50 %, and from -50 to 100 with -300 %."""
    assert daily_returns(curve_of([50.0, -50.0, -25.0, -100.0])).tolist() == [-0.5, -1.0, 0.0, 0.0]
    assert daily_returns(curve_of([50.0, -50.0, 100.0])).tolist() == [-0.5, -1.0, 0.0]
    assert daily_returns(curve_of([50.0, 0.0, 10.0, 20.0])).tolist() == [-0.5, -1.0, 0.0, 0.0]
    summary = summary_of(curve_of([50.0, -50.0]))
    assert summary["total_return"] == -1.5
    assert summary["cagr"] == -1.0


@pytest.mark.parametrize(
    "name", ["total_return", "cagr", "sharpe", "sortino", "calmar", "max_drawdown", "max_drawdown_low"]
)
def test_a_deeper_bust_never_ranks_above_a_shallower_one(name):
    path = [120.0, 90.0]
    figures = [summary_of(curve_of([*path, end, end]))[name] for end in (0.0, -1.0, -50.0, -1e6)]
    assert figures == sorted(figures, reverse=True)
    assert not any(map(math.isnan, figures))


def test_a_run_that_never_trades_has_no_ratios_and_no_warnings():
    summary = summary_of(curve_of([100.0] * 10), smallest_liquidation_distance=math.inf)
    assert summary["total_return"] == 0.0
    assert summary["cagr"] == 0.0
    assert summary["volatility"] == 0.0
    assert summary["max_drawdown"] == 0.0
    assert summary["trades"] == 0
    assert summary["liquidation_loss"] == 0.0
    assert math.copysign(1.0, summary["liquidation_loss"]) == 1.0
    undefined = [
        "sharpe",
        "sortino",
        "calmar",
        "win_rate",
        "profit_factor",
        "expectancy",
        "smallest_liquidation_distance",
    ]
    assert [name for name in NAMES if summary[name] is not None and summary[name] != summary[name]] == undefined


def test_one_bar_has_a_return_but_no_time():
    summary = summary_of(curve_of([90.0]))
    assert summary["total_return"] == pytest.approx(-0.1)
    assert math.isnan(summary["cagr"])
    assert math.isnan(summary["volatility"])
    assert summary["max_drawdown"] == pytest.approx(-0.1)
    assert summary_of(curve_of([0.0]))["cagr"] == -1.0


def test_growth_too_fast_for_a_year_is_infinite():
    assert summary_of(curve_of([100.0, 200.0], freq="min"))["cagr"] == math.inf
    assert summary_of(curve_of([100.0, 50.0], freq="min"))["cagr"] == -1.0


def test_trade_figures_count_closed_trades_only():
    trades = trades_of((30.0, "signal"), (-10.0, "stop_loss"), (-5.0, "liquidation"), (0.0, "signal"), (99.0, "open"))
    summary = summary_of(curve_of([100.0]), trades, liquidations=1)
    assert summary["trades"] == 5
    assert summary["win_rate"] == 0.25
    assert summary["profit_factor"] == 2.0
    assert summary["expectancy"] == 3.75
    assert summary["liquidation_loss"] == 5.0
    assert summary["liquidations"] == 1


def test_profit_without_losses_has_an_infinite_factor():
    assert summary_of(curve_of([100.0]), trades_of((1.0, "signal"), (-5.0, "open")))["profit_factor"] == math.inf
    assert math.isnan(summary_of(curve_of([100.0]), trades_of((0.0, "signal")))["profit_factor"])
    assert summary_of(curve_of([100.0]), trades_of((-1.0, "signal")))["profit_factor"] == 0.0


def test_what_the_account_recorded_is_carried_over():
    account = {
        "fees": 1.0,
        "funding": -2.0,
        "interest": 3.0,
        "penalties": 4.0,
        "forfeited": 5.0,
        "bad_debt": 6.0,
        "highest_margin_ratio": math.inf,
        "smallest_liquidation_distance": 0.25,
        "highest_effective_leverage": 9.0,
    }
    summary = summary_of(curve_of([100.0] * 4), bars_held=3, **account)
    assert {name: summary[name] for name in account} == account
    assert summary["exposure"] == 0.75
    assert summary["ruined"] is False


def test_orders_that_margin_cut_or_refused_are_counted():
    summary = summary_of(curve_of([100.0]), orders=np.repeat(list(Shortfall), [1, 2, 4, 8, 16, 32, 64]))
    # tier 1, fees 2, margin 4, refused 8, waiting 16, ruined 32, minimum 64
    assert summary["cut_orders"] == 1 + 4
    assert summary["refused_orders"] == 8 + 32


def test_the_summary_says_what_the_marks_were():
    assert summary_of(curve_of([100.0]), has_marks=True)["marks"] == "given"
    assert summary_of(curve_of([100.0]), has_marks=False)["marks"] == "traded prices"


def test_read_only_arrays_and_coarser_times_make_no_difference():
    curve = curve_of([110.0, 99.0, 108.9])
    frozen = curve.equity.copy()
    frozen.flags.writeable = False
    other = EquityCurve(curve.time.as_unit("s"), frozen, frozen, 100.0)
    pd.testing.assert_series_equal(summary_of(other), summary_of(curve))


@pytest.mark.parametrize("bars_per_day", [1, 24])
def test_figures_equal_those_of_quantstats(bars_per_day):
    """Bitcoin in 2019 and 2020; printed by quantstats 0.0.86 on its daily closes, after 4 000, with periods=365."""
    frame = pd.read_parquet(DATA / "btcusdt_1h.parquet")
    times = pd.DatetimeIndex(frame["timestamp"]).as_unit("ns")
    chosen = (times >= "2019-01-01") & (times < "2021-01-01")
    close = pd.Series(np.array(frame["close"]), index=times)[chosen]
    if bars_per_day == 1:
        close = close.groupby(close.index.floor("D")).last()
    summary = summary_of(EquityCurve(close.index, close.to_numpy(), close.to_numpy(), 4_000.0))
    printed = {
        "total_return": 6.230907499999975,
        "cagr": 1.6853983627173785,
        "volatility": 0.7220703435410991,
        "sharpe": 1.7469594403927133,
        "sortino": 2.567063133895936,
        "calmar": 2.6608151971049208,
        "max_drawdown": -0.6334142876781383,
    }
    if bars_per_day == 24:  # the fall is deeper between the days' ends
        del printed["calmar"], printed["max_drawdown"]
        assert summary["max_drawdown"] < -0.6334142876781383
    assert summary[list(printed)].astype(float).to_dict() == pytest.approx(printed, rel=1e-12)


@pytest.mark.parametrize("seed", range(30))
def test_the_pass_over_a_curve_equals_slow_pandas(seed):
    random = np.random.default_rng(seed)
    bars = int(random.integers(2, 200))
    steps = random.integers(1, 30, bars)
    time = pd.DatetimeIndex(pd.Timestamp("1969-12-25", tz="UTC") + pd.to_timedelta(np.cumsum(steps), unit="h")).as_unit(
        "ns"
    )
    equity = 100.0 + np.cumsum(random.integers(-3, 4, bars)).astype(np.float64)
    low = equity - random.integers(0, 5, bars)
    day, last = np.empty(bars, np.int64), np.empty(bars, np.int64)
    count, shortest = mark_days(time.asi8.copy(), day, last)
    falls = start_falls(100.0, int(time.asi8[0]))
    for piece in np.array_split(np.arange(bars), int(random.integers(1, 5))):
        falls = walk_falls(falls, time.asi8[piece], equity[piece], low[piece])
    falls = end_falls(falls, int(time.asi8[-1]))

    interval = pd.Timedelta(hours=int(steps[1:].min()))
    closes = pd.Series([100.0, *equity], index=[time[0], *(time + interval)])
    marks = closes.cummax()
    assert falls.max_drawdown == pytest.approx(min((closes / marks - 1.0).min(), 0.0))
    assert falls.max_drawdown_low == pytest.approx(min((low / marks.to_numpy()[:-1] - 1.0).min(), 0.0))
    at_mark = closes.index[(closes == marks).to_numpy()].append(closes.index[[-1]])
    spans = [last - first for first, last in pairwise(at_mark) if (closes < marks)[first:last].any()]
    longest = max(falls.longest, falls.longest_first + shortest if falls.longest_first >= 0 else 0)
    assert pd.Timedelta(longest, unit="ns") == max(spans, default=pd.Timedelta(0))
    assert pd.Timedelta(shortest, unit="ns") == interval
    days = pd.Series(equity, index=time.tz_localize(None).floor("D")).groupby(level=0).last()
    assert equity[last[:count]].tolist() == days.tolist()
    assert day[:count].tolist() == days.index.values.astype("M8[D]").astype(np.int64).tolist()

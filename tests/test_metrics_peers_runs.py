"""Figures of real runs beside those of quantstats and empyrical: equal where the formula is the same.

Where it is not, the difference is the one that docs/metrics.md names, and is undone here.
"""

import numpy as np
import pandas as pd
import pytest
from peers import LIVING, by_bar, by_day, imported, periods_of, run

DAYS = [case for case in LIVING if case[1] == "days"]
TRADING = [case for case in LIVING if case[0] != "buy_and_hold"]  # which never closes its only trade
EQUAL = {"rel": 1e-12, "abs": 1e-15}


def named(case):
    return "-".join(str(part).replace(" ", "_") for part in case)


def each(cases):
    return pytest.mark.parametrize("case", cases, ids=named)


@pytest.fixture(scope="module")
def quantstats(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("charts")).quantstats


@pytest.fixture(scope="module")
def empyrical(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("charts")).empyrical


@each(LIVING)
def test_return_and_ratios_are_those_of_both(case, quantstats, empyrical):
    summary, daily = run(*case).summary, by_day(run(*case))
    periods = periods_of(daily)
    assert not summary["ruined"]
    assert summary["total_return"] + 1 == pytest.approx(quantstats.comp(daily) + 1, **EQUAL)
    assert summary["total_return"] + 1 == pytest.approx(empyrical.cum_returns_final(daily) + 1, **EQUAL)
    assert summary["volatility"] == pytest.approx(quantstats.volatility(daily, periods=periods), **EQUAL)
    assert summary["volatility"] == pytest.approx(empyrical.annual_volatility(daily, annualization=periods), **EQUAL)
    assert summary["sharpe"] == pytest.approx(quantstats.sharpe(daily, periods=periods), **EQUAL)
    assert summary["sharpe"] == pytest.approx(empyrical.sharpe_ratio(daily, annualization=periods), **EQUAL)
    assert summary["sortino"] == pytest.approx(quantstats.sortino(daily, periods=periods), **EQUAL)
    assert summary["sortino"] == pytest.approx(empyrical.sortino_ratio(daily, annualization=periods), **EQUAL)


@each(LIVING)
def test_ratios_as_they_come_are_of_252_days(case, quantstats, empyrical):
    summary, daily = run(*case).summary, by_day(run(*case))
    factor = np.sqrt(periods_of(daily) / 252)
    assert summary["volatility"] == pytest.approx(quantstats.volatility(daily) * factor, **EQUAL)
    assert summary["sharpe"] == pytest.approx(empyrical.sharpe_ratio(daily) * factor, **EQUAL)
    assert summary["sortino"] == pytest.approx(quantstats.sortino(daily) * factor, **EQUAL)
    assert (factor == 1.0) == case[1].startswith("weekday")


@each(DAYS)
def test_growth_and_falls_are_those_of_both_on_days_without_gaps(case, quantstats, empyrical):
    summary, daily = run(*case).summary, by_day(run(*case))
    assert summary["cagr"] == pytest.approx(quantstats.cagr(daily, periods=365), **EQUAL)
    assert summary["cagr"] == pytest.approx(empyrical.cagr(daily, annualization=365), **EQUAL)
    assert summary["max_drawdown"] == pytest.approx(quantstats.max_drawdown(daily), **EQUAL)
    assert summary["max_drawdown"] == pytest.approx(empyrical.max_drawdown(daily), **EQUAL)
    assert summary["calmar"] == pytest.approx(quantstats.calmar(daily, periods=365), **EQUAL)
    assert summary["calmar"] == pytest.approx(empyrical.calmar_ratio(daily, annualization=365), **EQUAL)


@each(LIVING)
def test_growth_elsewhere_differs_by_how_years_are_counted(case, quantstats, empyrical):
    """They count returns, here the years are those of the calendar."""
    result, daily = run(*case), by_day(run(*case))
    time = result.equity.index
    years = (time[-1] - time[0] + np.diff(time).min()) / pd.Timedelta(days=365)
    exponent = len(daily) / periods_of(daily) / years
    for theirs in (
        quantstats.cagr(daily, periods=periods_of(daily)),
        empyrical.cagr(daily, annualization=periods_of(daily)),
    ):
        assert result.summary["cagr"] + 1 == pytest.approx((theirs + 1) ** exponent, **EQUAL)
    assert (exponent == 1.0) == (case[1] == "days")
    assert exponent == pytest.approx(261 / 252 if case[1].startswith("weekday") else 1.0, abs=0.002)
    assert result.summary["calmar"] == pytest.approx(-result.summary["cagr"] / result.summary["max_drawdown"], **EQUAL)


@each(LIVING)
def test_falls_are_those_of_both_on_the_returns_of_bars(case, quantstats, empyrical):
    result, bars, daily = run(*case), by_bar(run(*case)), by_day(run(*case))
    ours = result.drawdowns["drawdown"].to_numpy()
    assert quantstats.to_drawdown_series(bars).to_numpy() == pytest.approx(ours, rel=0, abs=1e-12)
    assert empyrical.drawdown_series(bars).to_numpy() == pytest.approx(ours, rel=0, abs=1e-12)
    deepest = result.summary["max_drawdown"]
    assert deepest == ours.min() == pytest.approx(quantstats.max_drawdown(bars), **EQUAL)
    assert deepest == pytest.approx(empyrical.max_drawdown(bars), **EQUAL)
    by_the_day = quantstats.max_drawdown(daily)
    if case[1] in ("days", "weekdays"):
        assert by_the_day == pytest.approx(deepest, **EQUAL)
    else:  # closes inside a day are not seen
        assert by_the_day > deepest
    assert result.summary["max_drawdown_low"] <= deepest


@each(DAYS)
def test_a_fall_lasts_a_day_longer_than_quantstats_says_unless_it_lasts_to_the_end(case, quantstats):
    """It counts the days below the mark; here the day on which it is reached again counts too."""
    result, daily = run(*case), by_day(run(*case))
    details = quantstats.drawdown_details(quantstats.to_drawdown_series(daily))
    is_over = details["end"] < f"{daily.index[-1]:%Y-%m-%d}"
    assert (details["days"] + is_over).max() == result.summary["max_drawdown_duration"] / pd.Timedelta(days=1)


@each(LIVING)
def test_months_and_years_are_those_of_both(case, quantstats, empyrical):
    result, daily = run(*case), by_day(run(*case))
    table = quantstats.monthly_returns(daily)
    table.index = table.index.astype(int)
    ours = result.monthly_returns
    assert ours.index.tolist() == table.index.tolist()
    assert ours["year"].to_numpy() == pytest.approx(table.pop("EOY").to_numpy(), **EQUAL)
    months = ours.drop(columns="year").to_numpy()
    assert np.nan_to_num(months) == pytest.approx(table.to_numpy(), **EQUAL)  # where there is no bar it has 0, not NaN
    aggregated = empyrical.aggregate_returns(daily, "monthly")
    assert months[~np.isnan(months)] == pytest.approx(aggregated.to_numpy(), rel=1e-12, abs=1e-14)


@each(TRADING)
def test_trade_figures_are_those_of_quantstats_on_what_trades_earned(case, quantstats):
    result, daily = run(*case), by_day(run(*case))
    closed = result.trades[result.trades["exit_reason"] != "open"]["pnl"].reset_index(drop=True)
    assert len(closed) > 10
    assert (closed != 0.0).all()  # quantstats leaves them out, here they are no wins
    summary = result.summary
    assert summary["win_rate"] == quantstats.win_rate(closed, prepare_returns=False)
    assert summary["profit_factor"] == pytest.approx(quantstats.profit_factor(closed, prepare_returns=False), **EQUAL)
    # thousands of wins and losses that nearly cancel
    assert summary["expectancy"] == pytest.approx(
        quantstats.avg_return(closed, prepare_returns=False), rel=1e-12, abs=1e-12 * closed.abs().mean()
    )
    # On the returns of days the same functions are of days.
    up, moved = (daily > 0).sum(), (daily != 0).sum()
    assert quantstats.win_rate(daily) == up / moved != summary["win_rate"]


@each(TRADING)
def test_exposure_is_of_bars_and_quantstats_is_of_days_that_moved_rounded_up(case, quantstats):
    result, daily = run(*case), by_day(run(*case))
    held = (result.history["notional"] > 0).mean()
    assert result.summary["exposure"] == held
    assert quantstats.exposure(daily) == np.ceil(100 * (daily != 0).mean()) / 100
    assert quantstats.exposure(daily) >= held - 1e-12

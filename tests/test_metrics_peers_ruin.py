"""What quantstats and empyrical make of a lost account: the tables of docs/metrics.md, and what tear sheets avoid."""

import math

import numpy as np
import pandas as pd
import pytest
from metrics_page import NAME, as_shown, tables
from peers import DEAD, by_day, imported, returns, run, theirs

from backtest.kernels.schema import ACCOUNT, CALL, FILL, LIQUIDATION, ORDER, Logs
from backtest.kernels.sums_schema import TRIP
from backtest.outcome.metrics import EquityCurve, daily_returns, summarise

CASH = 100.0
START = "2024-01-04"  # a Thursday: four days have a weekend among them
PAIR, *_ = DEAD
RATIOS = ("volatility", "sharpe", "sortino")


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("charts"))


def summary_of(equity):
    """Return the summary of an account that has nothing but a curve."""
    time = pd.date_range(START, periods=len(equity), tz="UTC", unit="ns")
    closes = np.array(equity)
    logs = Logs(*(np.zeros(0, kind) for kind in (FILL, LIQUIDATION, ORDER, CALL)), np.zeros(4, np.int64))
    is_lost = bool(closes[-1] <= 0.0)
    account = np.zeros(1, ACCOUNT)[0]
    return summarise(EquityCurve(time, closes, closes, CASH), np.zeros(0, TRIP), logs, account, is_lost, False)


def pandas_of(equity):
    """Return the returns that pandas makes of it."""
    return returns(pd.Series(equity, pd.date_range(START, periods=len(equity))), CASH)


def daily_of(result):
    """Return the returns that the summary is taken on, as the peers take them."""
    return daily_returns(result.curve).tz_localize(None)


def test_side_by_side_is_as_the_page_shows_it(peers):
    _, rows = tables("## Beside quantstats and empyrical")[:2]
    result = run("moving_average_cross", "hours", "isolated", 1)
    assert len(rows) == 11
    for name, *shown in rows:
        (figure,) = NAME.findall(name)
        ours = result.summary[figure]
        here = ours / pd.Timedelta(days=1) if isinstance(ours, pd.Timedelta) else ours
        given, as_it_comes = (theirs(peers, figure, by_day(result), periods) for periods in (365, 252))
        assert [as_shown(*pair) for pair in zip((here, *given, as_it_comes[0]), shown, strict=True)] == shown, figure


def test_functions_that_the_page_names_are_there(peers):
    rows = tables("## Beside quantstats and empyrical")[0]
    for _, quantstats, empyrical, _ in rows:
        assert all(hasattr(peers.quantstats, name) for name in NAME.findall(quantstats))
        assert all(hasattr(peers.empyrical, name) for name in NAME.findall(empyrical))


def test_a_lost_account_is_as_the_page_shows_it(peers):
    rows = tables("## A lost account, elsewhere")[0]
    result = run(*PAIR)
    daily = by_day(result)
    assert result.summary["ruined"]
    assert daily.isna().sum() == 602
    assert f"{daily.idxmin():%Y-%m-%d}" == "2018-02-06"
    assert len(rows) == 8
    for name, *shown in rows:
        (figure,) = NAME.findall(name)
        values = (result.summary.get(figure), *theirs(peers, figure, daily, 365))
        assert [as_shown(*pair) for pair in zip(values, shown, strict=True)] == shown, figure


def test_equity_below_zero_is_as_the_page_shows_it(peers):
    rows = tables("## A lost account, elsewhere")[1]
    curves = [110.0, 50.0, -50.0, -25.0], [110.0, 50.0, -50.0, -100.0]
    assert len(rows) == 7
    for name, *shown in rows:
        (figure,) = NAME.findall(name)
        values = [
            value
            for equity in curves
            for value in (summary_of(equity)[figure], *theirs(peers, figure, pandas_of(equity), 365))
        ]
        assert [as_shown(*pair) for pair in zip(values, shown, strict=True)] == shown, figure


def test_the_deeper_bust_ranks_above_the_shallower_one_with_both_and_not_here(peers):
    shallow, deep = [110.0, 50.0, -50.0, -25.0], [110.0, 50.0, -50.0, -100.0]
    for figure in ("sharpe", "sortino"):
        for better, worse in zip(
            theirs(peers, figure, pandas_of(deep), 365), theirs(peers, figure, pandas_of(shallow), 365), strict=True
        ):
            assert better > worse
        assert summary_of(deep)[figure] == summary_of(shallow)[figure]


@pytest.mark.parametrize("case", DEAD, ids=lambda case: case[0])
def test_days_after_a_loss_count_here_and_never_were_for_both(peers, case):
    result = run(*case)
    pandas, daily = by_day(result), daily_of(result)
    lived = int(pandas.notna().sum())
    assert result.summary["ruined"]
    assert lived < len(daily)
    for figure in RATIOS:
        for there, whole in zip(
            theirs(peers, figure, pandas, 365), theirs(peers, figure, daily[:lived], 365), strict=True
        ):
            assert there == pytest.approx(whole, rel=1e-12)
        for there in theirs(peers, figure, daily, 365):  # with 0 for those days
            assert result.summary[figure] == pytest.approx(there, rel=1e-12)
            assert abs(result.summary[figure] / theirs(peers, figure, pandas, 365)[0] - 1) > 0.01


@pytest.mark.parametrize("case", DEAD, ids=lambda case: case[0])
def test_quantstats_sees_no_risk_of_ruin_in_a_ruined_account(peers, case):
    risk = peers.quantstats.risk_of_ruin(by_day(run(*case)))
    assert 0.0 <= risk < 0.01


def test_growth_of_equity_below_zero_is_nothing_or_anything(peers):
    """-50 to the power of 365 / 4 is no number, to that of 365 / 5 it is -0: empyrical then says -100 %."""
    four, five = [110.0, 50.0, -50.0, -50.0], [110.0, 50.0, -50.0, -50.0, -50.0]
    assert all(map(math.isnan, theirs(peers, "cagr", pandas_of(four), 365)))
    quantstats, empyrical = theirs(peers, "cagr", pandas_of(five), 365)
    assert math.isnan(quantstats)
    assert empyrical == pytest.approx(-1.0)
    assert peers.empyrical.calmar_ratio(pandas_of(five), annualization=365) == pytest.approx(-0.6875)
    assert summary_of(four)["calmar"] == summary_of(five)["calmar"] == -1.0


def test_quantstats_finds_no_fall_that_lasts_from_the_first_day_to_the_last(peers):
    daily = pandas_of([90.0, 80.0, 80.0, 85.0])
    assert daily.round(2).tolist() == [-0.1, -0.11, 0.0, 0.06]
    drawdowns = peers.quantstats.to_drawdown_series(daily)
    assert drawdowns.min() == pytest.approx(-0.2)
    assert len(peers.quantstats.drawdown_details(drawdowns)) == 0
    assert summary_of([90.0, 80.0, 80.0, 85.0])["max_drawdown_duration"] == pd.Timedelta(days=4)
    before = pd.concat([pd.Series([0.0], [daily.index[0] - pd.Timedelta(days=1)]), daily])
    details = peers.quantstats.drawdown_details(peers.quantstats.to_drawdown_series(before))
    assert details["days"].tolist() == [4]
    assert details["max drawdown"].tolist() == pytest.approx([-20.0])


def test_quantstats_takes_returns_for_prices(peers):
    daily = pandas_of([110.0, 220.0, 264.0])
    assert daily.tolist() == pytest.approx([0.1, 1.0, 0.2])
    assert peers.quantstats.max_drawdown(daily) == pytest.approx(-0.8)
    assert peers.empyrical.max_drawdown(daily) == summary_of([110.0, 220.0, 264.0])["max_drawdown"] == 0.0
    more = pandas_of([110.0, 275.0, 330.0])  # +150 %: now all of its figures are of -87 %
    assert math.isnan(peers.quantstats._utils._prepare_returns(more).iloc[0])
    assert peers.quantstats.sharpe(more, periods=365) != pytest.approx(
        peers.empyrical.sharpe_ratio(more, annualization=365), rel=0.1
    )

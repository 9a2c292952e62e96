"""docs/metrics.md has every figure of the summary, and its formulas, computed in plain Python, give the summary."""

import math

import numpy as np
import pandas as pd
import pytest
from metrics_page import NAME, formulas, headings, section, tables
from peers import PAIR, market, run
from plain_figures import figures
from scenes import SIMPLE, bars_of, venue_of

import backtest as bt

CRASH = market("hours")["2020-02-15":"2020-04-15"]


def held(bars, target=1.0):
    return np.full(len(bars), target)


def replayed(bars, signals, account, **rules):
    return bt.run(bars, signals, account=bt.Account(**account), venue=venue_of(**rules))


def lost_pair():
    return run("relative_momentum", "pair", "isolated", 5)


def cross_pair():
    return run("relative_momentum", "pair", "cross", 5)


def refilled():
    """Return an account that is filled up after each of its ends."""
    return replayed(
        market("days"),
        np.resize([1.0, 0.9], len(market("days"))),
        {"leverage": 5, "on_liquidation": "refill"},
        liquidation_fee=0.0125,
        taker_fee=0.0005,
    )


def called():
    """Return a broker's client with money in the bank, called until it is used up."""
    call = bt.MarginCall(level=1, grace=12, deposit="reserve", close_below=0.01)
    return replayed(
        CRASH,
        held(CRASH),
        {"cash": 1_000_000, "leverage": 2, "margin_mode": "isolated", "reserve": 200_000},
        tiers=((0, 0.25, 2),),
        call=call,
        target_ratio=1.2,
        borrow_rate=0.08,
    )


def taken_apart():
    """Return a position that loses tier by tier what is kept of it."""
    return replayed(
        CRASH,
        held(CRASH),
        {"cash": 1_000_000, "leverage": 12, "on_liquidation": "reenter"},
        tiers=((0, 0.01, 50), (1_000_000, 0.02, 20), (5_000_000, 0.05, 10)),
        liquidation="step_down",
        liquidation_fee=0.002,
        residual="forfeit",
    )


def gapped():
    """Return a loss beyond the margin, of which a small fund bears a part."""
    bars = bars_of([100, 100, (80, 80, 79, 80), 80, 60], every="1D")
    signals = np.array([1.0, 1.0, 0.9, 1.0, 1.0])
    return replayed(bars, signals, {"leverage": 10, "sizing": "cash"}, tiers=(SIMPLE,), insurance_fund=4_000)


def in_coins():
    return replayed(CRASH, held(CRASH), {"cash": 1.0, "leverage": 2, "currency": "base"}, contract="inverse")


def with_marks():
    """Return a position whose marks do not follow what is traded."""
    bars = bars_of([100, 90, 110, 95], marks=[[100, 99, 104, 98]], funding=[[0.0, 0.001, -0.002, 0.001]])
    return replayed(bars, held(bars, 0.5), {"leverage": 4}, taker_fee=0.001)


def one_bar():
    return replayed(bars_of([100]), held([0]), {})


def no_trades():
    return replayed(bars_of([100, 101, 102], every="1D"), held([0] * 3, 0.0), {})


def weeks():
    bars = bars_of([100, 105, 95, 99, 120, 118], every="7D")
    return replayed(bars, held(bars), {})


CASES = (
    lost_pair,
    cross_pair,
    refilled,
    called,
    taken_apart,
    gapped,
    in_coins,
    with_marks,
    one_bar,
    no_trades,
    weeks,
)
SEEN = {  # in which case a figure is other than nothing
    "forced_closes": called,
    "deposits": called,
    "interest": called,
    "forfeited": taken_apart,
    "bad_debt": gapped,
    "socialised_loss": gapped,
    "refills": refilled,
    "refilled": refilled,
    "cut_orders": taken_apart,
    "refused_orders": gapped,
    "funding": with_marks,
}


def test_the_page_has_every_figure_of_the_summary_in_its_order():
    names = list(no_trades().summary.index)
    assert headings() == list(formulas()) == names
    assert set(figures(no_trades())) == set(names)


def test_every_figure_has_a_formula_and_a_unit():
    words = ("fraction", "number", "count", "money", "timedelta", "multiple", "true or false", "word")
    for name, (formula, said) in formulas().items():
        assert len(formula) > 10, name
        first = said.partition("\n\n")[0].lower()
        assert any(word in first for word in words) or "as `max_drawdown`" in first, name


def test_figures_that_are_set_beside_others_are_those_of_the_summary():
    names = set(no_trades().summary.index)
    beside = tables("## Beside quantstats and empyrical")[:2] + tables("## A lost account, elsewhere")
    for table in beside:
        figures_of_table = [name for row in table for name in NAME.findall(row[0])]
        assert len(figures_of_table) == len(table) > 6
        assert set(figures_of_table) - names <= {"risk_of_ruin"}  # of which the page says that it is theirs alone


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_formulas_of_the_page_in_plain_python_give_the_summary(case):
    result = case()
    summary, plain = result.summary, figures(result)
    for name, value in summary.items():
        if isinstance(value, (str, bool, pd.Timedelta)):
            assert plain[name] == value, name
        else:
            assert plain[name] == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True), name


@pytest.mark.parametrize(("name", "case"), SEEN.items(), ids=SEEN)
def test_a_case_has_something_of_every_rare_figure(name, case):
    assert case().summary[name] != 0


def test_a_case_has_something_of_every_other_figure():
    summary = lost_pair().summary
    for name in set(summary.index) - set(SEEN) - {"margin_calls", "marks"}:
        assert summary[name], name
        assert not (isinstance(summary[name], float) and math.isnan(summary[name])), name
    assert called().summary["margin_calls"] > 0
    assert with_marks().summary["marks"] == "given"
    assert set(PAIR) == set(market("pair").symbols)


def test_factors_of_the_page_are_what_they_say():
    assert f"sqrt(365 / 252) = {math.sqrt(365 / 252):.4f}." in section("### Periods")
    assert f"261 / 252 = {261 / 252:.3f} years" in section("### Years").replace("\n", " ")

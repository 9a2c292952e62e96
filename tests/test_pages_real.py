"""Pages of real runs of every kind: what a stand-in is told must be what results have."""

import numpy as np
import pandas as pd
import pytest
from frames import DATA
from stand_in import COLUMNS, StandIn, bars_of

import backtest as bt
from backtest.command_line.bases import Base
from backtest.command_line.sweep_reports import write_report
from backtest.figures_in_words import coins
from backtest.pages.run_pages import run_context, write_run_page

SPAN = slice("2020-02-15", "2020-03-31")


def hours():
    return bt.read_bars(DATA / "btcusdt_1h.parquet")[SPAN].with_funding(0.0001)


def hedged():
    """Return a run that holds both sides, with stops."""
    bars = hours()
    swing = np.sin(np.arange(len(bars)) / 30)
    signals = pd.DataFrame(
        {
            "target_long": swing.clip(0) / 2,
            "target_short": -(-swing).clip(0) / 2,
            "stop_loss": 0.03,
            "take_profit": 0.05,
        },
        index=bars.time,
    )
    return bt.run(bars, signals, account=bt.Account(leverage=20), venue=bt.venue("binance_usdm"))


def called():
    """Return a run of a broker's client who is asked for margin."""
    venue = bt.venue("reg_t", call=bt.MarginCall(level=1, grace=6, deposit="reserve", close_below=0.01))
    account = bt.Account(cash=1_000_000, leverage=2, margin_mode="cross", reserve=50_000)
    return bt.run(hours(), np.ones((len(hours()), 1)), account=account, venue=venue)


def of_contracts():
    """Return a venue of inverse contracts."""
    tiers = [bt.Tier(floor=0, maintenance_rate=0.005, max_leverage=50)]
    return bt.Venue(tiers=tiers, contract="inverse", multiplier=100.0, taker_fee=0.0005)


def of_coins():
    """Return a run whose money is coins."""
    bars, venue = hours(), of_contracts()
    account = bt.Account(cash=2.0, leverage=10, currency="base")
    return bt.run(bars, -np.ones((len(bars), 1)), account=account, venue=venue)


def flat():
    return bt.run(hours()[:1], np.zeros((1, 1)), venue=bt.venue("binance_usdm"))


KINDS = {"hedged": hedged, "called": called, "of coins": of_coins, "flat": flat}


def titles(table):
    return [column.title for column in table.columns]


@pytest.mark.parametrize("name", KINDS)
def test_a_run_of_any_kind_has_a_page(name, tmp_path):
    result = KINDS[name]()
    context = run_context(result)
    write_run_page(result, tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size > 4_000_000
    for key, frame in (("trades", result.trades), ("orders", result.orders), ("liquidations", result.liquidations)):
        assert len(context[key]) == len(frame)
    has_legs = name == "hedged"
    assert ("leg" in titles(context["liquidations"])) == has_legs
    if name == "hedged":
        assert set(result.positions["leg"]) == {"long", "short"}
    if name == "called":
        assert len(context["calls"]) == len(result.calls) > 0
        said = next(column for column in context["liquidations"].columns if column.title == "what triggered it")
        assert any("a margin call was not met" in cell for cell in said.cells)
    if name == "of coins":
        assert context["tiles"][1].note == "from 2.000000"
        assert [chart.unit for chart in context["charts"][:2]] == ["quote", "coins"]


def test_a_saved_run_has_the_same_page(tmp_path):
    result = called()
    result.save(tmp_path / "run")
    for name, each in (("one.html", result), ("two.html", bt.load(tmp_path / "run"))):
        write_run_page(each, tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_the_stand_in_has_what_results_have():
    result, stand_in = flat(), StandIn(bars_of(5))
    for name in COLUMNS:
        assert list(getattr(result, name).columns) == list(getattr(stand_in, name).columns), name
    for name in ("history", "drawdowns", "monthly_returns"):
        assert set(getattr(result, name).columns) == set(getattr(stand_in, name).columns), name
    assert set(result.summary.index) == set(stand_in.summary.index)
    assert set(result.description) == set(stand_in.description)
    assert set(result.description["data"]) == set(stand_in.description["data"])


@pytest.mark.parametrize("swept", [{"leverage": [1, 2]}, {"stop_loss": [0.1, None]}])
def test_the_report_of_a_sweep_has_money_as_the_account_has_it(swept, tmp_path):
    account, venue = bt.Account(cash=2.0, leverage=10, currency="base"), of_contracts()
    strategy = bt.strategy(DATA.parent / "strategies" / "buy_and_hold.py")
    base = Base(hours(), strategy, {}, account, venue, swept)
    table = bt.sweep(base.bars, strategy, venue=venue, account=account, over=swept)
    before, again = dict(table.attrs), []

    def other(changed):
        again.append(changed.account.intrabar)
        return bt.sweep(changed.bars, strategy, venue=venue, account=changed.account, over=swept)

    write_report(table, base, tmp_path / "sweep.html", other)
    assert again == (["best"] if "leverage" in swept else [])
    assert table.attrs == before
    assert f">{coins(table['fees'][0])}<" in (tmp_path / "sweep.html").read_text(encoding="utf-8")

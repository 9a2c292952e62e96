"""What other people's scripts call: the public names, and how light the import is."""

import subprocess
import sys

import numpy as np
import pandas as pd
from scenes import bars_of, play

import backtest as bt

HISTORY = (
    "equity equity_low wallet margin initial_margin maintenance_margin margin_ratio notional effective_leverage "
    "free_margin realised fees funding interest penalties forfeited bad_debt reserve deposits insurance_fund "
    "socialised_loss"
)
FILLS = "time symbol quantity price fee reason"
ORDERS = "time symbol wanted filled reason"
LIQUIDATIONS = (
    "time symbol quantity mark_price fill_price bankruptcy_price margin_lost penalty forfeited bad_debt "
    "gap joint partial loss"
)
CALLS = "time symbol event balance maintenance asked amount reserve"
SUMMARY = (
    "total_return cagr volatility sharpe sortino calmar max_drawdown max_drawdown_duration exposure trades win_rate "
    "profit_factor expectancy fees funding interest liquidations liquidation_loss penalties forfeited bad_debt "
    "max_drawdown_low highest_margin_ratio smallest_liquidation_distance highest_effective_leverage cut_orders "
    "refused_orders ruined margin_calls forced_closes deposits refills refilled insurance_fund socialised_loss"
)


def test_all_lists_every_public_name():
    modules = {name for name in vars(bt) if type(vars(bt)[name]).__name__ == "module"}
    public = {name for name in vars(bt) if not name.startswith("_")} - (modules - {"plots"})
    assert public == set(bt.__all__)
    assert bt.__all__ == sorted(bt.__all__)


def test_public_names_are_those_of_the_specification():
    names = "read_bars Bars venue Venue Tier Account strategy run load BacktestError DataError ConfigError MarginError"
    names += " MarginCall read_tiers"
    assert set(names.split()) <= set(bt.__all__)
    assert all(issubclass(error, bt.BacktestError) for error in (bt.DataError, bt.ConfigError, bt.MarginError))
    assert issubclass(bt.BacktestError, ValueError)


def test_frames_have_the_columns_of_the_specification():
    result = play(bars_of([100, 100, (100, 100, 85, 98), 98]), "1 . . .", leverage=10)
    assert list(result.history) == HISTORY.split()
    assert list(result.fills) == FILLS.split()
    assert list(result.liquidations) == LIQUIDATIONS.split()
    assert list(result.orders) == ORDERS.split()
    assert list(result.calls) == CALLS.split()
    assert list(result.summary.index)[: len(SUMMARY.split())] == SUMMARY.split()
    assert result.history.index.equals(result.equity.index)
    assert str(result.history.index.dtype) == "datetime64[ns, UTC]"


def test_frames_without_rows_have_the_same_columns_and_types():
    empty = play(bars_of([100, 100, 100]), ". . .")
    full = play(bars_of([100, 100, (100, 100, 85, 98), 98]), "1 . . .", leverage=10, taker_fee=0.001)
    for name in ("fills", "trades", "liquidations", "orders"):
        assert len(getattr(empty, name)) == 0
        assert getattr(empty, name).dtypes.equals(getattr(full, name).dtypes), name


def test_import_loads_neither_the_command_line_nor_charts():
    """What numba and pandas load themselves, where it is installed, is not ours."""
    code = (
        "import sys, numba, pandas, pyarrow.parquet; before = set(sys.modules); import backtest;"
        "heavy = {'typer', 'plotly', 'rich', 'scipy', 'jinja2', 'matplotlib', 'quantstats'};"
        "print(sorted(heavy & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"


def test_signals_may_be_a_series_a_frame_an_array_or_a_strategy(tmp_path):
    bars = bars_of([100, 101, 102, 103])
    venue = bt.Venue(tiers=[bt.Tier(floor=0, maintenance_rate=0.004, max_leverage=100)])
    path = tmp_path / "half.py"
    path.write_text("PARAMS = {'size': 0.5}\ndef signals(data, size):\n    return data['close'] * 0 + size\n")
    series = pd.Series(0.5, bars.time)
    forms = [series, series.to_frame("S0"), series.to_numpy(), series.to_numpy()[:, None], bt.strategy(path)]
    results = [bt.run(bars, form, venue=venue) for form in forms]
    for result in results:
        assert result.equity.equals(results[0].equity)
        assert result.fills["quantity"].to_list() == [5000 / 101]
    other = bt.run(bars, bt.strategy(path), params={"size": 0.25}, venue=venue)
    assert np.allclose(other.fills["quantity"], 2500 / 101)

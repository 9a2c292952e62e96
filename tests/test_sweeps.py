"""Sweeps: every row is what `run` says of its setting, whatever the number of workers."""

import re

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of, venue_of
from wild import market_of, signals_of

import backtest as bt
from backtest.errors import ConfigError, DataError
from backtest.signalling.signals import as_signals
from backtest.sweeping import jobs
from backtest.sweeping.grids import settings_of
from backtest.sweeping.sweep_tables import table_of

TIERS = [(0, 0.005, 50), (20_000, 0.02, 20), (100_000, 0.05, 10)]
VENUE = venue_of(TIERS, taker_fee=0.0004, slippage=0.0002, liquidation_fee=0.005)
WILD = bt.Bars.from_frames(market_of(1, 2, 120))
LONE = bt.Bars.from_frames(market_of(1, 1, 120))
SIGNALS = signals_of(1, 2, 120)


def trend(data, fast, slow):
    """Follow the faster mean."""
    if fast >= slow:
        raise ValueError("fast must be below slow")
    frames = data if isinstance(data, dict) else {"S0": data}
    closes = {symbol: frame["close"] for symbol, frame in frames.items()}
    return pd.DataFrame(
        {symbol: np.sign(c.rolling(fast).mean() - c.rolling(slow).mean()) / 2 for symbol, c in closes.items()}
    )


STRATEGY = bt.Strategy.from_function(trend, {"fast": 5, "slow": 20})


def assert_row_is_run(row, bars, signals, *, venue=VENUE, account=None, within=0.0, **more):
    """Compare every figure of a row with those of a run on its own, to the bit or within a part of cash and figure."""
    if row["reason"]:
        with pytest.raises(bt.BacktestError, match=f"^{re.escape(row['reason'])}$"):
            bt.run(bars, signals, venue=venue, account=account, **more)
        assert row[-5:].isna().all()
        return
    wanted = bt.run(bars, signals, venue=venue, account=account, **more).summary
    assert list(row.index)[-len(wanted) :] == list(wanted.index)
    for name, value in wanted.items():
        same = row[name] == value or (pd.isna(row[name]) and pd.isna(value))
        if not same and within and isinstance(value, float):
            cash = 1.0 if account is None else account.cash
            same = abs(row[name] - value) <= within * max(1.0, cash, abs(value))
        assert same, (name, row[name], value)


def accounts_of(table, *names):
    return [bt.Account(**{name: row[name] for name in names}) for _, row in table.iterrows()]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_row_is_the_run_of_its_setting(workers):
    over = {"leverage": [1, 3, 10, 50], "margin_mode": ["isolated", "cross"], "intrabar": ["worst", "path"]}
    table = bt.sweep(WILD, SIGNALS, venue=VENUE, over=over, workers=workers)
    assert len(table) == 16
    assert table["liquidations"].sum() > 10
    assert not table.duplicated(list(over)).any()
    for row, account in enumerate(accounts_of(table, *over)):
        assert_row_is_run(table.iloc[row], WILD, SIGNALS, account=account)


@pytest.mark.parametrize("bars", [WILD, LONE], ids=["two", "one"])
def test_not_a_bit_depends_on_workers_or_chunks(bars, monkeypatch):
    over = {"leverage": [1, 2, 5, 30, 51], "stop_loss": [None, 0.03], "fast": [3, 5]}
    tables = [bt.sweep(bars, STRATEGY, venue=VENUE, over=over, workers=workers) for workers in (1, 2, 3)]
    monkeypatch.setattr(jobs, "MOST_ROWS", 3)
    tables += [bt.sweep(bars, STRATEGY, venue=VENUE, over=over, workers=workers) for workers in (1, 2)]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0], check_exact=True)
    assert list(tables[0]["stop_loss"].isna()) == [True, True, False, False] * 5


@pytest.mark.parametrize("bars", [WILD, LONE], ids=["two", "one"])
def test_not_a_bit_depends_on_which_rows_are_run_together(bars):
    settings = settings_of({"leverage": [1, 2, 5, 30, 51, 7]}, bt.Account(), VENUE, None, None)
    job = jobs.Job(bars, as_signals(SIGNALS[:, : len(bars.symbols)], bars), settings)
    together = table_of(job.rows(range(6), 2), settings, job.schema)
    assert together["cagr"].null_count == 1
    for row in (5, 2, 4, 0):
        alone = table_of(job.rows([row], 1), settings, job.schema)
        assert alone.equals(together.slice(row, 1))


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_one_instrument_is_swept_as_it_is_run(mode):
    over = {"leverage": [1, 3, 10, 30, 50], "cash": [100, 1e6], "taker_fee": [0.0, 0.001]}
    account = bt.Account(margin_mode=mode)
    table = bt.sweep(LONE, SIGNALS[:, 0], venue=VENUE, over=over, account=account, workers=2)
    assert table["liquidations"].sum() > 5
    for _, row in table.iterrows():
        venue = VENUE.model_copy(update={"taker_fee": row["taker_fee"]})
        chosen = account.model_copy(update={"leverage": row["leverage"], "cash": row["cash"]})
        assert_row_is_run(row, LONE, SIGNALS[:, 0], venue=venue, account=chosen, within=1e-9)


def test_venue_settings_and_strategy_parameters_vary_too():
    over = {"taker_fee": [0.0, 0.001], "liquidation": ["full", "step_down"], "fast": [3, 25], "leverage": [5]}
    table = bt.sweep(WILD, STRATEGY, venue=VENUE, over=over, params={"slow": 25}, account=bt.Account(leverage=2))
    assert list(table["reason"] == "") == [True, False] * 4
    assert table["reason"].iloc[1].startswith("strategy trend failed with ValueError: fast must be below slow")
    for _, row in table.iterrows():
        venue = VENUE.model_copy(update={"taker_fee": row["taker_fee"], "liquidation": row["liquidation"]})
        params = {"fast": int(row["fast"]), "slow": 25}
        account = bt.Account(leverage=5)
        assert_row_is_run(row, WILD, STRATEGY, venue=venue, account=account, params=params)


@pytest.mark.parametrize(
    "signals",
    [
        pd.DataFrame({"target": 0.5, "leverage": [2.0, 3.0] * 60, "stop_loss": 0.05, "take_profit": 0.1}),
        pd.DataFrame({"target": 0.5, "leverage": [2.0, 60.0] * 60}),
        pd.DataFrame({"target": 0.5, "margin_add": [0.0, 20.0] * 60}),
        pd.DataFrame({"target_long": 0.4, "target_short": [-0.1, -0.4] * 60, "leverage": [4.0, 6.0] * 60}),
    ],
    ids=["terms", "too much leverage", "margin", "hedge"],
)
@pytest.mark.parametrize("contract", ["linear", "inverse"])
def test_signals_that_set_more_than_targets_are_shared(signals, contract):
    bars = bt.Bars.from_frames({"BTCUSD": market_of(3, 1, 120)["S0"]})
    signals = signals.set_index(bars.time)
    venue = venue_of(TIERS, contract=contract)
    currency = {"linear": "quote", "inverse": "base"}[contract]
    over = {"margin_mode": ["isolated", "cross"], "leverage": [1, 4], "stop_loss": [None, 0.02]}
    account = bt.Account(cash=100, currency=currency)
    table = bt.sweep(bars, signals, venue=venue, over=over, account=account, workers=2)
    for _, row in table.iterrows():
        stop = None if np.isnan(row["stop_loss"]) else row["stop_loss"]
        update = {"margin_mode": row["margin_mode"], "leverage": row["leverage"], "stop_loss": stop}
        assert_row_is_run(row, bars, signals, venue=venue, account=account.model_copy(update=update))


def test_venues_of_presets_are_told_apart():
    bars = bt.Bars.from_frames({"BTCUSDT": market_of(4, 1, 120)["S0"]})
    names = ["binance_usdm", "bybit_linear", "okx_swap"]
    over = {"venue": names, "leverage": [3, 60, 200], "taker_fee": [0.0, 0.0005]}
    table = bt.sweep(bars, SIGNALS[:, 0], venue=VENUE, over=over)
    for _, row in table.iterrows():
        venue = bt.venue(row["venue"], taker_fee=row["taker_fee"])
        account = bt.Account(leverage=row["leverage"])
        assert_row_is_run(row, bars, SIGNALS[:, 0], venue=venue, account=account, within=1e-9)
    assert table["venue"].unique().tolist() == names
    assert (table["reason"] == "").sum() >= 12


def test_an_inverse_preset_is_swept_in_coin():
    bars = bt.Bars.from_frames({"BTCUSD": market_of(4, 1, 120)["S0"]})
    over = {"venue": ["bybit_inverse", "binance_coinm"], "leverage": [3, 40, 200], "margin_mode": ["isolated", "cross"]}
    base = bt.Account(cash=100, currency="base")
    table = bt.sweep(bars, SIGNALS[:, 0], venue=bt.venue("bybit_inverse"), account=base, over=over, workers=2)
    for _, row in table.iterrows():
        account = base.model_copy(update={"leverage": row["leverage"], "margin_mode": row["margin_mode"]})
        venue = bt.venue(row["venue"])
        assert_row_is_run(row, bars, SIGNALS[:, 0], venue=venue, account=account, within=1e-9)
    assert (table["reason"] == "").to_list()[:4] == [True] * 4
    assert table["total_return"].iloc[:4].nunique() > 1


def test_a_leverage_at_which_all_is_called_is_a_reason():
    venue = venue_of([(0, 0.015, 60)], call=bt.MarginCall(level=1.5))
    table = bt.sweep(WILD, SIGNALS, venue=venue, over={"leverage": [1, 44, 45, 61], "call": [venue.call, None]})
    assert (table["reason"] == "").to_list() == [True] * 4 + [False, True, False, False]
    for _, row in table.iterrows():
        rules = venue if pd.notna(row["call"]) else venue.model_copy(update={"call": None})
        assert_row_is_run(row, WILD, SIGNALS, venue=rules, account=bt.Account(leverage=row["leverage"]))


def test_a_symbol_that_a_venue_does_not_list_is_a_reason():
    table = bt.sweep(WILD, SIGNALS, venue=VENUE, over={"venue": [VENUE, "binance_usdm"]})
    assert table["reason"].iloc[0] == ""
    assert table["reason"].iloc[1].startswith("symbol must be listed by venue binance_usdm, got 'S0'")


def test_a_strategy_is_evaluated_once_for_each_of_its_parameters():
    asked = []

    def once(data, fast):
        asked.append(fast)
        return data["close"] * 0 + fast / 10

    bars = bt.Bars.from_frames(market_of(5, 1, 120))
    strategy = bt.Strategy.from_function(once, {"fast": 1})
    bt.sweep(bars, strategy, venue=VENUE, over={"leverage": [1, 2, 3], "fast": [1, 2], "cash": [10, 20]})
    assert asked == [1, 2]
    bt.sweep(bars, strategy, venue=VENUE, over={"leverage": [0, 51], "fast": [3, 4]})
    assert asked == [1, 2]


def test_columns_and_types_where_all_settings_run():
    table = bt.sweep(WILD, SIGNALS, venue=VENUE, over={"leverage": [1, 2], "margin_mode": ["cross"]})
    wanted = bt.run(WILD, SIGNALS, venue=VENUE).summary
    assert list(table) == ["leverage", "margin_mode", "reason", *wanted.index]
    assert isinstance(table.index, pd.RangeIndex)
    kinds = {float: "float64", int: "int64", bool: "bool", str: "str", pd.Timedelta: "timedelta64[ns]"}
    assert {name: str(table[name].dtype) for name in wanted.index} == {
        name: kinds[type(value)] for name, value in wanted.items()
    }
    assert [str(table[name].dtype) for name in ("leverage", "margin_mode", "reason")] == ["float64", "str", "str"]


def test_columns_and_types_where_some_or_all_do_not_run():
    some = bt.sweep(WILD, SIGNALS, venue=VENUE, over={"leverage": [1, 51]})
    none = bt.sweep(WILD, SIGNALS, venue=VENUE, over={"leverage": [51]})
    assert list(some) == list(none)
    assert some["trades"].dtype == np.float64
    assert some["max_drawdown_duration"].dtype == "timedelta64[ns]"
    assert some["max_drawdown_duration"].isna().to_list() == [False, True]
    assert some["ruined"].to_list() == [False, None]
    assert none.iloc[0, 2:].isna().all()
    assert none.attrs["path"] == "none"
    assert none.attrs["rows"] == {"fast": 0, "general": 0, "not run": 1}


def test_values_of_several_kinds_share_a_column():
    strategy = bt.Strategy.from_function(lambda data, on, size: data["close"] * 0 + on * size, {"on": True, "size": 1})
    bars = bt.Bars.from_frames(market_of(5, 1, 120))
    over = {"on": [True, False], "size": [1, 0], "lot_size": [0.1, {"S0": 0.2}], "stop_loss": [None]}
    table = bt.sweep(bars, strategy, venue=VENUE, over=over)
    assert [str(table[name].dtype) for name in over] == ["bool", "int64", "str", "float64"]
    assert table["lot_size"].unique().tolist() == ["0.1", '{"S0": 0.2}']


def test_attributes_say_how_it_went():
    table = bt.sweep(WILD, SIGNALS, venue=VENUE, over={"leverage": [1, 51]}, workers=2)
    assert (table.attrs["bars"], table.attrs["workers"]) == (120, 2)
    assert sum(table.attrs["rows"].values()) == 2
    assert table.attrs["rows"]["not run"] == 1
    assert table.attrs["seconds"] > 0.0


def test_progress_counts_rows_to_the_last(monkeypatch):
    monkeypatch.setattr(jobs, "MOST_ROWS", 2)
    told = []
    bt.sweep(
        WILD, SIGNALS, venue=VENUE, over={"leverage": [1, 2, 51, 3, 4]}, progress=lambda *counts: told.append(counts)
    )
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_a_sweep_warns_of_nothing():
    table = bt.sweep(WILD, SIGNALS, venue=VENUE, over={"stop_loss": [0.9], "leverage": [40], "reserve": [5]})
    assert table["reason"].to_list() == [""]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"bars": 3}, DataError, "^bars must be Bars, from read_bars or Bars.from_frames, got int$"),
        ({"venue": 3}, ConfigError, r"^venue must be a Venue, such as venue\('binance_usdm'\), got int$"),
        ({"account": 3}, ConfigError, "^account must be an Account, got int$"),
        ({"signals": SIGNALS[:3]}, DataError, "signal"),
        ({"params": {"fast": 3}}, ConfigError, "^params need a Strategy to take them, got signals of type ndarray$"),
        ({"params": 3, "signals": STRATEGY}, ConfigError, "^params must be a dict of values by name, got int$"),
        ({"over": {"levrage": [1]}}, ConfigError, "^levrage is not a setting in over; the nearest is leverage$"),
        ({"workers": 0}, ConfigError, "^workers must be a whole number above 0, got 0$"),
        ({"workers": True}, ConfigError, "^workers must be a whole number above 0, got True$"),
        ({"workers": 1.5}, ConfigError, r"^workers must be a whole number above 0, got 1\.5$"),
        ({"resume": True}, ConfigError, "^resume needs out, the folder of the sweep, got none$"),
        ({"histories": True}, ConfigError, "^histories needs out, the folder of the sweep, got none$"),
        ({"resume": "yes"}, ConfigError, "^resume must be true or false, got 'yes'$"),
    ],
)
def test_a_sweep_refuses(arguments, error, message):
    given = {"bars": WILD, "signals": SIGNALS, "venue": VENUE, "over": {"leverage": [1]}, **arguments}
    bars, signals = given.pop("bars"), given.pop("signals")
    with pytest.raises(error, match=message):
        bt.sweep(bars, signals, **given)


def test_a_lone_bar_is_swept():
    table = bt.sweep(bars_of([100]), np.ones(1), venue=VENUE, over={"leverage": [1, 2]})
    assert table["trades"].to_list() == [0, 0]


def test_progress_must_be_a_function():
    with pytest.raises(ConfigError, match=r"^progress must be a function of settings done and in all, got 3$"):
        bt.sweep(bars_of([100, 101]), np.ones(2), venue=VENUE, over={"leverage": [1, 2]}, progress=3)

"""Signals beside histories in pieces: from files, and of strategies that say how far they look back."""

from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from comparison import replayed
from frames import DATA, made
from histories import assert_same_run, in_pieces, stream_of, write
from scenes import venue_of
from wild import market_of, signals_of

import backtest as bt
from backtest.market import streams
from backtest.market.streams import open_stream
from backtest.signalling.feeds import Asked

STRATEGIES = Path(__file__).parents[1] / "strategies"
VENUE = venue_of(taker_fee=0.0005)
ACCOUNT = bt.Account(leverage=3)


def compare(path, bars, signals, given, lengths=(1, 3, 40)):
    """Assert that signals given in another way beside pieces do what they do in memory."""
    whole = replayed(bars, signals, ACCOUNT, VENUE)
    assert len(whole.fills) > 5
    for length in lengths:
        stream = replace(open_stream(path), lengths=cycle([length]))
        assert_same_run(whole, in_pieces(stream, given, ACCOUNT, VENUE))


def test_targets_of_one_symbol_in_a_file(tmp_path):
    frame = made(150)
    path = write(tmp_path / "btcusdt.parquet", frame)
    table = pd.DataFrame({"target": signals_of(1, 1, 150)[:, 0], "stop_loss": 0.02, "other": "text"}, frame.index)
    targets = write(tmp_path / "targets.parquet", table, (7, 50))
    compare(path, bt.read_bars(path), table, targets)


def test_targets_with_a_column_for_every_symbol_in_a_folder(tmp_path):
    for symbol, frame in market_of(2, 2, 150).items():
        write(tmp_path / "bars" / f"symbol={symbol}" / "0.parquet", frame)
    bars = bt.Bars.from_frames(market_of(2, 2, 150))
    table = pd.DataFrame(signals_of(2, 2, 150), bars.time, ["S1", "S0"])
    for name, part in (("b", table[:70]), ("a", table[70:])):
        write(tmp_path / "targets" / f"{name}.parquet", part, (11,))
    compare(tmp_path / "bars", bars, table, tmp_path / "targets")


def test_a_table_for_every_symbol(tmp_path):
    for symbol, frame in market_of(2, 2, 150).items():
        write(tmp_path / "bars" / f"symbol={symbol}" / "0.parquet", frame)
    bars = bt.Bars.from_frames(market_of(2, 2, 150))
    targets = signals_of(3, 2, 150)
    tables = {
        symbol: pd.DataFrame(
            {"target_long": np.abs(targets[:, i]), "target_short": -np.abs(targets[:, 1 - i])}, bars.time
        )
        for i, symbol in enumerate(bars.symbols)
    }
    tables["S1"]["leverage"] = np.where(np.arange(150) < 75, 2.0, 5.0)
    for symbol, table in tables.items():
        write(tmp_path / "targets" / f"symbol={symbol}" / "0.parquet", table, (11,))
    compare(tmp_path / "bars", bars, tables, tmp_path / "targets")


def test_entries_and_exits_hold_across_edges(tmp_path):
    frame = made(150)
    path = write(tmp_path / "btcusdt.parquet", frame)
    random = np.random.default_rng(0)
    names = ("entries", "exits", "short_entries", "short_exits")
    table = pd.DataFrame({name: random.random(150) < 0.1 for name in names}, frame.index)
    compare(path, bt.read_bars(path), table, write(tmp_path / "entries.parquet", table))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda table: table.iloc[:90],
            r"got no row instead of 2020-01-04 18:00 in BTCUSDT \(row 90\), of the signals",
        ),
        (lambda table: table.drop(table.index[45]), r"got 2020-01-02 22:00 instead of 2020-01-02 21:00 .*\(row 45\)"),
        (lambda table: table.replace({0.5: 1.5}), r"signal must be in \[-1, 1\] or NaN, got 1\.5 .*\(row 77\)"),
        (lambda table: table.rename(columns={"target": "targets"}), "got targets in BTCUSDT; did you mean target"),
    ],
)
def test_tables_that_do_not_fit(tmp_path, change, message):
    frame = made(100)
    path = write(tmp_path / "btcusdt.parquet", frame)
    table = pd.DataFrame({"target": np.where(np.arange(100) == 77, 0.5, 0.0)}, frame.index)
    targets = write(tmp_path / "targets.parquet", change(table))
    with pytest.raises(bt.DataError, match=message):
        in_pieces(stream_of({"BTCUSDT": path}, cycle([20])), targets, ACCOUNT, VENUE)


def test_a_table_that_goes_on_after_the_bars(tmp_path):
    path = write(tmp_path / "btcusdt.parquet", made(90))
    targets = write(tmp_path / "targets.parquet", pd.DataFrame({"target": 0.0}, made(100).index))
    with pytest.raises(bt.DataError, match=r"got 2020-01-04 18:00 after the last bar in targets\.parquet"):
        bt.run(path, targets, venue=VENUE)


def test_per_bar_leverage_is_checked_where_it_stands(tmp_path):
    path = write(tmp_path / "btcusdt.parquet", made(100))
    table = pd.DataFrame({"target": 1.0, "leverage": np.where(np.arange(100) == 77, 200.0, 2.0)}, made(100).index)
    with pytest.raises(bt.MarginError, match=r"leverage must be at most 125, .* got 200 .* in BTCUSDT \(row 77\)"):
        in_pieces(stream_of({"BTCUSDT": path}, cycle([20])), table, ACCOUNT, VENUE)


@pytest.mark.parametrize("name", ["buy_and_hold", "donchian_breakout", "moving_average_cross", "rsi_mean_reversion"])
def test_shipped_strategies_say_the_same_in_pieces(name):
    path = DATA / "btcusdt_1h.parquet"
    strategy = bt.strategy(STRATEGIES / f"{name}.py")
    whole = bt.run(path, strategy.signals(bt.read_bars(path)), account=ACCOUNT, venue=VENUE)
    for length in (4_000, 30_000):
        stream = replace(open_stream(path), lengths=cycle([length]))
        pieces = in_pieces(stream, strategy, ACCOUNT, VENUE)
        assert pieces.summary.equals(whole.summary)
        assert pieces.fills.equals(whole.fills)


def test_a_strategy_is_described(tmp_path):
    path = write(tmp_path / "btcusdt.parquet", made(400))
    strategy = bt.strategy(STRATEGIES / "moving_average_cross.py")
    arguments = {"params": {"fast": 5}, "venue": VENUE}
    assert (
        bt.run(path, strategy, **arguments).description == bt.run(bt.read_bars(path), strategy, **arguments).description
    )


def mean_of(data, bars):
    return (data["close"] > data["close"].rolling(bars).mean()).astype(float)


def every(data, bars):
    return pd.Series(np.where(np.arange(len(data)) % bars == 0, 1.0, 0.0), data.index)


def kept(data, bars):
    sign = np.sign(data["close"].pct_change(bars))
    return sign.where(sign != sign.shift()).ffill()


def run(tmp_path, function, lookback, length=100, **params):
    path = write(tmp_path / "btcusdt.parquet", made(400))
    strategy = bt.Strategy.from_function(function, params, lookback)
    stream = stream_of({"BTCUSDT": path}, cycle([length]))
    return in_pieces(stream, strategy, ACCOUNT, VENUE), replayed(
        bt.read_bars(path), strategy.signals(bt.read_bars(path)), ACCOUNT, VENUE
    )


@pytest.mark.parametrize(
    ("function", "lookback"), [(mean_of, 20), (mean_of, lambda bars: bars), (mean_of, np.int64(19)), (kept, 21)]
)
@pytest.mark.parametrize("length", [100, 399, 7])
def test_a_lookback_that_is_long_enough(tmp_path, function, lookback, length):
    pieces, whole = run(tmp_path, function, lookback, length, bars=20)
    assert pieces.fills.equals(whole.fills)
    assert pieces.summary.equals(whole.summary)


@pytest.mark.parametrize(("function", "lookback"), [(mean_of, 12), (every, 40), (every, 48), (kept, 3)])
def test_a_lookback_that_is_too_short_is_refused_with_its_bar(tmp_path, function, lookback):
    message = (
        rf"LOOKBACK of strategy {function.__name__} must cover every bar that a signal depends on, got {lookback}: "
        r"without the first \d+ bars of the history target is -?[01], not -?[01], "
        r"at 2020-01-0\d \d\d:00 in BTCUSDT \(row \d+\)"
    )
    with pytest.raises(bt.ConfigError, match=message):
        run(tmp_path, function, lookback, bars=20)


def above_all(data):
    return (data["close"] / data["close"].expanding().mean() - 1).clip(-1, 1)


@pytest.mark.parametrize("groups", [(5,), (19, 3), (1000,)])
def test_a_lookback_is_checked_however_short_the_row_groups(tmp_path, monkeypatch, groups):
    path = write(tmp_path / "btcusdt.parquet", made(400), groups)
    strategy = bt.Strategy.from_function(above_all, lookback=20)
    whole = bt.run(bt.read_bars(path), strategy, venue=VENUE)
    assert bt.run(path, strategy, venue=VENUE).fills.equals(whole.fills)
    monkeypatch.setattr(streams, "PIECE", 1)
    with pytest.raises(bt.ConfigError, match=r"LOOKBACK of strategy above_all must cover every bar .*, got 20: with"):
        bt.run(path, strategy, venue=VENUE)


@pytest.mark.parametrize("length", [1, 7, 15])
def test_a_lookback_is_checked_in_pieces_shorter_than_it(tmp_path, length):
    with pytest.raises(bt.ConfigError, match=r"LOOKBACK of strategy mean_of must cover every bar .*, got 12: without"):
        run(tmp_path, mean_of, 12, length, bars=40)


@pytest.mark.parametrize("lookback", range(40))
def test_there_is_always_a_bar_that_is_held_against_the_lookback(lookback):
    asked = []

    def silent(data):
        asked.append(len(data))
        return data["close"] * 0

    bars = bt.Bars.from_frames({"BTCUSDT": made(200)})
    pieces = [replace(bars[row : row + 1], first=row) for row in range(200)]
    list(Asked(bt.Strategy.from_function(silent), None, lookback).beside(pieces))
    enough = max(4 * lookback, 2)
    again = asked[enough + 1]  # after every bar on its own, and all of them once more
    assert asked[: enough + 1] == [*range(1, enough + 1), enough]
    assert lookback < again < enough
    assert asked[enough + 2 :] == [lookback + 1] * (200 - enough)


def missing(bars):
    raise KeyError(bars)


@pytest.mark.parametrize(
    ("lookback", "message"),
    [
        (None, r"strategy mean_of must say how many earlier bars .* give it LOOKBACK = 200, or a function"),
        (-1, r"LOOKBACK of strategy mean_of must be a whole number of bars, got -1"),
        (2.5, r"must be a whole number of bars, got 2\.5"),
        (True, r"must be a whole number of bars, got True"),
        (missing, r"LOOKBACK of strategy mean_of failed with KeyError: 20"),
    ],
)
def test_a_lookback_that_is_none(tmp_path, lookback, message):
    with pytest.raises(bt.ConfigError, match=message):
        run(tmp_path, mean_of, lookback, bars=20)


def test_a_strategy_of_several_instruments_with_missing_bars(tmp_path):
    frames = market_of(4, 2, 300)
    frames["S1"] = frames["S1"].iloc[40:].drop(frames["S1"].index[100:110])
    for symbol, frame in frames.items():
        write(tmp_path / f"symbol={symbol}" / "0.parquet", frame)
    bars = bt.Bars.from_frames(frames)

    def spread(data):
        ratio = np.log(data["S0"]["mark_close"] / data["S1"]["mark_close"]).ffill(limit=10)
        target = 0.4 * np.sign(ratio - ratio.rolling(10, min_periods=1).mean()) + 0.0 * data["S0"]["funding_rate"]
        return pd.DataFrame({"S0": -target, "S1": target})

    strategy = bt.Strategy.from_function(spread, lookback=20)
    compare(tmp_path, bars, strategy.signals(bars), strategy, lengths=(90, 301))


def test_a_file_says_its_lookback(tmp_path):
    source = 'PARAMS = {"bars": 5}\nLOOKBACK = 7\n\n\ndef signals(data, bars):\n    return data["close"] * 0\n'
    (tmp_path / "still.py").write_text(source, encoding="utf-8")
    assert bt.strategy(tmp_path / "still.py").earlier_bars() == 7
    assert bt.strategy(STRATEGIES / "donchian_breakout.py").earlier_bars({"entry_bars": 55}) == 55


def test_strategies_that_say_something_else_the_second_time(tmp_path):
    path = write(tmp_path / "btcusdt.parquet", made(50))
    state = []

    def fickle(data):
        state.append(0)
        return pd.Series(float(len(state) > 1), data.index)

    result = bt.run(path, bt.Strategy.from_function(fickle, lookback=0), venue=VENUE)
    with pytest.raises(bt.DataError, match="signals must be the same whenever they are asked for"):
        result.history  # noqa: B018

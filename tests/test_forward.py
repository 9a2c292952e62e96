"""Settings chosen on one window and judged on the next: nothing leaks, nothing is lost at the edges."""

import math

import numpy as np
import pandas as pd
import pytest
from frames import DATA, made
from scenes import bars_of, venue_of

import backtest as bt
from backtest import forward
from backtest.forward import walk_forward
from backtest.outcome.metrics import daily_returns

VENUE = venue_of(taker_fee=0.0005)
WEEK = {"train": "7d", "test": "2d"}


def trend(data, fast, slow=24):
    """Return 1 above and -1 below the spread of two averages, NaN between two decisions."""
    spread = data["close"].rolling(fast).mean() - data["close"].rolling(slow).mean()
    return np.sign(spread).where(spread.index.hour % 6 == 0)


TREND = bt.Strategy.from_function(trend, {"fast": 6, "slow": 24})
OVER = {"leverage": [1, 3], "fast": [3, 12]}


def walk_of(bars, strategy=TREND, over=OVER, **how):
    return walk_forward(bars, strategy, over=over, **{"venue": VENUE, **WEEK, **how})


@pytest.fixture(scope="module")
def bars():
    """Return 20 days of hourly bars."""
    return bt.Bars.from_frames({"S0": made(480, seed=5)})


@pytest.fixture(scope="module")
def walk(bars):
    return walk_of(bars)


def test_windows_follow_each_other_to_the_end(bars, walk):
    starts = pd.date_range("2020-01-08", periods=7, freq="2D", tz="UTC")
    assert walk.windows["test_start"].tolist() == starts.tolist()
    assert walk.windows["train_start"].tolist() == (starts - pd.Timedelta("7D")).tolist()
    # the last window ends with the bars
    assert walk.windows["test_end"].tolist() == [*starts[1:].tolist(), pd.Timestamp("2020-01-21", tz="UTC")]
    assert walk.equity.index.equals(bars.time[7 * 24 :].rename("time"))
    assert [len(result.equity) for result in walk.results] == [48] * 6 + [24]
    assert walk.ended == ""
    anchored = walk_of(bars, anchored=True).windows
    assert anchored["train_start"].tolist() == [bars.time[0]] * 7
    assert anchored["test_start"].tolist() == starts.tolist()


def test_the_best_setting_of_each_training_window_is_replayed_on_the_next(bars, walk):
    """The whole walk once more, by hand."""
    cash = 10_000.0
    for k, (row, result) in enumerate(zip(walk.windows.to_dict("records"), walk.results, strict=True)):
        first = 7 * 24 + 48 * k
        train, test = bars[first - 7 * 24 : first], bars[first : first + 48]
        tried = {}
        for leverage in (1, 3):
            for fast in (3, 12):
                account = bt.Account(leverage=leverage, cash=cash)
                summary = bt.run(train, TREND, venue=VENUE, account=account, params={"fast": fast}).summary
                tried[leverage, fast] = summary["cagr"]
        assert row["in_sample"] == pytest.approx(max(tried.values()), rel=1e-9)
        assert (row["leverage"], row["fast"]) == max(tried, key=tried.get)
        seen = bars[first - 7 * 24 : first + 48].frame("S0")
        target = trend(seen, row["fast"]).ffill().iloc[7 * 24 :].to_numpy(copy=True)
        target[-2:] = 0.0
        own = bt.run(test, target, venue=VENUE, account=bt.Account(leverage=row["leverage"], cash=cash))
        assert result.equity.equals(own.equity)
        assert result.summary.equals(own.summary)
        assert row["out_of_sample"] == row["cagr"] == own.summary["cagr"]
        cash = float(own.equity.iloc[-1])
    assert walk.equity.iloc[-1] == cash
    assert walk.summary["total_return"] == cash / 10_000 - 1


def test_every_window_starts_and_ends_flat_at_the_usual_costs(walk):
    for result in walk.results:
        notional = result.history["notional"]
        assert (notional.iloc[0], notional.iloc[-1]) == (0.0, 0.0)
        assert (notional.iloc[1:-1] > 0.0).any()
        closing = result.fills.iloc[-1]
        assert closing["time"] <= result.equity.index[-1]
        assert closing["fee"] > 0.0
        assert (result.trades["exit_reason"] != "open").all()
    starts = [result.equity.iloc[0] for result in walk.results]
    ends = [result.equity.iloc[-1] for result in walk.results]
    assert starts == [10_000.0, *ends[:-1]]


def test_a_strategy_sees_no_bar_after_its_window(bars):
    seen = []

    def watching(data, size):
        seen.append((data.index[0], data.index[-1]))
        return data["close"] * 0 + size

    found = walk_of(bars, bt.Strategy.from_function(watching, {"size": 1.0}), {"size": [0.5, 1.0]})
    expected = []
    for row in found.windows.itertuples():
        hour = pd.Timedelta("1h")
        expected += [(row.train_start, row.test_start - hour)] * 2  # one for each value of `size`
        expected += [(row.train_start, row.test_end - hour)]
    assert seen == expected


def test_settings_that_later_bars_would_choose_are_not_chosen():
    """Every week turns around: who saw the test window would take the other side and win each time."""
    weeks = np.repeat([1, -1, 1, -1, 1, -1], 168)
    close = 100 * np.exp(np.cumsum(0.0005 * weeks))
    frame = pd.DataFrame(
        dict.fromkeys(("open", "high", "low", "close"), close),
        index=pd.date_range("2020-01-01", periods=len(close), freq="1h", tz="UTC"),
    )
    side = bt.Strategy.from_function(lambda data, side: data["close"] * 0 + side, {"side": 1.0})
    found = walk_of(bt.Bars.from_frames({"S0": frame}), side, {"side": [-1.0, 1.0]}, test="7d")
    assert found.windows["side"].tolist() == [1.0, -1.0, 1.0, -1.0, 1.0]
    assert (found.windows["in_sample"] > 0).all()
    assert (found.windows["out_of_sample"] < 0).all()


def test_bars_after_a_window_change_nothing_before(bars, walk):
    for edge in (7 * 24 + 48 * 2, 7 * 24 + 48 * 2 + 20, 479):
        frame = bars.frame("S0").copy()
        frame.iloc[edge:, :4] *= np.linspace(1.1, 3.0, len(frame) - edge)[:, None]
        other = walk_of(bt.Bars.from_frames({"S0": frame}))
        before = (edge - 7 * 24) // 48
        assert other.windows.iloc[:before].equals(walk.windows.iloc[:before])
        settings = ["leverage", "fast", "in_sample"]
        assert other.windows.loc[before, settings].equals(walk.windows.loc[before, settings])
        assert other.equity.iloc[: before * 48].equals(walk.equity.iloc[: before * 48])
        assert not other.equity.equals(walk.equity)


def test_a_walk_of_one_window_has_the_summary_of_its_result(bars):
    short = walk_of(bars[: 8 * 24])
    assert len(short.results) == 1
    own = short.results[0].summary
    assert list(short.summary.index) == list(own.index)
    for name in own.index:
        same = short.summary[name] == own[name] or (pd.isna(short.summary[name]) and pd.isna(own[name]))
        assert same, name
        assert type(short.summary[name]) is type(own[name]), name


def test_the_summary_is_that_of_the_stitched_account(walk):
    days = walk.equity.groupby(walk.equity.index.floor("D")).last().to_numpy()
    returns = np.diff(days, prepend=10_000.0) / np.append(10_000.0, days[:-1])
    assert walk.summary["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365))
    high = np.maximum.accumulate(np.append(10_000.0, walk.equity))
    assert walk.summary["max_drawdown"] == pytest.approx((np.append(10_000.0, walk.equity) / high - 1).min())
    pnl = np.concatenate([result.trades["pnl"] for result in walk.results])
    assert walk.summary["trades"] == len(pnl)
    assert walk.summary["win_rate"] == (pnl > 0).mean()
    assert walk.summary["fees"] == pytest.approx(sum(result.fills["fee"].sum() for result in walk.results))
    held = np.concatenate([result.history["notional"] > 0 for result in walk.results])
    assert walk.summary["exposure"] == pytest.approx(held.mean())
    assert walk.summary["highest_effective_leverage"] == walk.windows["highest_effective_leverage"].max()
    assert walk.summary["smallest_liquidation_distance"] == walk.windows["smallest_liquidation_distance"].min()
    assert 10_000 + pnl.sum() == pytest.approx(walk.equity.iloc[-1])


def test_what_was_said_last_holds_at_the_start_of_a_window():
    """A leverage and a target that were said in training only; margin that was added then is not added again."""

    def once(data):
        table = pd.DataFrame({"target": np.nan, "leverage": np.nan, "margin_add": np.nan}, data.index)
        table.iloc[0] = [1.0, 2.0, 5.0]
        return table

    bars = bars_of([100] * 240)
    strategy = bt.Strategy.from_function(once)
    found = walk_forward(bars, strategy, over={"stop_loss": [0.5]}, venue=venue_of(), train="7d", test="3d")
    result = found.results[0]
    assert result.fills["quantity"].tolist() == [200.0, -200.0]
    assert result.fills["time"].tolist() == [bars.time[7 * 24 + 1], bars.time[-1]]
    assert len(result.calls) == 0


def test_a_lost_account_ends_the_walk():
    """A gap on the tenth day takes all of a 10x long, and twice as much again would take the rest."""
    bars = bars_of([100.0] * 220 + [60.0] * 60 + [100.0] * 60)
    long = bt.Strategy.from_function(lambda data: data["close"] * 0 + 1)
    found = walk_forward(bars, long, over={"leverage": [10]}, venue=venue_of(), train="7d", test="2d")
    assert len(found.results) == 2
    assert found.windows["ruined"].tolist() == [False, True]
    assert found.summary[["ruined", "total_return", "cagr"]].tolist() == [True, -1.0, -1.0]
    assert found.equity.iloc[-1] == 0.0
    assert found.ended == (
        "the account was lost in the window from 2024-01-10 00:00 to 2024-01-12 00:00, 2 before the last"
    )
    assert found.ended in repr(found)
    # a lost account in the last window leaves no window out
    last = walk_forward(bars[:240], long, over={"leverage": [10]}, venue=venue_of(), train="7d", test="2d")
    assert last.ended == "the account was lost in the window from 2024-01-10 00:00 to 2024-01-11 00:00"


def test_money_from_outside_is_no_return():
    """A refill in the first test window: the second starts with it, the curve goes on from where it stood."""
    prices = [100.0] * 180 + [(100, 100, 80, 80)] + [80.0] * 80
    bars = bars_of(prices)
    venue = venue_of([(0, 0.005, 50)])
    account = bt.Account(on_liquidation="refill")
    halves = bt.Strategy.from_function(lambda data: (data["close"] * 0 + 0.5).where(data.index.hour == 0))
    how = {"over": {"leverage": [10]}, "venue": venue, "account": account, "train": "7d", "test": "2d"}
    found = walk_forward(bars, halves, **how)
    first, second = found.results
    assert first.summary["refills"] == 1
    assert first.equity.iloc[-1] == pytest.approx(10_000)
    left = first.curve.equity[-1]
    assert left < 8_000
    assert second.equity.iloc[0] == first.equity.iloc[-1]
    assert found.equity.iloc[48] == pytest.approx(left)
    assert found.summary["total_return"] == pytest.approx(left / 10_000 - 1)
    assert (found.summary["refills"], found.summary["refilled"]) == (1, first.summary["refilled"])


def test_what_cannot_be_closed_at_the_last_open_is_left_at_its_last_mark():
    """One of two has no bar at the end of the first window: its trade stays open, neither won nor lost."""
    rising = [100.0 + k / 10 for k in range(264)]
    gone = [None if 7 * 24 + 46 <= k < 7 * 24 + 50 else price for k, price in enumerate(rising)]
    bars = bars_of(gone, rising)
    halves = bt.Strategy.from_function(
        lambda data: pd.DataFrame({name: frame["close"].ffill() * 0 + 0.5 for name, frame in data.items()})
    )
    found = walk_forward(bars, halves, over={"leverage": [1]}, venue=venue_of(), train="7d", test="2d")
    reasons = [result.trades["exit_reason"].tolist() for result in found.results]
    assert reasons == [["open", "signal"], ["signal", "signal"]]
    assert (found.summary["trades"], found.summary["win_rate"]) == (4, 1.0)
    pnl = [result.trades["pnl"] for result in found.results]
    assert found.summary["expectancy"] == pytest.approx((pnl[0].iloc[1] + pnl[1].sum()) / 3)
    assert found.results[1].equity.iloc[0] == found.results[0].equity.iloc[-1]


def test_a_reserve_is_carried_on():
    bars = bars_of([100.0] * 180 + [88.0] * 40 + [95.0] * 40)
    venue = venue_of([(0, 0.1, 5)], call=bt.MarginCall(level=2.5, grace=1, deposit="reserve"), target_ratio=3)
    account = bt.Account(reserve=5000.0, margin_mode="cross")
    long = bt.Strategy.from_function(lambda data: data["close"] * 0 + 1)
    found = walk_forward(bars, long, over={"leverage": [3]}, venue=venue, account=account, train="7d", test="2d")
    first, second = found.results
    left = first.history["reserve"].iloc[-1]
    assert 0 < left < 5000
    assert second.history["reserve"].iloc[0] == left
    assert found.equity.iloc[47] == first.equity.iloc[-1] + left == found.equity.iloc[48]
    assert found.summary["total_return"] == found.equity.iloc[-1] / 15_000 - 1


def falling_twice():
    """Return bars with a gap in each of two test windows, and a strategy that holds half of the account in them."""
    bars = bars_of([100.0] * 190 + [60.0] * 50 + [36.0] * 24)
    return bars, bt.Strategy.from_function(lambda data: data["close"] * 0 + 0.5)


@pytest.mark.parametrize("swept", [False, True])
def test_an_insurance_fund_is_carried_on(swept):
    """The first window takes most of it, so that the second finds it all but empty."""
    bars, halves = falling_twice()
    venue = venue_of(insurance_fund=16_000.0, name="own")
    how = {"over": {"venue": [venue]}, "venue": venue_of()} if swept else {"over": {"leverage": [10]}, "venue": venue}
    account = bt.Account(leverage=10)
    found = walk_forward(bars, halves, account=account, train="7d", test="2d", **how)
    first, second = (result.history for result in found.results)
    debts = found.windows["bad_debt"].tolist()
    assert debts[0] < 16_000 < sum(debts)
    assert first["insurance_fund"].iloc[-1] == pytest.approx(16_000 - debts[0])
    assert second["insurance_fund"].iloc[0] == first["insurance_fund"].iloc[-1]
    assert found.summary["insurance_fund"] == second["insurance_fund"].iloc[-1] == 0.0
    assert found.summary["socialised_loss"] == pytest.approx(sum(debts) - 16_000)
    assert found.windows["insurance_fund"].tolist() == [16_000 - debts[0], 0.0]


def test_an_insurance_fund_is_a_level_and_one_without_limit_a_sum_of_changes(bars):
    untouched = walk_of(bars, over={"leverage": [1]}, venue=venue_of(insurance_fund=1000.0))
    assert len(untouched.results) == 7
    assert untouched.summary["insurance_fund"] == 1000.0
    crashed, halves = falling_twice()
    how = {"over": {"leverage": [10]}, "venue": venue_of(), "train": "7d", "test": "2d"}
    found = walk_forward(crashed, halves, **how)
    assert (found.windows["insurance_fund"] < 0.0).all()
    assert found.summary["insurance_fund"] == pytest.approx(-found.windows["bad_debt"].sum())
    assert found.summary["socialised_loss"] == 0.0


def test_a_window_that_can_hold_nothing_is_left_out(bars):
    """Two bars at the end, or beside a gap, are no window; three are."""
    edge = 9 * 24
    whole = walk_of(bars[:edge])
    for more in (1, 2):
        found = walk_of(bars[: edge + more])
        assert found.windows.equals(whole.windows)
        assert found.equity.equals(whole.equity)
    assert [len(result.equity) for result in walk_of(bars[: edge + 3]).results] == [48, 3]
    with pytest.raises(bt.DataError, match=r"to 2020-01-08 02:00: a test window has at least 3 bars$"):
        walk_of(bars[: 7 * 24 + 2])
    assert len(walk_of(bars[: 7 * 24 + 3]).results) == 1
    for hour, lengths in ((2, [48, 24]), (3, [48, 3, 24])):
        gone = pd.date_range(f"2020-01-10 0{hour}:00", "2020-01-11 23:00", freq="1h", tz="UTC")
        found = walk_of(bt.Bars.from_frames({"S0": made(288, seed=5).drop(index=gone)}))
        assert [len(result.equity) for result in found.results] == lengths
        assert found.windows["trades"].notna().all()


def test_settings_are_made_once_for_the_walk(bars, walk, monkeypatch):
    made_of = []

    def counted(*given):
        made_of.append(given)
        return settings_of(*given)

    settings_of = forward.settings_of
    monkeypatch.setattr(forward, "settings_of", counted)
    assert walk_of(bars).windows.equals(walk.windows)
    assert len(made_of) == 1


def test_the_objective_may_be_any_figure_or_function(bars):
    by_function = walk_of(bars, objective=lambda row: -row["volatility"] * row["leverage"])
    assert (by_function.windows["leverage"] == 1).all()
    windows = by_function.windows
    assert windows["out_of_sample"].equals((-windows["volatility"] * windows["leverage"]).astype(float))
    by_name = walk_of(bars, objective="max_drawdown")
    assert (by_name.windows["leverage"] == 1).all()
    assert by_name.windows["out_of_sample"].equals(by_name.windows["max_drawdown"].rename("out_of_sample"))


def test_settings_that_did_not_run_or_are_nan_or_ruined_do_not_win():
    bars = bars_of([100.0] * 100 + [110.0] * 20 + [60.0] * 20 + [100.0] * 120)
    long = bt.Strategy.from_function(lambda data, size: data["close"] * 0 + size, {"size": 1.0})

    def walked(over, objective):
        return walk_forward(bars, long, over=over, venue=venue_of(), train="7d", test="2d", objective=objective)

    def first(*given):
        return walked(*given).windows.iloc[0]

    # 500x cannot run, 20x is ruined, 1x and 2x tell the same: the first of equals
    over = {"leverage": [500, 20, 2, 1]}
    assert first(over, lambda row: float(row["leverage"] > 2))["leverage"] == 2
    assert first({"leverage": [20, 50]}, lambda row: row["leverage"])["leverage"] == 50  # all are ruined
    # without a trade there is no rate of wins
    chosen = first({"size": [0.0, 1.0], "leverage": [20.0]}, lambda row: -row["trades"] if row["trades"] else math.nan)
    assert chosen["size"] == 1.0
    with pytest.raises(
        bt.ConfigError, match=r"^objective win_rate must be a number .* got NaN for all from 2024-01-01"
    ):
        walked({"size": [0.0]}, "win_rate")
    with pytest.raises(
        bt.ConfigError, match=r"^at least one setting must be able to run from 2024-01-01 00:00 to 2024"
    ):
        walked({"leverage": [500]}, "cagr")


def test_a_walk_is_the_same_on_any_number_of_threads_and_tells_how_far_it_is(bars, walk):
    told = []
    other = walk_of(bars, workers=2, progress=lambda done, total: told.append((done, total)))
    assert other.windows.equals(walk.windows)
    assert other.equity.equals(walk.equity)
    assert told[-1] == (28, 28)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_gap_longer_than_a_window_is_passed_over():
    frame = made(480, seed=5).drop(index=pd.date_range("2020-01-10", "2020-01-12 23:00", freq="1h", tz="UTC"))
    found = walk_of(bt.Bars.from_frames({"S0": frame}))
    days = [start.day for start in found.windows["test_start"]]
    assert days == [8, 12, 14, 16, 18, 20]


def test_cross_and_leverage_are_chosen_on_real_data():
    bars = bt.read_bars([DATA / "btcusd_30m.parquet", DATA / "ethusd_30m.parquet"]).with_funding(0.0001)
    venue = bt.venue("binance_usdm", symbols={"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"})
    strategy = bt.strategy(DATA.parent / "strategies" / "relative_momentum.py")
    over = {"leverage": [1, 2, 3, 5], "margin_mode": ["isolated", "cross"]}
    found = walk_forward(bars, strategy, over=over, venue=venue, train="180d", test="60d")
    assert len(found.windows) == 10
    assert set(found.windows["margin_mode"]) == {"isolated", "cross"}
    assert repr(found).startswith("WalkForward(windows 10, bars 26 383, total_return ")
    assert found.equity.iloc[-1] == pytest.approx(10_000 * (1 + found.windows["total_return"]).prod())
    curve_returns = daily_returns(found.results[0].curve)
    assert len(curve_returns) == 60

"""Walk-forward: settings chosen on one window, judged on the next that they have not seen."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from backtest.errors import ConfigError
from backtest.inputs import account_of
from backtest.market.bars import Bars
from backtest.market.windows import Window, length_of, windows_of
from backtest.outcome.results import Result
from backtest.outcome.stitching import CARRIED, Money, stitched, summary_of
from backtest.replay import run
from backtest.signalling.signals import FloatArray, Signals
from backtest.signalling.strategies import Strategy
from backtest.sweeping.figures import figure_types
from backtest.sweeping.grids import Over, Setting, settings_of
from backtest.sweeps import sweep
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue
from backtest.text import grouped, moment, shown

if TYPE_CHECKING:
    from backtest.outcome.metrics import EquityCurve

__all__ = ["WalkForward", "walk_forward"]

Objective = str | Callable[[pd.Series], float]

EDGES = ("train_start", "test_start", "test_end", "in_sample", "out_of_sample")


@dataclass(frozen=True, eq=False, repr=False)
class WalkForward:
    """What settings that were chosen in sample came to out of it.

    Attributes
    ----------
    windows : DataFrame        a row per test window: train_start, test_start (where training ends), test_end, the
        settings that were chosen, the objective in_sample and out_of_sample, and every figure out of sample
    equity : Series            at every close of the test windows, stitched: equity and reserve, no refill a return
    summary : Series           of all test windows as one account, by the names of `Result.summary`
    results : tuple of Result  of the test windows
    ended : str                why the walk ended before its last window, "" where it did not
    """

    windows: pd.DataFrame
    equity: pd.Series
    summary: pd.Series
    results: tuple[Result, ...]
    ended: str

    def __repr__(self) -> str:
        summary, ended = self.summary, f", {self.ended}" if self.ended else ""
        return (
            f"WalkForward(windows {len(self.windows)}, bars {grouped(len(self.equity))}, total_return "
            f"{summary['total_return']:+.2%}, max_drawdown {summary['max_drawdown']:.2%}, "
            f"liquidations {summary['liquidations']}{ended})"
        )


def walk_forward(
    bars: Bars,
    strategy: Strategy,
    *,
    over: Over,
    train: str | timedelta,
    test: str | timedelta,
    objective: Objective = "cagr",
    venue: Venue,
    account: Account | None = None,
    params: Mapping[str, object] | None = None,
    anchored: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> WalkForward:
    """Choose settings on each training window by a sweep, and replay the window after it with them.

    Test windows follow each other without a gap or an overlap; the last ends with the bars. A window of fewer than
    three bars, such as a short last one, could hold nothing and is left out. Each starts flat, with the money that the
    one before it left (cash, reserve, and a limited insurance fund), hears the strategy at its first close, and closes
    everything at its last open, at the usual costs. What has no prices at that open stays open: it counts at its last
    mark, its exit costs nothing, and the next window starts flat all the same. The strategy sees the training bars too,
    so that its averages are warm, and no bar after the test window. An account that is lost ends the walk.

    Parameters
    ----------
    bars : Bars                T bars x M instruments
    strategy : Strategy
    over                       what is chosen from, as `sweep` takes it; not cash, reserve or insurance_fund, which are
        carried on
    train, test : str          lengths of the windows: "365d", or a timedelta
    objective : str            a figure of the summary, the largest wins; the first of equals; NaN never, and a setting
        that ruined the account only where all did
    objective : callable       the same of what it returns for a row of the sweep's table
    venue, account, params     as `run` takes them
    anchored : bool            every training window starts at the first bar
    workers : int              threads of the sweeps
    progress : callable        called with settings done and settings in all

    Raises
    ------
    ConfigError                for settings or an objective that do not exist, or windows in which none can be chosen
    DataError                  for bars that do not reach beyond the first training window
    """
    account = account_of(bars, venue, account)
    if not isinstance(strategy, Strategy):
        raise ConfigError(f"strategy must be a Strategy, for it is evaluated anew, got {type(strategy).__name__}")
    score = _scores(objective)
    windows = windows_of(bars, length_of("train", train), length_of("test", test), anchored)
    settings = settings_of(over, account, venue, strategy, params)
    swept = [name.removeprefix("account.").removeprefix("venue.") for name in settings[0].values]
    if taken := [name for name in swept if name in CARRIED]:
        raise ConfigError(f"over must not hold {taken[0]}, which a walk carries from one window to the next")
    money = Money(account.cash, account.reserve)
    rows: list[dict[str, Any]] = []
    results: list[Result] = []
    curves: list[EquityCurve] = []
    for k, window in enumerate(windows):
        table = sweep(
            bars[window.train],
            strategy,
            venue=money.venue(venue),
            account=money.account(account),
            over=over,
            params=params,
            workers=workers,
            progress=None if progress is None else _of_all(progress, k, len(windows)),
        )
        row, best = _best(table, score(table), objective, window)
        setting = settings[row]
        if setting.account is None or setting.venue is None:
            raise ConfigError(setting.reason)
        own = money.account(setting.account)
        result = _replayed(bars, strategy, window, Terms(own, money.venue(setting.venue), setting.params))
        rows.append(_row(window, setting, best, score, result))
        results.append(result)
        curves.append(result.curve)
        money.take(result, setting.venue)
        fund = money.funds[setting.venue.name]
        if result.summary["ruined"]:
            break
    curve = stitched(curves)
    ended = _ended(windows, len(rows)) if results[-1].summary["ruined"] else ""
    equity = pd.Series(curve.equity, index=curve.time, name="equity")
    summary = summary_of(curve, results, fund, bars.has_marks)
    return WalkForward(pd.DataFrame(rows), equity, summary, tuple(results), ended)


def _of_all(progress: Callable[[int, int], None], k: int, windows: int) -> Callable[[int, int], None]:
    """Return the progress of the k-th sweep as that of all."""
    return lambda done, total: progress(k * total + done, windows * total)


def _scores(objective: object) -> Callable[[pd.DataFrame], pd.Series]:
    """Return a function from a sweep's table to the objective of every row, NaN where it did not run."""
    if callable(objective):
        return lambda table: pd.Series(
            [_score(objective, row) if row["reason"] == "" else math.nan for _, row in table.iterrows()],
            index=table.index,
        )
    numbers = [name for name, kind in figure_types().items() if str(kind) in ("double", "int64")]
    if objective not in numbers:
        nearest = get_close_matches(str(objective), numbers, 1, 0.0)[0]
        raise ConfigError(
            f"objective must be a figure of the summary or a function of a row, got {shown(objective)}; the nearest "
            f"is {nearest}"
        )
    return lambda table: table[objective].astype(np.float64)


def _score(objective: Callable[[pd.Series], float], row: pd.Series) -> float:
    """Return what an objective says of a row."""
    try:
        return float(objective(row))
    except Exception as error:
        raise ConfigError(f"objective must return a number for a row, got {type(error).__name__}: {error}") from error


def _best(table: pd.DataFrame, scores: pd.Series, objective: Objective, window: Window) -> tuple[int, float]:
    """Return the row with the largest objective, and that."""
    span = f"from {moment(window.train_start)} to {moment(window.test_start)}"
    ran = table["reason"] == ""
    if not ran.any():
        raise ConfigError(f"at least one setting must be able to run {span}: {table['reason'].iloc[0]}")
    scores = scores[ran].dropna()
    if scores.empty:
        name = objective if isinstance(objective, str) else "of the function given"
        raise ConfigError(f"objective {name} must be a number for at least one setting, got NaN for all {span}")
    alive = scores[~table["ruined"][scores.index].astype(np.bool_)]
    scores = scores if alive.empty else alive
    row = int(scores.to_numpy().argmax())
    return int(scores.index[row]), float(scores.iloc[row])


class Terms(NamedTuple):
    """What a test window is replayed with."""

    account: Account
    venue: Venue
    params: dict[str, object]


def _replayed(bars: Bars, strategy: Strategy, window: Window, terms: Terms) -> Result:
    """Return the replay of a test window."""
    seen = bars[window.train.start : window.test.stop]
    cut = _cut(strategy.signals(seen, terms.params), window.test.start - window.train.start)

    def said(_data: object, **_params: object) -> Signals:
        return cut

    return run(
        bars[window.test],
        replace(strategy, function=said),
        venue=terms.venue,
        account=terms.account,
        params=terms.params,
    )


def _cut(signals: Signals, first: int) -> Signals:
    """Return signals from a bar on: it hears what was said last, and all is closed at the last open."""
    target = _from(signals.target, first)
    target[-2:] = 0.0
    settings = {name: _from(values, first) for name, values in signals.settings.items()}
    if signals.margin_add is not None:
        settings["margin_add"] = signals.margin_add[first:].copy()  # said once, meant once
    return Signals(target, signals.hedged, **settings)


def _from(values: FloatArray, first: int) -> FloatArray:
    """Return rows from `first` on, its NaN replaced by what came last before it."""
    rows = values[first:].copy()
    for i in np.flatnonzero(np.isnan(rows[0])):
        said = np.flatnonzero(~np.isnan(values[:first, i]))
        if len(said):
            rows[0, i] = values[said[-1], i]
    return rows


def _row(
    window: Window, setting: Setting, best: float, score: Callable[[pd.DataFrame], pd.Series], result: Result
) -> dict[str, Any]:
    """Return a window's row."""
    edges = (window.train_start, window.test_start, window.test_end)
    times = {name: pd.Timestamp(time, tz="UTC") for name, time in zip(EDGES, edges, strict=False)}
    chosen = {f"params.{name}" if name in EDGES else name: value for name, value in setting.values.items()}
    judged = score(pd.DataFrame([{**setting.values, "reason": "", **result.summary}])).iloc[0]
    return {**times, **chosen, "in_sample": best, "out_of_sample": float(judged), **result.summary}


def _ended(windows: list[Window], done: int) -> str:
    """Return that the account was lost, and when."""
    last = windows[done - 1]
    span = f"the account was lost in the window from {moment(last.test_start)} to {moment(last.test_end)}"
    return span if done == len(windows) else f"{span}, {len(windows) - done} before the last"

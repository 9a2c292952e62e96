"""The same signals under several settings, side by side: cross against isolated, and any other."""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from backtest.errors import BacktestError, ConfigError
from backtest.inputs import account_of, check_params
from backtest.market.bars import Bars
from backtest.outcome.bootstrap import interval_of
from backtest.outcome.growth import daily_log_growth
from backtest.outcome.metrics import DAY
from backtest.outcome.ratios import periods_per_year
from backtest.outcome.results import Result
from backtest.replay import run
from backtest.signalling.signals import as_signals
from backtest.signalling.strategies import Strategy
from backtest.sweeping.grids import settings_of
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue
from backtest.text import shown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["Comparison", "compare"]

Settings = Mapping[str, Mapping[str, object]] | Sequence[Mapping[str, object]]

MODES = {"isolated": {"margin_mode": "isolated"}, "cross": {"margin_mode": "cross"}}
PRESSURE = 2.0 / 3.0  # margin ratio at which the balance is one and a half maintenance margins
EVENT = ("time", "symbol", "leg")
TAKEN = (*EVENT, "loss")  # no setting goes by these: they are columns of the liquidations
FIGURES = (
    *("total_return", "max_drawdown", "max_drawdown_low", "liquidations", "loss_per_liquidation", "funding"),
    *("pressure", "ruined", "final_equity"),
)
SHOWN = 3


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What the same signals came to under each of several settings.

    Attributes
    ----------
    table : DataFrame          a row per setting: total_return, max_drawdown, max_drawdown_low, liquidations,
        loss_per_liquidation (liquidation_loss / liquidations, NaN without any), funding, pressure (the share of bars
        at whose close the margin ratio is above 2/3: the balance is below one and a half maintenance margins), ruined,
        final_equity (with what is left in the reserve, as total_return counts it)
    liquidations : DataFrame   those that not every setting has: time, symbol (and leg in hedge mode), loss (quote, the
        largest of the settings that have it), then a bool per setting
    growth : DataFrame         a row per setting but the first: `difference` of its log growth per year to the first's,
        `low` and `high` of its interval, `confidence`, `share_above_zero` (of the resamples), `block` (their expected
        length, days), `days`
    results : dict             Result by setting
    """

    table: pd.DataFrame
    liquidations: pd.DataFrame
    growth: pd.DataFrame
    results: dict[str, Result]

    def __repr__(self) -> str:
        rows = list(self.table.to_dict("index").items())
        parts = [f"{name}: {_outcome(row)}" for name, row in rows[:SHOWN]]
        parts += [f"{len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
        for name, row in list(self.growth.to_dict("index").items())[: SHOWN - 1]:
            text = f"log growth of {name} over {self.table.index[0]} {row['difference']:+.2f} a year"
            if not math.isnan(row["low"]):
                text += f", {row['confidence']:.0%} interval {row['low']:+.2f} to {row['high']:+.2f}"
            parts.append(text)
        return f"Comparison({'; '.join(parts)})"

    def plot(self) -> "Figure":
        """Return the equity of every setting on one axis of time, with where they part."""
        from backtest import plots

        curves = pd.DataFrame({name: result.equity for name, result in self.results.items()})
        return plots.comparison(curves, parts=self.liquidations)

    def report(self, path: str | PathLike[str], *, shared_script: bool = False) -> None:
        """Write a page on the comparison that any browser opens; see `Result.report`."""
        from backtest.pages.comparison_pages import write_comparison_page

        write_comparison_page(self, path, shared_script=shared_script)


def compare(
    bars: Bars,
    signals: object,
    settings: Settings | None = None,
    *,
    venue: Venue,
    account: Account | None = None,
    params: Mapping[str, object] | None = None,
    seed: int = 0,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Comparison:
    """Replay the same signals on the same bars under each setting, and return the outcomes side by side.

    The difference in growth is that of the means of daily log growth, times the periods of a year. Its interval is by
    paired stationary bootstrap: days are drawn in blocks, and both settings keep their day. A lost account's equity
    counts as a millionth of its cash, so the size of a difference to it is by convention, its sign is not; and it was
    lost once: about a third of the resamples hold no ruin at all.

    Parameters
    ----------
    bars : Bars                T bars x M instruments
    signals                    as `run` takes them; a strategy is evaluated once for each set of parameters
    settings : dict            name -> dict of settings of account, venue or strategy, `params.NAME`, over those given
        below; at least two, the others are compared with the first
    settings : list of dicts   the same, named by their values; default: isolated and cross margin
    venue, account, params     as `run` takes them
    seed : int                 of the resamples: the same seed, the same numbers
    resamples : int            at least 100
    confidence : float         of the interval, in (0, 1)

    Raises
    ------
    ConfigError                for fewer than two settings, an unknown name, a setting that cannot run
    DataError                  for signals that do not fit the bars
    """
    _check_resampling(seed, resamples, confidence)
    account = account_of(bars, venue, account)
    check_params(signals, params)
    strategy = replace(signals, function=_once(signals.function)) if isinstance(signals, Strategy) else None
    same = as_signals(signals, bars) if strategy is None else strategy
    sides = _sides(MODES if settings is None else settings, account, venue, strategy, params)
    results, growth = {}, {}
    for name, side in sides.items():
        try:
            results[name] = run(
                bars,
                same,
                venue=side.venue,
                account=side.account,
                params=None if strategy is None else side.params,
            )
        except BacktestError as error:
            raise type(error)(f"setting {name} must be able to run: {error}") from error
        growth[name] = daily_log_growth(results[name].curve)
    table = pd.DataFrame([_figures(result) for result in results.values()], index=pd.Index(results, name="setting"))
    differences = [_difference(growth, name, resamples, confidence, seed) for name in list(growth)[1:]]
    index = pd.Index(list(growth)[1:], name="setting")
    return Comparison(table, _differing(results), pd.DataFrame(differences, index=index), results)


class Side(NamedTuple):
    """A setting that can run."""

    account: Account
    venue: Venue
    params: dict[str, object]


def _check_resampling(seed: object, resamples: object, confidence: object) -> None:
    """Refuse what no interval can be made of."""
    for name, value, least in (("seed", seed, 0), ("resamples", resamples, 100)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ConfigError(f"{name} must be a whole number, at least {least}, got {shown(value)}")
    if not isinstance(confidence, float) or not 0.0 < confidence < 1.0:
        raise ConfigError(f"confidence must be a fraction in (0, 1), got {shown(confidence)}")


def _once(function: Callable[..., object]) -> Callable[..., object]:
    """Return a strategy's function, called once for each set of parameters: so every setting has the same signals."""
    held: dict[str, object] = {}

    def remembered(data: object, **params: object) -> object:
        key = repr(sorted(params.items()))
        if key not in held:
            held[key] = function(data, **params)
        return held[key]

    return remembered


def _sides(
    settings: object, account: Account, venue: Venue, strategy: Strategy | None, params: Mapping[str, object] | None
) -> dict[str, Side]:
    """Return every setting by name."""
    if isinstance(settings, Mapping):
        given = list(settings.items())
    elif isinstance(settings, Iterable) and not isinstance(settings, str):
        given = [(None, each) for each in settings]
    else:
        raise ConfigError(f"settings must be a dict of dicts by name, or a list of dicts, got {shown(settings)}")
    if len(given) < 2:
        raise ConfigError(f"settings must be at least two, to be compared, got {len(given)}")
    sides: dict[str, Side] = {}
    for named, changes in given:
        setting = settings_of([changes], account, venue, strategy, params)[0]
        name = _text(setting.values) if named is None else named
        if not isinstance(name, str) or not name or name in TAKEN:
            raise ConfigError(f"a setting must have a name, other than {', '.join(TAKEN)}, got {shown(name)}")
        if name in sides:
            raise ConfigError(f"settings must have names of their own, got {name} twice")
        if setting.reason or setting.account is None or setting.venue is None:
            raise ConfigError(f"setting {name} must be able to run: {setting.reason}")
        sides[name] = Side(setting.account, setting.venue, setting.params)
    return sides


def _text(values: Mapping[str, object]) -> str:
    """Return settings as the name that they go by."""
    texts = [f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in values.items()]
    return ", ".join(texts) or "as given"


def _figures(result: Result) -> dict[str, object]:
    """Return a setting's row of the table."""
    summary, last = result.summary, result.history.iloc[-1]
    count = summary["liquidations"]
    figures = dict(summary) | {
        "loss_per_liquidation": summary["liquidation_loss"] / count if count else math.nan,
        "pressure": float((result.history["margin_ratio"] > PRESSURE).mean()),
        "final_equity": float(last["equity"] + last["reserve"]),
    }
    return {name: figures[name] for name in FIGURES}


def _differing(results: Mapping[str, Result]) -> pd.DataFrame:
    """Return the liquidations that some settings have and others not, in time."""
    logs = [result.liquidations for result in results.values()]
    columns = [name for name in EVENT if all(name in log for log in logs)]
    # one that closes a position in parts has a row for each of them: together they are its loss
    lost = [log.groupby(columns, as_index=False)["loss"].sum() for log in logs]
    events = pd.concat(lost).groupby(columns, as_index=False)["loss"].max()
    keys = pd.MultiIndex.from_frame(events[columns])
    has = {name: keys.isin(pd.MultiIndex.from_frame(log[columns])) for name, log in zip(results, logs, strict=True)}
    differing: pd.DataFrame = events.assign(**has)[~np.logical_and.reduce(list(has.values()))]
    return differing.reset_index(drop=True)


def _difference(
    growth: Mapping[str, pd.Series], name: str, resamples: int, confidence: float, seed: int
) -> dict[str, object]:
    """Return a setting's row of the differences in growth to the first."""
    first = next(iter(growth.values()))
    values = (growth[name] - first).to_numpy(np.float64, copy=True)
    periods = periods_per_year(pd.DatetimeIndex(first.index).as_unit("ns").asi8 // DAY)
    found = interval_of(values, resamples, confidence, seed)
    return {
        "difference": float(values.mean()) * periods,
        "low": found.low * periods,
        "high": found.high * periods,
        "confidence": confidence,
        "share_above_zero": found.share_above_zero,
        "block": found.block,
        "days": len(values),
    }


def _outcome(row: Mapping[Hashable, Any]) -> str:
    ruined = ", ruined" if row["ruined"] else ""
    return f"total_return {row['total_return']:+.2%}, liquidations {row['liquidations']}{ruined}"

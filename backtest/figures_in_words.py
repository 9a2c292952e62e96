"""The figures of a summary in words: in which groups they stand, how each is written, and which way is better."""

import math
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import pandas as pd

from backtest.errors import ConfigError
from backtest.text import UNDEFINED, grouped, readable

__all__ = [
    "ALARMS",
    "FIRST",
    "LEFT",
    "OCCASIONAL",
    "RIGHT",
    "WRITERS",
    "Amount",
    "Figures",
    "alarms",
    "amount_of",
    "coins",
    "count",
    "days",
    "figure_named",
    "final_first",
    "groups_of",
    "is_better_low",
    "money",
    "percent",
    "ratio",
    "spoken",
    "times",
    "titled",
    "written",
    "yes_or_no",
]

Figures = Mapping[str, Callable[..., str]]
Amount = Callable[[float], str]

HUGE = 10_000
"""Fractions whose digits nobody reads: a few good weeks, taken for a year."""


def money(value: float) -> str:
    """Return an amount of money, as in 1 234.50."""
    return readable(value, 2)


def coins(value: float) -> str:
    """Return an amount of a coin, as in 0.012346."""
    return readable(value, 6)


def ratio(value: float) -> str:
    """Return a number without a unit, as in 1.23."""
    return readable(value, 2)


def percent(value: float) -> str:
    """Return a fraction as it is read aloud, as in -12.34%; one beyond all measure as in 3.04e+13%."""
    if math.isnan(value):
        return UNDEFINED
    return f"{grouped(100 * value, 2)}%" if abs(value) < HUGE else f"{100 * value:.3g}%"


def times(value: float) -> str:
    """Return a multiple, as in 9.87x."""
    return readable(value, 2, "x")


def days(value: pd.Timedelta) -> str:
    """Return a length of time in days, as in 12.5 days."""
    return readable(value / pd.Timedelta(days=1), 1, " days")


def count(value: float) -> str:
    """Return a whole number, as in 47 077."""
    return readable(value)


def yes_or_no(value: object) -> str:
    """Return a truth in a word."""
    return "yes" if value else "no"


def spoken(name: str) -> str:
    """Return a name without its underscores."""
    return name.replace("_", " ")


# The figures of a summary under the names that it gives them, and how each is written.
LEFT: Mapping[str, Figures] = {
    "return": {
        "total_return": percent,
        "cagr": percent,
        "volatility": percent,
        "sharpe": ratio,
        "sortino": ratio,
        "calmar": ratio,
        "max_drawdown": percent,
        "max_drawdown_low": percent,
        "max_drawdown_duration": days,
    },
    "trades": {
        "trades": count,
        "win_rate": percent,
        "profit_factor": ratio,
        "expectancy": money,
        "exposure": percent,
    },
}
RIGHT: Mapping[str, Figures] = {
    "margin": {
        "liquidations": count,
        "liquidation_loss": money,
        "penalties": money,
        "forfeited": money,
        "bad_debt": money,
        "highest_margin_ratio": percent,
        "smallest_liquidation_distance": percent,
        "highest_effective_leverage": times,
        "cut_orders": count,
        "refused_orders": count,
        "ruined": yes_or_no,
    },
    "costs": {"fees": money, "funding": money, "interest": money},
}
# Those that most runs do not have: margin calls, money that was moved, and what became of losses beyond a margin.
OCCASIONAL: Mapping[str, Figures] = {
    "calls": {
        "margin_calls": count,
        "forced_closes": count,
        "deposits": money,
        "refills": count,
        "refilled": money,
    },
    "insurance": {"insurance_fund": money, "socialised_loss": money},
}
ALARMS = (
    "liquidations",
    "liquidation_loss",
    "bad_debt",
    "refused_orders",
    "ruined",
    "forced_closes",
    "socialised_loss",
)
"""Figures that are red where they are not 0."""

LOW = (
    "volatility",
    "max_drawdown_duration",
    "penalties",
    "forfeited",
    "highest_margin_ratio",
    "highest_effective_leverage",
    "cut_orders",
    "fees",
    "funding",
    "interest",
    "margin_calls",
    "deposits",
    "refills",
    "refilled",
    *ALARMS,
)
"""Figures of which less is better."""

FIRST = (
    "cagr",
    "max_drawdown_low",
    "liquidations",
    "ruined",
    "sharpe",
    "total_return",
    "trades",
    "max_drawdown",
    "funding",
    "fees",
    "calmar",
    "sortino",
    "volatility",
    "liquidation_loss",
    "smallest_liquidation_distance",
)
"""Figures in the order in which they matter, where not all have room."""

WRITERS: Figures = {
    name: write
    for groups in (LEFT, RIGHT, OCCASIONAL)
    for figures in groups.values()
    for name, write in figures.items()
}
# Those that settings side by side have besides.
COMPARED: Figures = {"final_equity": money, "loss_per_liquidation": money, "pressure": percent}
TITLES = {"pressure": "time under margin pressure"}


def written(name: str, value: float, amount: Amount = money) -> str:
    """Return a figure of a summary or a comparison as it is read, money as `amount` does."""
    write = WRITERS.get(name) or COMPARED[name]
    if isinstance(value, float) and math.isnan(value):
        return UNDEFINED
    return (amount if write is money else write)(value)


def titled(name: str) -> str:
    """Return what a figure is called."""
    return TITLES.get(name, spoken(name))


def final_first(names: Iterable[str]) -> list[str]:
    """Return the figures of a comparison in the order in which they are shown: what there is in the end leads."""
    return sorted(names, key=lambda name: name != "final_equity")


def alarms(name: str, value: float) -> bool:
    """Return whether a figure is one to be red."""
    return name in ALARMS and value > 0


def groups_of(summary: "pd.Series[Any]") -> tuple[dict[str, Figures], dict[str, Figures]]:
    """Return the groups of a summary that stand to the left and to the right: the occasional where there are any."""
    calls, insurance = OCCASIONAL.items()
    if any(summary[name] for name in calls[1]) or summary["socialised_loss"]:
        return {**LEFT, **dict([calls])}, {**RIGHT, **dict([insurance])}
    return dict(LEFT), dict(RIGHT)


def amount_of(currency: str) -> Amount:
    """Return how money of an account is written: in quote, or in coins where its currency is "base"."""
    return coins if currency == "base" else money


def is_better_low(name: str) -> bool:
    """Return whether less of a figure is better."""
    return name in LOW


def figure_named(name: str, option: str) -> str:
    """Return the figure that an option names, with `_` for `-`.

    Raises
    ------
    ConfigError                if there is none; it names the nearest one
    """
    figure = name.replace("-", "_")
    if figure in WRITERS:
        return figure
    nearest = get_close_matches(figure, WRITERS, 1, 0.0)[0]
    raise ConfigError(f"{option} must be a figure of the summary, got {name!r}; the nearest is {nearest}")

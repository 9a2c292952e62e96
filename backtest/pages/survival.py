"""Would the accounts of a sweep have lived? In words, for pages and screens.

An account that was refilled was lost before: what it ends with is other money.
"""

from collections.abc import Sequence

import pandas as pd

from backtest.figures_in_words import count
from backtest.plots.swept import is_numeric
from backtest.terms.facts_in_words import worth
from backtest.text import several

__all__ = ["by_leverage_in_words", "by_mode", "lived_in_words", "lost", "survival_in_words", "varies", "word_for"]


def lost(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Return which accounts did not live: the ruined, and those that money from outside brought back."""
    ruined = rows["ruined"].astype(bool)
    return ruined | (rows["refills"] > 0) if "refills" in rows else ruined


def word_for(rows: pd.DataFrame) -> str:
    """Return what lost accounts are called."""
    return "ruined or refilled" if "refills" in rows and (rows["refills"] > 0).any() else "ruined"


def lived_in_words(died: "pd.Series[bool]") -> str:
    """Return how many accounts lived, as a sentence begins."""
    lived, of = int((~died).sum()), several(len(died), "account")
    if not lived:
        return f"None of {of} lived"
    return f"All {of} lived" if lived == len(died) else f"{count(lived)} of {of} lived"


def by_mode(ran: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the rows of a sweep by margin mode where it is one of the swept `names`, all under "" where it is not."""
    if "margin_mode" not in names or ran["margin_mode"].nunique() < 2:
        return {"": ran}
    return {str(mode): ran[ran["margin_mode"] == mode] for mode in ran["margin_mode"].unique()}


def varies(ran: pd.DataFrame, names: Sequence[str]) -> bool:
    """Return whether leverage is one of the swept `names` and has more than one value."""
    return "leverage" in names and is_numeric(ran["leverage"]) and ran["leverage"].nunique() > 1


def survival_in_words(ran: pd.DataFrame, names: Sequence[str]) -> dict[str, str]:
    """Return which accounts lived, by margin mode: up to which leverage where that is swept, otherwise how many."""
    say = by_leverage_in_words if varies(ran, names) else _counted
    return {mode: say(rows) for mode, rows in by_mode(ran, names).items()}


def by_leverage_in_words(rows: pd.DataFrame) -> str:
    """Return up to which leverage accounts lived."""
    leverage, died, liquidated = rows["leverage"].astype(float), lost(rows), rows["liquidations"] > 0
    safe, calm = _highest_before(leverage, died), _highest_before(leverage, liquidated)
    highest, lowest = leverage[~died].max(), f"{worth(float(leverage.min()))}x"
    if pd.isna(highest):
        return f"no account lived, from {lowest} on"
    quiet = f"without a liquidation up to {worth(calm)}x"
    if pd.isna(calm):
        all_met_one = bool(liquidated[~died].all())
        quiet = "not one without a liquidation" if all_met_one else f"some with a liquidation even at {lowest}"
    through = f"the highest that one lived through is {worth(float(highest))}x"
    if pd.isna(safe):
        where = "at every leverage" if leverage[died].nunique() == leverage.nunique() else f"even at {lowest}"
        return f"accounts were {word_for(rows)} {where}; {through}, {quiet}"
    if calm == safe:
        quiet = "without a liquidation"
    said = f"every account lived up to {worth(safe)}x, {quiet}"
    if highest == leverage.max() and safe == highest:
        return said
    return f"{said}; {'none above' if safe == highest else through}"


def _highest_before(leverage: "pd.Series[float]", happened: "pd.Series[bool]") -> float:
    """Return the highest leverage at and below which something happened to no account, NaN for none."""
    return float(leverage[leverage < leverage[happened].min()].max() if happened.any() else leverage.max())


def _counted(rows: pd.DataFrame) -> str:
    """Return how many accounts were lost or liquidated."""
    died, liquidated = int(lost(rows).sum()), int((rows["liquidations"] > 0).sum())
    accounts = f"{count(died)} of {several(len(rows), 'account')}"
    return f"{accounts} {word_for(rows)}, {count(liquidated)} liquidated at least once"

"""What became of the accounts of a sweep, in one sentence, and the figures that matter most."""

import pandas as pd

from backtest.pages.sweep_tables import label_of
from backtest.pages.verdicts import Tile, Verdict
from backtest.pages.wording import count, figure, percent_of, several, worth
from backtest.plots.swept import Swept, is_numeric

__all__ = ["sweep_tiles", "sweep_verdict"]


def sweep_verdict(swept: Swept) -> Verdict:
    """Return how many accounts lived, and which grew most."""
    ran = swept.rows
    if not len(ran):
        return Verdict("No setting could run", "bad")
    lived, of = int((~_lost(ran)).sum()), several(len(ran), "account")
    if not lived:
        return Verdict(f"None of {of} lived", "bad", _by_leverage(ran))
    said = f"All {of} lived" if lived == len(ran) else f"{count(lived)} of {of} lived"
    best = swept.best()
    having = ", ".join(f"{label_of(name)} {worth(best[name])}" for name in swept.settings)
    growth = figure("cagr", float(best["cagr"]))
    return Verdict(f"{said}; growth was highest with {having}: {growth} a year", "", _by_leverage(ran))


def sweep_tiles(swept: Swept, settings: int) -> list[Tile]:
    """Return the figures that matter most."""
    ran = swept.rows
    tiles = [Tile("settings that ran", count(len(ran)), f"of {count(settings)}", "" if len(ran) else "bad")]
    if not len(ran):
        return tiles
    lost, liquidated = int(_lost(ran).sum()), int((ran["liquidations"] > 0).sum())
    best = swept.best()
    low = percent_of(float(best["max_drawdown_low"]))
    return [
        *tiles,
        Tile("lost accounts", count(lost), f"{percent_of(lost / len(ran))} of them", "bad" if lost else ""),
        Tile("liquidated at least once", count(liquidated), f"{count(float(ran['liquidations'].sum()))} liquidations"),
        Tile("highest growth a year", figure("cagr", float(best["cagr"])), f"max drawdown {low} at lows"),
    ]


def _lost(ran: pd.DataFrame) -> "pd.Series[bool]":
    """Return which accounts did not live: the ruined, and those that money from outside brought back."""
    ruined = ran["ruined"].astype(bool)
    return ruined | (ran["refills"] > 0) if "refills" in ran else ruined


def _by_leverage(ran: pd.DataFrame) -> tuple[str, ...]:
    """Return up to which leverage every account lived, where leverage is swept."""
    if "leverage" not in ran or not is_numeric(ran["leverage"]) or ran["leverage"].nunique() < 2:
        return ()
    leverage, lost = ran["leverage"], _lost(ran)
    lowest, highest = leverage.min(), leverage[~lost].max()
    if not lost.any():
        return ()
    if pd.isna(highest):
        return (f"No account lived, from {worth(lowest)}x on.",)
    safe = leverage[leverage < leverage[lost].min()].max()
    if pd.isna(safe):
        return (f"Some were lost even at {worth(lowest)}x; the highest that one lived through is {worth(highest)}x.",)
    beyond = "none above" if safe == highest else f"the highest that one lived through is {worth(highest)}x"
    return (f"Every account lived up to {worth(safe)}x; {beyond}.",)

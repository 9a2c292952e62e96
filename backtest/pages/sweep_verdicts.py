"""What became of the accounts of a sweep, in one sentence, and the figures that matter most."""

from backtest.figures_in_words import count, percent, written
from backtest.pages.survival import lived_in_words, lost, survival_in_words, varies
from backtest.pages.sweep_tables import settings_in_words
from backtest.pages.verdicts import Tile, Verdict
from backtest.plots.swept import Swept

__all__ = ["sweep_tiles", "sweep_verdict"]


def sweep_verdict(swept: Swept) -> Verdict:
    """Return how many accounts lived, and which grew most."""
    ran = swept.rows
    if not len(ran):
        return Verdict("No setting could run", "bad")
    died = lost(ran)
    said = lived_in_words(died)
    if died.all():
        return Verdict(said, "bad", _by_leverage(swept))
    best = swept.best()
    having, growth = settings_in_words(best, swept.settings), written("cagr", float(best["cagr"]))
    grew = "equity fell least" if best["cagr"] < 0.0 else "growth was highest"
    return Verdict(f"{said}; {grew} with {having}: {growth} a year", "", _by_leverage(swept))


def sweep_tiles(swept: Swept, settings: int) -> list[Tile]:
    """Return the figures that matter most."""
    ran = swept.rows
    tiles = [Tile("settings that ran", count(len(ran)), f"of {count(settings)}", "" if len(ran) else "bad")]
    if not len(ran):
        return tiles
    died, liquidated = int(lost(ran).sum()), int((ran["liquidations"] > 0).sum())
    best = swept.best()
    low, grew = percent(float(best["max_drawdown_low"])), "smallest fall" if best["cagr"] < 0.0 else "highest growth"
    return [
        *tiles,
        Tile("lost accounts", count(died), f"{percent(died / len(ran))} of them", "bad" if died else ""),
        Tile("liquidated at least once", count(liquidated), f"{count(float(ran['liquidations'].sum()))} liquidations"),
        Tile(f"{grew} a year", written("cagr", float(best["cagr"])), f"max drawdown {low} at lows"),
    ]


def _by_leverage(swept: Swept) -> tuple[str, ...]:
    """Return up to which leverage accounts lived, a sentence for each margin mode, where leverage is swept."""
    if not varies(swept.rows, swept.settings):
        return ()
    said = survival_in_words(swept.rows, swept.settings)
    return tuple(f"{mode}: {each}." if mode else f"{each[0].upper()}{each[1:]}." for mode, each in said.items())

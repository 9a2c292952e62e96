"""What is said of settings side by side: whether a difference in growth is more than chance, and what all share."""

from typing import TYPE_CHECKING, Any

from backtest.text import signed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LOST_COUNTS", "chance_of", "interval_of", "interval_title", "none_differs"]

ALIKE = 1e-9
"""Differences in growth that are rounding."""

LOST_COUNTS = "A lost account counts as a millionth of its cash: trust the sign, not the size."


def chance_of(row: "pd.Series[Any]", ruined: bool) -> str:
    """Return what an interval says of a difference in growth; of an account that was ruined it has nothing to say."""
    if max(abs(float(row[name])) for name in ("difference", "low", "high")) < ALIKE:
        return "alike"
    if ruined:
        return "ruined"
    return "more than chance" if row["low"] > 0 or row["high"] < 0 else "may be chance"


def interval_of(row: "pd.Series[Any]") -> str:
    """Return an interval from end to end."""
    return f"{signed(row['low'])} to {signed(row['high'])}"


def interval_title(confidence: float) -> str:
    """Return what an interval is called."""
    return f"{confidence * 100:g}% interval"


def none_differs(liquidations: int) -> str:
    """Return that settings with so many liquidations, all together, differ in none."""
    return "All of them have the same liquidations." if liquidations else "No liquidation in any of them."

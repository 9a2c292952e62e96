"""What an account is worth together with the reserve behind it, bar by bar, as returns are taken on it.

Money that moves from the reserve into the account changes nothing. Money from outside, a refill at an open, is no
return: the curve goes on from where it stood, as a unit of a fund does when somebody pays in (time-weighted returns,
CFA Institute, Global Investment Performance Standards).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from backtest.kernels.enums import CallEvent
from backtest.kernels.schema import Columns, Float64Array1D, Record, Records
from backtest.outcome.metrics import EquityCurve

__all__ = ["Flows", "wealth_of"]


@dataclass
class Flows:
    """What earlier bars have moved: money that left the reserve, and how a unit of the curve has been scaled."""

    spent: float = 0.0
    scale: float = 1.0


def wealth_of(
    time: pd.DatetimeIndex, columns: Columns, calls: Records, settings: Record, flows: Flows | None = None
) -> EquityCurve:
    """Return the curve of equity and reserve, from cash and reserve before the first bar.

    Parameters
    ----------
    time : DatetimeIndex       (T,) open times
    columns : Columns          equity and equity_low (T,)
    calls : ndarray of CALL    every deposit and refill
    settings : SETTINGS record
    flows : Flows              of the bars before these, where they are a later piece of a history; comes back with what
        these bars have moved, too
    """
    start = float(settings.cash + settings.reserve)
    flows = Flows() if flows is None else flows
    if len(calls) == 0 and settings.reserve == 0.0 and flows == Flows():
        return EquityCurve(time, columns.equity, columns.equity_low, start)
    deposits = calls[calls["event"] == CallEvent.DEPOSIT]
    amounts = np.bincount(deposits["bar"], weights=deposits["amount"], minlength=len(time))
    spent = np.cumsum(np.append(flows.spent, amounts))[1:]
    reserve = settings.reserve - spent
    equity, equity_low = columns.equity + reserve, columns.equity_low + reserve
    scale = unit_scale(calls[calls["event"] == CallEvent.REFILL], len(time), flows.scale)
    flows.spent, flows.scale = float(spent[-1]), float(scale[-1])
    return EquityCurve(time, equity * scale, equity_low * scale, start)


def unit_scale(refills: Records, bars: int, first: float) -> Float64Array1D:
    """Return by how much each bar's wealth (T,) is to be scaled for refills to be no returns, from `first` on.

    A refill at the open makes W of wealth W + A: a unit is then worth W / (W + A) of what it would be without.
    """
    before = np.maximum(refills["balance"] + refills["reserve"], 0.0)
    scale = np.ones(bars)
    scale[refills["bar"]] = before / (before + refills["amount"])
    return np.multiply.accumulate(np.append(first, scale))[1:]

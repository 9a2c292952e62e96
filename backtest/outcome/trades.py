"""Round trips as frames: what each position cost and earned between flat and flat."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.kernels.enums import Reason
from backtest.kernels.schema import Int64Array1D, Records
from backtest.kernels.sums_schema import TRIP
from backtest.kernels.trips import OPEN, settle_trips
from backtest.market.bar_times import BarTimes

__all__ = ["EXIT_REASONS", "MONEY", "Trips", "round_trips", "settled_trips"]

Trips = Mapping[str, npt.NDArray[Any]]

EXIT_REASONS = (*(reason.name.lower() for reason in Reason), "open")
"""What a trade may have ended by; the code of each is its `Reason`, and that of "open" is OPEN."""

MONEY = ("realised", "fees", "funding", "interest", "penalty", "forfeited", "bad_debt")


def settled_trips(fills: Records, liquidations: Records, open_positions: Records, bars: int) -> Records:
    """Return the figures of every round trip, from flat to flat, in order of entry, then of instrument.

    A flip ends one trip and starts another. Money is in the account's currency.

    Parameters
    ----------
    fills : ndarray of FILL                every fill, in the order in which they happened
    liquidations : ndarray of LIQUIDATION  each names its row in `fills`
    open_positions : ndarray of POSITION   (M,), what is held after the last bar
    bars : int                             T

    Returns
    -------
    ndarray of TRIP

    Notes
    -----
    The pnl of all trips and the unrealised profit of the open ones make `equity - cash - deposits`, but for what
    belongs to no position: the interest on a cross account's quote debt, and the bad debt of a wallet that fills left
    below 0.
    """
    trips = np.empty(len(fills), TRIP)
    latest = np.empty(len(open_positions), np.int64)
    trips = trips[: settle_trips(fills, liquidations, open_positions, bars, latest, trips)]
    order = np.lexsort((trips["instrument"], trips["entry_bar"]))
    return trips if (np.diff(order) == 1).all() else trips[order]


def round_trips(trips: Trips, time: BarTimes, symbols: Sequence[str]) -> pd.DataFrame:
    """Return the trades of a result from the figures of its round trips.

    Parameters
    ----------
    trips : arrays by the names of TRIP    in the order of the rows
    time : BarTimes                        (T,) open times of the bars, such as their index
    symbols : sequence of str              (M,)

    Returns
    -------
    DataFrame
        symbol, side ("long" or "short"), quantity, entry_time, exit_time (NaT while open), the prices and the money of
        `settled_trips`, return_on_margin (pnl / margin), bars (at whose close it was held), exit_reason.
    """
    still_open = trips["reason"] == OPEN
    exit_bar = np.minimum(trips["exit_bar"], len(time) - 1)
    columns = {
        "symbol": _words(symbols, trips["instrument"]),
        "side": _words(("long", "short"), trips["short"]),
        "quantity": trips["quantity"],
        "entry_time": time[trips["entry_bar"]],
        "exit_time": time[exit_bar].where(~still_open),
        **{name: trips[name] for name in ("entry_price", "exit_price", "margin", *MONEY, "pnl")},
        "return_on_margin": trips["pnl"] / trips["margin"],
        "bars": trips["exit_bar"] - trips["entry_bar"],
        "exit_reason": _words(EXIT_REASONS, trips["reason"]),
    }
    return pd.DataFrame(columns)


def _words(words: Sequence[str], codes: Int64Array1D) -> pd.api.extensions.ExtensionArray:
    """Return `words[code]` for every code, as strings."""
    return pd.array(list(words), dtype="str").take(codes)

"""Round trips from the logs: what each position cost and earned between flat and flat."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.kernels.enums import Reason
from backtest.kernels.schema import Float64Array1D, Int64Array1D, Records

__all__ = ["EXIT_REASONS", "MONEY", "OPEN", "Trips", "round_trips", "settled_trips"]

Trips = dict[str, npt.NDArray[Any]]

EXIT_REASONS = (*(reason.name.lower() for reason in Reason), "open")
"""What a trade may have ended by; the code of each is its `Reason`, and "open" comes after them."""

OPEN = len(EXIT_REASONS) - 1
MONEY = ("realised", "fees", "funding", "interest", "penalty", "forfeited", "bad_debt")


def settled_trips(fills: Records, liquidations: Records, open_positions: Records, bars: int) -> Trips:
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
    dict of arrays
        instrument, short (1 or 0), quantity (the largest held, unsigned), entry_bar, exit_bar (T while open),
        entry_price and exit_price (weighted by quantity over what opened and over what closed, NaN where nothing
        closed), margin (initial margin put up, summed over the openings), realised, fees, funding, interest, penalty,
        forfeited, bad_debt, pnl (realised - fees - funding - interest - penalty - forfeited + bad_debt), reason (code
        of EXIT_REASONS), liquidated (whether any part of it was).

    Notes
    -----
    The pnl of all trips and the unrealised profit of the open ones make `equity - cash - deposits`, but for what
    belongs to no position: the interest on a cross account's quote debt, and the bad debt of a wallet that fills left
    below 0.
    """
    order = np.argsort(fills["instrument"], kind="stable")
    log = fills[order]
    quantity, position, instrument = log["quantity"], log["position"], log["instrument"]
    closed = position == 0.0
    begins = np.ones(len(log), dtype=np.bool_)
    begins[1:] = closed[:-1] | (instrument[1:] != instrument[:-1])
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(log))[: len(first)] - 1
    trip = np.cumsum(begins) - 1

    def total(values: Float64Array1D) -> Float64Array1D:
        return _sums(trip, values, len(first))

    opens = np.sign(quantity) == np.sign(position)
    size = np.abs(quantity)
    still_open = ~closed[last]
    money = {name: total(log[column]) for name, column in (("realised", "realised"), ("fees", "fee"))}
    for name in ("funding", "interest"):  # what was paid since its last fill is still with the position
        money[name] = total(log[name]) + np.where(still_open, open_positions[name][instrument[last]], 0.0)
    for name in ("penalty", "forfeited", "bad_debt"):
        money[name] = total(_sums(liquidations["fill"], liquidations[name], len(fills))[order])
    costs = money["fees"] + money["funding"] + money["interest"] + money["penalty"] + money["forfeited"]
    entry_bar = log["bar"][first]
    figures = {
        "instrument": instrument[first],
        "short": (quantity[first] < 0.0).astype(np.int64),
        "quantity": np.maximum.reduceat(np.abs(position), first) if len(first) else np.empty(0),
        "entry_bar": entry_bar,
        "exit_bar": np.where(still_open, bars, log["bar"][last]),
        "entry_price": _average_price(total, log["price"], np.where(opens, size, 0.0)),
        "exit_price": _average_price(total, log["price"], np.where(opens, 0.0, size)),
        "margin": total(log["margin"]),
        **money,
        "pnl": money["realised"] - costs + money["bad_debt"],
        "reason": np.where(still_open, OPEN, log["reason"][last]),
        "liquidated": total((log["reason"] == Reason.LIQUIDATION).astype(np.float64)) > 0.0,
    }
    by_entry = np.argsort(entry_bar, kind="stable")
    return {name: values[by_entry] for name, values in figures.items()}


def round_trips(trips: Trips, time: pd.DatetimeIndex, symbols: Sequence[str]) -> pd.DataFrame:
    """Return the trades of a result from the figures of its round trips.

    Parameters
    ----------
    trips : dict of arrays                 as `settled_trips` returns them
    time : DatetimeIndex                   (T,) open times of the bars
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
    return pd.DataFrame(columns, copy=False)


def _sums(group: Int64Array1D, values: Float64Array1D, count: int) -> Float64Array1D:
    """Return the sum of `values` in each of `count` groups."""
    sums: Float64Array1D = np.bincount(group, weights=values, minlength=count).astype(np.float64, copy=False)
    return sums


def _average_price(
    total: Callable[[Float64Array1D], Float64Array1D], price: Float64Array1D, weight: Float64Array1D
) -> Float64Array1D:
    """Return each trade's price weighted by `weight`, NaN where all its weights are 0."""
    weights = total(weight)
    average = np.full(len(weights), np.nan)
    np.divide(total(weight * price), weights, out=average, where=weights > 0.0)
    return average


def _words(words: Sequence[str], codes: Int64Array1D) -> pd.api.extensions.ExtensionArray:
    """Return `words[code]` for every code, as strings."""
    return pd.array(list(words), dtype="str").take(codes)

"""Warnings about settings that work, but not as their author may think."""

import warnings

import numpy as np

from backtest.calculators import answer, as_price, at_call_level
from backtest.kernels.calculators import fill_liquidation_price
from backtest.kernels.schema import Rules
from backtest.replaying.records import rules_alone
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue

SMALL = 1e-3  # notional, far inside every first tier


def warn_of_idle_reserve(account: Account, venue: Venue) -> None:
    """Warn of a reserve that nothing draws on."""
    if account.reserve > 0.0 and (venue.call is None or venue.call.deposit != "reserve"):
        warnings.warn(
            f"reserve is for margin calls, which venue {venue.name} does not answer with deposits, "
            f"got {account.reserve:g}: it only counts as wealth",
            UserWarning,
            stacklevel=3,
        )


def warn_of_late_stop(account: Account, venue: Venue, rules: Rules, symbols: tuple[str, ...]) -> None:
    """Warn where a full position, in the first tier, is liquidated before its stop is reached.

    In a cross account that is the position that alone takes all of it.
    """
    if account.stop_loss is None or (venue.call is not None and venue.call.grace > 0):
        return  # without stops, or where a call leaves time for them
    for i, symbol in enumerate(symbols):
        distance = liquidation_distance(account.leverage, rules, i)
        if account.stop_loss >= distance:
            warnings.warn(
                f"stop_loss must be below the distance to liquidation to be of use, got {account.stop_loss:g} >= "
                f"{distance:.4g} for {symbol} at {account.leverage:g}x: the position is liquidated first",
                UserWarning,
                stacklevel=3,
            )
            return


def liquidation_distance(leverage: float, rules: Rules, i: int) -> float:
    """Return the fraction of the entry price by which a small position may lose, on the side that may lose less."""
    alone = at_call_level(rules_alone(rules, i))
    held = (np.array([SMALL, -SMALL]), np.ones(2), np.full(2, SMALL / leverage))
    prices = as_price(alone, answer((2,), fill_liquidation_price, alone, *held, np.zeros(2), book=True))
    return float(np.nanmin([1.0, *np.abs(np.asarray(prices) - 1.0)]))

"""Warnings about settings that work, but not as their author may think."""

import warnings

from backtest.accounts import Account
from backtest.kernels.schema import Rules


def warn_of_late_stop(account: Account, rules: Rules, symbols: tuple[str, ...]) -> None:
    """Warn where a full position is liquidated before its stop is reached.

    At entry price 1 an isolated position with margin 1 / L fails at a move d with 1/L - d = r·(1 ∓ d): the margin is
    used up but for the maintenance margin of what is left of the notional. In a cross account that is the position
    that alone takes all of it.
    """
    if account.stop_loss is None:
        return
    for i, symbol in enumerate(symbols):
        rate = float(rules.tiers[i, 0]["rate"])
        margin = 1.0 / account.leverage
        long = (margin - rate) / (1.0 - rate)
        short = (margin - rate) / (1.0 + rate)
        distance = min(long, short)
        if account.stop_loss >= distance:
            warnings.warn(
                f"stop_loss must be below the distance to liquidation to be of use, got {account.stop_loss:g} >= "
                f"{distance:.4g} for {symbol} at {account.leverage:g}x: the position is liquidated first",
                UserWarning,
                stacklevel=3,
            )
            return

"""Settings, tiers and logs as the records that kernels read and write."""

import math

import numpy as np

from backtest.accounts import Account
from backtest.errors import MarginError
from backtest.kernels.schema import (
    ACCOUNT,
    FILL,
    LIQUIDATION,
    ORDER,
    POSITION,
    SETTINGS,
    TIER,
    Book,
    Intrabar,
    Logs,
    MarginMode,
    Rebalance,
    Record,
    Records,
    Reentry,
    Rules,
    Sizing,
)
from backtest.venues import Ladder, Venue


def rules_of(account: Account, venue: Venue, symbols: tuple[str, ...], skip_quiet_bars: bool = True) -> Rules:
    """Return the rules of a replay.

    Raises
    ------
    ConfigError                for a symbol that the venue does not list
    MarginError                for a leverage above what the first tier of a symbol allows
    """
    ladders = [venue.ladder(symbol) for symbol in symbols]
    for symbol, ladder in zip(symbols, ladders, strict=True):
        if account.leverage > ladder[0].max_leverage:
            raise MarginError(
                f"leverage must be at most {ladder[0].max_leverage:g}, the first tier's max_leverage, "
                f"got {account.leverage:g} for {symbol} on venue {venue.name}"
            )
    tiers = np.zeros((len(ladders), max(map(len, ladders))), TIER)
    tiers["floor"] = math.inf
    for i, ladder in enumerate(ladders):
        tiers[i, : len(ladder)] = tier_records(ladder, venue.fee_in_maintenance)
    limits = np.array([highest_notional(ladder, account.leverage) for ladder in ladders])
    return Rules(settings_record(account, venue, skip_quiet_bars), tiers, limits)


def settings_record(account: Account, venue: Venue, skip_quiet_bars: bool) -> Record:
    """Return both sides' settings as one record."""
    settings: Record = np.zeros(1, SETTINGS)[0]
    settings.cash = account.cash
    settings.leverage = account.leverage
    settings.margin_mode = MarginMode[account.margin_mode.upper()]
    settings.sizing = Sizing[account.sizing.upper()]
    settings.rebalance = Rebalance[account.rebalance.upper()]
    settings.reentry = Reentry[account.reentry.upper()]
    settings.intrabar = Intrabar[account.intrabar.upper()]
    settings.stop_loss = math.inf if account.stop_loss is None else account.stop_loss
    settings.take_profit = math.inf if account.take_profit is None else account.take_profit
    settings.taker_fee = venue.taker_fee
    settings.slippage = venue.slippage
    settings.liquidation_fee = venue.liquidation_fee
    settings.liquidation_slippage = venue.liquidation_slippage
    settings.forfeit = venue.residual == "forfeit"
    settings.borrow_rate = venue.borrow_rate
    settings.skip_quiet_bars = skip_quiet_bars
    return settings


def tier_records(ladder: Ladder, fee_in_maintenance: float) -> Records:
    """Return a ladder's lines, N * rate - deduction, which meet at every floor: SPEC section 2."""
    tiers = np.zeros(len(ladder), TIER)
    tiers["floor"] = [tier.floor for tier in ladder]
    rates = np.array([tier.maintenance_rate for tier in ladder])
    tiers["rate"] = rates + fee_in_maintenance
    tiers["deduction"] = np.cumsum(tiers["floor"] * np.diff(rates, prepend=rates[0]))
    return tiers


def highest_notional(ladder: Ladder, leverage: float) -> float:
    """Return the floor of the first tier that does not allow the leverage, infinite where all allow it."""
    return next((tier.floor for tier in ladder if tier.max_leverage < leverage), math.inf)


def new_book(cash: float, instruments: int) -> Book:
    """Return the books of an account that holds nothing but cash."""
    account = np.zeros(1, ACCOUNT)[0]
    account.wallet = account.constant = cash
    account.smallest_liquidation_distance = 1.0
    return Book(account, np.zeros(instruments, POSITION))


def new_logs(fills: int, liquidations: int, orders: int) -> Logs:
    """Return empty logs with the capacities given."""
    return Logs(
        np.zeros(fills, FILL), np.zeros(liquidations, LIQUIDATION), np.zeros(orders, ORDER), np.zeros(3, np.int64)
    )

"""Settings, tiers, contracts and logs as the records that kernels read and write."""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from backtest.errors import ConfigError, MarginError
from backtest.kernels.enums import (
    Intrabar,
    Liquidation,
    LiquidationOrder,
    MaintenanceOn,
    MarginMode,
    OnLiquidation,
    Rebalance,
    Reentry,
    Sizing,
)
from backtest.kernels.schema import (
    ACCOUNT,
    CALL,
    CONTRACT,
    FILL,
    HOLDING,
    LIQUIDATION,
    ORDER,
    POSITION,
    SETTINGS,
    TIER,
    Book,
    Float64Array1D,
    Logs,
    Record,
    Records,
    Rules,
    Track,
)
from backtest.terms.accounts import Account
from backtest.terms.venues import Ladder, Tier, Venue

CURRENCIES: dict[str, Literal["quote", "base"]] = {"linear": "quote", "inverse": "base"}


def rules_of(account: Account, venue: Venue, symbols: tuple[str, ...], skip_quiet_bars: bool = True) -> Rules:
    """Return the rules of a replay.

    Raises
    ------
    ConfigError                for a symbol that the venue does not list, or contracts that the account cannot hold
    MarginError                for a leverage above what the first tier of a symbol, or a margin call, allows
    """
    check_currency(account, venue, symbols)
    ladders = [venue.ladder(symbol) for symbol in symbols]
    for symbol, ladder in zip(symbols, ladders, strict=True):
        if account.leverage > ladder[0].max_leverage:
            raise MarginError(
                f"leverage must be at most {ladder[0].max_leverage:g}, the first tier's max_leverage, "
                f"got {account.leverage:g} for {symbol} on venue {venue.name}"
            )
    settings = settings_record(account, venue, skip_quiet_bars)
    rules = Rules(settings, tier_table(ladders, venue), contract_records(ladders, venue, symbols))
    check_call(account, venue, rules, symbols)
    return rules


def rules_alone(rules: Rules, i: int) -> Rules:
    """Return the rules of one instrument, on its own margin."""
    settings = rules.settings.copy()
    settings.margin_mode = MarginMode.ISOLATED
    count = len(rules.contracts)
    return Rules(settings, rules.tiers[[i, count + i]], rules.contracts[[i]])


def check_call(account: Account, venue: Venue, rules: Rules, symbols: tuple[str, ...]) -> None:
    """Refuse a leverage at which every position would be opened below the level of a margin call."""
    below = called_leverages(rules)
    for i, symbol in enumerate(symbols):
        if account.leverage >= below[i]:
            raise MarginError(
                f"leverage must be below 1 / (call.level * maintenance_rate) = {below[i]:g}, or every position is "
                f"called when it opens, got {account.leverage:g} for {symbol} on venue {venue.name}"
            )


def called_leverages(rules: Rules) -> Float64Array1D:
    """Return the leverage (M,) from which on a position of the first tier is called at once, infinite without calls."""
    if not rules.settings.calls:
        return np.full(len(rules.contracts), np.inf)
    longs, shorts = np.split(rules.tiers["rate"][:, 0], 2)
    with np.errstate(divide="ignore"):
        leverages: Float64Array1D = 1.0 / (rules.settings.call_level * np.maximum(longs, shorts))
    return leverages


def check_currency(account: Account, venue: Venue, symbols: tuple[str, ...]) -> None:
    """Refuse contracts that are not settled in what the account holds."""
    if account.currency != CURRENCIES[venue.contract]:
        raise ConfigError(
            f"Account.currency must be {CURRENCIES[venue.contract]!r}, what {venue.contract} contracts of venue "
            f"{venue.name} are margined in, got {account.currency!r}"
        )
    coins = {symbol: venue.base(symbol) for symbol in symbols}
    if venue.contract == "inverse" and len(set(coins.values())) > 1:
        listed = ", ".join(f"{coin} for {symbol}" for symbol, coin in coins.items())
        raise ConfigError(f"inverse contracts in one account must be margined in one coin, got {listed}")


def settings_record(account: Account, venue: Venue, skip_quiet_bars: bool) -> Record:
    """Return both sides' settings as one record."""
    call = venue.call
    values: dict[str, object] = {
        "cash": account.cash,
        "reserve": account.reserve,
        "leverage": account.leverage,
        "margin_mode": MarginMode[account.margin_mode.upper()],
        "sizing": Sizing[account.sizing.upper()],
        "rebalance": Rebalance[account.rebalance.upper()],
        "reentry": Reentry[account.reentry.upper()],
        "on_liquidation": OnLiquidation[account.on_liquidation.upper()],
        "intrabar": Intrabar[account.intrabar.upper()],
        "alone": 0,
        "stop_loss": math.inf if account.stop_loss is None else account.stop_loss,
        "take_profit": math.inf if account.take_profit is None else account.take_profit,
        "taker_fee": venue.taker_fee,
        "slippage": venue.slippage,
        "liquidation_fee": venue.liquidation_fee,
        "liquidation_slippage": venue.liquidation_slippage,
        "forfeit": venue.residual == "forfeit",
        "borrow_rate": venue.borrow_rate,
        "short_borrow_rate": venue.borrow_rate if venue.short_borrow_rate is None else venue.short_borrow_rate,
        "wallet_pays_funding": venue.funding_from == "wallet",
        "inverse": venue.contract == "inverse",
        "breached_at_zero": venue.breach == "at",
        "maintenance_on": MaintenanceOn[venue.maintenance_on.upper()],
        "bankruptcy_fee": venue.fee_in_maintenance if venue.fee_in_maintenance_at == "bankruptcy" else 0.0,
        "liquidation": Liquidation[venue.liquidation.upper()],
        "liquidation_order": LiquidationOrder[venue.liquidation_order.upper()],
        "liquidation_share": venue.liquidation_share or 0.0,
        "liquidation_floor": venue.liquidation_floor,
        "cooldown": venue.cooldown * 1e9,
        "backstop": venue.backstop,
        "target_ratio": venue.target_ratio or 0.0,
        "insurance_fund": venue.insurance_fund or 0.0,
        "insurance_limited": venue.insurance_fund is not None,
        "skip_quiet_bars": skip_quiet_bars,
        "calls": call is not None,
        "call_level": 1.0 if call is None else call.level,
        "called_level": 1.0 if call is None else call.close_below,
        "grace": 0 if call is None else call.grace,
        "deposits": call is not None and call.deposit == "reserve",
        "hedged": False,  # the signals say so
    }
    record: Record = np.array([tuple(values[name] for name in SETTINGS.fields or ())], SETTINGS)[0]
    return record


def tier_table(ladders: list[Ladder], venue: Venue) -> Records:
    """Return the tiers of all symbols, those of longs and then those of shorts; rows of an inverse contract's side.

    Kernels see the two sides of inverse contracts exchanged.
    """
    at_mark = venue.fee_in_maintenance if venue.fee_in_maintenance_at == "mark" else 0.0
    sides = [long_rate, short_rate] if venue.contract == "linear" else [short_rate, long_rate]
    width = max(map(len, ladders))
    rows = [tier_records(ladder, rate, at_mark, width) for rate in sides for ladder in ladders]
    return np.array(rows, TIER).view(np.dtype((np.record, TIER)))


def long_rate(tier: Tier) -> float:
    """Return the maintenance rate of a long."""
    return tier.maintenance_rate


def short_rate(tier: Tier) -> float:
    """Return the maintenance rate of a short."""
    return tier.short_rate


def tier_records(ladder: Ladder, rate_of: Callable[[Tier], float], fee_in_maintenance: float, width: int) -> Records:
    """Return a ladder's lines, N * rate - deduction, which meet at every floor.

    The rows beyond the ladder go on with its last line, from an infinite floor.
    """
    tiers = np.zeros(width, TIER)
    rates = np.array([rate_of(tier) for tier in ladder])
    count = len(ladder)
    tiers["floor"][:count] = [tier.floor for tier in ladder]
    tiers["rate"][:count] = rates + fee_in_maintenance
    tiers["deduction"][:count] = np.cumsum(tiers["floor"][:count] * np.diff(rates, prepend=rates[0]))
    tiers["max_leverage"][:count] = [tier.max_leverage for tier in ladder]
    tiers[count:] = tiers[count - 1]
    tiers["floor"][count:] = math.inf
    return tiers


def contract_records(ladders: list[Ladder], venue: Venue, symbols: tuple[str, ...]) -> Records:
    """Return what an order for each symbol must keep to, in the quantities of kernels."""
    contracts = np.zeros(len(symbols), CONTRACT)
    for contract, symbol, ladder in zip(contracts, symbols, ladders, strict=True):
        multiplier = venue.figure("multiplier", symbol)
        contract.unit = -multiplier if venue.contract == "inverse" else multiplier
        contract.lot = venue.figure("lot_size", symbol) * multiplier
        contract.minimum_notional = venue.figure("minimum_notional", symbol)
        contract.cap = math.inf if ladder[-1].cap is None else ladder[-1].cap
    return contracts


def new_book(instruments: int) -> Book:
    """Return empty books, which a replay from the first bar on fills."""
    return Book(np.zeros(1, ACCOUNT)[0], np.zeros(instruments, POSITION))


def new_logs(fills: int, liquidations: int, orders: int, calls: int) -> Logs:
    """Return empty logs with the capacities given."""
    return Logs(
        np.zeros(fills, FILL),
        np.zeros(liquidations, LIQUIDATION),
        np.zeros(orders, ORDER),
        np.zeros(calls, CALL),
        np.zeros(4, np.int64),
    )


def new_track(instruments: int, capacity: int) -> Track:
    """Return an empty track of positions that are flat before the first bar."""
    return Track(np.zeros(capacity, HOLDING), np.zeros(instruments, HOLDING), np.zeros(1, np.int64))

"""What every door takes: bars, a venue, an account, and parameters of a strategy."""

from collections.abc import Mapping

from backtest.errors import ConfigError, DataError
from backtest.market.bars import Bars
from backtest.signalling.strategies import Strategy
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue

__all__ = ["account_at", "account_of", "check_params"]


def account_of(bars: object, venue: object, account: object) -> Account:
    """Return the account that was given, or the usual one.

    Raises
    ------
    DataError                  if `bars` are no Bars
    ConfigError                if `venue` is no Venue, or `account` no Account
    """
    if not isinstance(bars, Bars):
        raise DataError(f"bars must be Bars, from read_bars or Bars.from_frames, got {type(bars).__name__}")
    return account_at(venue, account)


def account_at(venue: object, account: object) -> Account:
    """Return the account that was given for a venue, or the usual one.

    Raises
    ------
    ConfigError                if `venue` is no Venue, or `account` no Account
    """
    if not isinstance(venue, Venue):
        raise ConfigError(f"venue must be a Venue, such as venue('binance_usdm'), got {type(venue).__name__}")
    if account is not None and not isinstance(account, Account):
        raise ConfigError(f"account must be an Account, got {type(account).__name__}")
    return Account() if account is None else account


def check_params(signals: object, params: object) -> None:
    """Refuse parameters that nothing takes."""
    if params is not None and not isinstance(params, Mapping):
        raise ConfigError(f"params must be a dict of values by name, got {type(params).__name__}")
    if params is not None and not isinstance(signals, Strategy):
        raise ConfigError(f"params need a Strategy to take them, got signals of type {type(signals).__name__}")

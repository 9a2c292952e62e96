"""Rules of many accounts and venues on the same symbols: tables that are the same are made once."""

from typing import Any, NamedTuple

from backtest.errors import BacktestError
from backtest.kernels.schema import Records, Rules
from backtest.market.bars import Bars
from backtest.replaying.engine import check_columns
from backtest.replaying.records import called_leverages, rules_of, settings_record
from backtest.signalling.signals import Signals
from backtest.terms.accounts import Account
from backtest.terms.venue_changes import TABLES, with_tables
from backtest.terms.venues import Venue

__all__ = ["ColumnChecks", "RuleBook"]


class Tables(NamedTuple):
    """What rules hold beside settings, and the leverages at which they do."""

    tiers: Records
    contracts: Records
    highest: float
    """Leverage allowed at most."""
    called: float
    """Leverage from which on every position is called when it opens."""


class RuleBook:
    """The rules of a replay for each account and venue, as `rules_of` makes them."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._symbols = symbols
        self._narrow: dict[tuple[object, ...], dict[str, Any]] = {}
        self._tables: dict[tuple[object, ...], Tables] = {}
        self._venues: list[Venue] = []

    def rules(self, account: Account, venue: Venue) -> Rules:
        """Return the rules of a replay.

        Raises
        ------
        ConfigError, MarginError       as `rules_of` does
        """
        listed = tuple(_identity(getattr(venue, name)) for name in ("tiers", *TABLES))
        charged = (venue.contract, venue.fee_in_maintenance, venue.fee_in_maintenance_at)
        call = None if venue.call is None else venue.call.level
        key = (listed, charged, call, account.currency)
        tables = self._tables.get(key)
        if tables is not None and account.leverage <= tables.highest and account.leverage < tables.called:
            return Rules(settings_record(account, venue, True), tables.tiers, tables.contracts)
        if listed not in self._narrow:
            self._narrow[listed] = self._tables_of(venue)
            self._venues.append(venue)  # alive, so that no other tables get the identity of its own
        rules = rules_of(account, with_tables(venue, self._narrow[listed]), self._symbols)
        highest = rules.tiers["max_leverage"][: len(self._symbols), 0].min()
        self._tables[key] = Tables(rules.tiers, rules.contracts, float(highest), float(called_leverages(rules).min()))
        return rules

    def _tables_of(self, venue: Venue) -> dict[str, Any]:
        """Return a venue's tables for the symbols of the bars alone, in which they are found at once."""
        tables: dict[str, Any] = {"tiers": {symbol: venue.ladder(symbol) for symbol in self._symbols}, "symbols": {}}
        for name in ("multiplier", "lot_size", "minimum_notional"):
            tables[name] = {symbol: venue.figure(name, symbol) for symbol in self._symbols}
        return tables


class ColumnChecks:
    """Whether rules allow what signals set bar by bar, looked through once for all that ask the same of them."""

    def __init__(self, bars: Bars, signals: Signals) -> None:
        self._bars = bars
        self._signals = signals
        self._refusals: dict[tuple[object, ...], BacktestError | None] = {}
        self._rules: list[Rules] = []

    def check(self, rules: Rules) -> None:
        """Refuse rules that do not allow it.

        Raises
        ------
        ConfigError, MarginError       as `check_columns` does
        """
        if self._signals.leverage is None and self._signals.margin_add is None:
            return
        settings = rules.settings
        key = (id(rules.tiers), int(settings.calls), float(settings.call_level), int(settings.margin_mode))
        if key not in self._refusals:
            self._rules.append(rules)  # alive, so that no other tiers get their identity
            self._refusals[key] = None
            try:
                check_columns(self._bars, self._signals, rules)
            except BacktestError as error:
                self._refusals[key] = error
        refusal = self._refusals[key]
        if refusal is not None:
            raise refusal.with_traceback(None)


def _identity(value: object) -> object:
    """Return what tells a setting from others without looking into a table."""
    return value if isinstance(value, float) else id(value)

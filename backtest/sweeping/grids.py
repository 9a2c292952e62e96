"""What a sweep varies: names and values in, a row for every setting out, each account and venue made once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from backtest.errors import BacktestError, ConfigError
from backtest.signalling.strategies import Strategy
from backtest.sweeping.axes import BASE, Axis, axes_of, check_once, plain
from backtest.terms.accounts import Account
from backtest.terms.presets import venue as venue_named
from backtest.terms.venue_changes import VenueChanges
from backtest.terms.venues import Venue

__all__ = ["Over", "Setting", "settings_of"]

Over = Mapping[str, Sequence[object]] | Sequence[Mapping[str, object]]
Values = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """One row of a sweep.

    Attributes
    ----------
    row : int                  position in the table
    values : dict              what is swept, by column, as the table shows it: numbers, booleans, text or None
    account, venue             None where it cannot be made
    params : dict              every parameter of the strategy, none without one
    reason : str               "" where it can run so far, else why not, in one sentence
    """

    row: int
    values: dict[str, object]
    account: Account | None
    venue: Venue | None
    params: dict[str, object]
    reason: str


class Made(NamedTuple):
    """An account, a venue or parameters with some values, or why not, and the values as the table shows them."""

    made: Any
    reason: str
    cells: list[object]


def settings_of(
    over: Over, account: Account, venue: Venue, strategy: Strategy | None, params: Mapping[str, object] | None
) -> list[Setting]:
    """Return every setting of a sweep, in the order of its rows.

    Parameters
    ----------
    over : dict                name -> sequence of values: their product, in which the first name varies slowest
           sequence of dicts   name -> value: these settings; a name that one leaves out keeps its value in
                               `account`, `venue` or `params`
        Names are those of Account and Venue, `venue` (a Venue, the name of a preset or the path of a .toml), and
        `params.NAME`, or NAME where only the strategy has it.
    account, venue, params     what is not swept

    Returns
    -------
    list of Setting
        one that Account, Venue or the strategy refuses has a reason

    Raises
    ------
    ConfigError                for an unknown name, nothing to sweep, or a value or setting given twice
    """
    if strategy is not None:
        strategy.settings(params)
    axes, places = axes_of(over, strategy)
    named = [_venues(axis, venue) for axis in axes if axis.name == "venue"]
    if isinstance(over, Mapping):
        for found in named:
            check_once([name for name, _ in found], "venue must hold each value once")
    venues = VenueChanges(venue)

    def make_account(changes: Values) -> tuple[Account, Values]:
        held = {name: getattr(account, name) for name in account.model_fields_set}
        made = Account(**held | changes) if changes else account
        return made, {}

    def make_venue(changes: Values) -> tuple[Venue, Values]:
        chosen = changes.pop("venue", None)
        cell, base = (venue.name, venue) if chosen is None else named[0][chosen]
        made = venues.changed(base, changes)
        return made, {"venue": cell}

    def make_params(changes: Values) -> tuple[Values, Values]:
        made: Values = {} if strategy is None else dict(strategy.settings({**(params or {}), **changes}))
        return made, made

    shelves = (
        _Shelf(axes, "account", dict(account), make_account),
        _Shelf(axes, "venue", {**dict(venue), "venue": venue.name}, make_venue),
        _Shelf(axes, "params", make_params({})[0], make_params),
    )
    layout = [
        (axis.column, shelf, shelf.axes.index(a)) for a, axis in enumerate(axes) for shelf in shelves if a in shelf.axes
    ]
    settings = []
    for row, place in enumerate(places):
        taken = {shelf: shelf.take(place) for shelf in shelves}
        parts = list(taken.values())
        values = {column: taken[shelf].cells[k] for column, shelf, k in layout}
        reason = next((each.reason for each in parts if each.reason), "")
        settings.append(Setting(row, values, parts[0].made, parts[1].made, parts[2].made or {}, reason))
    return settings


class _Shelf:
    """What has been made of the axes of one part, by the places of their values."""

    def __init__(
        self, axes: list[Axis], part: str, base: Values, make: Callable[[Values], tuple[object, Values]]
    ) -> None:
        self.axes = [a for a, axis in enumerate(axes) if axis.part == part]
        self._axes = [axes[a] for a in self.axes]
        self._base = base
        self._make = make
        self._held: dict[tuple[int, ...], Made] = {}

    def take(self, places: Sequence[int]) -> Made:
        """Return what the values at these places make, the first time by making it."""
        key = tuple([places[a] for a in self.axes])
        made = self._held.get(key)
        if made is None:
            made = self._held[key] = self._made(key)
        return made

    def _made(self, places: Sequence[int]) -> Made:
        given = [(axis, k) for axis, k in zip(self._axes, places, strict=True) if k != BASE]
        changes = {axis.name: k if axis.name == "venue" else axis.values[k] for axis, k in given}
        try:
            made, shown_as = self._make(dict(changes))
        except BacktestError as error:
            cells = self._base | {axis.name: axis.values[k] for axis, k in given}
            return Made(None, str(error), [plain(cells[axis.name]) for axis in self._axes])
        names = [axis.name for axis in self._axes]
        return Made(made, "", [plain(shown_as[name] if name in shown_as else getattr(made, name)) for name in names])


def _venues(axis: Axis, venue: Venue) -> list[tuple[object, Venue]]:
    """Return the venues that an axis names, each with the name that the table shows.

    One that is named takes the symbols of the venue that is not swept.
    """
    found: list[tuple[object, Venue]] = []
    made: dict[object, Venue] = {}
    for value in axis.values:
        name = plain(value)
        if name not in made:
            made[name] = value if isinstance(value, Venue) else _venue(value, venue.symbols)
        elif isinstance(value, Venue) and value is not made[name] and value != made[name]:
            raise ConfigError(f"venues in over must have names of their own (Venue.name), got {name!r} twice")
        found.append((name, made[name]))
    return found


def _venue(value: Any, symbols: dict[str, str]) -> Venue:
    """Return the venue with a name or in a file."""
    try:
        return venue_named(value, symbols=symbols or None)
    except OSError as error:
        raise ConfigError(f"venue must be readable, got {error.strerror} at {value}") from None

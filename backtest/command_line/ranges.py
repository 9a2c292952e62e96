"""Values of swept settings as they are typed: `leverage=1:50`, `stop_loss=0.01:0.1:0.01,none`."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from backtest.errors import ConfigError
from backtest.signalling.strategies import Parameter, parse_params
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue
from backtest.text import grouped, shown

__all__ = ["over_of", "values_of"]

MANY = 1_000_000
"""Values of one range that nobody wants."""

FIELDS = {*Account.model_fields, *Venue.model_fields, "venue"}


def over_of(given: Any, defaults: Mapping[str, Parameter]) -> dict[str, list[Any]]:
    """Return the values of every swept setting by name.

    Parameters
    ----------
    given : dict or None       by name: text as it is typed after `=`, a list of values, or a value; `params` may be a
                               table of its own
    defaults : Mapping         the strategy's parameters, whose values are read as their defaults' types

    Raises
    ------
    ConfigError                for values that are none, or a range that is empty or not made of numbers
    """
    over: dict[str, list[Any]] = {}
    for key, value in (given or {}).items():
        tables = value.items() if key == "params" and isinstance(value, Mapping) else None
        for name, each in [(f"params.{inner}", kept) for inner, kept in tables] if tables else [(key, value)]:
            parameter = parameter_of(name, defaults)
            listed = each if isinstance(each, list) else [each]
            over[name] = [
                read
                for entry in listed
                for read in (values_of(name, entry, parameter, defaults) if isinstance(entry, str) else [entry])
            ]
            if not over[name]:
                raise ConfigError(f"over {name} must have at least one value, got none")
    return over


def parameter_of(name: str, defaults: Mapping[str, Parameter]) -> str:
    """Return the parameter of the strategy that a name means, "" for none."""
    bare = name.removeprefix("params.")
    return bare if bare in defaults and (bare != name or bare not in FIELDS) else ""


def values_of(name: str, text: str, parameter: str, defaults: Mapping[str, Parameter]) -> list[Any]:
    """Return the values in a list such as `1:3,5`."""
    values: list[Any] = []
    for part in (part.strip() for part in text.split(",")):
        if not part:
            raise ConfigError(f"over {name} must be values with commas between them, got {shown(text)}")
        if is_range(name, part, defaults.get(parameter)):
            values += steps(name, part)
        elif parameter:
            values.append(parse_params([f"{parameter}={part}"], defaults)[parameter])
        else:
            values.append(value_of(part))
    return values


def is_range(name: str, part: str, default: Parameter | None) -> bool:
    """Return whether a value is a range: text and paths may have colons of their own."""
    return ":" in part and name != "venue" and not isinstance(default, (str, bool))


def value_of(part: str) -> int | float | str | None:
    """Return a whole number, a number, None for `none`, or text."""
    if part.lower() == "none":
        return None
    if re.fullmatch(r"[+-]?\d+", part):
        return int(part)
    try:
        number = float(part)
    except ValueError:
        return part
    return number if abs(number) < float("inf") else part


def steps(name: str, part: str) -> list[int | float]:
    """Return the numbers of `first:last` or `first:last:step`, both ends included; exact in decimals."""
    ends = [end.strip() for end in part.split(":")]
    rule = f"a range of over {name} must be first:last, whole numbers, or first:last:step"
    try:
        first, last, *rest = map(Decimal, ends)
    except (InvalidOperation, ValueError):
        raise ConfigError(f"{rule}, got {shown(part)}") from None
    if len(rest) > 1 or not all(number.is_finite() for number in (first, last, *rest)):
        raise ConfigError(f"{rule}, got {shown(part)}")
    step = rest[0] if rest else Decimal(1)
    whole = all(number == number.to_integral_value() for number in (first, last, step))
    if not rest and not whole:
        raise ConfigError(f"{rule}, got {shown(part)}")
    if step <= 0:
        raise ConfigError(f"the step of over {name} must be above 0, got {step} in {shown(part)}")
    if last < first:
        raise ConfigError(f"a range of over {name} must not end before it starts, got {shown(part)}")
    if (last - first) / step >= MANY:
        raise ConfigError(f"a range of over {name} must have at most {grouped(MANY)} values, got {shown(part)}")
    numbers = [first + k * step for k in range(int((last - first) / step) + 1)]
    return [int(number) for number in numbers] if whole else [float(number) for number in numbers]

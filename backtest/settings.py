"""The base of all public settings: frozen, without unknown fields, and with errors of one sentence."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from backtest.errors import BacktestError, ConfigError


class Settings(BaseModel):
    """A frozen set of values that are valid together; anything else is a ConfigError."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=False
    )

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise first_error(type(self).__name__, error) from None


def first_error(model: str, error: ValidationError) -> BacktestError:
    """Return the first thing that pydantic found, as one sentence with name, rule and value."""
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, BacktestError):
        return cause
    place = ".".join(str(part) for part in first["loc"])
    name = f"{model}.{place}" if place else model
    if first["type"] == "extra_forbidden":
        return ConfigError(f"{name} is not a setting of {model}")
    rule = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if first["type"] == "missing":
        return ConfigError(f"{name} must be given")
    return ConfigError(f"{name} must be {rule}, got {first['input']!r}")

"""The base of all public settings: frozen, without unknown fields, and with errors of one sentence."""

import inspect
import re
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from backtest.errors import BacktestError, ConfigError
from backtest.text import shown

# What pydantic words for programs, in the words of the documentation.
WORDS = {
    "float_parsing": "a valid number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "string_type": "text",
    "dict_type": "a dict",
    "model_type": "a {class_name}",
}
# How pydantic calls the branches of a union: "constrained-float", "dict[str,float]".
BRANCH = re.compile(r"\[|^(constrained-)?(float|int|str)$")


class Settings(BaseModel):
    """A frozen set of values that are valid together; anything else is a ConfigError."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=False
    )

    def __init__(self, *unnamed: Any, **values: Any) -> None:
        model, fields = type(self).__name__, type(self).model_fields
        if unnamed:
            raise ConfigError(
                f"settings of {model} are given by name ({next(iter(fields))}=...), got {shown(unnamed[0])}"
            )
        for name, value in values.items():
            named = {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {name: value}
            for place, each in named.items():
                # Not one setting is a switch, and pydantic would take True for 1.
                if name in fields and isinstance(each, (bool, np.bool_)):
                    raise ConfigError(f"{model}.{place} must not be true or false, got {each}")
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise first_error(model, error) from None

    @classmethod
    def __pydantic_init_subclass__(cls, **_options: Any) -> None:
        # Types are in the docstring; with them the signature fills a screen.
        cls.__signature__ = inspect.Signature(
            [
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty
                    if field.is_required()
                    else field.get_default(call_default_factory=True),
                )
                for name, field in cls.model_fields.items()
            ]
        )

    def __setattr__(self, name: str, _value: object) -> NoReturn:
        raise ConfigError(
            f"{type(self).__name__} is frozen, so {name} cannot be set; model_copy(update=...) is a new one"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise ConfigError(f"{type(self).__name__} is frozen, so {name} cannot be deleted")

    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    def __str__(self) -> str:
        return repr(self)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002
        """Return a copy with some values replaced, as valid as any other."""
        return type(self)(**{**dict(self), **(update or {})})


def first_error(model: str, error: ValidationError) -> BacktestError:
    """Return the first thing that pydantic found, as one sentence with name, rule and value."""
    errors = error.errors(include_url=False)
    # Of the branches of a union, the one that got furthest is the one that was meant.
    first = max((each for each in errors if each["loc"][:1] == errors[0]["loc"][:1]), key=lambda each: len(each["loc"]))
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, BacktestError):
        return cause
    place = ".".join(str(part) for part in first["loc"] if not BRANCH.search(str(part)))
    name = f"{model}.{place}" if place else model
    if first["type"] == "extra_forbidden":
        return ConfigError(f"{name} is not a setting of {model}")
    if first["type"] == "missing":
        return ConfigError(f"{name} must be given")
    rule = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    rule = WORDS.get(first["type"], rule).format(**first.get("ctx", {}))
    return ConfigError(f"{name} must be {rule}, got {shown(first['input'])}")

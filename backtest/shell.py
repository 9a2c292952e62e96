"""Around the commands: arguments as they are typed, and messages as they are read."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

__all__ = ["complain", "given_of", "in_options", "spread", "warnings_in_one_line"]

MANY = ("--data", "--mark", "--funding", "--param", "--symbol-map")
"""Options that take several values."""


def spread(arguments: Sequence[str]) -> list[str]:
    """Return arguments with `--data A B` written as `--data A --data B`, since an option of typer takes one value.

    The values go on up to the next option or Python file, which is the strategy.
    """
    result: list[str] = []
    option, waiting = "", False
    for position, argument in enumerate(arguments):
        if argument == "--":
            return [*result, *arguments[position:]]
        if waiting:
            waiting = False
        elif argument.startswith("-"):
            name, equals, _ = argument.partition("=")
            option = name if name in MANY else ""
            waiting = bool(option) and not equals
        elif option and not argument.endswith(".py"):
            result.append(option)
        else:
            option = ""
        result.append(argument)
    return result


def given_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, under the names of the settings."""
    names = {"start": "from", "end": "to"}
    given = {
        names.get(name, name): value
        for name, value in options.items()
        if value not in (None, []) and name not in ("config", "cuts")
    }
    if "symbol_map" in given:
        pairs = [text.partition("=") for text in given["symbol_map"]]
        if not all(ours and theirs for ours, _, theirs in pairs):
            raise typer.TyperException("--symbol-map must be written FROM=TO, as in BTCUSD=BTCUSDT")
        given["symbol_map"] = {ours: theirs for ours, _, theirs in pairs}
    return given


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Print what is warned of inside as one line each."""

    def show(message: Warning | str, *_: object) -> None:
        complain("warning", str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def in_options(message: str, arguments: Sequence[str]) -> str:
    """Return a message that names the settings given on the command line as they were given there."""

    def named(setting: re.Match[str]) -> str:
        option = f"--{setting[1].replace('_', '-')}"
        given = any(argument.partition("=")[0] == option for argument in arguments)
        return option if given else setting[0]

    message = re.sub(r"\b(?:Account|Venue)\.(\w+)", named, message)
    option = r"--symbol-map \1=\2" if arguments[:1] == ["run"] else r"--symbol \2"
    return re.sub(r"symbols=\{'([^']+)': '([^']+)'\}", option, message)


def complain(kind: str, message: str) -> None:
    """Print one line to stderr, its first word in colour on a terminal."""
    colour = typer.colors.RED if kind == "error" else typer.colors.YELLOW
    typer.secho(f"{kind}: ", err=True, nl=False, fg=colour, bold=True)
    typer.echo(" ".join(message.split()), err=True)

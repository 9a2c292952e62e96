"""Around the commands: arguments as they are typed, and messages as they are read."""

import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

__all__ = [
    "INTERRUPTED",
    "announce_compilation",
    "complain",
    "given_of",
    "in_options",
    "keeping_nothing",
    "list_repairs",
    "spread",
    "warnings_in_one_line",
]

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

COMPILED = {"loop.replay": 25, "lanes.replay_lanes": 35}
"""Kernels that take long to compile, and how many seconds about."""

REPAIRS = 10
"""Changes to the data that are printed."""

MANY = ("--data", "--mark", "--funding", "--param", "--symbol-map", "--over", "--setting", "--detail")
"""Options that take several values."""

PAGE, PAGES = "--report", ".html"
"""The option that takes a value only where it is a page's name: alone it is written `--report=`."""

PAIRS = {"symbol_map": "FROM=TO, as in BTCUSD=BTCUSDT", "over": "NAME=VALUES, as in leverage=1:50"}
"""Options that give something by name, and how they are written."""


def spread(arguments: Sequence[str]) -> list[str]:
    """Return arguments with `--data A B` written as `--data A --data B`, since an option of typer takes one value.

    The values go on up to the next option or Python file, which is the strategy. `--report` takes a page's name that
    follows it, and else the empty text.
    """
    result: list[str] = []
    option, waiting = "", False
    for position, argument in enumerate(arguments):
        if argument == "--":
            return [*result, *arguments[position:]]
        is_page = not argument.startswith("-") and not argument.endswith(".py")
        if is_page and result[-1:] == [f"{PAGE}="] and arguments[position - 1] == PAGE:
            result[-1] += argument
            continue
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
        result.append(f"{PAGE}=" if argument == PAGE else argument)
    return result


def given_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, under the names of the settings."""
    names = {"start": "from", "end": "to"}
    given = {names.get(name, name): value for name, value in options.items() if value is not None and value != []}
    for name, form in PAIRS.items():
        if name in given:
            given[name] = pairs_of(given[name], f"--{name.replace('_', '-')} must be written {form}")
    return given


def pairs_of(texts: Sequence[str], rule: str) -> dict[str, str]:
    """Return texts such as NAME=VALUE by name.

    Raises
    ------
    TyperException             for a text that is no pair, or a name that is given twice
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value:
            raise typer.TyperException(f"{rule}, got {text!r}")
        if name in pairs:
            raise typer.TyperException(f"{rule}, each name once, got {name} twice")
        pairs[name] = value
    return pairs


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
    option = r"--symbol \2" if arguments[:1] == ["liquidation-price"] else r"--symbol-map \1=\2"
    return re.sub(r"symbols=\{'([^']+)': '([^']+)'\}", option, message)


def complain(kind: str, message: str) -> None:
    """Print one line to stderr, its first word in colour on a terminal that is not told to have none (NO_COLOR)."""
    colour = typer.colors.RED if kind == "error" else typer.colors.YELLOW
    word = f"{kind}: " if os.environ.get("NO_COLOR") else typer.style(f"{kind}: ", fg=colour, bold=True)
    typer.echo(word, err=True, nl=False)
    typer.echo(" ".join(message.split()), err=True)


def list_repairs(repairs: Sequence[object]) -> None:
    """Print the first changes that were made to the data, to stderr, and how many more there are."""
    for change in repairs[:REPAIRS]:
        complain("repaired", str(change))
    if len(repairs) > REPAIRS:
        typer.echo(f"and {len(repairs) - REPAIRS} more", err=True)


@contextmanager
def keeping_nothing() -> Iterator[None]:
    """Say after Ctrl-C that nothing is kept, and end with its exit code."""
    try:
        yield
    except KeyboardInterrupt:
        complain("interrupted", "nothing is kept")
        raise typer.Exit(INTERRUPTED) from None


def announce_compilation(*, sweeps: bool = False) -> None:
    """Say on a terminal, before the engine is compiled, why nothing happens for a while; sweeps have a second one."""
    from backtest.kernels import _jit

    folder = _jit.CACHE_FOLDER
    if _jit.CONFIG.DISABLE_JIT or not sys.stderr.isatty():
        return
    entries = [name for name in COMPILED if sweeps or name == "loop.replay"]
    seconds = sum(COMPILED[name] for name in entries if not (folder and any(Path(folder).rglob(f"{name}-*.nbi"))))
    if seconds:
        often = "once for this installation" if folder else "which no folder can keep"
        typer.echo(f"compiling the engine, {often}: about {seconds} seconds", err=True)

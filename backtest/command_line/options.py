"""Options that several commands take, by the panels of `--help` that they stand in."""

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtest.command_line.shell import given_of

if TYPE_CHECKING:
    from backtest.command_line.machine_output import Answer

__all__ = [
    "ACCOUNT",
    "BARS",
    "DATA",
    "FOLDER",
    "JSON",
    "MACHINE",
    "PARAMS",
    "REPORT",
    "RUN",
    "STRATEGY",
    "VENUE",
    "Options",
    "Values",
    "flag_option",
    "number_option",
    "text_option",
    "texts_option",
    "with_options",
]

Options = Mapping[str, Any]
"""Annotated types of options by name; not one of them has a default."""

Values = dict[str, Any]
Command = Callable[..., None]
Function = Callable[[Values], "Answer | None"]
"""What a command does; it returns something with --json only."""


def with_options(options: Options) -> Callable[[Function], Command]:
    """Return a decorator of a command: it takes these options, and its function gets those that were given.

    With --json what the function returns is printed as one document, and nothing else comes to stdout: what strategies
    print goes to stderr.
    """

    def decorate(function: Function) -> Command:
        def command(**values: Any) -> None:
            from backtest.command_line.machine_output import print_document

            given = given_of(values)
            with redirect_stdout(sys.stderr) if given.get("json") else nullcontext():
                answer = function(given)
            if answer is None:
                return
            print_document(function.__name__.replace("_", "-"), answer.document)
            if answer.error:
                raise typer.TyperException(answer.error)
            if answer.code:
                raise typer.Exit(answer.code)

        parameters = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in options.items()
        ]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
        command.__annotations__ = {}
        command.__name__, command.__doc__ = function.__name__, function.__doc__
        return command

    return decorate


def text_option(panel: str | None, metavar: str, about: str, *names: str) -> Any:
    """Return an option that takes a text."""
    return Annotated[str | None, typer.Option(*names, metavar=metavar, help=about, rich_help_panel=panel)]


def texts_option(panel: str | None, metavar: str, about: str) -> Any:
    """Return an option that takes several texts."""
    return Annotated[list[str] | None, typer.Option(metavar=metavar, help=about, rich_help_panel=panel)]


def number_option(panel: str | None, about: str, kind: type = int) -> Any:
    """Return an option that takes a number."""
    return Annotated[kind | None, typer.Option(metavar="NUMBER", help=about, rich_help_panel=panel)]


def flag_option(panel: str | None, about: str, names: str) -> Any:
    """Return an option that takes nothing."""
    return Annotated[bool | None, typer.Option(names, help=about, rich_help_panel=panel)]


_DATA = "Data"
_ACCOUNT = "Account (the first choice is the default)"
_VENUE = "Venue (rates replace those of the venue)"

STRATEGY: Options = {
    "strategy": Annotated[str | None, typer.Argument(metavar="STRATEGY", help="Python file with signals(data, ...).")],
}
DATA: Options = {
    "data": texts_option(_DATA, "FILE...", "Parquet, CSV, Feather; or SYMBOL=FILE."),
    "mark": texts_option(_DATA, "FILE...", "Mark prices, or SYMBOL=FILE."),
    "funding": texts_option(_DATA, "RATE|FILE...", "For all, or SYMBOL=RATE|FILE."),
    "every": text_option(_DATA, "LENGTH", "How often RATE is due (8h)."),
    "start": text_option(_DATA, "TIME", "Where to start: 2020-03-01.", "--from"),
    "end": text_option(_DATA, "TIME", "Where to end: 2020-03, all of it.", "--to"),
    "repair": flag_option(_DATA, "Mend bad rows, and say how.", "--repair/--no-repair"),
}
FOLDER: Options = {
    "data": texts_option(_DATA, "FILE...|FOLDER", "Parquet, CSV, Feather; or SYMBOL=FILE; or a folder of symbol=NAME.")
}
"""The option of commands that take a folder, too."""

# Account and Venue read and check the values, which are texts here.
ACCOUNT: Options = {
    "leverage": text_option(_ACCOUNT, "NUMBER", "Notional over equity (1)."),
    "margin_mode": text_option(_ACCOUNT, "isolated|cross", "What backs a position."),
    "cash": text_option(_ACCOUNT, "AMOUNT", "Equity before all bars (10000)."),
    "sizing": text_option(_ACCOUNT, "equity|cash", "What signals are fractions of."),
    "rebalance": text_option(_ACCOUNT, "signal|bar", "When to order."),
    "reentry": text_option(_ACCOUNT, "signal|bar", "When to return after a stop."),
    "on_liquidation": text_option(_ACCOUNT, "ACTION", "Then wait|reenter|stop|refill"),
    "reserve": text_option(_ACCOUNT, "AMOUNT", "Answers margin calls (0)."),
    "currency": text_option(_ACCOUNT, "quote|base", "Of cash; base: the coin (inverse)."),
    "intrabar": text_option(_ACCOUNT, "worst|path|best", "Where prices go first in a bar."),
    "stop_loss": text_option(_ACCOUNT, "FRACTION", "Distance from the entry price."),
    "take_profit": text_option(_ACCOUNT, "FRACTION", "Distance from the entry price."),
}
VENUE: Options = {
    "venue": text_option(_VENUE, "NAME|FILE.toml", "See backtest venues."),
    "as_of": text_option(_VENUE, "DATE", "Tiers as published by then."),
    "symbol_map": texts_option(_VENUE, "FROM=TO...", "The data's symbol to its own."),
    "taker_fee": text_option(_VENUE, "FRACTION", "Of traded notional."),
    "slippage": text_option(_VENUE, "FRACTION", "Of the price, but liquidations."),
    "liquidation_fee": text_option(_VENUE, "FRACTION", "Of liquidated notional."),
    "liquidation_slippage": text_option(_VENUE, "FRACTION", "Of the price, on liquidation."),
    "liquidation": text_option(_VENUE, "POLICY", "full|step_down|share|restore"),
    "liquidation_order": text_option(_VENUE, "ORDER", "everything, largest_loss, largest_maintenance"),
    "target_ratio": text_option(_VENUE, "NUMBER", "Reached by restore, deposits."),
    "insurance_fund": text_option(_VENUE, "AMOUNT", "Its size; none: without limit."),
    "residual": text_option(_VENUE, "return|forfeit", "What is left of a margin."),
    "borrow_rate": text_option(_VENUE, "FRACTION", "Per year, of what is owed."),
    "fee_in_maintenance": text_option(_VENUE, "FRACTION", "Added to maintenance rates."),
}
PARAMS: Options = {
    "param": texts_option(None, "NAME=VALUE...", "Parameters of the strategy."),
    "config": text_option(None, "FILE", "TOML file of settings; options win over it."),
}
REPORT: Options = {
    "report": text_option(None, "[FILE.html]", "A page to look at: report.html, in --out if that is given."),
}
MACHINE = Annotated[bool | None, typer.Option("--json", help="One JSON document on stdout, for programs.")]
JSON: Options = {"json": MACHINE}
BARS: Options = {**STRATEGY, **DATA}
RUN: Options = {**BARS, **ACCOUNT, **VENUE, **PARAMS}

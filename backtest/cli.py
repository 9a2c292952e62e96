"""The command line: `backtest run`, `inspect`, `check` and `venues`.

What a command needs is imported inside it, so that `--help` does not wait for it.
"""

import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["app", "main"]

LOOKS_AHEAD = 1
WRONG = 2

MANY = ("--data", "--mark", "--funding", "--param", "--symbol-map")
"""Options that take several values."""

REPAIRS = 10
"""Changes to the data that are printed."""

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Backtests of leveraged strategies that check maintenance margin at the worst price inside every bar.",
)


def data_option(metavar: str | None, about: str, *names: str) -> Any:
    """Return an option of the panel about data."""
    return typer.Option(*names, metavar=metavar, help=about, rich_help_panel="Data")


def account_option(about: str, metavar: str) -> Any:
    """Return an option of the panel about the account; Account reads and checks its value."""
    return typer.Option(metavar=metavar, help=about, rich_help_panel="Account (the first choice is the default)")


def venue_option(about: str, metavar: str) -> Any:
    """Return an option of the panel about the venue; Venue reads and checks its value."""
    return typer.Option(metavar=metavar, help=about, rich_help_panel="Venue (rates replace those of the venue)")


Text = str | None
Texts = list[str] | None
StrategyFile = Annotated[Text, typer.Argument(metavar="STRATEGY", help="Python file with signals(data, ...).")]
Data = Annotated[Texts, data_option("FILE...", "Parquet, CSV, Feather; or SYMBOL=FILE.")]
Mark = Annotated[Texts, data_option("FILE...", "Mark prices, or SYMBOL=FILE.")]
Funding = Annotated[Texts, data_option("RATE|FILE...", "For all, or SYMBOL=RATE|FILE.")]
Every = Annotated[Text, data_option("LENGTH", "How often RATE is due (8h).")]
Start = Annotated[Text, data_option("TIME", "Where to start: 2020-03-01.", "--from")]
End = Annotated[Text, data_option("TIME", "Where to end: 2020-03, all of it.", "--to")]
Mend = Annotated[bool | None, data_option(None, "Mend bad rows, and say how.", "--repair/--no-repair")]
Param = Annotated[Texts, typer.Option(metavar="NAME=VALUE...", help="Parameters of the strategy.")]
Config = Annotated[Text, typer.Option(metavar="FILE", help="TOML file of settings; options win over it.")]


@app.callback(invoke_without_command=True)
def every_command(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Answer `--version`, and refuse to do nothing."""
    if version:
        from backtest.results import versions

        typer.echo(f"backtest {versions()['margin-backtest']}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise typer.TyperException("a command must be given: run, inspect, check or venues; --help says more")


@app.command()
def run(
    strategy: StrategyFile = None,
    data: Data = None,
    mark: Mark = None,
    funding: Funding = None,
    every: Every = None,
    start: Start = None,
    end: End = None,
    repair: Mend = None,
    leverage: Annotated[Text, account_option("Notional over equity (1).", "NUMBER")] = None,
    margin_mode: Annotated[Text, account_option("What backs a position.", "isolated|cross")] = None,
    cash: Annotated[Text, account_option("Equity before the first bar (10000).", "AMOUNT")] = None,
    sizing: Annotated[Text, account_option("What signals are fractions of.", "equity|cash")] = None,
    rebalance: Annotated[Text, account_option("When to order.", "signal|bar")] = None,
    reentry: Annotated[Text, account_option("When to return after a forced exit.", "signal|bar|never")] = None,
    intrabar: Annotated[Text, account_option("Where prices go first in a bar.", "worst|path|best")] = None,
    stop_loss: Annotated[Text, account_option("Distance from the entry price.", "FRACTION")] = None,
    take_profit: Annotated[Text, account_option("Distance from the entry price.", "FRACTION")] = None,
    venue: Annotated[Text, venue_option("A preset: see backtest venues.", "NAME")] = None,
    as_of: Annotated[Text, venue_option("Tiers as published by then.", "DATE")] = None,
    symbol_map: Annotated[Texts, venue_option("The data's symbol to its own.", "FROM=TO...")] = None,
    taker_fee: Annotated[Text, venue_option("Of traded notional.", "FRACTION")] = None,
    slippage: Annotated[Text, venue_option("Of the price, but liquidations.", "FRACTION")] = None,
    liquidation_fee: Annotated[Text, venue_option("Of liquidated notional.", "FRACTION")] = None,
    liquidation_slippage: Annotated[Text, venue_option("Of the price, on liquidation.", "FRACTION")] = None,
    residual: Annotated[Text, venue_option("What is left of a margin.", "return|forfeit")] = None,
    borrow_rate: Annotated[Text, venue_option("Per year, of what is owed.", "FRACTION")] = None,
    fee_in_maintenance: Annotated[Text, venue_option("Added to maintenance rates.", "FRACTION")] = None,
    param: Param = None,
    config: Config = None,
    out: Annotated[Text, typer.Option(metavar="FOLDER", help="Save the run as Parquet files there.")] = None,
) -> None:
    """Replay a strategy on bars, and print what became of the account."""
    given = given_of(locals())
    from backtest import replay, screens
    from backtest.configuration import account_of, bars_of, params_of, settings_of, strategy_of, venue_of
    from backtest.storage import check_target

    settings = settings_of(given, config)
    chosen, account = strategy_of(settings), account_of(settings)
    params = params_of(settings, chosen)
    if "out" in settings:
        check_target(settings["out"])
    bars = bars_of(settings)
    list_repairs(bars.repairs)
    announce_compilation()
    result = replay.run(bars, chosen, params=params, account=account, venue=venue_of(settings, bars.symbols))
    screens.print_result(result, bars)
    if "out" in settings:
        result.save(settings["out"])
    screens.print_place(settings.get("out"))


@app.command()
def inspect(files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files of bars.")]) -> None:
    """Print what is in files of bars, however dirty they are."""
    from backtest.inspection import inspect_file
    from backtest.screens import print_inspection

    for file in files:
        print_inspection(inspect_file(file))


@app.command()
def check(
    strategy: StrategyFile = None,
    data: Data = None,
    mark: Mark = None,
    funding: Funding = None,
    every: Every = None,
    start: Start = None,
    end: End = None,
    repair: Mend = None,
    cuts: Annotated[int, typer.Option(help="How many prefixes of the bars to compare.")] = 32,
    param: Param = None,
    config: Config = None,
) -> None:
    """Look for look-ahead: do signals change when later bars are taken away? Exit code 1 if they do."""
    given = given_of(locals())
    from backtest import screens
    from backtest.configuration import bars_of, params_of, settings_of, strategy_of
    from backtest.lookahead import check_lookahead

    settings = settings_of(given, config)
    chosen = strategy_of(settings)
    params = params_of(settings, chosen)
    bars = bars_of(settings)
    list_repairs(bars.repairs)
    report = check_lookahead(chosen, bars, params, cuts)
    screens.print_report(report)
    if not report.passed:
        raise typer.Exit(LOOKS_AHEAD)


@app.command()
def venues() -> None:
    """List the venues that --venue knows: symbols, tiers, fees, dates and sources."""
    from backtest.screens import print_venue
    from backtest.venues import preset_names

    for name in preset_names():
        print_venue(name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code: 2, after one line on stderr, for wrong arguments or data.

    An interrupt makes it 130; typer sees to that.
    """
    from backtest.errors import BacktestError

    given = spread(sys.argv[1:] if arguments is None else arguments)
    try:
        with warnings_in_one_line():
            code = typer.main.get_command(app).main(args=given, prog_name="backtest", standalone_mode=False)
    except typer.TyperException as error:
        message = error.format_message()
    except BacktestError as error:
        message = in_options(str(error), given)
    except OSError as error:
        message = f"{error.strerror}: {error.filename}" if error.strerror and error.filename else str(error)
    else:
        return code if isinstance(code, int) else 0
    complain("error", message)
    return WRONG


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


def list_repairs(repairs: Sequence[object]) -> None:
    """Print the first changes that were made to the data, to stderr, and how many more there are."""
    for change in repairs[:REPAIRS]:
        complain("repaired", str(change))
    if len(repairs) > REPAIRS:
        typer.echo(f"and {len(repairs) - REPAIRS} more", err=True)


def announce_compilation() -> None:
    """Say on a terminal, before the engine is compiled, why nothing happens for a while."""
    from backtest.kernels import _jit

    folder = _jit.CACHE_FOLDER
    if _jit.CONFIG.DISABLE_JIT or not sys.stderr.isatty() or (folder and any(Path(folder).rglob("loop.replay-*.nbi"))):
        return
    often = "once for this installation" if folder else "which no folder can keep"
    typer.echo(f"compiling the engine, {often}: about 20 seconds", err=True)


def in_options(message: str, arguments: Sequence[str]) -> str:
    """Return a message that names the settings given on the command line as they were given there."""

    def named(setting: re.Match[str]) -> str:
        option = f"--{setting[1].replace('_', '-')}"
        given = any(argument.partition("=")[0] == option for argument in arguments)
        return option if given else setting[0]

    return re.sub(r"\b(?:Account|Venue)\.(\w+)", named, message)


def complain(kind: str, message: str) -> None:
    """Print one line to stderr, its first word in colour on a terminal."""
    colour = typer.colors.RED if kind == "error" else typer.colors.YELLOW
    typer.secho(f"{kind}: ", err=True, nl=False, fg=colour, bold=True)
    typer.echo(" ".join(message.split()), err=True)

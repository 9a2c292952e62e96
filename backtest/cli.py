"""The command line: `backtest run`, `inspect`, `check`, `venues` and `liquidation-price`.

What a command needs is imported inside it, so that `--help` does not wait for it.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from backtest.options import (
    Config,
    Data,
    End,
    Every,
    Funding,
    Mark,
    Mend,
    Param,
    Start,
    StrategyFile,
    Text,
    Texts,
    account_option,
    venue_option,
)
from backtest.shell import complain, given_of, in_options, spread, warnings_in_one_line

__all__ = ["app", "main"]

LOOKS_AHEAD = 1
WRONG = 2

REPAIRS = 10
"""Changes to the data that are printed."""

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Backtests of leveraged strategies that check maintenance margin at the worst price inside every bar.",
)


@app.callback(invoke_without_command=True)
def every_command(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Answer `--version`, and refuse to do nothing."""
    if version:
        from backtest.sources import versions

        typer.echo(f"backtest {versions()['margin-backtest']}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise typer.TyperException(
            "a command must be given: run, inspect, check, venues or liquidation-price; --help says more"
        )


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
    cash: Annotated[Text, account_option("Equity before all bars (10000).", "AMOUNT")] = None,
    sizing: Annotated[Text, account_option("What signals are fractions of.", "equity|cash")] = None,
    rebalance: Annotated[Text, account_option("When to order.", "signal|bar")] = None,
    reentry: Annotated[Text, account_option("When to return after a stop.", "signal|bar")] = None,
    on_liquidation: Annotated[Text, account_option("Then wait|reenter|stop|refill", "ACTION")] = None,
    reserve: Annotated[Text, account_option("Answers margin calls (0).", "AMOUNT")] = None,
    currency: Annotated[Text, account_option("Of cash; base: the coin (inverse).", "quote|base")] = None,
    intrabar: Annotated[Text, account_option("Where prices go first in a bar.", "worst|path|best")] = None,
    stop_loss: Annotated[Text, account_option("Distance from the entry price.", "FRACTION")] = None,
    take_profit: Annotated[Text, account_option("Distance from the entry price.", "FRACTION")] = None,
    venue: Annotated[Text, venue_option("See backtest venues.", "NAME|FILE.toml")] = None,
    as_of: Annotated[Text, venue_option("Tiers as published by then.", "DATE")] = None,
    symbol_map: Annotated[Texts, venue_option("The data's symbol to its own.", "FROM=TO...")] = None,
    taker_fee: Annotated[Text, venue_option("Of traded notional.", "FRACTION")] = None,
    slippage: Annotated[Text, venue_option("Of the price, but liquidations.", "FRACTION")] = None,
    liquidation_fee: Annotated[Text, venue_option("Of liquidated notional.", "FRACTION")] = None,
    liquidation_slippage: Annotated[Text, venue_option("Of the price, on liquidation.", "FRACTION")] = None,
    liquidation: Annotated[Text, venue_option("full|step_down|share|restore", "POLICY")] = None,
    liquidation_order: Annotated[Text, venue_option("everything, largest_loss, largest_maintenance", "ORDER")] = None,
    target_ratio: Annotated[Text, venue_option("Reached by restore, deposits.", "NUMBER")] = None,
    insurance_fund: Annotated[Text, venue_option("Its size; none: without limit.", "AMOUNT")] = None,
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
def venues(
    name: Annotated[Text, typer.Argument(metavar="NAME", help="The preset to print all of.")] = None,
    symbol: Annotated[Text, typer.Option(metavar="SYMBOL", help="Print the tiers of this one.")] = None,
    check: Annotated[Text, typer.Option(metavar="FILE", help="Read a venue of your own, .toml, and print it.")] = None,
) -> None:
    """List the venues that --venue knows, print all of one, or check a file that describes one."""
    from backtest.venue_screens import print_venue, print_venue_file, print_venues

    if name is not None and check is not None:
        raise typer.TyperException("venues takes a NAME or a FILE to --check, not both")
    if name is None and check is None and symbol is not None:
        raise typer.TyperException("--symbol needs a NAME, or a FILE to --check")
    if check is not None:
        print_venue_file(Path(check), symbol)
    elif name is not None:
        print_venue(name, symbol)
    else:
        print_venues()


@app.command()
def liquidation_price(
    venue: Annotated[str, typer.Option(metavar="NAME", help="A preset, or a .toml file of your own.")],
    entry: Annotated[float, typer.Option(metavar="PRICE", help="Entry price.")],
    leverage: Annotated[float | None, typer.Option(metavar="NUMBER", help="Notional over margin; or --margin.")] = None,
    side: Annotated[str, typer.Option(metavar="long|short", help="Which way the position earns.")] = "long",
    symbol: Annotated[Text, typer.Option(metavar="SYMBOL", help="Whose tiers count.")] = None,
    quantity: Annotated[float, typer.Option(metavar="NUMBER", help="Contracts held, unsigned.")] = 1.0,
    margin: Annotated[
        float | None, typer.Option(metavar="MONEY", help="What backs it, in place of --leverage.")
    ] = None,
    as_of: Annotated[Text, typer.Option(metavar="DATE", help="Tiers as published by then.")] = None,
) -> None:
    """Print the price at which a position is liquidated, and what leads to it."""
    from backtest import presets
    from backtest.price_screens import Holding, print_liquidation_price

    chosen = presets.venue(venue, as_of=as_of)
    print_liquidation_price(Holding(chosen, symbol, side, quantity, entry, leverage, margin))


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
    typer.echo(f"compiling the engine, {often}: about 25 seconds", err=True)

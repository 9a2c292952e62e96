"""The commands `venues`, `liquidation-price` and `inspect`: what is known before anything is replayed."""

from pathlib import Path
from typing import Annotated

import typer

from backtest.command_line.options import MACHINE

__all__ = ["inspect", "liquidation_price", "venues"]

Text = str | None


def inspect(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files of bars.")], machine: MACHINE = None
) -> None:
    """Print what is in files of bars, however dirty they are."""
    from backtest.command_line.bases import check_files
    from backtest.command_line.data_documents import inspection_document
    from backtest.command_line.data_screens import print_inspection
    from backtest.command_line.machine_output import print_document
    from backtest.market.inspection import inspect_file

    check_files(files)
    if machine:
        print_document("inspect", inspection_document([inspect_file(file) for file in files]))
        return
    for file in files:
        print_inspection(inspect_file(file))


def venues(
    name: Annotated[Text, typer.Argument(metavar="NAME", help="The preset to print all of.")] = None,
    symbol: Annotated[Text, typer.Option(metavar="SYMBOL", help="Print the tiers of this one.")] = None,
    check: Annotated[Text, typer.Option(metavar="FILE", help="Read a venue of your own, .toml, and print it.")] = None,
    machine: MACHINE = None,
) -> None:
    """List the venues that --venue knows, print all of one, or check a file that describes one."""
    from backtest.command_line.machine_output import print_document
    from backtest.command_line.venue_documents import venues_document
    from backtest.command_line.venue_screens import print_venue, print_venue_file, print_venues

    if name is not None and check is not None:
        raise typer.TyperException("venues takes a NAME or a FILE to --check, not both")
    if name is None and check is None and symbol is not None:
        raise typer.TyperException("--symbol needs a NAME, or a FILE to --check")
    if machine:
        print_document("venues", venues_document(name, check, symbol))
    elif check is not None:
        print_venue_file(Path(check), symbol)
    elif name is not None:
        print_venue(name, symbol)
    else:
        print_venues()


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
    machine: MACHINE = None,
) -> None:
    """Print the price at which a position is liquidated, and what leads to it."""
    from backtest.command_line.machine_output import print_document
    from backtest.command_line.price_screens import Holding, price_document, print_liquidation_price
    from backtest.terms import presets

    chosen = presets.venue(venue, as_of=as_of)
    held = Holding(chosen, symbol, side, quantity, entry, leverage, margin)
    if machine:
        print_document("liquidation-price", price_document(held))
    else:
        print_liquidation_price(held)

"""Options of the command line that several commands take, and the panels they stand in."""

from typing import Annotated, Any

import typer

__all__ = [
    "Config",
    "Data",
    "End",
    "Every",
    "Funding",
    "Mark",
    "Mend",
    "Param",
    "Start",
    "StrategyFile",
    "Text",
    "Texts",
    "account_option",
    "venue_option",
]


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

"""The program `backtest`: its commands by name, and the exit codes that they end with.

What a command needs is imported inside it, so that `--help` does not wait for it.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from backtest.command_line import (
    comparison_commands,
    forward_commands,
    report_commands,
    run_commands,
    sweep_commands,
    venue_commands,
)
from backtest.command_line.options import Command
from backtest.command_line.shell import complain, in_options, spread, warnings_in_one_line

__all__ = ["app", "main"]

WRONG = 2

COMMANDS: dict[str, Command] = {
    "run": run_commands.run,
    "sweep": sweep_commands.sweep,
    "compare": comparison_commands.compare,
    "bracket": comparison_commands.bracket,
    "walk-forward": forward_commands.walk_forward,
    "report": report_commands.report,
    "tearsheet": report_commands.tearsheet,
    "query": sweep_commands.query,
    "check": run_commands.check,
    "inspect": venue_commands.inspect,
    "venues": venue_commands.venues,
    "liquidation-price": venue_commands.liquidation_price,
}

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
        from backtest.outcome.sources import versions

        typer.echo(f"backtest {versions()['margin-backtest']}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise typer.TyperException(f"a command must be given: {', '.join(COMMANDS)}; --help says more")


for name, command in COMMANDS.items():
    app.command(name)(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code: 2, after one line on stderr, for wrong arguments or data.

    It is 2, too, after the screen or document of a sweep none of whose settings could run. An interrupt makes it 130;
    typer sees to that.
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

"""The commands `report` and `tearsheet`: pages of a run that was saved."""

from pathlib import Path
from typing import Annotated

import typer

from backtest.command_line.options import MACHINE

__all__ = ["report", "tearsheet"]

TITLES = {"report": "Report", "tearsheet": "Tear sheet"}

Text = str | None

RUN = Annotated[str, typer.Argument(metavar="RUN", help="The folder of a run, as --out or save left it.")]


def report(
    run: RUN,
    out: Annotated[Text, typer.Option(metavar="FILE", help="The page (report.html in RUN).")] = None,
    shared_script: Annotated[
        bool, typer.Option("--shared-script", help="Charts' script, 4.8 MB, in a file beside the page.")
    ] = False,
    machine: MACHINE = None,
) -> None:
    """Write a page of a saved run, to be opened by double click: where the account died, and why."""
    from backtest.command_line.reports import REPORT, check_place
    from backtest.outcome import results
    from backtest.pages.documents import SCRIPT

    path = Path(run) / REPORT if out is None else Path(out)
    saved = results.load(run)
    check_place(path)
    saved.report(path, shared_script=shared_script)
    say("report", run, path, machine, f"It takes {SCRIPT} beside it." if shared_script else "")


def tearsheet(
    run: RUN,
    out: Annotated[Text, typer.Option(metavar="FILE", help="The page (tearsheet.html in RUN).")] = None,
    machine: MACHINE = None,
) -> None:
    """Write the tear sheet that quantstats makes of a saved run's returns; it takes the extra `tearsheet`."""
    from backtest import tearsheets
    from backtest.outcome import results

    path = Path(run) / "tearsheet.html" if out is None else Path(out)
    tearsheets.tearsheet(results.load(run), path)
    say("tearsheet", run, path, machine)


def say(command: str, run: str, path: Path, machine: bool | None, note: str = "") -> None:
    """Print where a page is now, and how big: `run`, `path` and `bytes` in a document."""
    from backtest.command_line.machine_output import print_document
    from backtest.command_line.reports import print_written, written_at

    file = written_at(path)
    if machine:
        print_document(command, {"run": run, **file._asdict()})
    else:
        print_written(TITLES[command], file, note)

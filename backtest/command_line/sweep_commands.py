"""The commands `sweep` and `query`: many settings on one set of bars, and questions to the table that comes out."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtest.command_line.options import (
    FOLDER,
    JSON,
    MACHINE,
    REPORT,
    RUN,
    STRATEGY,
    Options,
    Values,
    flag_option,
    number_option,
    text_option,
    texts_option,
    with_options,
)
from backtest.command_line.shell import INTERRUPTED, announce_compilation, complain

if TYPE_CHECKING:
    from backtest.command_line.bases import Base
    from backtest.command_line.machine_output import Answer
    from backtest.command_line.progress import Progress
    from backtest.sweeping.sweep_tables import SweepTable

__all__ = ["OVER", "query", "sweep"]

PANEL = "Sweep"
OVER: Options = {"over": texts_option(PANEL, "NAME=VALUES...", "leverage=1:50 fast=10,20 stop_loss=0.01:0.1:0.01,none")}
SWEEP: Options = {
    **OVER,
    "by": text_option(PANEL, "FIGURE", "Of the summary, what is best (cagr)."),
    "out": text_option(PANEL, "FOLDER", "Keep the table there, as it grows."),
    "resume": flag_option(PANEL, "Go on with what FOLDER holds.", "--resume"),
    "histories": flag_option(PANEL, "Save every run in FOLDER, too.", "--histories"),
    "workers": number_option(PANEL, "How many at once (all cores)."),
    "cluster": text_option(PANEL, "ADDRESS", "tcp://HOST:PORT of a dask scheduler, or local."),
}


@with_options({**STRATEGY, **SWEEP, **RUN, **FOLDER, **REPORT, **JSON})
def sweep(given: Values) -> "Answer | None":
    """Replay a strategy under every combination of settings, and print which lived, and which did best."""
    from backtest.command_line.bases import base_in_folder, base_of, folder_in, swept_of
    from backtest.command_line.configuration import settings_of
    from backtest.command_line.documents import sweep_document
    from backtest.command_line.machine_output import Answer
    from backtest.command_line.reports import print_written, target_of
    from backtest.command_line.sweep_reports import note_on, write_report
    from backtest.command_line.sweep_screens import print_place, print_sweep
    from backtest.figures_in_words import figure_named
    from backtest.sweeping.parts import rows_kept

    settings = settings_of(given)
    by, out = figure_named(given.get("by", "cagr"), "--by"), settings.get("out")
    for name in ("resume", "histories"):
        if given.get(name) and out is None:
            raise typer.TyperException(f"--{name} needs --out FOLDER, where the table is kept")
    page = target_of(given.get("report"), out)
    folder = folder_in(settings)
    base = base_in_folder(settings, swept=True) if folder else base_of(settings, swept=True)
    swept_of(base)
    before = rows_kept(out) if out is not None and given.get("resume") else 0
    announce_compilation(sweeps=True)
    table = first_sweep(base, folder, {**given, "out": out})
    if not given.get("json"):
        print_sweep(table, base, by, before)
        print_place(table, by, out)
    has_run, report = bool((table["reason"] == "").any()), None
    if page is not None and has_run:
        report = write_report(table, base, page, lambda other: second_sweep(other, folder, given))
    wrong = "" if has_run else nothing_ran(table)
    if given.get("json"):
        return Answer(sweep_document(table, base, out, report), error=wrong)
    if report is not None:
        print_written("Report", report, note_on(table, base))
    if wrong:
        raise typer.TyperException(wrong)
    return None


def first_sweep(base: "Base[Any]", folder: str, given: Values) -> "SweepTable":
    """Return the table of a sweep, kept in `out` where that is given; after an interrupt say what is left of it."""
    from backtest.command_line.bases import count_of
    from backtest.command_line.progress import bars_each, progress_bar

    try:
        with progress_bar(bars_each(base.bars), count_of(base)) as report:
            return table_of(base, folder, given, report)
    except KeyboardInterrupt:
        complain("interrupted", kept(given["out"], report.total))
        raise typer.Exit(INTERRUPTED) from None


def second_sweep(base: "Base[Any]", folder: str, given: Values) -> "SweepTable":
    """Return the table of a sweep that is only for the report of another, and kept nowhere."""
    from backtest.command_line.bases import count_of
    from backtest.command_line.progress import bars_each, progress_bar

    own = {name: value for name, value in given.items() if name in ("workers", "cluster")}
    with progress_bar(bars_each(base.bars), count_of(base), "for the report, ") as report:
        return table_of(base, folder, own, report)


def table_of(base: "Base[Any]", folder: str, given: Values, report: "Progress") -> "SweepTable":
    """Return the table of a sweep."""
    from backtest import sweeps
    from backtest.market.bars import Bars

    return sweeps.sweep(
        base.bars if isinstance(base.bars, Bars) else folder,
        base.strategy,
        venue=base.venue,
        account=base.account,
        params=base.params,
        over=base.over,
        out=given.get("out"),
        resume=given.get("resume", False),
        histories=given.get("histories", False),
        workers=given.get("workers"),
        cluster=given.get("cluster"),
        progress=report,
    )


def nothing_ran(table: "SweepTable") -> str:
    """Return that not one setting could run, and why the first could not."""
    from backtest.text import grouped

    return f"no setting could run, of {grouped(len(table))}; the first: {table['reason'].iloc[0]}"


def kept(out: str | None, total: int) -> str:
    """Return what an interrupted sweep has left, and how to go on."""
    from backtest.sweeping.parts import rows_kept
    from backtest.text import grouped

    if out is None:
        return "nothing is kept; --out FOLDER keeps what is finished"
    number = rows_kept(out)
    if number == 0:
        return f"nothing was finished that {out} could keep"
    return f"{grouped(number)} of {grouped(total)} settings are kept in {out}; add --resume to go on"


def query(
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="Where a sweep keeps its table, even while it grows.")
    ],
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A query of the table `sweep`.")],
    machine: MACHINE = None,
) -> None:
    """Ask a sweep that was saved, in SQL: SELECT leverage, cagr FROM sweep ORDER BY cagr DESC LIMIT 5."""
    from backtest import queries
    from backtest.command_line.data_documents import query_document
    from backtest.command_line.machine_output import print_document
    from backtest.command_line.query_screens import print_answer

    answer = queries.query(folder, sql)
    if machine:
        print_document("query", query_document(answer))
    else:
        print_answer(answer)

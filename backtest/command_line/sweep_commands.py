"""The commands `sweep` and `query`: many settings on one set of bars, and questions to the table that comes out."""

from typing import Annotated

import typer

from backtest.command_line.options import (
    FOLDER,
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


@with_options({**STRATEGY, **SWEEP, **RUN, **FOLDER})
def sweep(given: Values) -> None:
    """Replay a strategy under every combination of settings, and print which lived, and which did best."""
    from backtest import sweeps
    from backtest.command_line.bases import base_in_folder, base_of, count_of, folder_in, swept_of
    from backtest.command_line.configuration import settings_of
    from backtest.command_line.figures import figure_named
    from backtest.command_line.progress import bars_each, progress_bar
    from backtest.command_line.sweep_screens import print_sweep
    from backtest.market.bars import Bars
    from backtest.sweeping.parts import rows_kept
    from backtest.text import grouped

    settings = settings_of(given)
    by, out = figure_named(given.get("by", "cagr"), "--by"), settings.get("out")
    for name in ("resume", "histories"):
        if given.get(name) and out is None:
            raise typer.TyperException(f"--{name} needs --out FOLDER, where the table is kept")
    folder = folder_in(settings)
    base = base_in_folder(settings, swept=True) if folder else base_of(settings, swept=True)
    over = swept_of(base)
    before = rows_kept(out) if out is not None and given.get("resume") else 0
    announce_compilation(sweeps=True)
    try:
        with progress_bar(bars_each(base.bars), count_of(base)) as report:
            table = sweeps.sweep(
                base.bars if isinstance(base.bars, Bars) else folder,
                base.strategy,
                venue=base.venue,
                account=base.account,
                params=base.params,
                over=over,
                out=out,
                resume=given.get("resume", False),
                histories=given.get("histories", False),
                workers=given.get("workers"),
                cluster=given.get("cluster"),
                progress=report,
            )
    except KeyboardInterrupt:
        complain("interrupted", kept(out, report.total))
        raise typer.Exit(INTERRUPTED) from None
    print_sweep(table, base, by, out, before)
    if (table["reason"] != "").all():
        total, first = grouped(len(table)), table["reason"].iloc[0]
        raise typer.TyperException(f"no setting could run, of {total}; the first: {first}")


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
) -> None:
    """Ask a sweep that was saved, in SQL: SELECT leverage, cagr FROM sweep ORDER BY cagr DESC LIMIT 5."""
    from backtest import queries
    from backtest.command_line.query_screens import print_answer

    print_answer(queries.query(folder, sql))

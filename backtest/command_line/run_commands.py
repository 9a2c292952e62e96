"""The commands `run` and `check`: one strategy on one set of bars."""

from typing import TYPE_CHECKING

import typer

from backtest.command_line.options import (
    BARS,
    FOLDER,
    JSON,
    PARAMS,
    REPORT,
    RUN,
    Options,
    Values,
    number_option,
    text_option,
    with_options,
)
from backtest.command_line.shell import announce_compilation, list_repairs

if TYPE_CHECKING:
    from backtest.command_line.machine_output import Answer

__all__ = ["LOOKS_AHEAD", "check", "run"]

LOOKS_AHEAD = 1
"""Exit code of `check` where it finds look-ahead."""

OUT: Options = {"out": text_option(None, "FOLDER", "Save the run as Parquet files there.")}
CUTS: Options = {"cuts": number_option(None, "How many prefixes of the bars to compare (32).")}


@with_options({**RUN, **FOLDER, **OUT, **REPORT, **JSON})
def run(given: Values) -> "Answer | None":
    """Replay a strategy on bars, and print what became of the account."""
    from backtest import replay
    from backtest.command_line.bases import base_in_folder, base_of, folder_in
    from backtest.command_line.configuration import settings_of
    from backtest.command_line.documents import run_document
    from backtest.command_line.machine_output import Answer
    from backtest.command_line.reports import print_written, target_of, written_at
    from backtest.command_line.run_screens import print_place, print_result
    from backtest.market.bars import Bars
    from backtest.outcome.storage import check_target

    settings = settings_of(given)
    out = settings.get("out")
    if out is not None:
        check_target(out)
    page = target_of(given.get("report"), out)
    folder = folder_in(settings)
    base = base_in_folder(settings) if folder else base_of(settings)
    announce_compilation()
    bars = base.bars if isinstance(base.bars, Bars) else folder
    result = replay.run(bars, base.strategy, params=base.params, account=base.account, venue=base.venue)
    if not given.get("json"):
        print_result(result, base)
    if out is not None:
        result.save(out)
    if page is not None:
        result.report(page)
    report = None if page is None else written_at(page)
    if given.get("json"):
        return Answer(run_document(result, base, out, report))
    print_place(out)
    if report is not None:
        print_written("Report", report)
    return None


@with_options({**BARS, **CUTS, **PARAMS, **JSON})
def check(given: Values) -> "Answer | None":
    """Look for look-ahead: do signals change when later bars are taken away? Exit code 1 if they do."""
    from backtest.command_line.bases import check_files
    from backtest.command_line.configuration import bars_of, params_of, settings_of, strategy_of
    from backtest.command_line.data_documents import check_document
    from backtest.command_line.data_screens import print_report
    from backtest.command_line.machine_output import Answer
    from backtest.signalling.lookahead import check_lookahead

    settings = settings_of(given)
    check_files(settings.get("data"))
    chosen = strategy_of(settings)
    params = params_of(settings, chosen)
    bars = bars_of(settings)
    list_repairs(bars.repairs)
    report = check_lookahead(chosen, bars, params, given.get("cuts", 32))
    if given.get("json"):
        return Answer(check_document(report), 0 if report.passed else LOOKS_AHEAD)
    print_report(report)
    if not report.passed:
        raise typer.Exit(LOOKS_AHEAD)
    return None

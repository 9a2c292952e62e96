"""The commands `run` and `check`: one strategy on one set of bars."""

import typer

from backtest.command_line.options import (
    BARS,
    FOLDER,
    PARAMS,
    RUN,
    Options,
    Values,
    number_option,
    text_option,
    with_options,
)
from backtest.command_line.shell import announce_compilation, list_repairs

__all__ = ["LOOKS_AHEAD", "check", "run"]

LOOKS_AHEAD = 1
"""Exit code of `check` where it finds look-ahead."""

OUT: Options = {"out": text_option(None, "FOLDER", "Save the run as Parquet files there.")}
CUTS: Options = {"cuts": number_option(None, "How many prefixes of the bars to compare (32).")}


@with_options({**RUN, **FOLDER, **OUT})
def run(given: Values) -> None:
    """Replay a strategy on bars, and print what became of the account."""
    from backtest import replay
    from backtest.command_line.bases import base_in_folder, base_of, folder_in
    from backtest.command_line.configuration import settings_of
    from backtest.command_line.run_screens import print_place, print_result
    from backtest.market.bars import Bars
    from backtest.outcome.storage import check_target

    settings = settings_of(given)
    if "out" in settings:
        check_target(settings["out"])
    folder = folder_in(settings)
    base = base_in_folder(settings) if folder else base_of(settings)
    announce_compilation()
    bars = base.bars if isinstance(base.bars, Bars) else folder
    result = replay.run(bars, base.strategy, params=base.params, account=base.account, venue=base.venue)
    print_result(result, base)
    if "out" in settings:
        result.save(settings["out"])
    print_place(settings.get("out"))


@with_options({**BARS, **CUTS, **PARAMS})
def check(given: Values) -> None:
    """Look for look-ahead: do signals change when later bars are taken away? Exit code 1 if they do."""
    from backtest.command_line.bases import check_files
    from backtest.command_line.configuration import bars_of, params_of, settings_of, strategy_of
    from backtest.command_line.data_screens import print_report
    from backtest.signalling.lookahead import check_lookahead

    settings = settings_of(given)
    check_files(settings.get("data"))
    chosen = strategy_of(settings)
    params = params_of(settings, chosen)
    bars = bars_of(settings)
    list_repairs(bars.repairs)
    report = check_lookahead(chosen, bars, params, given.get("cuts", 32))
    print_report(report)
    if not report.passed:
        raise typer.Exit(LOOKS_AHEAD)

"""The command `walk-forward`: settings chosen on one window, judged on the next."""

from typing import TYPE_CHECKING

import typer

from backtest.command_line.options import (
    JSON,
    RUN,
    STRATEGY,
    Options,
    Values,
    flag_option,
    number_option,
    text_option,
    with_options,
)
from backtest.command_line.shell import announce_compilation, keeping_nothing
from backtest.command_line.sweep_commands import OVER

if TYPE_CHECKING:
    from backtest.command_line.machine_output import Answer

__all__ = ["walk_forward"]

PANEL = "Walk forward"
FORWARD: Options = {
    **OVER,
    "train": text_option(PANEL, "LENGTH", "Of the windows on which settings are chosen: 365d."),
    "test": text_option(PANEL, "LENGTH", "Of the windows that follow them: 90d."),
    "objective": text_option(PANEL, "FIGURE", "Of the summary, the largest is chosen (cagr)."),
    "anchored": flag_option(PANEL, "Training windows all start at the first bar.", "--anchored"),
    "workers": number_option(PANEL, "How many at once (all cores)."),
}


@with_options({**STRATEGY, **FORWARD, **RUN, **JSON})
def walk_forward(given: Values) -> "Answer | None":
    """Choose settings on each training window, and replay them on the window that follows it."""
    from backtest import forward
    from backtest.command_line.bases import base_of, count_of, swept_of
    from backtest.command_line.configuration import settings_of
    from backtest.command_line.documents import walk_document
    from backtest.command_line.forward_screens import print_walk
    from backtest.command_line.machine_output import Answer
    from backtest.command_line.progress import progress_bar
    from backtest.figures_in_words import figure_named

    for name, example in (("train", "365d"), ("test", "90d")):
        if name not in given:
            raise typer.TyperException(f"--{name} must be given, as in --{name} {example}")
    objective = figure_named(given.get("objective", "cagr"), "--objective")
    base = base_of(settings_of(given), swept=True)
    over = swept_of(base)
    announce_compilation(sweeps=True)
    with keeping_nothing(), progress_bar(0, count_of(base)) as report:
        found = forward.walk_forward(
            base.bars,
            base.strategy,
            over=over,
            train=given["train"],
            test=given["test"],
            objective=objective,
            venue=base.venue,
            account=base.account,
            params=base.params,
            anchored=given.get("anchored", False),
            workers=given.get("workers"),
            progress=report,
        )
    if given.get("json"):
        lengths = {name: given[name] for name in ("train", "test")}
        how = {**lengths, "objective": objective, "anchored": bool(given.get("anchored"))}
        return Answer(walk_document(found, base, how))
    training = (
        f"all of what is before, at least {given['train']}" if given.get("anchored") else f"the {given['train']} before"
    )
    print_walk(found, base, objective, f"of {given['test']}, each after training on {training}")
    return None

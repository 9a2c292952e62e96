"""The commands `compare` and `bracket`: how sure the difference is, and how sure a liquidation is."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import typer

from backtest.command_line.options import (
    JSON,
    REPORT,
    RUN,
    STRATEGY,
    Options,
    Values,
    number_option,
    texts_option,
    with_options,
)
from backtest.command_line.shell import announce_compilation, keeping_nothing, pairs_of

if TYPE_CHECKING:
    from backtest.command_line.machine_output import Answer

__all__ = ["bracket", "compare"]

PANEL = "Comparison"
MODES = {"margin_mode": ["isolated", "cross"]}
"""What is compared where nothing is said."""

COMPARE: Options = {
    "over": texts_option(PANEL, "NAME=VALUES...", "Every combination: leverage=3,5 margin_mode=isolated,cross"),
    "setting": texts_option(PANEL, "NAME=VALUE,...", "One to compare; once for each: leverage=5,margin_mode=cross"),
    "seed": number_option(PANEL, "Of the resamples (0)."),
    "resamples": number_option(PANEL, "How many (2000)."),
    "confidence": number_option(PANEL, "Of the intervals (0.95).", float),
}
BRACKET: Options = {
    "detail": texts_option("Bracket", "FILE...", "Bars of a finer interval, or SYMBOL=FILE."),
}


@with_options({**STRATEGY, **COMPARE, **RUN, **REPORT, **JSON})
def compare(given: Values) -> "Answer | None":
    """Replay the same signals under several settings, side by side: isolated and cross margin, or what you say."""
    from backtest import comparison
    from backtest.command_line.bases import base_of
    from backtest.command_line.comparison_screens import print_comparison
    from backtest.command_line.configuration import settings_of
    from backtest.command_line.documents import comparison_document
    from backtest.command_line.machine_output import Answer
    from backtest.command_line.reports import print_written, target_of, written_at
    from backtest.command_line.tables import show

    page = target_of(given.get("report"))
    base = base_of(settings_of(given), swept=True)
    settings = settings_listed(given.get("setting", []), base.strategy.params)
    if settings and base.over:
        raise typer.TyperException("--setting and --over both say what to compare; give one of them")
    over = base.over or MODES
    if settings:
        names = dict.fromkeys(name for setting in settings for name in setting)
        over = {name: list(dict.fromkeys(each[name] for each in settings if name in each)) for name in names}
    else:
        settings = [dict(zip(over, values, strict=True)) for values in product(*over.values())]
    announce_compilation()
    with keeping_nothing():
        found = comparison.compare(
            base.bars,
            base.strategy,
            named(settings),
            venue=base.venue,
            account=base.account,
            params=base.params,
            **{name: given[name] for name in ("seed", "resamples", "confidence") if name in given},
        )
        if page is not None:
            found.report(page)
    base, report = replace(base, over=over), None if page is None else written_at(page)
    if given.get("json"):
        return Answer(comparison_document(found, base, settings, report))
    print_comparison(found, base)
    if report is not None:
        show("")
        print_written("Report", report)
    return None


def settings_listed(texts: list[str], defaults: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return settings that are written as NAME=VALUE,NAME=VALUE."""
    from backtest.command_line.ranges import over_of

    settings = []
    for text in texts:
        pairs = pairs_of(text.split(","), "--setting must be written NAME=VALUE,NAME=VALUE")
        values = over_of(pairs, defaults)
        for name, found in values.items():
            if len(found) > 1:
                raise typer.TyperException(f"--setting takes one value of each name, got {name}={pairs[name]}")
        settings.append({name: found[0] for name, found in values.items()})
    return settings


def named(settings: list[dict[str, Any]]) -> dict[str, dict[str, Any]] | list[dict[str, Any]]:
    """Return settings by short names, such as "5x cross"; as they are, where two names would be the same."""
    from backtest.terms.facts_in_words import label_of, worth

    def word(name: str, value: object) -> str:
        said = worth(value)
        if name == "leverage":
            return f"{said}x"
        return said if name in ("margin_mode", "venue") else f"{label_of(name)} {said}"

    names = [" ".join(word(*pair) for pair in setting.items()) for setting in settings]
    return dict(zip(names, settings, strict=True)) if len(set(names)) == len(names) else settings


@with_options({**STRATEGY, **BRACKET, **RUN, **JSON})
def bracket(given: Values) -> "Answer | None":
    """Replay bars in every order that they may have had inside, and print which liquidations are certain."""
    from backtest import ambiguity
    from backtest.command_line.bases import base_of, check_files
    from backtest.command_line.bracket_screens import print_bracket
    from backtest.command_line.configuration import bars_of, settings_of
    from backtest.command_line.documents import bracket_document
    from backtest.command_line.machine_output import Answer

    settings = settings_of(given)
    base = base_of(settings)
    check_files(given.get("detail"))
    detail = bars_of({"data": given["detail"], "repair": given.get("repair", False)}) if "detail" in given else None
    announce_compilation()
    with keeping_nothing():
        found = ambiguity.bracket(
            base.bars,
            base.strategy,
            venue=base.venue,
            account=base.account,
            params=base.params,
            detail=detail,
        )
    without = [] if detail is None else [each for each in base.bars.symbols if each not in detail.symbols]
    if given.get("json"):
        return Answer(bracket_document(found, base, without))
    print_bracket(found, base, without)
    return None

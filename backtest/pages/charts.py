"""Charts of a page: a title, a figure for every choice that it offers, and what is said of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from backtest.pages.embedding import Arrays, figure_text

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from markupsafe import Markup

__all__ = ["Chart", "Choice", "chart_of", "in_currency"]


UNIT = re.compile(r"\((.+)\)$")

MARGIN = 12
"""Pixels above a plot."""


@dataclass(frozen=True)
class Choice:
    """A list to choose from above a chart: its label, and the words for every value."""

    label: str
    words: Mapping[str, str]


@dataclass(frozen=True)
class Chart:
    """A chart of a page.

    Attributes
    ----------
    name : str                 what it is called in the page
    title : str
    unit : str                 of its y axis, "" where it has several
    figures : dict             JSON of a figure by the values chosen, joined by |
    captions : dict            what is said of each of them
    choices : sequence         what can be chosen, nothing where there is one figure
    height : int               pixels
    follows_time : bool        whether it shows the same time as the other charts
    """

    name: str
    title: str
    unit: str
    figures: Mapping[str, "Markup"]
    captions: Mapping[str, str] = field(default_factory=dict)
    choices: Sequence[Choice] = ()
    height: int = 260
    follows_time: bool = True


def chart_of(
    name: str,
    figures: "go.Figure | Mapping[str, go.Figure]",
    arrays: Arrays,
    *,
    title: str = "",
    choices: Sequence[Choice] = (),
    height: int | None = None,
    follows_time: bool = True,
) -> Chart:
    """Return a chart of one figure, or of one for each choice, titled and as high as the first says unless told."""
    given = figures if isinstance(figures, Mapping) else {"": figures}
    first = next(iter(given.values()))
    said = title or str(first.layout.title.text or "")
    return Chart(
        name,
        UNIT.sub("", said).strip(),
        _unit(said) or ("" if "yaxis2" in first.layout else _unit(str(first.layout.yaxis.title.text or ""))),
        {key: figure_text(figure, arrays) for key, figure in given.items()},
        {key: _caption(figure) for key, figure in given.items()},
        choices,
        height or _height(first),
        follows_time,
    )


def in_currency(chart: Chart, currency: str) -> Chart:
    """Return a chart of money with its unit: "quote", or coins where the account's currency is "base"."""
    return replace(chart, unit="coins") if chart.unit == "quote" and currency == "base" else chart


def _unit(title: str) -> str:
    """Return the unit that a title ends with, "" without one."""
    found = UNIT.search(title)
    return found[1] if found else ""


def _caption(figure: "go.Figure") -> str:
    """Return what a figure says of itself, "" where it says nothing."""
    meta = figure.layout.meta
    return str(meta.get("caption", "")) if isinstance(meta, Mapping) else ""


def _height(figure: "go.Figure") -> int:
    """Return the pixels that a figure takes without its title, which the page writes."""
    return int((figure.layout.height or 400) - (figure.layout.margin.t or 0) + MARGIN)

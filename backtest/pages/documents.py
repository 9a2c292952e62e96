"""A page as one file: its template filled in, its script inside or beside it, written all or nothing."""

import math
import os
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backtest.pages.files import check_file, write_file

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["GENERATOR", "SCRIPT", "check_page", "fragment", "key", "rendered", "thin", "write_page"]

GENERATOR = "margin-backtest report"
"""What the head of every page says it was made by: a file without it is not written over."""

SCRIPT = "plotly.min.js"
"""The file beside pages that share their script."""

WHAT = "a report"

THOUSANDS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
THIN = "\u202f"  # narrow, and no line breaks at it


def write_page(path: str | os.PathLike[str], template: str, shared_script: bool, **context: Any) -> Path:
    """Write a page, and return its path: every folder on the way is made.

    Parameters
    ----------
    path : path                a file that is not there yet, or a page
    template : str             one of the templates in this package
    shared_script : bool       leave the script of the charts, 4.8 MB, in a file of its own beside the page
    context                    what the template is filled with

    Raises
    ------
    DataError                  if there is something other than a page at `path`, or nothing can be written there
    """
    target = check_page(path)
    text = rendered(template, shared_script=shared_script, **context)
    if shared_script:
        _write_script(target.parent / SCRIPT)
    write_file(target, text, WHAT)
    return target


def rendered(template: str, *, shared_script: bool = False, **context: Any) -> str:
    """Return a template filled in, with the style and the script of every page."""
    from markupsafe import Markup

    parts = {name: Markup(_resource(f"page.{name}")) for name in ("css", "js")}  # noqa: S704 - files of this package
    plotly = None if shared_script else Markup(_plotly())  # noqa: S704 - the script of an installed package
    page = _environment().get_template(template)
    return page.render(**parts, plotly=plotly, script=SCRIPT, generator=GENERATOR, **context)


def fragment(template: str, **context: Any) -> str:
    """Return a template that is part of another page, such as a notebook, filled in."""
    return _environment().get_template(template).render(**context)


def check_page(path: object) -> Path:
    """Return the file that a page is to be written to.

    Raises
    ------
    DataError                  for no path, a folder, and a file that is there and no page
    """
    return check_file(path, WHAT, GENERATOR)


def thin(text: str) -> str:
    """Return a text with thin spaces between the thousands of its numbers."""
    return THOUSANDS.sub(THIN, text)


def key(value: float) -> str:
    """Return a number as JavaScript reads it, "" for NaN: there is none."""
    if math.isnan(value):
        return ""
    return repr(value) if math.isfinite(value) else f"{'-' if value < 0.0 else ''}Infinity"


def _write_script(path: Path) -> None:
    """Write the script of the charts beside a page, where another version of it, or none, is there."""
    text, what = _plotly(), "the script beside a report"
    if check_file(path, what, "plotly.js").exists() and path.stat().st_size == len(text.encode()):
        return
    write_file(path, text, what)


@cache
def _environment() -> "Environment":
    """Return the templates of this package; whatever they are filled with is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("backtest.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"thin": thin, "key": key}
    return environment


@cache
def _resource(name: str) -> str:
    """Return a text file of this package."""
    return resources.files("backtest.pages").joinpath(name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    """Return the script that draws the charts, as plotly's package has it."""
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script

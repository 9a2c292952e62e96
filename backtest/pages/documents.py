"""A page as one file: its template filled in, its script inside or beside it, written all or nothing."""

import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from backtest.errors import DataError
from backtest.pages.wording import thin
from backtest.text import shown

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["GENERATOR", "SCRIPT", "check_page", "fragment", "rendered", "write_page"]

GENERATOR = "margin-backtest report"
"""What the head of every page says it was made by: a file without it is not written over."""

SCRIPT = "plotly.min.js"
"""The file beside pages that share their script."""

HEAD = 2_000
"""Bytes in which the head of a page names its generator, and a script its kind."""


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
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if shared_script:
            _write_script(target.parent / SCRIPT)
        _replace(target, text)
    except OSError as error:
        raise DataError(f"a report must be written to a place that can be, got {error.strerror} at {path}") from None
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
    if not isinstance(path, (str, os.PathLike)) or not str(path) or "\0" in str(path):
        raise DataError(f"a report must be written to a file, got {shown(path)}")
    target = Path(path)
    if target.is_dir():
        raise DataError(f"a report must be written to a file, got the folder {path}")
    if target.exists() and not _begins_with(target, GENERATOR):
        raise DataError(f"a report must not be written over something else, got a file that is no report at {path}")
    return target


def _begins_with(path: Path, mark: str) -> bool:
    """Return whether a file names its kind near its beginning."""
    try:
        with path.open("rb") as file:
            return mark.encode() in file.read(HEAD)
    except OSError as error:
        raise DataError(
            f"a report must be written over a file that can be read, got {error.strerror}: {path}"
        ) from None


def _write_script(path: Path) -> None:
    """Write the script of the charts beside a page, where another version of it, or none, is there."""
    text = _plotly()
    if path.exists():
        if not _begins_with(path, "plotly.js"):
            raise DataError(f"the script beside a report must not be written over something else, got {path}")
        if path.stat().st_size == len(text.encode()):
            return
    _replace(path, text)


def _replace(target: Path, text: str) -> None:
    """Write a file whole, or leave what was there."""
    new = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        with new.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


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
    environment.filters["thin"] = thin
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

"""Put what the blocks of README and docs/ print into the pages: `make docs`, or with names of pages only those."""

import contextlib
import io
import os
import sys
import tempfile
import traceback
from pathlib import Path

from documents import PAGES, ROOT, link_checkout, run_page, text_of
from shell import TASTES

from backtest.command_line import app


def call(*arguments: str) -> tuple[int, str, str]:
    """Run a command and return its exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = app.main(list(arguments))
    return code, out.getvalue(), err.getvalue()


def filled(page: str) -> str:
    """Return a page with what its blocks print now."""
    text, parts, done = text_of(page), [], 0
    for block, printed in run_page(page, call):
        if block.shown is not None:
            start, end = block.shown
            parts += [text[done:start], printed]
            done = end
    return "".join([*parts, text[done:]])


def fill(page: str) -> str:
    """Fill a page, and return what became of it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        link_checkout(Path(folder))
        text = filled(page)
    if text == text_of(page):
        return "as it was"
    (ROOT / page).write_text(text, encoding="utf-8")
    return "changed"


def main(pages: list[str]) -> int:
    for name in TASTES:
        os.environ.pop(name, None)
    failed = 0
    for page in pages:
        try:
            print(f"{page}: {fill(page)}")
        except Exception:
            failed += 1
            traceback.print_exc()
            print(f"{page}: failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(PAGES)))

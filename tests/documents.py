"""README and the pages of docs/, taken apart into blocks, and what each block prints."""

import contextlib
import io
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))

KINDS = ("python", "console", "toml", "csv", "json", "text")
BLOCK = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$", re.MULTILINE)
NAMED = re.compile(r"`([\w./-]+\.(?:py|toml|csv|json))`:\n\n$")
"""A block that a sentence ending in the name of a file stands before is that file."""

ELSEWHERE = {
    "pip install": "would change the environment that the tests run in",
    "python3 -m venv": "makes an environment",
    "dask ": "a scheduler and its workers run until they are stopped; tests of clusters start them",
    "--cluster": "needs that scheduler; tests of clusters do the same",
}
"""Commands that cannot run in a test, by words of theirs, and why."""

EXIT_CODES = {"backtest check": (0, 1)}
"""Commands that succeed with more than 0: `check` says by 1 that it has found a look-ahead."""

Call = Callable[..., tuple[int, str, str]]


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Attributes
    ----------
    page : str                 path from the root of the project
    line : int                 of the page, from 1, in which it begins
    kind : str                 one of KINDS but "text"
    text : str
    file : str                 the name of the file that it is, "" for none
    shown : tuple or None      start and end, in the page, of what it prints
    """

    page: str
    line: int
    kind: str
    text: str
    file: str
    shown: tuple[int, int] | None

    @property
    def commands(self) -> list[str]:
        """The commands of a console block."""
        return [line.removeprefix("$ ") for line in self.text.replace("\\\n", "").splitlines()]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page: str) -> list[Block]:
    """Return the blocks of a page, each with what it prints, which must stand directly after it."""
    text = text_of(page)
    found = list(BLOCK.finditer(text))
    blocks = []
    for match, after in zip(found, [*found[1:], None], strict=True):
        line = text.count("\n", 0, match.start()) + 1
        kind, content = match.groups()
        if kind not in KINDS:
            raise ValueError(f"a block must be one of {', '.join(KINDS)}, got {kind or 'nothing'} in {page}:{line}")
        if kind == "text":
            if not blocks or text[blocks[-1][0].end() : match.start()].strip():
                raise ValueError(f"a block of text must stand directly after what prints it, got {page}:{line}")
            continue
        prints = after is not None and after[1] == "text"
        shown = after.span(2) if prints else None
        named = NAMED.search(text, 0, match.start())
        blocks.append((match, Block(page, line, kind, content, named[1] if named else "", shown)))
    return [block for _, block in blocks]


def is_elsewhere(command: str) -> bool:
    return any(words in command for words in ELSEWHERE)


def run_page(page: str, call: Call) -> Iterator[tuple[Block, str]]:
    """Run the blocks of a page one after the other where the caller stands, and yield each with what it prints."""
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.file:
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.kind == "python":
            yield block, printed_by(block, names)
        elif block.kind == "console":
            yield block, "".join(answer_to(command, call, block) for command in block.commands)


def printed_by(block: Block, names: dict[str, object]) -> str:
    """Return what Python prints, with the names of the blocks before."""
    printed = io.StringIO()
    place = "\n" * (block.line) + block.text  # so that a traceback names the line of the page
    with contextlib.redirect_stdout(printed):
        exec(compile(place, block.page, "exec"), names)  # noqa: S102
    return printed.getvalue()


def answer_to(command: str, call: Call, block: Block) -> str:
    """Return what a command prints, nothing for one that cannot run here."""
    if is_elsewhere(command):
        return ""
    program, *words = shlex.split(command, comments=True)
    if Path(program).name != "backtest":
        raise ValueError(f"a command must be backtest, or be named in ELSEWHERE, got {command} in {block}")
    code, out, err = call(*words)
    accepted = next((codes for start, codes in EXIT_CODES.items() if command.startswith(start)), (0,))
    if code not in accepted or err:
        raise AssertionError(f"{command} in {block} must succeed, got {code}: {err}")
    return out


def link_checkout(folder: Path) -> None:
    """Make a folder what a reader stands in: one with the data and the strategies."""
    for name in ("data", "strategies"):
        (folder / name).symlink_to(ROOT / name)

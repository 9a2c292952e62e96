"""README and docs/ say what their code and their commands print, and lead where they say."""

import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
from documents import ELSEWHERE, KINDS, PAGES, ROOT, blocks_of, is_elsewhere, link_checkout, run_page, text_of

import backtest as bt
from backtest.plots import thinning
from backtest.signalling.lookahead import check_lookahead
from backtest.text import grouped

LINK = re.compile(r"\]\(([^)\s]+)\)|src(?:set)?=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
STRATEGIES = [block for block in BLOCKS if block.file and "def signals" in block.text]


@pytest.fixture(autouse=True)
def _in_a_checkout(monkeypatch, tmp_path):
    """Stand where a reader would, in a folder with the data and the strategies."""
    link_checkout(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_what_its_blocks_print(page, call):
    text = text_of(page)
    for block, printed in run_page(page, call):
        if block.shown is not None:
            assert printed == text[slice(*block.shown)], block


def test_every_block_is_a_file_or_is_run():
    for block in BLOCKS:
        assert block.file or block.kind in ("python", "console"), f"{block} is neither run nor a file with a name"


def test_every_file_of_a_page_is_used_on_it():
    for block in BLOCKS:
        if block.file:
            later = [other.text for other in blocks_of(block.page) if other.line > block.line]
            assert any(block.file in text for text in later), f"{block.file} of {block} is used nowhere"


def test_commands_that_do_not_run_are_the_ones_listed():
    skipped = dict.fromkeys(ELSEWHERE, 0)
    commands = [command for block in BLOCKS if block.kind == "console" for command in block.commands]
    for command in commands:
        for words in ELSEWHERE:
            skipped[words] += words in command
    assert all(skipped.values()), f"nothing is left of {skipped}"
    assert sum(not is_elsewhere(command) for command in commands) > 20


@pytest.mark.parametrize("block", STRATEGIES, ids=str)
def test_strategies_of_a_page_do_not_look_ahead_but_for_one(block):
    Path(block.file).write_text(block.text, encoding="utf-8")
    strategy = bt.strategy(block.file)
    bars = bt.read_bars("data/btcusdt_1h.parquet")["2020-01":"2020-03"]
    assert strategy.doc, "a strategy must say in its first line what it does"
    assert len(set(strategy.signals(bars).target[:, 0])) > 1
    assert check_lookahead(strategy, bars).passed == (block.file != "peeking.py")


def test_cross_margin_of_readme_is_never_liquidated(call):
    (block,) = (block for block in BLOCKS if block.file == "cross.toml")
    Path(block.file).write_text(block.text, encoding="utf-8")
    code, out, err = call("run", "--config", block.file)
    assert (code, err) == (0, "")
    assert re.search(r"liquidations +0$", out, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page):
    links = [link or source for link, source in LINK.findall(text_of(page))]
    for link in links:
        target, _, place = link.partition("#")
        if "://" in target:
            continue
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), f"{link} in {page}"
        if place:
            assert place in anchors(path), f"{link} in {page}"


def anchors(path: Path) -> set[str]:
    """Return the names of a page's headings as links write them; what has been there before is numbered."""
    found: set[str] = set()
    times: Counter[str] = Counter()
    for heading in HEADING.findall(path.read_text(encoding="utf-8")):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        found.add(f"{name}-{times[name]}" if times[name] else name)
        times[name] += 1
    return found


def test_every_page_is_linked_from_readme():
    for page in PAGES[1:]:
        assert f"({page})" in text_of("README.md"), page


def test_demo_is_the_command_of_readme():
    readme = [block for block in BLOCKS if block.page == "README.md" and block.kind == "console"]
    (command,) = (command for block in readme for command in block.commands if "--out runs/demo" in command)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    demo = makefile.split("demo: $(INSTALLED)\n")[1].split("\n\n")[0]
    assert shlex.split(demo.replace("\\\n", " ").replace("$(BIN)/", "")) == shlex.split(command)


def test_kinds_of_blocks_are_those_that_are_known():
    assert {block.kind for block in BLOCKS} <= set(KINDS)


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "pictures").glob("*.png")), ids=lambda path: path.name)
def test_pictures_are_wide_enough_and_small(picture):
    content = picture.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(content[16:20], "big") == 1280
    assert len(content) < 300_000
    assert any(f"pictures/{picture.name})" in text_of(page) for page in PAGES)


def test_page_of_reports_lists_every_figure():
    listed = re.findall(r"^\| `bt\.plots\.(\w+)\(", text_of("docs/reports.md"), re.MULTILINE)
    assert sorted(listed) == sorted(bt.plots.__all__)


def test_page_of_reports_says_how_curves_are_thinned():
    text = text_of("docs/reports.md")
    for number in (thinning.BUCKETS, thinning.TRUE_LIQUIDATIONS, thinning.NEAR, thinning.MARKS):
        assert re.search(rf"\b{grouped(number)}\b", text), number

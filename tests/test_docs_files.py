"""docs/files.md lists every column of every Parquet file that is written, with its type and in its place."""

import json
import re

import pandas as pd
import pyarrow.parquet as pq
import pytest
from documents import ROOT, text_of

import backtest as bt

PAGE = "docs/files.md"
TYPES = {
    "time": {"timestamp[ns, tz=UTC]"},
    "number": {"double"},
    "count": {"int64"},
    "text": {"large_string", "string"},
    "yes/no": {"bool"},
    "duration": {"duration[ns]"},
}
SECTION = re.compile(r"^### (\S+)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(\w+)`(?: \(([\w ]+)\))? \| ([\w/]+) \|", re.MULTILINE)
KEY = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
SECTIONS = dict(SECTION.findall(text_of(PAGE)))
FRAMES = [name.removesuffix(".parquet") for name in SECTIONS if re.fullmatch(r"\w+\.parquet", name)]


def documented(name, cases):
    """Return what a page says of the columns of a file in some cases."""
    return [(column, kind) for column, case, kind in ROW.findall(SECTIONS[name]) if not case or case in cases]


def written(path):
    """Return the columns of a file and their types."""
    return [(field.name, str(field.type)) for field in pq.read_schema(path)]


def assert_as_documented(path, name, cases=()):
    said, found = documented(name, cases), written(path)
    assert [column for column, _ in said] == [column for column, _ in found]
    for (column, kind), (_, arrow) in zip(said, found, strict=True):
        assert arrow in TYPES[kind], f"{column} of {name}"


@pytest.fixture(scope="module")
def bars():
    return bt.read_bars(ROOT / "data" / "btcusdt_1h.parquet")["2020-03-10":"2020-03-14"]


@pytest.fixture(scope="module")
def plain(bars, tmp_path_factory):
    """Return the folder of a run with a liquidation."""
    folder = tmp_path_factory.mktemp("runs") / "plain"
    strategy = bt.strategy(ROOT / "strategies" / "buy_and_hold.py")
    bt.run(bars, strategy, venue=bt.venue("binance_usdm"), account=bt.Account(leverage=5)).save(folder)
    return folder


@pytest.fixture(scope="module")
def hedged(bars, tmp_path_factory):
    """Return the folder of a run in hedge mode, with mark prices and funding."""
    folder = tmp_path_factory.mktemp("runs") / "hedged"
    marks = {"BTCUSDT": bars.frame("BTCUSDT")[["open", "high", "low", "close"]]}
    legs = pd.DataFrame({"target_long": 0.5, "target_short": 0.2}, index=bars.time)
    market = bars.with_marks(marks).with_funding(0.0001)
    bt.run(market, legs, venue=bt.venue("binance_usdm"), account=bt.Account(leverage=5)).save(folder)
    return folder


def test_every_file_of_a_run_has_its_section(plain):
    assert {f"{name}.parquet" for name in FRAMES} == {path.name for path in plain.glob("*.parquet")}


@pytest.mark.parametrize("name", FRAMES)
def test_files_of_a_run(plain, hedged, name):
    assert_as_documented(plain / f"{name}.parquet", f"{name}.parquet")
    assert_as_documented(hedged / f"{name}.parquet", f"{name}.parquet", ("hedge mode", "mark prices", "funding"))


def test_description_of_a_run(plain):
    found = json.loads((plain / "run.json").read_text(encoding="utf-8"))
    assert KEY.findall(SECTIONS["run.json"]) == list(found)


def test_parts_of_a_sweep(bars, tmp_path):
    strategy = bt.strategy(ROOT / "strategies" / "buy_and_hold.py")
    over = {"leverage": [1, 2]}
    bt.sweep(bars, strategy, venue=bt.venue("binance_usdm"), over=over, out=tmp_path / "sweep", histories=True)
    (part,) = (tmp_path / "sweep" / "parts").iterdir()
    assert_as_documented(part, "parts/part-000000.parquet", ("swept",))
    manifest = json.loads((tmp_path / "sweep" / "sweep.json").read_text(encoding="utf-8"))
    assert set(manifest) <= set(re.findall(r"`(\w+)`", SECTIONS["sweep.json"]))
    kept = tmp_path / "sweep" / "histories" / "000001"
    assert {path.stem for path in kept.glob("*.parquet")} == set(FRAMES)


def test_types_are_those_of_the_table():
    table = text_of(PAGE).split("| type | Arrow |")[1].split("\n\n")[0]
    for kind, arrow in TYPES.items():
        (said,) = re.findall(rf"^\| {kind} \| (.*) \|$", table, re.MULTILINE)
        assert all(name in said for name in arrow), kind

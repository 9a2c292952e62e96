"""A page as a file: whole or not at all, over nothing but a page, with all that it needs inside."""

import re

import pytest
from stand_in import StandIn, bars_of, frame, liquidation

import backtest as bt
from backtest.pages import documents
from backtest.pages.run_pages import write_run_page


@pytest.fixture(scope="module")
def run():
    return StandIn(bars_of(30))


def test_a_page_has_all_that_it_needs_inside(run, tmp_path):
    path = tmp_path / "new" / "folders" / "report.html"
    write_run_page(run, path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "plotly.js v" in text
    outside = text.replace(documents.rendered.__globals__["_plotly"](), "")
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", outside)
    assert "http" not in outside
    assert list(path.parent.iterdir()) == [path]


def test_a_shared_script_is_written_once_and_again_where_it_is_another(run, tmp_path):
    for name in ("one.html", "two.html"):
        write_run_page(run, tmp_path / name, shared_script=True)
    script = tmp_path / documents.SCRIPT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", documents.SCRIPT, "two.html"]
    assert (tmp_path / "one.html").stat().st_size < 200_000
    assert f'src="{documents.SCRIPT}"' in (tmp_path / "one.html").read_text(encoding="utf-8")
    whole, written = script.read_bytes(), script.stat().st_mtime_ns
    write_run_page(run, tmp_path / "one.html", shared_script=True)
    assert script.stat().st_mtime_ns == written
    script.write_bytes(whole[:1000])
    write_run_page(run, tmp_path / "one.html", shared_script=True)
    assert script.read_bytes() == whole


def test_a_page_takes_the_place_of_a_page(run, tmp_path):
    path = tmp_path / "report.html"
    write_run_page(run, path)
    write_run_page(StandIn(bars_of(31)), path)
    assert "31 bars" in path.read_text(encoding="utf-8")


def test_nothing_but_a_page_is_written_over(run, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("<!doctype html><p>somebody's own", encoding="utf-8")
    with pytest.raises(bt.DataError, match=r"^a report must not be written over something else, got .*report\.html$"):
        write_run_page(run, path)
    assert path.read_text(encoding="utf-8").endswith("own")
    with pytest.raises(bt.DataError, match="got the folder"):
        write_run_page(run, tmp_path)
    for nothing in ("", "a\0b", 3, None):
        with pytest.raises(bt.DataError, match="must be written to a file, got"):
            write_run_page(run, nothing)


def test_nothing_but_the_script_is_written_over(run, tmp_path):
    (tmp_path / documents.SCRIPT).write_text("somebody's own", encoding="utf-8")
    with pytest.raises(bt.DataError, match="script beside a report must not be written over something else"):
        write_run_page(run, tmp_path / "report.html", shared_script=True)
    assert [path.name for path in tmp_path.iterdir()] == [documents.SCRIPT]


def test_a_place_that_cannot_be_written_to_is_an_error(run, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(bt.DataError, match="to a place that can be, got"):
        write_run_page(run, tmp_path / "file" / "report.html")


def test_what_fails_on_the_way_leaves_what_was_there(run, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    write_run_page(run, path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(bt.DataError, match="got No space left on device at"):
        write_run_page(run, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_no_name_ends_the_element_that_it_stands_in(tmp_path):
    name = "</script><b>'\"&"
    bars = bars_of(60, name)
    write_run_page(
        StandIn(bars, liquidations=frame("liquidations", liquidation(bars.time[30], name))), tmp_path / "a.html"
    )
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert name not in text
    assert "<b>" not in text
    assert "&lt;/script&gt;&lt;b&gt;&#39;&#34;&amp;" in text
    assert text.count("<script") == text.count("</script>")


def test_a_page_of_a_million_bars_is_small(tmp_path):
    bars = bars_of(1_000_000, step="1min")
    at = bars.time[2_000::4_211]
    assert len(at) == 237
    events = [liquidation(time, loss=float(k), mark_price=90.0 + k) for k, time in enumerate(at)]
    write_run_page(StandIn(bars, liquidations=frame("liquidations", *events)), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 15e6
    said = "stretches of time; within 40 bars of each of the 200 costliest"
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{said} liquidations every bar is drawn; 37 other liquidations are thinned." in text

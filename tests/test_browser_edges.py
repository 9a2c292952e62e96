"""Pages of runs that are hard to show, in a real browser: nothing traded, one bar, lost at once, names that attack."""

import math

import numpy as np
import pytest
from browser import ASKED, browsing, complaints, draw_all, hard_to_read, open_page, require_browser, show_as
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By
from stand_in import StandIn, bars_of, frame, liquidation

from backtest.pages.run_pages import write_run_page

HOSTILE = "</script><script>window.attacked = 1</script>"
WORSE = "<img src=x onerror='window.attacked = 2'>&amp;\"|'"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


def lost_at_once():
    """Return a run that is ruined in its first bar."""
    bars = bars_of(50)
    event = liquidation(bars.time[0], gap=True)
    certain = frame("verdicts", {"time": bars.time[0], "symbol": "BTCUSDT", "verdict": "certain"})
    return StandIn(bars, np.zeros(50), liquidations=frame("liquidations", event), verdicts=certain)


def attacked():
    """Return a run whose symbols would be code, were they not escaped."""
    bars = bars_of(300, HOSTILE, WORSE)
    events = [liquidation(bars.time[k], name) for k, name in ((100, HOSTILE), (200, WORSE))]
    held = [{"time": bars.time[k], "symbol": WORSE, "quantity": 1, "liquidation_price": 80.0 + k} for k in (10, 90)]
    return StandIn(bars, liquidations=frame("liquidations", *events), positions=frame("positions", *held))


CASES = {
    "nothing traded": (lambda: StandIn(bars_of(500)), "nothing was traded"),
    "one bar": (lambda: StandIn(bars_of(1)), "There is one bar"),
    "lost at once": (lost_at_once, "the account was lost on 2020-01-01 00:00"),
    "attacked": (attacked, "liquidated twice"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_page_says_what_there_is(browser, tmp_path, name):
    make, said = CASES[name]
    write_run_page(make(), tmp_path / "page.html")
    show_as(browser, 390)
    open_page(browser, tmp_path / "page.html")
    draw_all(browser)
    assert said in browser.find_element(By.TAG_NAME, "main").text
    assert hard_to_read(browser) == []
    show_as(browser, 1280, "dark")
    assert hard_to_read(browser) == []
    for row in browser.find_elements(By.CSS_SELECTOR, "table.events tbody tr"):
        row.send_keys(Keys.ENTER)
    assert browser.execute_script("return window.attacked") is None
    assert complaints(browser) == []


def test_a_name_that_would_be_code_is_shown_and_chosen(browser, tmp_path):
    write_run_page(attacked(), tmp_path / "page.html")
    open_page(browser, tmp_path / "page.html")
    rows = browser.find_elements(By.CSS_SELECTOR, "table.events tbody tr")
    for row, symbol in zip(rows, (HOSTILE, WORSE), strict=True):
        row.send_keys(Keys.ENTER)
        assert browser.execute_script("return charts[0].selects[0].value") == symbol
        assert browser.execute_script("return charts[0].candles.x.length") > 80
        assert symbol in row.text
    assert browser.execute_script("return window.attacked") is None


def test_numbers_sort_by_what_they_are_and_what_is_missing_comes_last(browser, tmp_path):
    bars = bars_of(60)
    exits, prices = [10, 11, 12, None, 13], [9.5, 1_000.25, -20.0, math.nan, 80.0]
    rows = [
        {"symbol": "BTCUSDT", "side": "long", "entry_time": bars.time[k], "quantity": 1.0, "bars": 3.0}
        | {"exit_time": None if out is None else bars.time[out], "pnl": profit, "return_on_margin": share}
        for k, (out, profit, share) in enumerate(
            zip(exits, prices, [0.5, math.inf, -math.inf, math.nan, 2.0], strict=True)
        )
    ]
    write_run_page(StandIn(bars, trades=frame("trades", *rows)), tmp_path / "page.html")
    show_as(browser)
    open_page(browser, tmp_path / "page.html")

    def sorted_by(title):
        (button,) = browser.find_elements(By.XPATH, f"//section[@id='trades']//button[text()='{title}']")
        found = []
        for _ in range(2):
            browser.execute_script("arguments[0].click()", button)
            times = browser.execute_script(
                "return [...document.querySelectorAll('#trades tbody tr')].map((row) => row.cells[0].textContent)"
            )
            found.append([int(time[12]) for time in times])
        return found

    assert sorted_by("profit") == [[1, 4, 0, 2, 3], [2, 0, 4, 1, 3]]
    assert sorted_by("on margin") == [[1, 4, 0, 2, 3], [2, 0, 4, 1, 3]]
    assert sorted_by("exit") == [[4, 2, 1, 0, 3], [0, 1, 2, 4, 3]]


def test_a_script_beside_the_page_draws_it_as_well(browser, tmp_path):
    write_run_page(lost_at_once(), tmp_path / "page.html", shared_script=True)
    open_page(browser, tmp_path / "page.html")
    draw_all(browser)
    assert browser.execute_script("return charts[0].plot.querySelectorAll('.points path').length") > 0
    assert complaints(browser) == []


def test_a_page_without_its_script_says_so(browser, tmp_path):
    write_run_page(lost_at_once(), tmp_path / "run.html", shared_script=True)
    (tmp_path / "plotly.min.js").unlink()
    browser.get((tmp_path / "run.html").as_uri())
    assert "The charts need plotly.min.js beside this page." in browser.find_element(By.ID, "charts").text


def test_a_liquidation_whose_prices_are_not_there_says_so(browser, tmp_path):
    names = [f"COIN{k:02}" for k in range(14)]
    bars = bars_of(300, *names)
    events = [liquidation(bars.time[100 + k], name) for k, name in enumerate(names)]
    write_run_page(StandIn(bars, liquidations=frame("liquidations", *events)), tmp_path / "run.html")
    browser.get((tmp_path / "run.html").as_uri())
    there = {option.get_attribute("value") for option in browser.find_elements(By.CSS_SELECTOR, "#chart-price option")}
    rows = browser.find_elements(By.CSS_SELECTOR, "table.events tbody tr[data-from]")
    told = {}
    for row in rows:
        browser.execute_script("arguments[0].click()", row)
        told[row.get_attribute("data-symbol")] = "not on this page" in browser.find_element(By.ID, "view").text
    assert told == {name: name not in there for name in names}
    assert len(there) == 12


def test_a_printed_page_has_every_chart_as_wide_as_paper(browser, tmp_path):
    write_run_page(lost_at_once(), tmp_path / "page.html")
    show_as(browser)
    open_page(browser, tmp_path / "page.html")
    browser.execute_script("window.addEventListener('beforeprint', () => { window.printed = widths(); });")
    wide = "return charts.map(({plot}) => plot.querySelector('svg').clientWidth)"
    browser.execute_script(f"window.widths = () => {{ {wide} }}")
    browser.execute_cdp_cmd("Page.printToPDF", {})
    printed = browser.execute_script("return window.printed")
    assert len(printed) == 8
    assert set(printed) == {690}
    assert min(browser.execute_script(wide)) > 1000


@pytest.mark.parametrize(("asked", "stop"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_without_a_browser_tests_are_skipped_or_fail_where_one_is_asked_for(monkeypatch, asked, stop):
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setenv(ASKED, asked)
    with pytest.raises(stop, match="there is no chromium and no chromedriver"):
        require_browser()

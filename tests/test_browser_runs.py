"""The page of a real run in a real browser: what is drawn, where a click leads, and whether it can be read."""

import numpy as np
import pandas as pd
import pytest
from browser import browsing, complaints, draw_all, hard_to_read, open_page, pair, show_as
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import backtest as bt
from backtest.pages.run_pages import write_run_page

NEAR = 40
HALF = 15 * 60 * 1000  # half a bar, ms


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture(scope="module")
def run():
    """Return two years of Bitcoin and Ether, in which isolated margin at 5x is liquidated five times."""
    bars, strategy, venue = pair()
    result = bt.run(bars, strategy, account=bt.Account(leverage=5), venue=venue)
    assert len(result.liquidations) == 5
    return result


@pytest.fixture(scope="module")
def page(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "report.html"
    write_run_page(run, path)
    return path


@pytest.fixture
def opened(browser, page):
    """Return the browser with the page in it, as wide as a screen."""
    show_as(browser)
    open_page(browser, page)
    return browser


def bars_around(run, row, near=NEAR):
    """Return the times, ms, of the first and the last bar around a liquidation."""
    time = run.bars.time.as_unit("ms").asi8
    at = int(np.searchsorted(time, run.liquidations["time"].iloc[row].value // 1_000_000))
    return [int(time[max(at - near, 0)]), int(time[min(at + near, len(time) - 1)])]


def ranges(driver):
    """Return the x range, ms, of every chart over time that is drawn, by its name."""
    script = """return Object.fromEntries(charts.filter((chart) => chart.drawn && chart.onTime).map(
        ({box, plot}) => [box.id, plot._fullLayout.xaxis.range]))"""
    stamps = driver.execute_script(script)
    return {name: [pd.Timestamp(end, tz="UTC").value // 1_000_000 for end in ends] for name, ends in stamps.items()}


def rows(driver):
    return driver.find_elements(By.CSS_SELECTOR, "table.events tbody tr")


def test_nothing_is_logged_and_nothing_is_asked_for(opened):
    draw_all(opened)
    assert complaints(opened) == []


def test_only_what_is_near_is_drawn_at_first(opened):
    WebDriverWait(opened, 5).until(lambda driver: driver.execute_script("return charts[0].drawn"))
    assert not opened.execute_script("return charts.at(-1).drawn")


def test_liquidations_are_on_the_price_at_their_times_and_prices(opened, run):
    draw_all(opened)
    marks = """const drawn = charts[0].plot._fullData.filter((trace) => trace.meta?.role === 'liquidations');
        return drawn.map((trace) => [[...trace.x], [...trace.y]])"""
    for symbol in ("ETHUSD", "BTCUSD"):
        opened.execute_script(f"charts[0].selects[0].value = '{symbol}'; draw(charts[0])")
        events = run.liquidations[run.liquidations["symbol"] == symbol]
        ((x, y),) = opened.execute_script(marks)
        assert x == list(events["time"].dt.as_unit("ms").astype("int64"))
        assert y == list(events["fill_price"])
        opened.execute_script("charts[0].box.scrollIntoView()")
        script = """const box = charts[0].plot.getBoundingClientRect();
            return [...charts[0].plot.querySelectorAll(".scatterlayer .points path")].filter((mark) => {
                const {left, right, top, bottom} = mark.getBoundingClientRect();
                return getComputedStyle(mark).fill === "rgb(225, 29, 72)" && left >= box.left && right <= box.right &&
                    top >= 0 && bottom <= innerHeight; }).length"""
        assert opened.execute_script(script) == len(events)


def test_a_click_zooms_every_chart_to_the_bars_and_shows_the_symbol(opened, run):
    draw_all(opened)
    first, last = bars_around(run, 3)
    assert opened.execute_script("return charts[0].selects[0].value") == "ETHUSD"
    row = rows(opened)[3]
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", row)
    row.click()
    found = ranges(opened)
    assert len(found) == 7
    assert set(map(tuple, found.values())) == {(first - HALF, last + HALF)}
    assert opened.execute_script("return charts[0].selects[0].value") == "BTCUSD"
    top, bottom, height = opened.execute_script(
        "const box = charts[0].plot.getBoundingClientRect(); return [box.top, box.bottom, innerHeight]"
    )
    assert 0 <= top < bottom <= height
    assert complaints(opened) == []


def test_enter_does_what_a_click_does_and_charts_drawn_later_follow(opened, run):
    first, last = bars_around(run, 1)
    rows(opened)[1].send_keys(Keys.ENTER)
    assert len(ranges(opened)) < 7
    draw_all(opened)
    assert set(map(tuple, ranges(opened).values())) == {(first - HALF, last + HALF)}


def test_close_by_the_true_bars_are_candles(opened, run):
    rows(opened)[4].click()
    first, last = bars_around(run, 4)
    bars = run.bars.frame("ETHUSD")[pd.Timestamp(first, unit="ms", tz="UTC") : pd.Timestamp(last, unit="ms", tz="UTC")]
    found = opened.execute_script("const c = charts[0].candles; return [c.visible, [...c.x], [...c.low], [...c.close]]")
    assert found[0]
    assert found[1] == list(bars.index.as_unit("ms").asi8)
    assert found[2] == list(bars["low"].astype(np.float32))
    assert found[3] == list(bars["close"].astype(np.float32))
    opened.execute_script("show(null)")
    assert not opened.execute_script("return charts[0].candles.visible")


def test_y_axes_show_what_is_visible_and_return(opened, run):
    draw_all(opened)
    script = "return charts.find(({box}) => box.id === 'chart-equity').plot._fullLayout.yaxis.range"
    whole = opened.execute_script(script)
    rows(opened)[0].send_keys(Keys.ENTER)
    low, high = opened.execute_script(script)
    first, last = (pd.Timestamp(end, unit="ms", tz="UTC") for end in bars_around(run, 0))
    seen = run.history[first:last]
    assert low < seen["equity_low"].min() < seen["equity"].max() < high
    assert high - low < 1.2 * (seen["equity"].max() - seen["equity_low"].min())
    opened.find_element(By.ID, "reset").click()
    assert opened.execute_script(script) == pytest.approx(whole)


def test_dragging_across_one_chart_zooms_all_and_a_double_click_returns(opened):
    draw_all(opened)
    whole = ranges(opened)
    opened.execute_script("charts[1].box.scrollIntoView({block: 'center'})")
    area = opened.execute_script("return charts[1].plot.querySelector('.nsewdrag')")
    ActionChains(opened).move_to_element(area).click_and_hold().move_by_offset(200, 0).release().perform()
    zoomed = ranges(opened)
    assert len({tuple(ends) for ends in zoomed.values()}) == 1
    assert zoomed["chart-price"] != whole["chart-price"]
    ActionChains(opened).move_to_element(area).double_click().perform()
    WebDriverWait(opened, 5).until(lambda driver: ranges(driver) == whole)


def test_steps_lead_from_one_liquidation_to_the_next(opened, run):
    label = opened.find_element(By.ID, "step")
    assert label.text == "5 liquidations"
    opened.find_element(By.ID, "next").click()
    opened.find_element(By.ID, "next").click()
    assert label.text == "liquidation 2 of 5"
    first, last = bars_around(run, 1)
    assert ranges(opened)["chart-price"] == [first - HALF, last + HALF]
    opened.find_element(By.ID, "previous").click()
    opened.find_element(By.ID, "previous").click()
    assert label.text == "liquidation 5 of 5"


def test_a_title_sorts_its_table(opened):
    def losses():
        cells = opened.find_elements(By.CSS_SELECTOR, "table.events td:nth-child(9)")
        return [float(cell.text.replace("\u202f", "")) for cell in cells]

    (title,) = opened.find_elements(By.XPATH, "//table[contains(@class, 'events')]//button[text()='loss']")
    given = losses()
    title.click()
    assert losses() == sorted(given, reverse=True) != given
    title.click()
    assert losses() == sorted(given)


def test_a_legend_switches_lines_off_and_on(opened):
    draw_all(opened)
    button = opened.find_element(By.CSS_SELECTOR, "#chart-equity .legend button")
    shown = "return charts.find(({box}) => box.id === 'chart-equity').plot._fullData.map((trace) => trace.visible)"
    button.click()
    assert opened.execute_script(shown).count(False) == 1
    button.click()
    assert opened.execute_script(shown).count(False) == 0


def test_times_are_utc_wherever_the_reader_is(browser, page, run):
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "America/New_York"})
    try:
        show_as(browser)
        open_page(browser, page)
        draw_all(browser)
        drawn = browser.execute_script(
            "return charts[1].plot.calcdata.filter(([p]) => p.trace.meta.role === 'liquidations')[0].map((p) => p.x)"
        )
        assert drawn == list(run.liquidations["time"].dt.as_unit("ms").astype("int64"))
        rows(browser)[2].send_keys(Keys.ENTER)
        first, last = bars_around(run, 2)
        assert ranges(browser)["chart-equity"] == [first - HALF, last + HALF]
    finally:
        browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


@pytest.mark.parametrize("width", [1280, 390])
def test_it_can_be_read(opened, width):
    show_as(opened, width)
    draw_all(opened)
    assert hard_to_read(opened) == []
    light = opened.execute_script("return getComputedStyle(document.querySelector('.xtick text')).fill")
    show_as(opened, width, "dark")
    assert hard_to_read(opened) == []
    assert opened.execute_script("return getComputedStyle(document.querySelector('.xtick text')).fill") != light
    rows(opened)[0].send_keys(Keys.ENTER)
    assert hard_to_read(opened) == []
    assert complaints(opened) == []

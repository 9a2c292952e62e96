"""Pages of sweeps and comparisons in a real browser: choices, where settings part, and whether it can be read."""

import numpy as np
import pandas as pd
import pytest
from browser import browsing, complaints, draw_all, hard_to_read, open_page, pair, show_as
from frames import DATA
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

import backtest as bt
from backtest.pages.comparison_pages import write_comparison_page
from backtest.pages.sweep_pages import write_sweep_page


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture(scope="module")
def sweep_page(tmp_path_factory):
    bars = bt.read_bars(DATA / "btcusdt_1h.parquet")["2020":"2021"]
    strategy = bt.strategy(DATA.parent / "strategies" / "moving_average_cross.py")
    over = {"leverage": [1, 2, 3, 5, 8, 13], "margin_mode": ["isolated", "cross"], "fast": [10, 20, 50]}
    venue = bt.venue("binance_usdm")
    tables = [
        bt.sweep(bars, strategy, venue=venue, over=over, account=bt.Account(intrabar=order))
        for order in ("worst", "best")
    ]
    path = tmp_path_factory.mktemp("pages") / "sweep.html"
    write_sweep_page(tables[0], path, best=tables[1], facts={"data": "BTCUSDT, two years of hours"})
    return path


@pytest.fixture(scope="module")
def comparison():
    bars, strategy, venue = pair()
    return bt.compare(bars, strategy, venue=venue, account=bt.Account(leverage=5), resamples=100)


@pytest.fixture(scope="module")
def comparison_page(comparison, tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "comparison.html"
    write_comparison_page(comparison, path)
    return path


@pytest.mark.parametrize("name", ["sweep_page", "comparison_page"])
def test_they_can_be_read(browser, request, name):
    show_as(browser, 390)
    open_page(browser, request.getfixturevalue(name))
    draw_all(browser)
    for width, scheme in ((390, "light"), (390, "dark"), (1280, "dark"), (1280, "light")):
        show_as(browser, width, scheme)
        assert hard_to_read(browser) == []
    assert complaints(browser) == []


def test_a_sweep_shows_what_is_chosen(browser, sweep_page):
    show_as(browser)
    open_page(browser, sweep_page)
    draw_all(browser)
    title = "return charts[0].plot._fullLayout.xaxis.title.text"
    assert browser.execute_script(title) == "Leverage (x)"
    Select(browser.find_element(By.CSS_SELECTOR, "#chart-growth select")).select_by_value("fast")
    assert browser.execute_script(title) == "Fast"
    figure, pair = (Select(each) for each in browser.find_elements(By.CSS_SELECTOR, "#chart-fields select"))
    field = "return charts[1].plot._fullData[0].z.map((row) => [...row])"
    growth = browser.execute_script(field)
    figure.select_by_value("ruined")
    assert {cell for row in browser.execute_script(field) for cell in row} <= {0, 1, None}
    assert browser.execute_script(field) != growth
    assert [option.text for option in pair.options] == [
        "leverage and margin mode",
        "leverage and fast",
        "margin mode and fast",
    ]
    pair.select_by_value("leverage and fast")
    assert browser.execute_script("return charts[1].plot._fullLayout.yaxis.title.text") == "Fast"
    assert complaints(browser) == []


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    """Return the page of a sweep over ten values, more than what stands in a figure as it is."""
    bars = bt.read_bars(DATA / "btcusdt_1h.parquet")["2020-01":"2020-03"]
    signals = np.ones((len(bars), 1))
    over = {"leverage": list(range(1, 11)), "stop_loss": [None, 0.01, 0.02]}
    path = tmp_path_factory.mktemp("pages") / "ten.html"
    bt.sweep(bars, signals, venue=bt.venue("binance_usdm"), over=over).report(path)
    return path


def test_every_swept_value_has_its_tick(browser, ten):
    show_as(browser)
    open_page(browser, ten)
    draw_all(browser)
    ticks = "return [...charts[0].plot.querySelectorAll('.xtick text')].map((tick) => tick.textContent)"
    assert {f"{value}" for value in range(1, 11)} <= set(browser.execute_script(ticks))
    assert complaints(browser) == []


def test_settings_sort_with_none_last(browser, ten):
    show_as(browser)
    open_page(browser, ten)
    (title,) = browser.find_elements(By.XPATH, "//section[@id='best']//button[text()='stop loss']")
    column = "return [...document.querySelectorAll('#best tbody tr')].map((row) => row.cells[1].textContent)"
    title.click()
    assert browser.execute_script(column) == ["0.02"] * 10 + ["0.01"] * 10 + ["none"] * 10
    title.click()
    assert browser.execute_script(column) == ["0.01"] * 10 + ["0.02"] * 10 + ["none"] * 10


def test_a_click_leads_to_where_settings_part(browser, comparison, comparison_page):
    show_as(browser)
    open_page(browser, comparison_page)
    draw_all(browser)
    row = browser.find_elements(By.CSS_SELECTOR, "table.events tbody tr")[1]
    row.send_keys(Keys.ENTER)
    start, end = (
        pd.Timestamp(stamp, tz="UTC")
        for stamp in browser.execute_script("return charts[0].plot._fullLayout.xaxis.range")
    )
    parted = comparison.liquidations["time"].iloc[1]
    half = pd.Timedelta("15min")
    assert (start, end) == (parted - 40 * 2 * half - half, parted + 40 * 2 * half + half)
    low, high = browser.execute_script("return charts[0].plot._fullLayout.yaxis.range")
    seen = [result.equity[start:end] for result in comparison.results.values()]
    assert low < min(each.min() for each in seen) < max(each.max() for each in seen) < high
    assert complaints(browser) == []

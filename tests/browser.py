"""Pages in a real browser: headless Chromium, what it logs and asks for, and what is hard to read on a page."""

import json
import os
import shutil
from contextlib import contextmanager

import pytest
from frames import DATA

import backtest as bt

ASKED = "CI_BROWSER"
"""Set to 1, a missing browser fails tests instead of skipping them."""

PROGRAMS = ("chromium", "chromedriver")
SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1280,900"),
)
LEAST_FONT = 11
LEAST_CONTRAST = {"TEXT": 4.5, "GRAPHIC": 3.0}  # numbers on the colours of a field choose their own

READ = """
const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
const parts = (text) => { const found = (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
                          return found.length === 3 ? [...found, 1] : found; };
const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
const ground = (node) => {
  if (!node || node === document) return [255, 255, 255, 1];
  const own = parts(getComputedStyle(node).backgroundColor);
  return own[3] === 1 ? own : over(own, ground(node.parentNode));
};
const said = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let text = walker.nextNode(); text; text = walker.nextNode()) {
  const node = text.parentElement;
  if (!text.textContent.trim() || ["SCRIPT", "STYLE", "NOSCRIPT", "OPTION"].includes(node.tagName)) continue;
  if (!node.checkVisibility()) continue;
  const style = getComputedStyle(node);
  const below = ground(node instanceof SVGElement ? node.closest("svg").parentNode : node);
  const ink = over(parts(node instanceof SVGElement ? style.fill : style.color), below);
  const [a, b] = [light(ink), light(below)].sort((x, y) => y - x);
  const least = node.closest(".legend i") ? GRAPHIC : node.closest(".heatmaplayer, .hm") ? 0 : TEXT;
  said.push([text.textContent.trim().slice(0, 40), parseFloat(style.fontSize), (a + 0.05) / (b + 0.05), least]);
}
return said;
"""
OVERLAPS = """
const boxes = [...document.querySelectorAll(".chart")].filter((chart) => chart.querySelector(".plot svg"));
const said = [];
for (const chart of boxes) {
  const name = chart.id;
  const area = chart.querySelector(".plot .bglayer, .plot .plot").getBoundingClientRect();
  const legend = chart.querySelector(".legend").getBoundingClientRect();
  if (legend.height && legend.bottom > chart.querySelector(".plot").getBoundingClientRect().top + 1) said.push(name);
  for (const axis of ["xtick", "ytick"]) {
    const ticks = [...chart.querySelectorAll(`.${axis} text`)].map((tick) => tick.getBoundingClientRect());
    ticks.sort((a, b) => a.left - b.left || a.top - b.top);
    for (let k = 1; k < ticks.length; k++) {
      const [a, b] = [ticks[k - 1], ticks[k]];
      const beside = a.right <= b.left + 0.5 || b.right <= a.left + 0.5;
      const above = a.bottom <= b.top + 2 || b.bottom <= a.top + 2;
      if (!beside && !above) said.push(`${name} ${axis} ${k}`);
    }
  }
}
return said;
"""
PAGE = "const page = document.documentElement;"  # a telephone's window is as wide as what it shows
DRAWN = "return charts.every((chart) => chart.drawn)"


def require_browser():
    """Skip where there is no browser, with the reason; fail instead where one is asked for."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        stop = pytest.fail if os.environ.get(ASKED) == "1" else pytest.skip
        stop(f"pages are opened in a browser, and there is no {' and no '.join(missing)}")


def pair():
    """Return two years of Bitcoin and Ether, the strategy that holds one against the other, and a venue."""
    bars = bt.read_bars([DATA / "btcusd_30m.parquet", DATA / "ethusd_30m.parquet"]).with_funding(0.0001)
    venue = bt.venue("binance_usdm", symbols={"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"})
    return bars, bt.strategy(DATA.parent / "strategies" / "relative_momentum.py"), venue


@contextmanager
def browsing(folder):
    """Yield a driver of a browser that keeps what it has to in a folder."""
    require_browser()
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for switch in (*SWITCHES, f"--user-data-dir={folder}"):
        options.add_argument(switch)
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def open_page(driver, path):
    """Open a page, and leave no old log behind."""
    for log in ("browser", "performance"):
        driver.get_log(log)
    driver.get(path.resolve().as_uri())


def complaints(driver):
    """Return what the browser has logged, and addresses that the page asked for besides files."""
    logged = [entry["message"] for entry in driver.get_log("browser")]
    asked = []
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    return logged + [url for url in asked if not url.startswith(("file:", "data:"))]


def show_as(driver, width=1280, scheme="light", height=900):
    """Make the window as wide as a screen or a telephone, and ask for light or dark pages."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def draw_all(driver):
    """Draw every chart, as scrolling through the page does."""
    driver.execute_script("charts.filter((chart) => !chart.drawn).forEach(draw)")
    assert driver.execute_script(DRAWN)


def hard_to_read(driver):
    """Return what is wrong with the page as it is seen: too wide, too small, too pale, one over the other."""
    said = []
    wide, window = driver.execute_script(f"{PAGE} return [page.scrollWidth, page.clientWidth]")
    if wide > window:
        said.append(f"{wide} pixels in a window of {window}")
    texts = driver.execute_script(f"const [TEXT, GRAPHIC] = {[*LEAST_CONTRAST.values()]};{READ}")
    assert texts, "there must be text on a page"
    said += [f"{text!r} at {size} px" for text, size, *_ in texts if size < LEAST_FONT]
    said += [f"{text!r} at contrast {contrast:.2f}" for text, _, contrast, least in texts if contrast < least]
    return said + [f"{name} overlaps" for name in driver.execute_script(OVERLAPS)]

"""The page of a long run: how long it takes to write, how large it is, and how long a browser takes to open it.

A million minutes at a leverage that is liquidated hundreds of times, so that the page is as full as it gets. The
browser is a headless Chromium that draws without a graphics card; the time is from the address to the moment at which
it has nothing left to do.

Run: `python benchmarks/report.py`
"""

import shutil
import tempfile
from pathlib import Path

from market import market, venue
from timing import Figure, best, machine, table

import backtest as bt

BARS = 1_000_000
LEVERAGE = 90.0

OPENED = """
const done = arguments[arguments.length - 1];
requestIdleCallback(() => requestAnimationFrame(() => requestIdleCallback(() => done(performance.now()))));
"""


def run_of(bars: int) -> bt.Result:
    """Return a run that is liquidated, filled up and liquidated again."""
    given = market(bars, extras=True)
    account = bt.Account(leverage=LEVERAGE, on_liquidation="refill", sizing="cash")
    return bt.run(given.bars(), given.targets, venue=venue(), account=account)


def seconds_to_open(page: Path, folder: Path) -> float:
    """Return the seconds until a browser has opened a page, the least of three times; NaN without a browser."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        return float("nan")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    flags = "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
    for flag in (*flags.split(), f"user-data-dir={folder / 'browser'}", "window-size=1280,1000"):
        options.add_argument(f"--{flag}")
    found = []
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as browser:
        for _ in range(3):
            browser.get(page.as_uri())
            found.append(browser.execute_async_script(OPENED) / 1000)
    return min(found)


def figures() -> list[Figure]:
    """Take every figure."""
    result = run_of(BARS)
    frames = best(lambda: (result.history, result.positions, result.verdicts, result.drawdowns, result.trades), 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = folder / "report.html"
        written = best(lambda: result.report(page), 3)
        size = page.stat().st_size / 1e6
        opened = seconds_to_open(page, folder)
    return [
        Figure(f"frames that a page of {len(result.liquidations)} liquidations shows, made for it", frames, "s"),
        Figure("page of 1,000,000 bars, written", written, "s"),
        Figure("its size, script included", size, "MB", 15),
        Figure("opened by a headless browser", opened, "s", 3),
    ]


if __name__ == "__main__":
    print(machine() + "\n")
    print(table("Report", figures()))

"""Make the pictures of README and docs/reports.md: a run, its report, and a photograph of its top, light and dark.

`python docs/pictures/make.py` from a checkout; it takes Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import backtest as bt

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

WIDTH, HEIGHT = 1280, 1465
MOST = 300_000
"""Bytes of a picture."""

SCHEMES = {"report.png": "light", "report-dark.png": "dark"}


def page_of_a_run(folder: Path) -> Path:
    """Write the report of a run that dies."""
    bars = bt.read_bars(ROOT / "data" / "btcusdt_1h.parquet")["2020-02":"2020-04-10"].with_funding(0.0001, every="8h")
    strategy = bt.strategy(ROOT / "strategies" / "moving_average_cross.py")
    params = {"fast": 48, "slow": 168}
    result = bt.run(bars, strategy, params=params, venue=bt.venue("binance_usdm"), account=bt.Account(leverage=12))
    result.report(folder / "report.html")
    return folder / "report.html"


def photograph(page: Path, picture: Path, scheme: str, folder: Path) -> None:
    """Write the top of a page as a picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("chromium must be installed, got none")
    command = [
        *(chromium, "--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"),
        *(f"--user-data-dir={folder / scheme}", "--virtual-time-budget=20000", f"--screenshot={picture}"),
        f"--blink-settings=preferredColorScheme={['dark', 'light'].index(scheme)}",
        page.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=180)  # noqa: S603 (of a page of our own)


def main() -> None:
    """Make all pictures, and say how large they are."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = page_of_a_run(folder)
        for picture, scheme in SCHEMES.items():
            photograph(page, HERE / picture, scheme, folder)
            size = (HERE / picture).stat().st_size
            print(f"{picture}: {size // 1000} kB{'' if size < MOST else ', too large'}")


if __name__ == "__main__":
    main()

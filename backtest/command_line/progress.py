"""How far a sweep is, on a terminal: what is done, how fast, and how long it will take."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backtest.market.bars import Bars
from backtest.market.universes import Universe
from backtest.text import grouped, several

__all__ = ["Progress", "bars_each", "number", "progress_bar", "speed"]

Update = Callable[[int, int, str], None]


class Progress:
    """What was reported last, `done` of `total`, and how fast that came since the first report."""

    def __init__(self, bars: int, update: Update | None = None, clock: Callable[[], float] = time.perf_counter) -> None:
        self.bars = bars
        self.done, self.total = 0, 0
        self._update = update
        self._clock = clock
        self._first: tuple[float, int] | None = None

    def __call__(self, done: int, total: int) -> None:
        """Take a report."""
        now = self._clock()
        if self._first is None:
            self._first = (now, done)  # what a sweep that goes on found finished says nothing of its speed
        self.done, self.total = done, total
        if self._update:
            self._update(done, total, self._rate(now))

    def _rate(self, now: float) -> str:
        """Return how fast settings are done, and how long the others take, in words."""
        start, before = self._first or (now, self.done)
        if now <= start or self.done <= before:
            return ""
        rate = (self.done - before) / (now - start)
        fast = f"{speed(rate * self.bars)}, " if self.bars else ""
        return f"{fast}{number(rate)} settings/s, {left((self.total - self.done) / rate)} left"


def bars_each(bars: Bars | Universe) -> int:
    """Return the bars that a setting replays, on average where symbols have theirs."""
    return len(bars) if isinstance(bars, Bars) else sum(bars.lengths.values()) // len(bars.lengths)


def speed(rate: float) -> str:
    """Return bars times settings a second, in millions."""
    return f"{number(rate / 1e6)} M bar·settings/s"


def number(value: float) -> str:
    """Return a number with the two or three digits that count."""
    return grouped(value, 0 if value >= 20 else 1 if value >= 1 else 2)


def left(seconds: float) -> str:
    """Return a time as in 12 s, 3:05 or 1:02:03."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


@contextmanager
def progress_bar(bars: int, settings: int, purpose: str = "") -> Iterator[Progress]:
    """Yield what takes reports, and shows them on stderr where that is a terminal.

    Parameters
    ----------
    bars : int                 that each setting replays; 0 where they differ
    settings : int             that are prepared until the first report
    purpose : str              what it is all for, said before the rest
    """
    if not sys.stderr.isatty():
        yield Progress(bars)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(bar_width=10), TextColumn("{task.fields[said]}"))
    with Bar(*columns, console=Console(stderr=True, highlight=False, markup=False), transient=True) as bar:
        task = bar.add_task("", total=None, said=f"{purpose}preparing {several(settings, 'setting')}")

        def update(done: int, total: int, rate: str) -> None:
            said = f"{purpose}{grouped(done)} of {grouped(total)}"
            bar.update(task, completed=done, total=total, said=f"{said}: {rate}" if rate else f"{said} settings")

        yield Progress(bars, update)

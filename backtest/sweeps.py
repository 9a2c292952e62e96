"""The door to sweeps: bars, signals and what varies in, a table with a row for every setting out."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backtest.errors import ConfigError
from backtest.inputs import account_at, account_of, check_params
from backtest.market.bars import Bars
from backtest.market.universes import Universe, universe_of
from backtest.signalling.signals import Signals, as_signals
from backtest.signalling.strategies import Strategy
from backtest.sweeping.crews import Crew, crew_of
from backtest.sweeping.grids import Over, Setting, settings_of
from backtest.sweeping.jobs import Job
from backtest.sweeping.manifests import manifest_of
from backtest.sweeping.parts import HISTORIES, begun, finished, read_table
from backtest.sweeping.sweep_tables import SweepTable, frame_of
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue
from backtest.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["sweep"]


def sweep(
    bars: Bars | str | os.PathLike[str],
    signals: object,
    *,
    venue: Venue,
    account: Account | None = None,
    over: Over,
    params: Mapping[str, object] | None = None,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    histories: bool = False,
    workers: int | None = None,
    cluster: object = None,
    progress: Callable[[int, int], None] | None = None,
) -> SweepTable:
    """Replay bars under many settings, and return the summary of each as a row.

    Rows, their order and every bit in them are the same for any number of workers. A setting that cannot run is a row
    with its reason. What `run` warns of is not said here.

    Parameters
    ----------
    bars : Bars                one market
           path                a folder that holds, for each symbol, a folder symbol=NAME with its Parquet files: each
        is a market of its own, read when its turn comes after all have been checked, and `signals` are a Strategy
    signals, venue, account, params    as `run` takes them
    over : dict                name -> sequence of values: their product, in which the first name varies slowest
           sequence of dicts   name -> value: these settings, with what they leave out as in account, venue and params
        Names are those of Account and Venue, `venue` (a Venue, the name of a preset, the path of a .toml), and
        `params.NAME`, or NAME where only the strategy has it
    out : path                 a folder that gets the rows as they are finished: query(out, sql) reads them meanwhile,
        and what was finished when the sweep was interrupted is kept
    resume : bool              go on with the sweep in `out`: what is finished there is not run again
    histories : bool           save every run, too: load(out / "histories" / "000012") is the one of row 12
    workers : int              threads, or processes of the cluster "local"; default: one for every processor
    cluster : str, Client      "local", the address of a dask scheduler ("tcp://...") or a dask.distributed.Client:
        workers replay; `out`, and bars in files, are then such as every worker sees
    progress : function        called with the number of finished rows and of all

    Returns
    -------
    SweepTable
        a DataFrame with a row per setting, of a folder for each symbol: what is swept, reason ("" where it ran), and
        every figure of Result.summary. `plot()` draws it, `report(path)` writes a page. `attrs`: path ("fast",
        "general", "fast and general" or "none"), currency, rows (how many went each, or were "not run"), bars, seconds,
        workers

    Raises
    ------
    ConfigError                for an unknown name, nothing to sweep, a value given twice, a folder that holds
        something else or another sweep, or is being written by one, and settings of the sweep itself that do not fit
    DataError                  for signals that do not fit the bars
    """
    start = time.perf_counter()
    workers = _workers(workers)
    if progress is not None and not callable(progress):
        raise ConfigError(f"progress must be a function of settings done and in all, got {shown(progress)}")
    market = universe_of(bars) if isinstance(bars, (str, os.PathLike)) else bars
    account = account_at(venue, account) if isinstance(market, Universe) else account_of(market, venue, account)
    check_params(signals, params)
    strategy = signals if isinstance(signals, Strategy) else None
    settings = settings_of(over, account, venue, strategy, params)
    if isinstance(market, Universe):
        settings = _for_each(market, settings)
    job = Job(market, _signals(signals, market), settings)
    with _folder(job, out, resume, histories) as folder, crew_of(cluster, workers) as crew:
        if folder is not None and histories:
            job = replace(job, histories=folder / HISTORIES)
        if isinstance(market, Universe):
            crew.check(market)
        frame = _run(job, folder, crew, progress)
    count = sum(market.lengths.values()) if isinstance(market, Universe) else len(market)
    seconds = time.perf_counter() - start
    frame.attrs |= {"currency": account.currency, "bars": count, "seconds": seconds, "workers": crew.size}
    return frame


def _for_each(universe: Universe, settings: list[Setting]) -> list[Setting]:
    """Return the rows of every symbol, one symbol after the other."""
    return [
        replace(each, row=k * len(settings) + each.row, values={"symbol": symbol, **each.values})
        for k, symbol in enumerate(universe.symbols)
        for each in settings
    ]


def _signals(signals: object, bars: Bars | Universe) -> Strategy | Signals:
    """Return what is traded, where it is no strategy, as arrays."""
    if isinstance(signals, Strategy):
        return signals
    if isinstance(bars, Universe):
        raise ConfigError(f"signals must be a Strategy for bars in files, got {type(signals).__name__}")
    return as_signals(signals, bars)


def _run(job: Job, folder: Path | None, crew: Crew, progress: Callable[[int, int], None] | None) -> SweepTable:
    """Return the table of a sweep, out of what is in the folder and the chunks that are run now."""
    held = set() if folder is None else finished(folder)
    wanted = [chunk for chunk in range(len(job.chunks)) if chunk not in held]
    done, total = sum(len(job.chunks[chunk]) for chunk in held), len(job.settings)
    found: dict[int, pa.Table] = {}
    for chunk, table in crew.tables(job, wanted, folder):
        if folder is None:
            found[chunk] = table
        done += len(job.chunks[chunk])
        if progress is not None:
            progress(done, total)
    return frame_of([found[chunk] for chunk in sorted(found)]) if folder is None else read_table(folder)


def _folder(
    job: Job, out: str | os.PathLike[str] | None, resume: bool, histories: bool
) -> AbstractContextManager[Path | None]:
    """Return the folder of the sweep, ready for its parts and kept from others, None without one."""
    for name, asked in (("resume", resume), ("histories", histories)):
        if not isinstance(asked, bool):
            raise ConfigError(f"{name} must be true or false, got {shown(asked)}")
        if asked and out is None:
            raise ConfigError(f"{name} needs out, the folder of the sweep, got none")
    return nullcontext() if out is None else begun(out, manifest_of(job, histories), resume)


def _workers(workers: int | None) -> int:
    """Return how many threads replay."""
    if workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ConfigError(f"workers must be a whole number above 0, got {shown(workers)}")
    return workers

"""Connections to dask schedulers: of an address, a client or a cluster of this machine, tried, compared and quiet."""

import asyncio
import logging
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from backtest.errors import ConfigError
from backtest.kernels._jit import source_hash
from backtest.sweeping.local_workers import local_workers
from backtest.text import shown

__all__ = ["ANSWER", "LOST", "client_of", "first_line"]

ANSWER = 10.0
"""Seconds within which a scheduler must answer, and have a worker."""

LOCAL_START = 30.0
"""Seconds within which the workers of this machine must have started."""

LOST = (OSError, TimeoutError, RuntimeError)
"""What a client raises that has lost its scheduler."""

PACKAGES = ("margin-backtest", "numba", "numpy", "pandas", "pyarrow")

LOUD = ("distributed", "tornado", "asyncio")
"""Loggers that tell of every worker that comes and goes."""


@contextmanager
def client_of(cluster: object, workers: int) -> Iterator[Any]:
    """Return a client whose workers can do the same work as this process, and close it where it was opened here.

    Raises
    ------
    ConfigError                for a scheduler that does not answer or has no workers, and workers of other versions
    """
    try:
        from dask.distributed import Client
    except ImportError:
        raise ConfigError("cluster needs dask.distributed, got none: pip install 'margin-backtest[cluster]'") from None
    with _quiet():
        if isinstance(cluster, Client):
            if cluster.status != "running" or cluster.asynchronous:
                raise ConfigError(f"cluster must be a client that is connected and not asynchronous, got {cluster}")
            _check_workers(cluster)
            yield cluster
        elif cluster == "local":
            with local_workers(workers) as local, _opened(local.address) as client:
                _check_workers(client, workers, LOCAL_START, local.last_words)
                yield client
        elif isinstance(cluster, str) and cluster:
            with _opened(cluster) as client:
                _check_workers(client)
                yield client
        else:
            kinds = "'local', the address of a dask scheduler or a dask.distributed.Client"
            raise ConfigError(f"cluster must be {kinds}, got {shown(cluster)}")


@contextmanager
def _opened(address: str) -> Iterator[Any]:
    """Return a client of the scheduler at an address, until it is no longer needed."""
    from dask.distributed import Client

    unanswered = f"cluster must be a dask scheduler that answers within {ANSWER:g} s, got none at {address}"
    try:
        with ThreadPoolExecutor(1) as pool:  # where there may be a loop that runs already, as in notebooks
            pool.submit(asyncio.run, _greet(address)).result()
        with warnings.catch_warnings(action="ignore"):  # of versions, which are compared below
            client = Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise ConfigError(unanswered) from error
    except (ValueError, ImportError) as error:
        raise ConfigError(f"{unanswered} ({first_line(error)})") from error
    try:
        yield client
    finally:
        with suppress(*LOST):
            client.close(timeout=ANSWER)


async def _greet(address: str) -> None:
    """Exchange the first words with a scheduler: a client would wait for them for ever."""
    from distributed.comm.core import connect
    from distributed.security import Security

    async with asyncio.timeout(ANSWER):
        comm = await connect(address, timeout=ANSWER, **Security().get_connection_args("client"))
    await comm.close()


def _check_workers(
    client: Any, count: int = 1, patience: float | None = None, last_words: Callable[[], str] = str
) -> None:
    """Refuse workers whose rows might be others than those of this process."""
    patience = ANSWER if patience is None else patience
    try:
        client.wait_for_workers(count, timeout=patience)
    except TimeoutError:
        needed = "a worker" if count == 1 else f"{count} workers"
        got = f"{len(client.nthreads()) or 'none'} at {client.scheduler.address}"
        said = last_words()
        why = f" ({said})" if said else ""
        raise ConfigError(f"cluster must have {needed} within {patience:g} s, got {got}{why}") from None
    found = client.get_versions(packages=PACKAGES)
    wanted = _described(found["client"])
    for address, each in found["workers"].items():
        for name, version in _described(each).items():
            if version != wanted[name]:
                rule = f"every worker must have {name} {wanted[name]}, as here"
                raise ConfigError(f"{rule}, got {version or 'none'} at {address}")
    mine = source_hash()
    for address, theirs in client.run(source_hash, on_error="return").items():
        if theirs != mine:
            got = first_line(theirs) if isinstance(theirs, Exception) else theirs
            raise ConfigError(f"every worker must have the same kernels, {mine} as here, got {got} at {address}")


def _described(system: dict[str, Any]) -> dict[str, str | None]:
    """Return the versions that a row depends on."""
    return {"python": system["host"]["python"], **{name: system["packages"].get(name) for name in PACKAGES}}


def first_line(error: BaseException) -> str:
    """Return an error in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what dask would write to the terminal to itself: what matters is raised."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in LOUD]
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in (*LOUD, *names)}
    for logger in levels:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)

"""A dask cluster of this machine, for as long as a sweep takes: worker processes of one thread each.

They are started by the command, not as children of this process: those would run the user's script once more, unless it
guards itself against that.
"""

import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["LocalWorkers", "local_workers"]


class LocalWorkers(NamedTuple):
    """Where workers of this machine are found, and what they say when they are not."""

    address: str
    log: Path
    process: subprocess.Popen[bytes]

    def last_words(self) -> str:
        """Return the last line that workers have written to their errors, "" without one."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


@contextmanager
def local_workers(count: int) -> Iterator[LocalWorkers]:
    """Start a scheduler and workers, and return where they are; nothing of them is left afterwards."""
    from distributed import LocalCluster

    with tempfile.TemporaryDirectory(prefix="margin-backtest-", ignore_cleanup_errors=True) as folder:
        cluster = LocalCluster(
            n_workers=0, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False}, silence_logs=logging.CRITICAL,
        )  # fmt: skip
        with cluster:
            log = Path(folder) / "errors"
            process = _started(cluster.scheduler_address, count, folder, log)
            try:
                yield LocalWorkers(cluster.scheduler_address, log, process)
            finally:
                _end(process)


def _started(address: str, count: int, folder: str, log: Path) -> subprocess.Popen[bytes]:
    """Return the process that starts workers, in a session of its own: Ctrl-C is for the sweep alone."""
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nworkers", str(count)]
    command += ["--nthreads", "1", "--host", "127.0.0.1", "--memory-limit", "0", "--local-directory", folder]
    command += ["--no-dashboard", "--death-timeout", "60"]
    paths = [path or os.getcwd() for path in sys.path]  # noqa: PTH109 (as text)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    nowhere = subprocess.DEVNULL
    with log.open("wb") as errors:
        return subprocess.Popen(  # noqa: S603 (this interpreter)
            command, env=environment, stdin=nowhere, stdout=nowhere, stderr=errors, start_new_session=True
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End workers and the process that has started them, at once: what they have finished is elsewhere."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()

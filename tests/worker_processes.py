"""A dask scheduler and workers without nannies, each a real process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

DEADLY = 1
"""Workers that a task may take down with it before it is given up."""


class Processes:
    """A scheduler and its workers, ended on leaving."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workers: list[subprocess.Popen] = []
        file = folder / "scheduler.json"
        allowed = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(DEADLY)}
        self.scheduler = self._start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0",
            "--no-dashboard", "--scheduler-file", file, environment=allowed,
        )  # fmt: skip
        self.address = json.loads(self._appears(file))["address"]

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def start(self, threads: int = 1) -> subprocess.Popen:
        """Start a worker."""
        worker = self._start(
            "dask_worker", self.address, "--no-nanny", "--nthreads", threads, "--host", "127.0.0.1", "--no-dashboard",
            "--memory-limit", "0", "--local-directory", self.folder / str(len(self.workers)),
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen) -> None:
        """End a worker as the system does that runs out of memory."""
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    def _start(self, module: str, *arguments: object, environment: dict[str, str] | None = None) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.{module}", *map(str, arguments)]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 (this interpreter)
                command, env={**os.environ, **(environment or {})}, stdout=log, stderr=log, cwd=self.folder
            )

    def _appears(self, file: Path) -> str:
        for _ in range(300):
            if file.exists() and (text := file.read_text()).endswith("}"):
                return text
            time.sleep(0.1)
        raise TimeoutError((self.folder / "log").read_text())

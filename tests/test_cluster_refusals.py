"""Clusters that do not answer, have no workers or other versions: one line each, and nothing left behind."""

import logging
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from dask.distributed import Client, LocalCluster
from scenes import bars_of, venue_of

import backtest as bt
from backtest.errors import ConfigError
from backtest.kernels._jit import source_hash
from backtest.sweeping import cluster_connections, jobs
from backtest.sweeping.local_workers import LocalWorkers, local_workers

VENUE = venue_of([(0, 0.005, 50)])
BARS = bars_of([100, 101, 102])


@pytest.fixture(autouse=True)
def _short_answers(monkeypatch):
    monkeypatch.setattr(cluster_connections, "ANSWER", 0.5)


def sweep(cluster, **more):
    return bt.sweep(BARS, np.ones(3), venue=VENUE, **{"over": {"leverage": [1, 2]}, "cluster": cluster, **more})


@pytest.fixture(name="near", scope="module")
def _near():
    with LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster


def refuse_silence(address, tmp_path):
    with pytest.raises(
        ConfigError, match=rf"^cluster must be a dask scheduler that answers within 0\.5 s, got none at {address}"
    ):
        sweep(address, out=tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_port_where_nothing_listens_is_refused(tmp_path):
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        refuse_silence(f"tcp://127.0.0.1:{listener.getsockname()[1]}", tmp_path)


def test_a_port_that_says_nothing_is_refused(tmp_path):
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        refuse_silence(f"tcp://127.0.0.1:{listener.getsockname()[1]}", tmp_path)


@pytest.mark.parametrize("address", ["udp://127.0.0.1:8786", "tcp://127.0.0.1:port"])
def test_what_is_no_address_is_refused(address, tmp_path):
    refuse_silence(address, tmp_path)


@pytest.mark.parametrize("cluster", [3, "", True, ["tcp://127.0.0.1:8786"]])
def test_what_is_no_cluster_is_refused(cluster):
    rule = "^cluster must be 'local', the address of a dask scheduler or a dask.distributed.Client, got "
    with pytest.raises(ConfigError, match=rule):
        sweep(cluster)


def test_dask_is_an_extra(monkeypatch):
    code = "import sys, backtest; print(sorted({'dask', 'distributed', 'tornado'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(
        ConfigError, match=r"^cluster needs dask\.distributed, got none: pip install 'margin-backtest\["
    ):
        sweep("local")


def test_a_cluster_without_workers_is_refused(near):
    with pytest.raises(ConfigError, match=r"^cluster must have a worker within 0\.5 s, got none at inproc://"):
        sweep(near.scheduler_address)


def test_local_workers_that_do_not_come_are_refused_with_their_last_words(near, tmp_path, monkeypatch):
    @contextmanager
    def local_workers(count):
        assert count == 3
        (tmp_path / "errors").write_text("Traceback\n  somewhere\nImportError: broken here\n\n")
        yield LocalWorkers(near.scheduler_address, tmp_path / "errors", None)

    monkeypatch.setattr(cluster_connections, "local_workers", local_workers)
    monkeypatch.setattr(cluster_connections, "LOCAL_START", 0.25)
    rule = r"^cluster must have 3 workers within 0\.25 s, got none at inproc://\S+ \(ImportError: broken here\)$"
    with pytest.raises(ConfigError, match=rule):
        sweep("local", workers=3)


class Late:
    """A client of which one worker has come, and no other will."""

    scheduler = SimpleNamespace(address="tcp://far:1")

    def wait_for_workers(self, count, timeout):
        """Wait in vain."""
        raise TimeoutError(f"{count} within {timeout}")

    def nthreads(self):
        """Return the threads of every worker."""
        return {"tcp://far:2": 4}


def test_it_is_told_how_many_workers_have_come_and_how_long_was_waited():
    with pytest.raises(ConfigError, match=r"^cluster must have 4 workers within 30 s, got 1 at tcp://far:1$"):
        cluster_connections._check_workers(Late(), 4, cluster_connections.LOCAL_START)


def test_what_local_workers_say_as_they_fail_is_kept(tmp_path, monkeypatch):
    (tmp_path / "distributed").mkdir()
    (tmp_path / "distributed" / "__init__.py").write_text("raise ImportError('broken here')")
    monkeypatch.syspath_prepend(tmp_path)
    with local_workers(1) as local:
        assert local.process.wait(timeout=100) == 1
        assert local.last_words() == "ImportError: broken here"
        local.log.write_text("")
        assert local.last_words() == ""


def test_a_client_that_is_closed_is_refused(near):
    client = Client(near, set_as_default=False)
    client.close()
    with pytest.raises(ConfigError, match=r"^cluster must be a client that is connected and not asynchronous, got <Cl"):
        sweep(client)


class Far:
    """A client whose one worker has other versions."""

    def __init__(self, hashed, **versions):
        self.hashed = hashed
        here = {"host": {"python": "3.11.7.final.0"}, "packages": {"numpy": "2.4.6", "margin-backtest": "0.1.0"}}
        there = {
            "host": {"python": versions.pop("python", "3.11.7.final.0")},
            "packages": {**here["packages"], **versions},
        }
        self.versions = {"client": here, "workers": {"tcp://far:1": there}}

    def wait_for_workers(self, count, timeout):
        """Wait for nothing."""
        assert count == 1
        assert timeout == 0.5

    def get_versions(self, packages):
        """Return what both have."""
        assert "margin-backtest" in packages
        return self.versions

    def run(self, function, on_error):
        """Return what the worker returns."""
        assert function is source_hash
        assert on_error == "return"
        return {"tcp://far:1": self.hashed}


@pytest.mark.parametrize(
    ("hashed", "versions", "message"),
    [
        (
            "",
            {"python": "3.12.1.final.0"},
            r"python 3\.11\.7\.final\.0, as here, got 3\.12\.1\.final\.0 at tcp://far:1$",
        ),
        ("", {"margin-backtest": None}, r"margin-backtest 0\.1\.0, as here, got none at tcp://far:1$"),
        ("", {"numpy": "2.5.0"}, r"numpy 2\.4\.6, as here, got 2\.5\.0 at tcp://far:1$"),
        ("0123", {}, r"the same kernels, \w{16} as here, got 0123 at tcp://far:1$"),
        (ImportError("No backtest\nat all"), {}, r"got ImportError: No backtest at tcp://far:1$"),
    ],
)
def test_workers_of_other_versions_are_refused(hashed, versions, message):
    with pytest.raises(ConfigError, match=rf"^every worker must have {message}" if hashed == "" else message):
        cluster_connections._check_workers(Far(hashed, **versions))


def interrupt(*_counts):
    raise KeyboardInterrupt


def test_a_client_stays_open_and_loggers_as_they_were(near, monkeypatch):
    logger = logging.getLogger("distributed.scheduler")
    level = logger.level
    near.scale(1)
    with Client(near, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=10)
        table = sweep(client)
        assert client.submit(sum, [1, 2]).result(timeout=10) == 3
        monkeypatch.setattr(jobs, "MOST_ROWS", 1)
        with pytest.raises(KeyboardInterrupt):
            sweep(client, over={"leverage": list(range(1, 40))}, progress=interrupt)
        assert [name for name in client.futures if "replay" in str(name)] == []
    assert table.attrs["workers"] >= 1
    assert logger.level == level

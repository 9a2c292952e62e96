"""What the engine costs per bar: the kernel alone, `bt.run`, the frames of a result, saving, memory.

Run: `python benchmarks/engine.py`. Kernel figures are warm: compiled, with inputs and outputs already touched.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from market import HOLD, Market, hourly, market, venue
from timing import Figure, best, machine, table

import backtest as bt
from backtest.kernels import loop
from backtest.kernels.schema import DETAIL, Columns
from backtest.replaying.engine import inputs_of
from backtest.replaying.records import new_book, new_logs, rules_of
from backtest.signalling.signals import as_signals

BARS = 1_000_000
WIDE_BARS = 250_000
WIDE = 16
REPEATS = 15
NANOSECONDS = 1e9


@dataclass(frozen=True)
class Prepared:
    """A replay with everything that `bt.run` prepares before it enters the kernel."""

    reset: Callable[[], object]
    replay: Callable[[], object]
    state: dict[str, Any]

    def nanoseconds_per_bar(self, bars: int, repeats: int = REPEATS, *, cpu: bool = True) -> float:
        """Return the kernel's best time, after one untimed run that compiles it and touches every page."""
        self.reset()
        self.replay()
        return best(self.replay, repeats, before=self.reset, cpu=cpu) / bars * NANOSECONDS


def prepare(bars: bt.Bars, targets: object, account: bt.Account, **rules: Any) -> Prepared:
    """Return a replay that can be timed alone; `state` holds the book and logs of the last one."""
    terms = venue().model_copy(update=rules)
    inputs = inputs_of(bars, as_signals(targets, bars), rules_of(account, terms, bars.symbols))
    columns = Columns(np.zeros(len(bars)), np.zeros(len(bars)), np.empty((len(DETAIL), 0)))
    logs = new_logs(4 * len(bars) + 1024, 4096, len(bars) + 256, 256)
    for log in (logs.fills, logs.liquidations, logs.orders, logs.calls):
        log.fill(0)
    state: dict[str, Any] = {}

    def reset() -> None:
        state["book"] = new_book(inputs.market.trade.shape[1])
        logs.counts[:] = 0
        state["logs"] = logs

    def replay() -> None:
        loop.replay(*inputs, state["book"], logs, columns, 0, len(bars))

    return Prepared(reset, replay, state)


def account(**settings: Any) -> bt.Account:
    """Return an account at 10x."""
    return bt.Account(**{"leverage": 10.0, **settings})


def kernel_figures() -> list[Figure]:
    """Return the kernel's figures for one instrument."""
    plain, full = market(BARS), market(BARS, extras=True)
    bars, rich = plain.bars(), full.bars()
    cases = [
        ("isolated", bars, account(), 10.0),
        ("cross", bars, account(margin_mode="cross"), 10.0),
        ("isolated, with marks and funding", rich, account(), None),
        ("cross, with marks and funding", rich, account(margin_mode="cross"), None),
        ("isolated, with stops", bars, account(stop_loss=0.02, take_profit=0.05), None),
        ('isolated, rebalance="bar"', bars, account(rebalance="bar"), None),
        ('cross, rebalance="bar"', bars, account(rebalance="bar", margin_mode="cross"), None),
    ]
    figures = []
    for name, data, settings, target in cases:
        prepared = prepare(data, plain.targets, settings)
        figures.append(Figure(f"kernel, {name}", prepared.nanoseconds_per_bar(BARS), "ns/bar", target))
    return figures


def rule_figures() -> list[Figure]:
    """Return the kernel's figures under rules that a bar without an event pays nothing for, and under those it pays."""
    plain = market(BARS)
    bars, targets = plain.bars(), plain.targets
    call = bt.MarginCall(level=1.2, grace=24, deposit="none")
    both = pd.DataFrame(
        {"target_long": targets.clip(0, 1)[:, 0], "target_short": (-targets).clip(0, 1)[:, 0]}, bars.time
    )
    stops = np.where(np.arange(BARS) % 60 == 0, 0.02 + 0.01 * np.sin(np.arange(BARS)), np.nan)
    moving = pd.DataFrame({"target": targets[:, 0], "stop_loss": stops}, bars.time)
    cases: list[tuple[str, object, dict[str, Any], dict[str, Any]]] = [
        ("full close", targets, {}, {}),
        ("step down", targets, {}, {"liquidation": "step_down"}),
        ("share", targets, {}, {"liquidation": "share", "liquidation_share": 0.2, "cooldown": 30}),
        ("restore", targets, {}, {"liquidation": "restore", "target_ratio": 1.5}),
        ("margin calls with grace", targets, {}, {"call": call}),
        ("lots and a minimum", targets, {}, {"lot_size": 0.001, "minimum_notional": 5}),
        ("inverse", targets, {"currency": "base", "cash": 100.0}, {"contract": "inverse"}),
        ("a stop that moves every hour", moving, {}, {}),
        ("hedge mode", both, {}, {}),
    ]
    figures = []
    for name, signals, settings, rules in cases:
        prepared = prepare(bars, signals, account(**settings), **rules)
        figures.append(Figure(f"kernel, isolated, {name}", prepared.nanoseconds_per_bar(BARS), "ns/bar"))
    return figures


def wide_figures() -> list[Figure]:
    """Return the kernel's figures for sixteen instruments: with as many orders as one has, and with that many each."""
    figures = []
    for hold, orders in ((HOLD * WIDE, "6,500 orders in all"), (HOLD, "6,500 orders each")):
        for extras in (False, True):
            given = market(WIDE_BARS, WIDE, hold=hold, extras=extras)
            bars, targets = given.bars(), given.targets / WIDE
            for mode in ("isolated", "cross"):
                prepared = prepare(bars, targets, account(margin_mode=mode))
                name = f"kernel, {WIDE} instruments, {mode}, {orders}{', with marks and funding' if extras else ''}"
                cost = prepared.nanoseconds_per_bar(WIDE_BARS, 9)
                figures.append(Figure(name, cost, "ns/bar", None if extras else 60.0))
    return figures


def whole_figures() -> list[Figure]:
    """Return the figures of `bt.run`, of a result's frames, and of saving it."""
    given = market(BARS)
    bars, settings, terms = given.bars(), account(), venue()
    held: dict[str, bt.Result] = {}

    def run() -> None:
        held["result"] = bt.run(bars, given.targets, account=settings, venue=terms)

    def run_with_summary() -> None:
        run()
        held["result"].summary  # noqa: B018

    def history() -> None:
        held["result"].history  # noqa: B018

    run_with_summary()
    ended = held["result"].summary
    print(f"1 instrument: {ended['trades']} trades, {ended['liquidations']} liquidations, ", end="")
    print(f"total_return {ended['total_return']:+.1%}, exposure {ended['exposure']:.1%}")
    per_bar = NANOSECONDS / BARS
    figures = [
        Figure("`bt.run`", best(run, 11) * per_bar, "ns/bar", 30.0),
        Figure("`bt.run` and `result.summary`", best(run_with_summary, 11) * per_bar, "ns/bar"),
        Figure("`result.history`, all columns", best(history, 7, before=run) * per_bar, "ns/bar", 100.0),
    ]
    with tempfile.TemporaryDirectory() as folder:

        def save() -> None:
            held["result"].save(Path(folder) / "run")

        run_with_summary()
        history()
        save()
        figures.append(Figure("`result.save`, 1,000,000 rows", best(save, 7), "s", 0.4))
        figures.append(Figure("`bt.load` of it", best(lambda: bt.load(Path(folder) / "run"), 5), "s"))
    figures.append(Figure("`Bars.from_frames`", best(given.bars, 5) * per_bar, "ns/bar"))
    return figures


def hourly_figures() -> list[Figure]:
    """Return the figures on the real bars that come with the project."""
    given: Market = hourly()
    bars = given.bars()
    prepared = prepare(bars, given.targets, account(leverage=2.0))
    whole = best(lambda: bt.run(bars, given.targets, account=account(leverage=2.0), venue=venue()).summary, 11)
    return [
        Figure(f"kernel, BTCUSDT, {len(bars):,} hours", prepared.nanoseconds_per_bar(len(bars), 50), "ns/bar"),
        Figure(f"`bt.run` and `result.summary`, BTCUSDT, {len(bars):,} hours", whole * 1000.0, "ms"),
    ]


def memory_figures() -> list[Figure]:
    """Return the peak memory of a run in a process of its own, over that of the same process with its input alone."""
    script = Path(__file__).with_name("memory.py")
    names = {"run": 250.0, "history": None, "save": None}
    labels = {"run": "`bt.run` and `result.summary`", "history": "and `result.history`", "save": "and `result.save`"}
    figures = []
    for step, target in names.items():
        # a fixed threshold makes the allocator hand back what making the input took, so that it does not count as free
        environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"}
        command = [sys.executable, str(script), step]
        out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        figures.append(Figure(f"peak memory over the input, {labels[step]}", float(out), "bytes/bar", target))
    return figures


def figures() -> list[Figure]:
    """Return every figure of the engine."""
    return [*kernel_figures(), *rule_figures(), *wide_figures(), *whole_figures(), *hourly_figures(), *memory_figures()]


if __name__ == "__main__":
    print(machine())
    print(table("Engine", figures()))

"""Change the kernels in one place at a time and see whether the tests notice: a check of the tests, not of the engine.

    python tests/mutation_check.py [walk.py ...] [--jobs 2] [--only TEXT] [--equivalents]

Every comparison, `and`, `or`, sign, `max`, `min`, condition and statement of a kernel is changed once; the quick
tests then run on a copy of the project, uncompiled. Mutants that no result can show stand in `equivalent_mutants.py`
with the reason and are not run, but by `--equivalents` alone, which after a change of the kernels shows those that the
tests kill by now. Any other survivor, and any of those killed, makes the exit code 1.
"""

import argparse
import ast
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from equivalent_mutants import EQUIVALENT

ROOT = Path(__file__).resolve().parent.parent
KERNELS = Path("backtest", "kernels")
FILES = (
    *("margin", "walk", "orders", "policies", "liquidation", "calls", "changes", "booking", "accrual", "quiet"),
    *("closing", "loop", "schedule", "calculators", "curves", "trips", "segments", "lanes", "tracking"),
)
TESTS = (
    *("test_by_hand_*.py", "test_boundaries_*.py", "test_differential.py", "test_calculators*.py"),
    *("test_pieces.py", "test_batches.py", "test_metrics.py", "test_trades.py", "test_positions.py"),
)
SECONDS_PER_TEST = 20  # the slowest takes 2; longer means that the mutant never ends

# The profile `uncompiled` without the search for the smallest failing example.
PROFILE = """
from hypothesis import Phase
settings.register_profile("mutants", settings.get_profile("uncompiled"), phases=[Phase.explicit, Phase.generate])
"""

SERVER = multiprocessing.get_context("forkserver")  # which has imported the libraries once

OPERATORS = {
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
    "==": ast.Eq,
    "!=": ast.NotEq,
    "and": ast.And,
    "or": ast.Or,
    "+": ast.Add,
    "-": ast.Sub,
}
SYMBOLS = {operator: symbol for symbol, operator in OPERATORS.items()}
PAIRS = [("<", "<="), (">", ">="), ("==", "!="), ("and", "or"), ("+", "-"), ("max", "min")]
OTHER = {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}


class Mutant(NamedTuple):
    """A kernel with one change."""

    file: str
    line: int
    name: str  # file, function, change
    source: str


class Change(NamedTuple):
    """A field of a node, or an element of a field that is a list, and what takes its place."""

    line: int
    text: str  # the source of what is changed
    label: str  # what is changed in it
    node: ast.AST
    field: str
    index: int | None
    replacement: object

    def exchange(self) -> "Change":
        """Put the replacement in its place, and return the change that takes it back."""
        value = getattr(self.node, self.field)
        if self.index is None:
            setattr(self.node, self.field, self.replacement)
        else:
            value[self.index], value = self.replacement, value[self.index]
        return self._replace(replacement=value)


def changes_in(node: ast.AST) -> Iterator[Change]:
    """Yield the changes that a node itself takes."""
    if isinstance(node, ast.Compare | ast.BoolOp | ast.BinOp | ast.AugAssign):
        compared = isinstance(node, ast.Compare)
        symbol = SYMBOLS.get(type(node.ops[0] if compared else node.op))
        if symbol:
            other = OTHER[symbol]
            field, index = ("ops", 0) if compared else ("op", None)
            yield Change(node.lineno, ast.unparse(node), f"{symbol} -> {other}", node, field, index, OPERATORS[other]())
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OTHER:
        other = OTHER[node.func.id]
        yield Change(node.lineno, ast.unparse(node), f"{node.func.id} -> {other}", node, "func", None, ast.Name(other))
    if isinstance(node, ast.If | ast.IfExp) and not is_equality(node.test):
        test = node.test
        negated = test.operand if isinstance(test, ast.UnaryOp) else ast.UnaryOp(ast.Not(), test)
        yield Change(test.lineno, f"if {ast.unparse(test)}", "negated", node, "test", None, negated)
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        for index, statement in enumerate(block if isinstance(block, list) else ()):
            if is_removable(statement):
                yield Change(statement.lineno, ast.unparse(statement), "removed", node, field, index, ast.Pass())


def is_equality(test: ast.expr) -> bool:
    """Return whether a condition is negated already where its one operator is swapped."""
    return isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq | ast.NotEq)


def is_removable(statement: ast.stmt) -> bool:
    """Return whether a statement is a call, or writes a field or an element."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call)
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return any(isinstance(target, ast.Attribute | ast.Subscript) for target in targets)


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Return all mutants of a kernel file, in the order of its lines."""
    tree = ast.parse(source)
    found = []
    seen = {ast.unparse(tree)}
    names: Counter[str] = Counter()
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        changes = [change for node in ast.walk(function) for change in changes_in(node)]
        for change in changes:
            undo = change.exchange()
            mutated = ast.unparse(tree)
            undo.exchange()
            name = f"{file} {function.name}: {change.text} [{change.label}]"
            names[name] += 1
            if mutated not in seen:
                seen.add(mutated)
                found.append(Mutant(file, change.line, name if names[name] == 1 else f"{name} #{names[name]}", mutated))
    return sorted(found, key=lambda mutant: mutant.line)


def copy_project(folder: Path) -> None:
    """Copy what the tests need, so that a mutant touches nothing else."""
    for name in ("backtest", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", folder)
    for name in ("data", "strategies"):
        (folder / name).symlink_to(ROOT / name)
    with (folder / "tests" / "conftest.py").open("a") as conftest:
        conftest.write(PROFILE)


def run_tests(folder: Path, keep_compiled: bool) -> None:
    """Run the tests of a copy in this process, and end it with their exit code."""
    import pytest  # here, where it reads the files of the copy

    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = not keep_compiled
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    tests = [str(path) for pattern in TESTS for path in sorted(folder.glob(f"tests/{pattern}"))]
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-profile=mutants"]
    options += ["-o", f"faulthandler_timeout={SECONDS_PER_TEST}", "-o", "faulthandler_exit_on_timeout=true"]
    sys.exit(pytest.main([*options, *tests]))


def passes(folder: Path, seconds: float, keep_compiled: bool = False) -> bool:
    """Return whether the tests of a copy pass; what takes too long does not."""
    process = SERVER.Process(target=run_tests, args=(folder, keep_compiled))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode == 0


def survives(mutant: Mutant, folders: "SimpleQueue[Path]", seconds: float) -> bool:
    """Return whether the tests pass in a free copy with the mutant in it."""
    folder = folders.get()
    path = folder / KERNELS / mutant.file
    kept = path.with_suffix(".kept")
    try:
        path.rename(kept)
        path.write_text(mutant.source)
        return passes(folder, seconds)
    finally:
        kept.replace(path)
        folders.put(folder)


def equivalents() -> set[str]:
    """Return the names of the mutants that no result can show."""
    return {line.strip() for lines in EQUIVALENT.values() for line in lines.strip().splitlines()}


def check(mutants: list[Mutant], jobs: int) -> list[Mutant]:
    """Return the mutants that the tests let pass, and say so at once."""
    folders: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(jobs) as pool:
        first = Path(place, "0")
        copy_project(first)
        began = time.monotonic()
        if not passes(first, 600.0, keep_compiled=True):
            sys.exit("error: the tests must pass before the kernels are changed")
        seconds = 3 * (time.monotonic() - began) + 30
        for job in range(jobs):
            folder = first if job == 0 else shutil.copytree(first, Path(place, str(job)), symlinks=True)
            folders.put(folder)
        survivors = []
        for mutant, alive in zip(mutants, pool.map(lambda m: survives(m, folders, seconds), mutants), strict=True):
            if alive:
                survivors.append(mutant)
                print(f"line {mutant.line:3}  {mutant.name}", flush=True)
    return survivors


def main() -> int:
    """Run the check, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(description="Change the kernels one place at a time and run the tests.")
    parser.add_argument("files", nargs="*", default=[f"{name}.py" for name in FILES], help="kernel files")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    parser.add_argument("--equivalents", action="store_true", help="run those listed as equivalent instead")
    arguments = parser.parse_args()
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    SERVER.set_forkserver_preload(["numba", "pandas", "pyarrow.parquet", "pydantic", "typer"])
    known = equivalents()
    every = [m for file in arguments.files for m in mutants_of(file, (ROOT / KERNELS / file).read_text())]
    files = tuple(arguments.files)
    if stale := sorted(name for name in known - {mutant.name for mutant in every} if name.startswith(files)):
        sys.exit("error: EQUIVALENT names what is no mutant:\n" + "\n".join(stale))
    chosen = [mutant for mutant in every if arguments.only in mutant.name]
    run = [mutant for mutant in chosen if (mutant.name in known) == arguments.equivalents]
    survivors = check(run, arguments.jobs)
    print(f"\n{'file':16}{'mutants':>8}{'equivalent':>12}{'run':>8}{'killed':>8}{'survived':>10}")
    for file in arguments.files:
        total, same, ran, alive = (
            sum(mutant.file == file for mutant in mutants)
            for mutants in (chosen, [mutant for mutant in chosen if mutant.name in known], run, survivors)
        )
        print(f"{file:16}{total:8}{same:12}{ran:8}{ran - alive:8}{alive:10}")
    if not arguments.equivalents:
        return int(bool(survivors))
    for mutant in run:
        if mutant not in survivors:
            print(f"killed by now: {mutant.name}")
    return int(len(survivors) < len(run))


if __name__ == "__main__":
    sys.exit(main())

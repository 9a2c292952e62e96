"""Imports run one way: doors over frames over kernels, and each folder only on those that come before it."""

import ast
from pathlib import Path

import pytest

import backtest

ROOT = Path(backtest.__file__).parent
FOLDERS = ("kernels", "market", "terms", "signalling", "replaying", "plots", "pages", "outcome", "sweeping")
GROUND = ("errors", "text", "figures_in_words")
MODULES = sorted(path.relative_to(ROOT).with_suffix("").parts for path in ROOT.rglob("*.py"))


def imports_of(parts):
    """Yield what a module imports of the package, as parts of its path; not what is there for type checkers alone."""
    tree = ast.parse(ROOT.joinpath(*parts).with_suffix(".py").read_text(encoding="utf-8"))
    hidden = {
        id(node)
        for check in ast.walk(tree)
        if isinstance(check, ast.If) and isinstance(check.test, ast.Name) and check.test.id == "TYPE_CHECKING"
        for node in ast.walk(check)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").split(".")[0] == "backtest"
            and id(node) not in hidden
        ):
            names = node.module.split(".")[1:]
            yield from [[*names, alias.name] for alias in node.names]


def layer(parts):
    """Return how high a module stands: the ground, the folders in their order, the doors, the command line."""
    if parts[0] in GROUND:
        return 0
    if parts[0] in FOLDERS:
        return 1 + FOLDERS.index(parts[0])
    return len(FOLDERS) + (2 if parts[0] in ("command_line", "__main__", "__init__") else 1)


@pytest.mark.parametrize("parts", MODULES, ids=".".join)
def test_a_module_imports_nothing_from_above(parts):
    for imported in imports_of(parts):
        assert layer(imported) <= layer(parts), ".".join(imported)


def test_kernels_import_each_other_and_nothing_else():
    for parts in MODULES:
        if parts[0] == "kernels":
            assert all(imported[0] == "kernels" for imported in imports_of(parts))

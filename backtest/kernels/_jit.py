"""The two decorators that compile kernels, and the folder in which the compiled code is kept.

numba recompiles a cached function when the function's own file changes, but not when a helper in another file
does. Here the folder's name carries a hash of every kernel source, so that editing any of them compiles anew.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numba
from numba.core import config

Function = TypeVar("Function", bound=Callable[..., object])

KERNELS = Path(__file__).parent


def source_hash() -> str:
    """Return a hash over the names and contents of all kernel sources, and numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(KERNELS.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> str:
    """Return the first writable place for compiled code, or "" (numba's own choice) where there is none."""
    given = config.CACHE_DIR
    places = [Path(given)] if given else [KERNELS / "__pycache__", Path.home() / ".cache" / "margin-backtest"]
    for place in places:
        folder = place / f"kernels-{source_hash()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return str(folder)
    return str(given)


CACHE_FOLDER = cache_folder()


def helper(function: Function) -> Function:
    """Compile `function` into each of its callers."""
    compiled: Function = numba.njit(forceinline=True, error_model="numpy", _nrt=False)(function)
    return compiled


def entry(function: Function) -> Function:
    """Compile `function` for calls from Python: cached on disk, without the interpreter's lock."""
    given = config.CACHE_DIR
    config.CACHE_DIR = CACHE_FOLDER
    try:
        compiled: Function = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function)
    finally:
        config.CACHE_DIR = given
    return compiled

"""The two decorators that compile kernels, and the folder in which the compiled code is kept.

numba recompiles a cached function when the function's own file changes, but not when a helper in another file
does. Here the folder's name carries a hash of every kernel source, so that editing any of them compiles anew.

Kernels allocate nothing, so numba need not count references to the arrays that are passed along: `_nrt=False` takes
those calls out of the bar loop, which then runs ten times as fast. An allocation in a kernel does not compile.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numba.core.config

Function = TypeVar("Function", bound=Callable[..., object])

KERNELS = Path(__file__).parent
CONFIG: Any = numba.core.config
OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}


def source_hash() -> str:
    """Return a hash over the names and contents of all kernel sources, and numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(KERNELS.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> str:
    """Return the first place for compiled code that can be written, "" where none can.

    In order: what NUMBA_CACHE_DIR names, else beside the sources, the user's cache, the system's temporary files.
    """
    given: str = CONFIG.CACHE_DIR
    user = os.getuid() if hasattr(os, "getuid") else "user"
    temporary = Path(tempfile.gettempdir()) / f"margin-backtest-{user}"
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path("~").expanduser() / ".cache")
    places = [Path(given)] if given else [KERNELS / "__pycache__", Path(caches) / "margin-backtest", temporary]
    for place in places:
        folder = place / f"kernels-{source_hash()}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and is_own(folder):
            return str(folder)
    return ""


def is_own(folder: Path) -> bool:
    """Return whether the folder is this user's: what others wrote there would be run as ours."""
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


CACHE_FOLDER = cache_folder()


def helper(function: Function) -> Function:
    """Compile `function` into each of its callers."""
    compiled: Function = numba.njit(forceinline=True, **OPTIONS)(function)
    return compiled


def entry(function: Function) -> Function:
    """Compile `function` for calls from Python: cached on disk where it can be, without the interpreter's lock."""
    given = CONFIG.CACHE_DIR
    CONFIG.CACHE_DIR = CACHE_FOLDER
    try:
        compiled: Function = numba.njit(cache=bool(CACHE_FOLDER), nogil=True, **OPTIONS)(function)
    finally:
        CONFIG.CACHE_DIR = given
    return compiled

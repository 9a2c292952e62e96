"""Strategies: Python files with `PARAMS` and `signals(data, **params)`, loaded and called."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from backtest.errors import ConfigError, DataError
from backtest.signalling.signals import Signals, Times, as_signals
from backtest.text import shown

if TYPE_CHECKING:
    from backtest.market.bars import Bars

Parameter = bool | int | float | str

TRUE_WORDS = ("true", "yes", "on", "1")
FALSE_WORDS = ("false", "no", "off", "0")
KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True, eq=False)
class Strategy:
    """A function from bars to signals, with its parameters.

    Attributes
    ----------
    name : str                 the file's stem, or the function's name
    params : Mapping           the default of every parameter: numbers, booleans or text
    doc : str                  the first line of the file's docstring
    path : Path or None        the file; None for a function
    source_hash : str          "sha256:..." over the source; "" where a function's source is not at hand
    lookback : int or function the number of earlier bars that a signal depends on, or a function of the parameters that
        returns it; None where it is not said
    """

    name: str
    params: Mapping[str, Parameter]
    doc: str
    path: Path | None
    source_hash: str
    function: Callable[..., object] = field(repr=False)
    lookback: object = field(default=None, repr=False)

    @classmethod
    def from_function(
        cls,
        function: Callable[..., object],
        params: Mapping[str, Parameter] | None = None,
        lookback: int | Callable[..., int] | None = None,
    ) -> "Strategy":
        """Return a strategy that calls `function(data, **params)`, for notebooks and tests.

        `lookback` is what a file says by LOOKBACK.

        Raises
        ------
        ConfigError            if the function does not take `data` and every parameter
        """
        try:
            source = inspect.getsource(function).encode()
        except (OSError, TypeError):
            source = b""
        name = getattr(function, "__name__", type(function).__name__)
        built = _build(name, function, {} if params is None else params, inspect.getdoc(function), source)
        return replace(built, lookback=lookback)

    def settings(self, params: Mapping[str, object] | None = None) -> dict[str, Parameter]:
        """Return the value of every parameter: `params` over the defaults.

        Raises
        ------
        ConfigError            if a name is unknown, or a value is not of its default's type
        """
        return dict(self.params) | {
            name: _checked(name, value, _default(name, self.params)) for name, value in (params or {}).items()
        }

    def earlier_bars(self, params: Mapping[str, object] | None = None) -> int:
        """Return the number of earlier bars that a signal depends on, as the strategy says.

        Raises
        ------
        ConfigError            if it does not say so, or something else than a number of bars
        """
        if self.lookback is None:
            raise ConfigError(
                f"strategy {self.name} must say how many earlier bars a signal depends on to be run on a history in "
                f"pieces: give it LOOKBACK = 200, or a function LOOKBACK(**params), beside PARAMS"
            )
        bars = self.lookback
        if callable(bars):
            try:
                bars = bars(**self.settings(params))
            except (Exception, SystemExit) as error:
                raise ConfigError(f"LOOKBACK of strategy {self.name} failed with {_summary(error, '')}") from error
        if isinstance(bars, bool) or not isinstance(bars, (int, np.integer)) or bars < 0:
            raise ConfigError(f"LOOKBACK of strategy {self.name} must be a whole number of bars, got {shown(bars)}")
        return int(bars)

    def signals(self, bars: "Bars", params: Mapping[str, object] | None = None) -> Signals:
        """Return what the strategy says of `bars`: targets, NaN where the last one is kept, and what else it sets.

        Parameters
        ----------
        bars : Bars            T bars x M instruments; the function gets one frame, or a dict of frames by symbol
        params : Mapping       values that replace defaults

        Raises
        ------
        ConfigError            if a parameter does not fit, or the function fails
        DataError              if what it returns is not a signal for these bars
        """
        return self.signals_of({symbol: bars.frame(symbol) for symbol in bars.symbols}, params)

    def signals_of(self, frames: Mapping[str, pd.DataFrame], params: Mapping[str, object] | None = None) -> Signals:
        """Return what the strategy says of frames by symbol that share one index, as `signals` does of bars."""
        time = cast("pd.DatetimeIndex", next(iter(frames.values())).index)
        return self.read(self.call(frames, params), Times(tuple(frames), time))

    def read(self, result: object, bars: Times, held: dict[str, float] | None = None) -> Signals:
        """Return what the function returned as signals, see `as_signals`."""
        try:
            return as_signals(result, bars, held)
        except DataError as error:
            raise DataError(f"strategy {self.name}: {error}") from error

    def call(self, frames: Mapping[str, pd.DataFrame], params: Mapping[str, object] | None = None) -> object:
        """Return what the function returns for frames by symbol that share one index."""
        chosen = self.settings(params)
        # Shallow copies: a strategy that writes into its frame gets its own memory at that moment.
        copies = {symbol: frame.copy(deep=False) for symbol, frame in frames.items()}
        try:
            return self.function(next(iter(copies.values())) if len(copies) == 1 else copies, **chosen)
        except (Exception, SystemExit) as error:
            raise ConfigError(self._failure(error, tuple(frames))) from error

    def _failure(self, error: BaseException, symbols: tuple[str, ...]) -> str:
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        file = str(self.path) if self.path else getattr(code, "co_filename", "")
        given = f"; it was given a dict of frames by symbol ({', '.join(symbols)})" if len(symbols) > 1 else ""
        return f"strategy {self.name} failed with {_summary(error, file)}{given}"


def strategy(path: str | Path) -> Strategy:
    """Return the strategy in a Python file.

    The file defines `signals(data, **params)` and may define `PARAMS`, a dict of defaults. For histories that are run
    in pieces it defines `LOOKBACK`, the number of earlier bars that a signal depends on, or a function of the
    parameters that returns it. It is run once, on its own: it cannot import its neighbours, and no bytecode is left
    beside it.

    Raises
    ------
    ConfigError                if there is no such file, it fails to run, or it is not a strategy
    """
    if not isinstance(path, (str, PathLike)):
        raise ConfigError(f"strategy must be the path of a Python file, got {shown(path)}")
    path = Path(path)
    try:
        source = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: no path can hold a NUL
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"strategy must be a readable Python file, got {shown(str(path))}: {reason}") from error
    return strategy_in(path, source)


def strategy_in(path: Path, source: bytes) -> Strategy:
    """Return the strategy in the source of a file, which need not be on this machine."""
    module = _run(path, source)
    function = getattr(module, "signals", None)
    if not callable(function):
        raise ConfigError(f"strategy {path.name} must define a function signals(data, **params)")
    built = _build(path.stem, function, getattr(module, "PARAMS", {}), module.__doc__, source, path)
    return replace(built, lookback=getattr(module, "LOOKBACK", None))


def parse_params(texts: Sequence[str], defaults: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Return parameters written as `name=value`, each read as its default's type.

    Raises
    ------
    ConfigError                if a text has no `=`, or a name is unknown or repeated, or a value is of another type
    """
    params: dict[str, Parameter] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise ConfigError(f"a parameter must be written name=value, got {text!r}")
        default = _default(name, defaults)
        if name in params:
            raise ConfigError(f"parameter {name} must be given once, got {params[name]!r} and {value!r}")
        params[name] = _checked(name, _parsed(value, default), default)
    return params


def _build(
    name: str, function: Callable[..., object], params: object, doc: str | None, source: bytes, path: Path | None = None
) -> Strategy:
    if not isinstance(params, Mapping):
        raise ConfigError(f"PARAMS of {name} must be a dict, got {type(params).__name__}")
    for parameter, value in params.items():
        if not isinstance(parameter, str) or type(value) not in KINDS:
            rule = "must map names to numbers, booleans or text"
            raise ConfigError(f"PARAMS of {name} {rule}, got {parameter!r}: {value!r}")
    try:
        inspect.signature(function).bind(None, **params)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"signals of {name} must take data and every name in PARAMS: {error}") from error
    lines = (doc or function.__doc__ or "").strip().splitlines()
    digest = f"sha256:{hashlib.sha256(source).hexdigest()}" if source else ""
    return Strategy(name, MappingProxyType(dict(params)), lines[0] if lines else "", path, digest, function)


def _run(path: Path, source: bytes) -> ModuleType:
    """Return the file's module, run from its source under a name that no other file shares."""
    key = hashlib.sha256(str(path.resolve()).encode() + source).hexdigest()[:16]
    module = ModuleType(f"backtest_strategy_{key}")
    module.__file__ = str(path)
    # Dataclasses and numba look a function's module up by its name.
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 (a strategy is code)
    except SyntaxError as error:
        del sys.modules[module.__name__]
        line = f" at line {error.lineno}" if error.lineno else ""
        raise ConfigError(f"strategy {path.name} is not valid Python: {error.msg}{line}") from error
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        raise ConfigError(f"strategy {path.name} failed to load with {_summary(error, str(path))}") from error
    return module


def _summary(error: BaseException, file: str) -> str:
    """Return an exception in one line, with the innermost line of `file` that it passed."""
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    line, trace = None, error.__traceback__
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == file else line
        trace = trace.tb_next
    return text if line is None else f"{text} at line {line} of {Path(file).name}"


def _default(name: str, defaults: Mapping[str, Parameter]) -> Parameter:
    if name in defaults:
        return defaults[name]
    if not defaults:
        raise ConfigError(f"the strategy has no parameters, got {name}")
    nearest = get_close_matches(name, defaults, 1, 0.7)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    raise ConfigError(f"parameter must be one of {', '.join(defaults)}, got {name}{hint}")


def _checked(name: str, value: object, default: Parameter) -> Parameter:
    """Return `value` as the default's type; a whole number passes for a float."""
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(default, float) and type(plain) is int:
        plain = float(plain)
    if not isinstance(plain, (bool, int, float, str)) or type(plain) is not type(default):
        raise ConfigError(f"parameter {name} must be {KINDS[type(default)]}, got {plain!r}")
    if isinstance(plain, float) and not np.isfinite(plain):
        raise ConfigError(f"parameter {name} must be finite, got {plain!r}")
    return plain


def _parsed(value: str, default: Parameter) -> Parameter:
    """Return a text as the default's type, or as it is where it cannot be read so."""
    if isinstance(default, bool):
        return value.lower() in TRUE_WORDS if value.lower() in TRUE_WORDS + FALSE_WORDS else value
    try:
        return type(default)(value)
    except ValueError:
        return value

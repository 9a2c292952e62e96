"""Strategies that travel to other processes: a file as its source, a function as cloudpickle sees it."""

import hashlib
import pickle
import sys
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from backtest.errors import ConfigError
from backtest.signalling.signals import Signals
from backtest.signalling.strategies import Strategy, strategy_in

__all__ = ["Packed", "Remembering", "packed"]

REMEMBERED = 4
"""Signals that a worker keeps for its next task."""


class Packed(NamedTuple):
    """A strategy on its way."""

    path: str
    """of its file, "" for a function"""
    content: bytes
    """the source of the file, or the strategy pickled"""
    name: str

    def opened(self) -> Strategy:
        """Return the strategy.

        Raises
        ------
        ConfigError            where it cannot be made here
        """
        if self.path:
            return strategy_in(Path(self.path), self.content)
        try:
            given = pickle.loads(self.content)  # noqa: S301 (from the process that sent the task, which is code as well)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise ConfigError(
                f"strategy {self.name} must use only what every worker can import, got {reason}"
            ) from error
        return Strategy(**{**given, "params": MappingProxyType(given["params"])})


def packed(strategy: Strategy) -> Packed:
    """Return a strategy as it is sent.

    Raises
    ------
    ConfigError                for a file that has changed since it was loaded, or a function that cannot be sent
    """
    if strategy.path is None:
        return Packed("", _pickled(strategy), strategy.name)
    try:
        source = strategy.path.read_bytes()
    except OSError as error:
        raise ConfigError(f"strategy must be a readable Python file, got {error.strerror}: {strategy.path}") from error
    if f"sha256:{hashlib.sha256(source).hexdigest()}" != strategy.source_hash:
        raise ConfigError(f"strategy must be in its file as it was loaded, got another source in {strategy.path}")
    return Packed(str(strategy.path), source, strategy.name)


def _pickled(strategy: Strategy) -> bytes:
    """Return a function and its parameters, with all that its own module gives it: workers have no such module."""
    import cloudpickle

    given = {each.name: getattr(strategy, each.name) for each in fields(Strategy)}
    given["params"] = dict(strategy.params)
    module = sys.modules.get(getattr(strategy.function, "__module__", None) or "")
    own = module is not None and module.__name__ not in cloudpickle.list_registry_pickle_by_value()
    if own:
        cloudpickle.register_pickle_by_value(module)
    try:
        content: bytes = cloudpickle.dumps(given)
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
        raise ConfigError(f"strategy {strategy.name} must be such that it can be sent to workers, got {got}") from error
    finally:
        if own:
            cloudpickle.unregister_pickle_by_value(module)
    return content


@dataclass(frozen=True, eq=False)
class Remembering(Strategy):
    """A strategy that keeps what it said last, for tasks that ask the same; all ask of the same bars."""

    said: OrderedDict[object, Signals] = field(default_factory=OrderedDict, repr=False)
    lock: Any = field(default_factory=Lock, repr=False)

    @classmethod
    def of(cls, strategy: Strategy) -> "Remembering":
        """Return the strategy, with nothing said so far."""
        return cls(**{each.name: getattr(strategy, each.name) for each in fields(Strategy)})

    def signals_of(self, frames: Mapping[str, pd.DataFrame], params: Mapping[str, object] | None = None) -> Signals:
        """Return what the strategy says of frames by symbol."""
        asked = (tuple(frames), tuple((params or {}).items()))
        with self.lock:
            signals = self.said.get(asked)
        if signals is None:
            signals = super().signals_of(frames, params)
            with self.lock:
                self.said[asked] = signals
                while len(self.said) > REMEMBERED:
                    self.said.popitem(last=False)
        return signals

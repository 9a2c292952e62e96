"""Bars of many symbols in files, each symbol a market of its own that is read when its turn comes."""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backtest.errors import DataError
from backtest.market.bars import Bars
from backtest.market.columns import Columns
from backtest.market.datasets import files_of
from backtest.market.files import read_columns, readable
from backtest.market.quality import check

__all__ = ["Universe", "universe_of"]


@dataclass(frozen=True)
class Universe:
    """Where the bars of every symbol are.

    Attributes
    ----------
    files : dict               Parquet files by symbol, in the order of their times
    lengths : dict             rows by symbol
    fingerprint : str          a hash of symbols, sizes and what the files say of their columns
    """

    files: dict[str, tuple[Path, ...]]
    lengths: dict[str, int]
    fingerprint: str

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols, in the order of their rows."""
        return tuple(self.files)

    def absolute(self) -> "Universe":
        """Return the same files by paths that hold wherever a process stands."""
        return replace(self, files={symbol: tuple(map(Path.absolute, paths)) for symbol, paths in self.files.items()})

    def check(self, symbol: str) -> None:
        """Refuse the bars of one symbol where they cannot be replayed.

        Raises
        ------
        DataError              for anything that `read_bars` refuses, naming the file
        """
        self.bars(symbol)

    def bars(self, symbol: str) -> Bars:
        """Return the bars of one symbol, with the marks and the funding in its files.

        Raises
        ------
        DataError              for anything that `read_bars` refuses
        """
        paths = self.files[symbol]
        pieces = [read_columns(path) for path in paths]
        for path, piece in zip(paths, pieces, strict=True):
            if piece.values.keys() != pieces[0].values.keys():
                got = f"{', '.join(piece.values)} and {', '.join(pieces[0].values)}"
                raise DataError(f"all files of {symbol} must have the same columns, got {got} in {path}")
            if len(paths) > 1:
                check(piece, str(path))
        values = {name: np.concatenate([piece.values[name] for piece in pieces]) for name in pieces[0].values}
        columns = Columns(np.concatenate([piece.time for piece in pieces]), values)
        source = str(paths[0] if len(paths) == 1 else paths[0].parent)
        check(columns, source)
        return Bars.from_columns({symbol: columns}, source)


def universe_of(path: str | os.PathLike[str]) -> Universe:
    """Return the symbols in a folder that is partitioned by `symbol=`, or the one in a file or a folder of its files.

    Raises
    ------
    DataError                  for anything else, and files that cannot be read
    """
    files: dict[str, tuple[Path, ...]] = {}
    lengths: dict[str, int] = {}
    digest = hashlib.sha256()
    for symbol, found in files_of(path).items():
        files[symbol], lengths[symbol] = found.paths, 0
        for file in found.paths:
            rows, described = _described(file)
            lengths[symbol] += rows
            digest.update(repr((symbol, file.stat().st_size)).encode() + described)
    return Universe(files, lengths, f"sha256:{digest.hexdigest()}")


def _described(file: Path) -> tuple[int, bytes]:
    """Return the rows of a Parquet file, and what it says of its columns."""
    with readable(file):
        metadata = pq.read_metadata(file)
    buffer = pa.BufferOutputStream()
    metadata.write_metadata_file(buffer)
    return metadata.num_rows, buffer.getvalue().to_pybytes()

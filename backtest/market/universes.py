"""Bars of many symbols in files, each symbol a market of its own that is read when its turn comes."""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from backtest.market.bars import Bars
from backtest.market.datasets import Files, files_of
from backtest.market.files import readable
from backtest.market.streams import columns_in, joined

__all__ = ["Universe", "universe_of"]


@dataclass(frozen=True)
class Universe:
    """Where the bars of every symbol are.

    Attributes
    ----------
    files : dict               by symbol, as they were when they were found
    lengths : dict             rows by symbol
    fingerprint : str          a hash of symbols, sizes and what the files say of their columns
    """

    files: dict[str, Files]
    lengths: dict[str, int]
    fingerprint: str

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols, in the order of their rows."""
        return tuple(self.files)

    def absolute(self) -> "Universe":
        """Return the same files by paths that hold wherever a process stands, known by their sizes alone."""
        return replace(self, files={symbol: files.absolute() for symbol, files in self.files.items()})

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
        DataError              for anything that `read_bars` refuses, and for files that have changed since they were
            found
        """
        files = self.files[symbol]
        files.check()
        columns = joined(tuple(columns_in(files)))
        files.check()
        source = str(files.paths[0] if len(files.paths) == 1 else files.paths[0].parent)
        return Bars.from_columns({symbol: columns}, source)


def universe_of(path: str | os.PathLike[str]) -> Universe:
    """Return the symbols in a folder that is partitioned by `symbol=`, or the one in a file or a folder of its files.

    Raises
    ------
    DataError                  for anything else, and files that cannot be read
    """
    files = files_of(path)
    lengths: dict[str, int] = {}
    digest = hashlib.sha256()
    for symbol, found in files.items():
        lengths[symbol] = 0
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

"""Histories in files, and replays of them in pieces of any length."""

from dataclasses import replace
from itertools import cycle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from comparison import assert_same_bits, replayed

import backtest as bt
from backtest.market.datasets import files_of
from backtest.market.streams import Stream, open_stream
from backtest.outcome.results import Result
from backtest.outcome.streamed import streamed
from backtest.signalling.feeds import feed_of


def write(path, frame, groups=(1000,)):
    """Write a frame by its times in row groups of the lengths given, in turn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(frame.rename_axis("time"))
    with pq.ParquetWriter(path, table.schema) as writer:
        row, lengths = 0, cycle(groups)
        while row < len(table):
            count = next(lengths)
            writer.write_table(table.slice(row, count), row_group_size=count)
            row += count
    return path


def stream_of(paths, lengths=()):
    """Return the bars of files by symbol, in pieces of the lengths given."""
    files = {symbol: next(iter(files_of(path).values())) for symbol, path in paths.items()}
    return Stream("history", files, 1000, lengths)


def in_pieces(stream, signals, account, venue, params=None):
    """Return the result of a stream of bars, without warnings."""
    return Result(streamed(stream, feed_of(signals, params, stream), account, venue))


def assert_same_run(whole, pieces):
    """Assert that two results are equal in all that they hold, whatever they call their bars."""
    assert_same_bits(whole, pieces)
    assert len(whole._source) == len(pieces._source)
    one, other = whole._source.outcome.book, pieces._source.run.book
    assert one.positions.tobytes() == other.positions.tobytes()
    assert np.array([one.account]).tobytes() == np.array([other.account]).tobytes()
    assert repr(whole) == repr(pieces)
    described = [{**each.description, "data": {**each.description["data"], "source": ""}} for each in (whole, pieces)]
    assert described[0] == described[1]


def assert_same_in_pieces(path, signals, bars, lengths=(1, 2, 7, 50), **settings):
    """Assert that a history comes to the same in one piece and in pieces of every length, whole or mixed."""
    account, venue = bt.Account(**settings.pop("account", {})), settings.pop("venue")
    whole = replayed(bars, signals, account, venue)
    for length in (*((length,) for length in lengths), lengths):
        stream = replace(open_stream(path), lengths=cycle(length))
        assert_same_run(whole, in_pieces(stream, signals, account, venue))
    return whole

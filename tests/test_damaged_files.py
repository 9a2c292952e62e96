"""Files that are truncated, damaged, empty or of another kind: one clear sentence, nothing of pyarrow leaks."""

import gzip
from pathlib import Path

import pytest
from frames import made

from backtest.errors import DataError
from backtest.market.reading import read_bars


def written(folder: Path, ending: str) -> Path:
    path = folder / f"btcusdt_1h.{ending}"
    frame = made(50).reset_index()
    writers = {"parquet": frame.to_parquet, "feather": frame.to_feather, "csv.gz": frame.to_csv}
    writers[ending](path)
    return path


@pytest.mark.parametrize("ending", ["parquet", "feather", "csv.gz"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.99])
def test_truncated_files(ending: str, share: float, tmp_path: Path) -> None:
    path = written(tmp_path, ending)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    kind = ending.replace(".", r"\.")
    with pytest.raises(DataError, match=rf"^the file must be readable as {kind}, got '.*' from .*$"):
        read_bars(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"", r"at least one row, got an empty file in .*a\.parquet"),
        ("a.csv", b"", r"at least one row, got an empty file in .*a\.csv"),
        ("a.csv", b"\n\n# only a comment\n", r"at least one row, got none in .*a\.csv"),
        ("a.csv", b"timestamp,open,high,low,close\n", r"at least one row, got none in .*a\.csv"),
        ("a.csv", b"timestamp;open;high\n1;2,5;3\n", r"must be separated by commas, got ';' in .*a\.csv$"),
        ("a.csv", b"timestamp\topen\thigh\n1\t2\t3\n", r"must be separated by commas, got '\\t' in .*a\.csv$"),
        (
            "a.csv",
            b"1614556800,1.0,2.0,0.5,1.5\n",
            r"must begin with a header, got '1614556800,1\.0,2\.0,0\.5,1\.5' in",
        ),
        ("a.csv", b"timestamp,open,high,low,close\n1614556800,1,2\n", r"must be readable as csv, got 'CSV parse error"),
        ("a.csv", b"timestamp,\xff\xfe,open\n1,2,3\n", r"must be readable as csv, got .*decode byte 0xff"),
        ("a.csv.gz", b"timestamp,open\n1,2\n", r"must be readable as csv\.gz, got .Not a gzipped file"),
        ("a.csv.gz", gzip.compress(b"timestamp,open\n" * 50, mtime=0)[:-9], r"must be readable as csv\.gz, got "),
        (
            "a.csv.gz",
            gzip.compress(b"timestamp,open", mtime=0)[:10] + b"\xff" * 40,
            r"must be readable as csv\.gz, got 'Error -3",
        ),
        ("a.feather", b"ARROW1" + b"x" * 100, r"must be readable as feather, got "),
        ("a.txt", b"timestamp", r"must end in \.parquet, \.pq, \.csv, \.csv\.gz, \.feather, got .*a\.txt"),
        ("_1h.csv", b"timestamp", r"a file's name must begin with its symbol, got .*_1h\.csv"),
    ],
)
def test_bad_files(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_bars(tmp_path / name)


def test_damage_inside_a_parquet_file_never_leaks(tmp_path: Path) -> None:
    path = written(tmp_path, "parquet")
    whole = path.read_bytes()
    refused = 0
    for at in range(4, len(whole) - 8, 37):
        path.write_bytes(whole[:at] + bytes(b ^ 0xFF for b in whole[at : at + 8]) + whole[at + 8 :])
        try:
            read_bars(path)
        except DataError:
            refused += 1
    assert refused > 10

"""Everything that is wrong on a command line is one line, and exit code 2."""

import re
from pathlib import Path

import pandas as pd
import pytest
from shell import BTC, CRASH, DATA, ETH, HOLD, VENUE, bars_file, config_file

from backtest import replay


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "a command must be given: run, sweep, compare, bracket, .*, venues, liquidation-price; --help says more"),
        (("frob",), "No such command 'frob'"),
        (("run",), "a strategy must be given"),
        (("check",), "a strategy must be given"),
        (("inspect",), "Missing argument 'FILE...'"),
        (("run", "--levrage", "3"), "No such option: --levrage.*--leverage"),
        (("run", "--data"), "'--data' requires an argument"),
        (("run", HOLD, "more", "--data", DATA), r"unexpected extra argument.*more"),
        (("run", "none.py", "--data", DATA), "strategy must be a readable Python file, got '?none.py"),
        (("run", HOLD, *VENUE), "data must name at least one file, got none"),
        (("run", HOLD, "--data", DATA), r"a venue must be given: binance_coinm, .*, or a \[venue\] table .*, got none"),
        (("run", HOLD, "--data", DATA, "--venue", "nowhere"), "venue must be one of binance_coinm, .*, got 'nowhere'"),
        (("run", HOLD, "--data", DATA, "--venue", "none.toml"), "^No such file or directory: none.toml$"),
        (("run", HOLD, "--data", "none.parquet", *VENUE), "there must be a file, got none at none.parquet"),
        (("run", HOLD, "--data", BTC, *VENUE), "symbol must be listed by venue binance_usdm, got 'BTCUSD'"),
        (("run", HOLD, "--data", DATA, f"BTCUSDT={DATA}", *VENUE), "each file must be of a symbol of its own"),
        (("run", HOLD, "--config", "none.toml"), "^No such file or directory: none.toml$"),
        ((*CRASH, "--leverage", "500"), "leverage must be at most 150"),
        ((*CRASH, "--leverage", "0.5"), r"--leverage must be .* 1, got '?0\.5"),
        ((*CRASH, "--leverage", "nan"), r"--leverage must be .* got '?nan"),
        ((*CRASH, "--leverage", "ten"), r"--leverage must be a valid number.*'ten'"),
        ((*CRASH, "--margin-mode", "both"), r"--margin-mode must be 'isolated' or 'cross', got 'both'"),
        ((*CRASH, "--taker-fee", "-1"), r"--taker-fee must be greater than or equal to 0, got '?-1"),
        ((*CRASH, "--reentry", "never"), r"^--reentry must be .* \(--on-liquidation stop in the shell\)$"),
        ((*CRASH, "--on-liquidation", "cry"), "^--on-liquidation must be 'wait', 'reenter', 'stop' or 'refill', got"),
        ((*CRASH, "--reserve", "-1"), "^--reserve must be greater than or equal to 0, got '-1'$"),
        ((*CRASH, "--currency", "EUR"), "^--currency must be 'quote' or 'base', got 'EUR'$"),
        ((*CRASH, "--liquidation", "half"), "^--liquidation must be 'full', 'step_down', 'share' or 'restore', got"),
        ((*CRASH, "--liquidation", "restore"), r"^Venue\.target_ratio must be given with liquidation 'restore', got"),
        ((*CRASH, "--liquidation-order", "size"), "^--liquidation-order must be 'everything', 'largest_loss' or"),
        ((*CRASH, "--target-ratio", "1"), "^--target-ratio must be greater than 1, got '1'$"),
        ((*CRASH, "--insurance-fund", "-1"), "^--insurance-fund must be greater than or equal to 0, got '-1'$"),
        (("venues", "nowhere"), "venue must be one of binance_coinm, .* got 'nowhere'"),
        (("venues", "reg_t", "more"), "unexpected extra argument.*more"),
        (("venues", "reg_t", "--check", "mine.toml"), "a NAME or a FILE to --check, not both"),
        (("venues", "--symbol", "BTCUSDT"), "--symbol needs a NAME, or a FILE to --check"),
        (("venues", "binance_usdm", "--symbol", "BTCUSD"), "symbol must be listed by venue binance_usdm, got 'BTCUSD'"),
        (("venues", "--check", "none.toml"), "^No such file or directory: none.toml$"),
        (("venues", "--check", "mine.yaml"), r"^the file of a venue must end in \.toml or \.json, got mine\.yaml$"),
        ((*CRASH, "--as-of", "never"), "as_of must be a date, got 'never'"),
        ((*CRASH, "--as-of", "1999-01-01"), "as_of must not be before the first tiers"),
        ((*CRASH, "--symbol-map", "BTCUSDT"), "--symbol-map must be written FROM=TO"),
        ((*CRASH, "--symbol-map", "ETH=ETHUSDT"), "symbol_map must map one of BTCUSDT, got 'ETH'"),
        ((*CRASH, "--funding", "nan"), "funding rates must be finite, got nan in BTCUSDT"),
        ((*CRASH, "--funding", "ETH=0.1"), "funding must be for one of BTCUSDT, got ETH; write SYMBOL=0.1"),
        ((*CRASH, "--funding", "0.1", "BTCUSDT=0.1"), "funding must be given once for each symbol"),
        ((*CRASH, "--funding", "0.1", "--every", "often"), "every must be a fixed length of time"),
        ((*CRASH, "--every", "8h"), "every must go with a funding rate, --funding RATE, got '8h' without one"),
        ((*CRASH, "--funding", "abc"), "funding must be a rate or a file, got 'abc'"),
        ((*CRASH, "--funding", "BTCUSDT=0.1x"), "funding must be a rate or a file, got '0.1x'"),
        ((*CRASH, "--funding", "none.csv"), "there must be a file, got none at none.csv"),
        (
            ("run", "--data", DATA, "hold", *VENUE),
            "a strategy must be given, .*; --data took 'hold', and",
        ),
        (("run", "--data", DATA, "--funding", "1", "hold"), "a strategy must be given, .*; --funding took 'hold'"),
        (("run", "--data", DATA, "--funding", "1", *VENUE), "the --config file, got none$"),
        ((*CRASH, "--mark", f"ETH={ETH}"), "mark must be for one of BTCUSDT, got ETH"),
        ((*CRASH, "--mark", "none.csv"), "there must be a file, got none at none.csv"),
        ((*CRASH, "--param", "target"), "a parameter must be written name=value, got 'target'"),
        ((*CRASH, "--param", "tarket=1"), "parameter must be one of target, got tarket; did you mean target?"),
        ((*CRASH, "--param", "target=all"), "parameter target must be a number, got 'all'"),
        ((*CRASH, "--from", "soon"), "from must be a time such as 2020-03-12, got 'soon'"),
        ((*CRASH, "--from", "2030"), "there must be at least one bar"),
        (("check", HOLD, "--data", DATA, "--cuts", "0"), "cuts must be at least 1, got 0"),
        (("check", HOLD, "--data", DATA, "--cuts", "x"), "Invalid value for '--cuts'"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_one_line(refused, arguments, message):
    assert re.search(message, refused(*arguments))


def test_settings_are_named_as_they_were_given(refused, tmp_path):
    config = config_file(tmp_path, "leverage = 0.5\n")
    assert refused(*CRASH, "--config", config).startswith("Account.leverage must be ")
    assert refused(*CRASH, "--leverage=0.5").startswith("--leverage must be ")


@pytest.mark.parametrize("what", ["README.md", "data"])
def test_a_place_that_is_no_run_is_refused_before_the_replay(refused, monkeypatch, tmp_path, what):
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notes.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(replay, "run", lambda *_, **__: pytest.fail("it was replayed"))
    assert re.search(rf" got .*{what}", refused(*CRASH, "--out", what))


@pytest.mark.parametrize("ends", [("--from", "2020-01-05"), ("--from", "2020-01-05", "--to", "2020-01-06")])
def test_marks_and_settlements_outside_of_the_span_are_refused(call, refused, tmp_path, ends):
    data = bars_file(tmp_path / "btcusdt.parquet", [100.0] * 240)
    mark = bars_file(tmp_path / "mark.parquet", [99.0] * 24)
    time = pd.date_range("2020-01-01", periods=3, freq="8h", tz="UTC")
    pd.DataFrame({"timestamp": time, "rate": 0.01}).to_csv(tmp_path / "funding.csv", index=False)
    command = ("run", HOLD, "--data", data, *VENUE)
    message = refused(*command, *ends, "--mark", mark)
    assert re.search(
        "^marks of BTCUSDT must share a time with the bars between 2020-01-05 00:00 and .*, got none in .*mark",
        message,
    )
    message = refused(*command, *ends, "--funding", tmp_path / "funding.csv")
    assert re.search("^settlements of BTCUSDT must fall between 2020-01-05 00:00 and .*, got none in .*csv$", message)
    both = ("--mark", mark, "--funding", tmp_path / "funding.csv")
    assert call(*command, *both, "--from", "2020-01-01 12:00")[0] == 0


def test_marks_equal_to_prices_and_rates_of_zero_are_no_mistake(call, tmp_path):
    data = bars_file(tmp_path / "btcusdt.parquet", [100.0] * 240)
    time = pd.date_range("2020-01-01", periods=30, freq="8h", tz="UTC")
    pd.DataFrame({"timestamp": time, "rate": 0.0}).to_csv(tmp_path / "funding.csv", index=False)
    given = ("--mark", data, "--funding", tmp_path / "funding.csv", "--from", "2020-01-05")
    assert call("run", HOLD, "--data", data, *VENUE, *given)[0] == 0


def test_bad_files_are_one_line(refused, tmp_path):
    (tmp_path / "empty.csv").touch()
    assert "empty" in refused("inspect", tmp_path / "empty.csv")
    truncated = tmp_path / "cut.parquet"
    truncated.write_bytes(Path(DATA).read_bytes()[:5000])
    for command in (("inspect", truncated), ("run", HOLD, *VENUE, "--data", truncated)):
        assert re.search(r"must be readable as parquet, got .* from .*cut\.parquet", refused(*command))
    (tmp_path / "other.csv").write_text("timestamp,a\n2020-01-01,1\n")
    assert "there must be a column open, got timestamp, a" in refused("inspect", tmp_path / "other.csv")
    assert refused("inspect", tmp_path).startswith("this command takes files, not folders, got the folder ")


def test_a_strategy_that_fails_is_one_line(refused, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("def signals(data):\n    return data['nothing']\n")
    message = refused("run", path, "--data", DATA, *VENUE)
    assert message == "strategy broken failed with KeyError: 'nothing' at line 2 of broken.py"

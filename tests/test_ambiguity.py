"""How sure a liquidation is, by hand: every order inside the bar in which it happens."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of, play, targets_of, venue_of
from wild import market_of, signals_of

import backtest as bt
from backtest.ambiguity import bracket
from backtest.kernels import loop
from backtest.kernels.enums import Intrabar
from backtest.replaying.courses import Course
from backtest.replaying.engine import inputs_of, replay
from backtest.replaying.orders_inside import ordered
from backtest.replaying.records import new_book, rules_of
from backtest.signalling.signals import as_signals

ALL = "worst, path, best"
EACH = f"{ALL}, S0 alone, S1 alone"
# 1000 units at 100 on 10 000: dead at 10 000 + 1000 (P - 100) = 4 P, P = 90 000 / 996
DEAD = 4 * 90_000 / 996


def judged(bars, *signals, **settings):
    """Return the bracket of signals in texts, and its liquidations as tuples."""
    fields = bt.Account.model_fields
    account = bt.Account(leverage=10, **{name: value for name, value in settings.items() if name in fields})
    venue = venue_of(**{name: value for name, value in settings.items() if name not in (*fields, "detail")})
    found = bracket(bars, targets_of(*signals), venue=venue, account=account, detail=settings.get("detail"))
    return found, list(found.liquidations.drop(columns="time").itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("close", "orders", "path"),
    [(101, "worst, path", DEAD), (100, "worst, path", DEAD), (99, "worst", 15_000)],
)
def test_a_take_profit_may_come_before_the_liquidation(close, orders, path):
    bars = bars_of([100, 100, (100, 106, 85, close), close])
    found, rows = judged(bars, "1 . . .", take_profit=0.05)
    assert rows == [("S0", False, "possible", orders)]
    assert found.liquidations["time"].tolist() == [bars.time[2]]
    assert (found.settled, found.ambiguous) == (0, 1)
    assert found.final.index.tolist() == ["worst", "path", "best"]
    assert found.final["final_equity"].tolist() == pytest.approx([DEAD, path, 15_000])
    assert found.final["total_return"].tolist() == pytest.approx([DEAD / 1e4 - 1, path / 1e4 - 1, 0.5])
    assert found.final["liquidations"].tolist() == [1, int(path == DEAD), 0]
    assert not found.final["ruined"].any()


def test_what_no_exit_forestalls_is_certain():
    for signal, bar in (("1", (100, 106, 85, 99)), ("-1", (100, 112, 99, 99))):
        found, rows = judged(bars_of([100, 100, bar, 99]), f"{signal} . . .")
        assert rows == [("S0", False, "certain", ALL)]
        assert (found.settled, found.ambiguous) == (0, 0)
    _, rows = judged(bars_of([100, 100, (100, 104.9, 85, 99), 99]), "1 . . .", take_profit=0.05)
    assert rows == [("S0", False, "certain", ALL)]


def test_isolated_positions_are_judged_one_by_one():
    bar = (100, 106, 85, 99)
    bars = bars_of([100, 100, bar, 99], [100, 100, (100, 104, 85, 99), 99])
    _, rows = judged(bars, "0.5 . . .", "0.5 . . .", take_profit=0.05)
    assert rows == [("S1", False, "certain", ALL), ("S0", False, "possible", "worst")] or rows == [
        ("S0", False, "possible", "worst"),
        ("S1", False, "certain", ALL),
    ]


# 500 units long of S0 and short of S1 at 100: the surplus is 10 000 + 500 (P0 - P1) - 2 (P0 + P1).
WIDE = (100, 112, 90, 100)


@pytest.mark.parametrize(
    ("first", "second", "verdict", "orders"),
    [
        (WIDE, WIDE, "possible", "worst, best"),  # 90 and 112 kill; 90 and 90, 112 and 112 do not
        (WIDE, (100, 112, 90, 99), "possible", ALL),  # one rises and one falls
        ((100, 112, 70, 100), WIDE, "certain", EACH),  # 70 and 90 kill
        (WIDE, (100, 132, 90, 100), "certain", EACH),  # 112 and 132 kill
        ((100, 112, 90, 90), (100, 112, 90, 112), "certain", EACH),  # the closes themselves kill
        ((100, 112, 90, 90), (100, 112, 90, 100), "possible", ALL),  # one falls and one does not
    ],
)
def test_a_hedged_pair_in_every_order(first, second, verdict, orders):
    bars = bars_of([100, 100, first, 100], [100, 100, second, 100])
    _, rows = judged(bars, "0.5 . . .", "-0.5 . . .", margin_mode="cross")
    assert rows == [("S0", False, verdict, orders), ("S1", False, verdict, orders)]


def test_one_alone_at_its_worst_may_kill_where_the_path_does_not():
    # long both: S0 at 60 and S1 at its high; on the path a take-profit of S0 comes first
    bars = bars_of([100, 100, (100, 140, 60, 99), 99], [100, 100, (100, 101, 99, 100), 100])
    _, rows = judged(bars, "0.5 . . .", "0.5 . . .", margin_mode="cross", take_profit=0.2)
    assert {row[2:] for row in rows} == {("possible", "worst, S0 alone")}
    # the same in hedge mode, with the symbols exchanged
    turned = bt.Bars.from_frames({"S0": bars.frame("S1"), "S1": bars.frame("S0")})
    table = pd.DataFrame({"target_long": [0.5] + [np.nan] * 3}, bars.time)
    account = bt.Account(leverage=10, margin_mode="cross", take_profit=0.2)
    found = bracket(turned, dict.fromkeys(turned.symbols, table), venue=venue_of(), account=account)
    assert set(found.liquidations["happens_in"]) == {"worst, S1 alone"}


def test_the_legs_of_a_symbol_are_one_instrument():
    # 800 long and 200 short: 10 000 + 600 (P - 100) = 4 P
    legs = {"target_long": [0.8] + [np.nan] * 3, "target_short": [0.2] + [np.nan] * 3}
    bars = bars_of([100, 100, (100, 106, 80, 99), 99], [100, 100, (100, 100.5, 99.5, 100), 100])
    table = pd.DataFrame(legs, bars.time)
    account = bt.Account(leverage=10, margin_mode="cross")
    one = bars_of([100, 100, (100, 106, 80, 99), 99])
    found = bracket(one, table, venue=venue_of(), account=account)
    assert found.liquidations["leg"].tolist() == ["long", "short"]
    assert set(found.liquidations["happens_in"]) == {ALL}
    half = table * 0.99
    small = pd.DataFrame({"target_long": [0.005] + [np.nan] * 3, "target_short": [0.005] + [np.nan] * 3}, bars.time)
    found = bracket(bars, {"S0": half, "S1": small}, venue=venue_of(), account=account)
    assert set(found.liquidations["happens_in"]) == {EACH}
    assert found.liquidations["symbol"].tolist() == ["S0", "S0", "S1", "S1"]


def test_a_gap_is_certain_whatever_follows_inside_the_bar():
    bars = bars_of([100, 100, (100, 105, 99, 100), (70, 120, 60, 80)], [100, 100, 100, 100])
    for mode, symbols in (("isolated", ["S0"]), ("cross", ["S0", "S1"])):
        found, rows = judged(bars, "0.5 . . .", "0.4 . . .", margin_mode=mode)
        # in cross: 10 000 - 500 * 30 is below 0, of the isolated only S0 fails
        assert [row[0] for row in rows] == symbols
        assert {row[1:3] for row in rows} == {(True, "certain")}
        assert found.ambiguous == 0


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_every_liquidation_of_the_worst_replay_is_judged_from_its_own_book(margin_mode):
    verdicts = []
    venue = venue_of([(0, 0.01, 50)], taker_fee=0.0005, liquidation="restore", target_ratio=1.5, borrow_rate=0.1)
    account = bt.Account(leverage=40, margin_mode=margin_mode, on_liquidation="refill", take_profit=0.02)
    for seed in range(6):
        bars, signals = bt.Bars.from_frames(market_of(seed, 2)), signals_of(seed, 2)
        worst = bt.run(bars, signals, venue=venue, account=account)
        found = bracket(bars, signals, venue=venue, account=account.model_copy(update={"intrabar": "best"}))
        columns = ["time", "symbol", "gap"]
        pd.testing.assert_frame_equal(found.liquidations[columns], worst.liquidations[columns])
        assert found.final.loc["worst", "final_equity"] == worst.equity.iloc[-1]
        assert found.final.loc["worst", "total_return"] == worst.summary["total_return"]
        verdicts += found.liquidations["verdict"].tolist()
    assert verdicts.count("certain") > 20
    assert verdicts.count("possible") > 20


def test_only_what_matters_is_replayed(monkeypatch):
    length = 20_000
    random = np.random.default_rng(5)
    close = 100 * np.exp(random.normal(0, 0.003, (2, length)).cumsum(axis=1))
    rows = [[(c, c * 1.01, c * 0.99, c) for c in line] for line in close.tolist()]
    bars = bars_of(*rows)
    replayed = []
    kernel = loop.replay

    def counted(*given):
        replayed.append(given[-1] - given[-2])
        return kernel(*given)

    monkeypatch.setattr(loop, "replay", counted)
    signals = np.full((length, 2), np.nan)
    signals[::20] = [0.5, -0.5]
    signals[10::20] = [0.45, -0.45]
    found = bracket(bars, signals, venue=venue_of([(0, 0.01, 50)]), account=bt.Account(
        leverage=45, margin_mode="cross", on_liquidation="refill"))  # fmt: skip
    alarms = found.liquidations["time"].nunique()
    assert alarms > 100
    # three replays; the walk, each bar twice at most but for a last look; five orders of each alarm
    assert sum(replayed) < 6 * length + 5 * alarms + 64 * (alarms + 1)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_pieces_make_the_whole_whatever_the_logs_hold(margin_mode):
    account = bt.Account(leverage=20, margin_mode=margin_mode, rebalance="bar", on_liquidation="refill")
    for seed in range(4):
        bars = bt.Bars.from_frames(market_of(seed, 3))
        inputs = inputs_of(bars, as_signals(signals_of(seed, 3), bars), rules_of(account, venue_of(), bars.symbols))
        whole, course = replay(inputs), Course(inputs)
        assert len(whole.logs.fills) > 200
        ends = [0, 1, 2, 90, 91, 250]
        book, pieces = new_book(3), []
        for start, stop in pairwise(ends):
            pieces.append(course.replay(book, start, stop))
            again = course.replay(book, start, stop)  # the book is as it was
            assert again.equity.tobytes() == pieces[-1].equity.tobytes()
            book = pieces[-1].book
        for name in ("fills", "liquidations", "calls"):
            rows, all_rows = np.concatenate([getattr(piece, name) for piece in pieces]), getattr(whole.logs, name)
            if name == "liquidations":
                rows["fill_row"] = all_rows["fill_row"]  # each piece counts its own
            assert rows.tobytes() == all_rows.tobytes()
        assert np.concatenate([piece.equity for piece in pieces]).tobytes() == whole.columns.equity.tobytes()


@pytest.mark.parametrize("hedged", [False, True])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_quiet_bars_are_quiet_with_one_alone_at_its_worst(margin_mode, hedged):
    different = 0
    for seed in range(8):
        bars = bt.Bars.from_frames(market_of(seed, 3))
        account = bt.Account(leverage=4, margin_mode=margin_mode, on_liquidation="reenter", take_profit=0.1)
        targets = signals_of(seed, 3)
        signals = targets
        if hedged:
            signals = {
                symbol: pd.DataFrame({"target_long": np.abs(targets[:, i]), "target_short": targets[:, i - 1] ** 2},
                                     bars.time)
                for i, symbol in enumerate(bars.symbols)
            }  # fmt: skip
        lows = {}
        for intrabar, alone in ((Intrabar.ALONE, 0), (Intrabar.ALONE, 2), (Intrabar.BEST, 0)):
            outcomes = []
            for skip in (True, False):
                rules = rules_of(account, venue_of(taker_fee=0.0005), bars.symbols, skip)
                inputs = inputs_of(bars, as_signals(signals, bars), rules)
                outcomes.append(replay(inputs._replace(rules=ordered(inputs.rules, intrabar, alone))))
            quick, full = outcomes
            for one, other in zip((*quick.columns[:-1], *quick.logs), (*full.columns[:-1], *full.logs), strict=True):
                assert one.tobytes() == other.tobytes()
            lows[intrabar, alone] = quick.columns.equity_low
        different += not np.array_equal(lows[Intrabar.ALONE, 0], lows[Intrabar.ALONE, 2])
    assert different > 4


def test_alone_is_the_mirror_of_worst_and_best_of_one_instrument():
    # with one instrument to hold, alone at its worst is worst; another alone leaves it at its best
    bars = bars_of([100, 100, (100, 106, 85, 99), 99], [100, 100, 100, 100])
    rules = rules_of(bt.Account(leverage=10, take_profit=0.05), venue_of(), bars.symbols)
    inputs = inputs_of(bars, as_signals(targets_of("1 . . .", "0 . . ."), bars), rules)
    ends = [
        replay(inputs._replace(rules=ordered(rules, *order))).columns.equity[-1]
        for order in ((Intrabar.WORST,), (Intrabar.ALONE, 0), (Intrabar.BEST,), (Intrabar.ALONE, 1))
    ]
    assert ends == pytest.approx([DEAD, DEAD, 15_000, 15_000])


def test_nothing_to_judge():
    for signal in ("0 . .", "1 . ."):
        found, rows = judged(bars_of([100, 100, 101]), signal)
        assert rows == []
        assert list(found.liquidations) == ["time", "symbol", "gap", "verdict", "happens_in"]
        assert str(found.liquidations["time"].dtype) == "datetime64[ns, UTC]"
        assert found.final["final_equity"].nunique() == 1
    returns = "worst +10.00%, path +10.00%, best +10.00%"
    assert repr(found) == f"Bracket(total_return {returns}; liquidations none; bars settled 0, ambiguous 0)"
    alone, rows = judged(bars_of([100]), "1", detail=bars_of([100]))
    assert rows == []
    assert alone.final.loc["resolved", "final_equity"] == 10_000


def test_a_strategy_is_taken_as_run_takes_it(tmp_path):
    bars = bars_of([100, 100, (100, 106, 85, 99), 99])
    file = tmp_path / "held.py"
    file.write_text(
        "import pandas as pd\n\nPARAMS = {'size': 1.0}\n\n"
        "def signals(data, size):\n    return pd.Series(size, data.index)\n"
    )
    strategy = bt.strategy(file)
    settings = {"venue": venue_of(), "account": bt.Account(leverage=10)}
    assert len(bracket(bars, strategy, **settings).liquidations) == 1
    assert bracket(bars, strategy, params={"size": 0.1}, **settings).liquidations["verdict"].tolist() == ["certain"]
    with pytest.raises(bt.ConfigError, match="params need a Strategy to take them"):
        bracket(bars, np.ones(4), params={"size": 1.0}, **settings)
    with pytest.raises(bt.DataError, match="bars must be Bars"):
        bracket(bars.frame("S0"), strategy, **settings)


def test_final_equity_has_the_reserve_that_total_return_counts():
    """A cross account of 300 units long answers a call at 88 from its reserve, in every order and in finer bars."""
    bars = bars_of([100, 100, 88, 88, 90])
    call = bt.MarginCall(level=2.5, grace=1, deposit="reserve")
    venue = venue_of([(0, 0.1, 5)], call=call, target_ratio=3)
    account = bt.Account(margin_mode="cross", reserve=5000.0, leverage=3)
    detail = bars_of([100, 100, 100, 100, 88, 88, 88, 88, 90, 90], every="30min")
    found = bracket(bars, np.ones(5), venue=venue, account=account, detail=detail)
    history = bt.run(bars, np.ones(5), venue=venue, account=account).history
    assert 0 < history["reserve"].iloc[-1] < 5000
    assert found.final.index.tolist() == ["worst", "path", "best", "resolved"]
    assert found.final["final_equity"].tolist() == pytest.approx([12_000.0] * 4)
    assert found.final["total_return"].tolist() == pytest.approx([12 / 15 - 1] * 4)


def test_an_account_that_was_ruined_on_the_way_is_ruined():
    """A long at 1x whose price all but vanishes and comes back: no liquidation, and no order any more."""
    bars = bars_of([100, 100, 5e-5, 100, 100])
    detail = bars_of([100, 100, 100, 100, 5e-5, 5e-5, 100, 100, 100, 100], every="30min")
    account = bt.Account(leverage=1)
    found = bracket(bars, np.ones(5), venue=venue_of(), account=account, detail=detail)
    summary = bt.run(bars, np.ones(5), venue=venue_of(), account=account).summary
    assert summary["ruined"]
    assert found.final["ruined"].tolist() == [True] * 4
    assert found.final["total_return"].tolist() == pytest.approx([0.0] * 4)


def test_the_worst_replay_is_the_plain_one():
    bars = bars_of([100, 100, (100, 106, 85, 101), 99])
    found, _ = judged(bars, "1 . . .", take_profit=0.05)
    for order in ("worst", "path", "best"):
        result = play(bars, "1 . . .", leverage=10, take_profit=0.05, intrabar=order)
        assert found.final.loc[order, "final_equity"] == result.equity.iloc[-1]
        assert found.final.loc[order, "ruined"] == result.summary["ruined"]

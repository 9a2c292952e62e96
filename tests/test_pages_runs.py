"""What the page of a run says: the sentence at its top, and every table below."""

import math

import numpy as np
import pandas as pd
import pytest
from stand_in import StandIn, bars_of, frame, liquidation

import backtest as bt
from backtest.command_line import sparklines
from backtest.figures_in_words import count, money
from backtest.kernels import orders
from backtest.pages import tables, verdicts
from backtest.pages.documents import key
from backtest.pages.liquidation_tables import liquidations_table, with_triggers
from backtest.pages.run_charts import drawn_symbols, thinning_in_words
from backtest.pages.run_pages import run_context
from backtest.pages.runs import Timeline
from backtest.pages.verdicts import lost_at, tiles, verdict_on
from backtest.plots.thinning import BUCKETS

BARS = bars_of(200)
TIME = BARS.time
MANY = BUCKETS * 2 + 1
DRAWN = f"bars each curve has the lowest and the highest of every one of {count(BUCKETS)} stretches of time"


def cells(table, title):
    """Return the cells of a column."""
    (column,) = [column for column in table.columns if column.title == title]
    return list(column.cells)


def titles(table):
    return [column.title for column in table.columns]


def trade(entry, out, **more):
    figures = {"side": "long", "quantity": 2.0, "entry_price": 100.0, "exit_price": 90.0, "bars": 10.0}
    times = {"entry_time": TIME[entry], "exit_time": None if out is None else TIME[out]}
    return {"symbol": "BTCUSDT", "exit_reason": "signal", **figures, **times, **more}


def lost(row, *events, **figures):
    equity = np.where(np.arange(200) < row, 5_000.0, 0.0)
    return StandIn(BARS, equity, liquidations=frame("liquidations", *events), figures=figures)


@pytest.mark.parametrize(
    ("run", "said", "tone"),
    [
        (lost(150, liquidation(TIME[150])), "Liquidated once; the account was lost on 2020-01-07 06:00", "bad"),
        (
            lost(0),
            "Never liquidated, but worn down by losses and costs; the account was lost on 2020-01-01 00:00",
            "bad",
        ),
        (
            lost(9, *[liquidation(TIME[k]) for k in (3, 5, 9)], refills=2),
            "Liquidated 3 times and refilled twice; the account was lost on 2020-01-01 09:00",
            "bad",
        ),
        (StandIn(BARS), "The account lived: nothing was traded, 10 000.00 is left", ""),
        (
            StandIn(BARS, np.full(200, 12_500.0), trades=frame("trades", trade(1, 20))),
            "The account lived: 10 000.00 became 12 500.00 (25.00%), without a liquidation",
            "good",
        ),
        (
            StandIn(BARS, np.full(200, 8_000.0), liquidations=frame("liquidations", *[liquidation(TIME[9])] * 2)),
            "The account lived, liquidated twice: 10 000.00 became 8 000.00 (-20.00%)",
            "",
        ),
        (
            StandIn(
                BARS, liquidations=frame("liquidations", liquidation(TIME[9])), figures={"refills": 1, "refilled": 7.0}
            ),
            "Refilled once, liquidated once: 10 000.00 and 7.00 from outside became 10 000.00, a loss of 7.00",
            "bad",
        ),
        (
            StandIn(BARS, np.full(200, 8_000.0), trades=frame("trades", trade(1, 20))),
            "The account lived: 10 000.00 became 8 000.00 (-20.00%), without a liquidation",
            "",
        ),
    ],
)
def test_one_sentence_says_what_became_of_the_account(run, said, tone):
    verdict = verdict_on(run, money)
    assert (verdict.sentence, verdict.tone) == (said, tone)


def with_reserve(**figures):
    """Return a run that began with 5 000 in reserve, of which 3 000 are left."""
    event = liquidation(TIME[9])
    run = StandIn(
        BARS, np.full(200, 10_326.07), liquidations=frame("liquidations", event), figures=figures, reserve=3_000.0
    )
    run.description["account"]["reserve"] = 5_000.0
    return run


def test_a_reserve_is_there_at_the_start_as_at_the_end():
    verdict = verdict_on(with_reserve(total_return=13_326.07 / 15_000 - 1), money)
    assert verdict.sentence == (
        "The account lived, liquidated once: 10 000.00 and a reserve of 5 000.00 became 13 326.07 (-11.16%)"
    )
    assert verdict.more[0] == "What was liquidated: a long of 2.000 BTCUSDT, mark fell to 90.000; it took 100.00."
    assert verdict.more[1:] == ("At the end 10 326.07 is in the account, 3 000.00 in the reserve.",)


def test_money_from_outside_makes_no_loss_a_gain():
    run = with_reserve(refills=2, refilled=20_000.0)
    assert verdict_on(run, money).sentence == (
        "Refilled twice, liquidated once: 10 000.00, a reserve of 5 000.00 and 20 000.00 from outside "
        "became 13 326.07, a loss of 21 673.93"
    )
    assert verdict_on(with_reserve(refills=1, refilled=-5_000.0), money).sentence.endswith("a gain of 3 326.07")


@pytest.mark.parametrize(
    ("run", "value", "note"),
    [
        (with_reserve(), "10 326.07", "from 10 000.00; reserve 3 000.00 of 5 000.00"),
        (
            with_reserve(refilled=7.0),
            "10 326.07",
            "from 10 000.00 and 7.00 from outside; reserve 3 000.00 of 5 000.00",
        ),
        (StandIn(BARS), "10 000.00", "from 10 000.00"),
    ],
)
def test_the_final_equity_is_that_of_the_account(run, value, note):
    (tile,) = [tile for tile in tiles(run, money) if tile.label == "final equity"]
    assert (tile.value, tile.note) == (value, note)


def test_an_account_is_lost_where_the_engine_says_so():
    assert verdicts.RUIN is sparklines.RUIN is orders.RUIN
    equity = np.full(200, 100.0)
    equity[150:] = orders.RUIN * 10_000.0
    assert lost_at(StandIn(BARS, equity)) == TIME[150]
    equity[150:] = np.nextafter(orders.RUIN * 10_000.0, 1.0)
    assert lost_at(StandIn(BARS, equity)) == TIME[199]


def test_an_account_that_recovers_is_not_lost_before():
    equity = np.full(200, 100.0)
    equity[[50, 180]] = 0.0
    equity[190:] = 0.009
    assert lost_at(StandIn(BARS, equity)) == TIME[190]


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["certain"] * 3, ("All 3 liquidations happen in whatever order prices moved inside the bar.",)),
        (["certain"], ("The liquidation happens in whatever order prices moved inside the bar.",)),
        (
            ["certain", "possible", "possible"],
            ("Inside the bar prices may have moved in another order: 2 liquidations possible, 1 liquidation certain.",),
        ),
        (["", ""], ()),
        ([], ()),
    ],
)
def test_the_page_says_how_sure_liquidations_are(verdicts, said):
    events = [liquidation(TIME[k]) for k in range(len(verdicts))]
    rows = [{"time": TIME[k], "verdict": verdict} for k, verdict in enumerate(verdicts)]
    run = StandIn(BARS, liquidations=frame("liquidations", *events), verdicts=frame("verdicts", *rows))
    assert verdict_on(run, money).more[1:] == said
    table = liquidations_table(run, Timeline(BARS), money)
    assert ("how sure" in titles(table)) == any(verdicts)
    if any(verdicts):
        assert cells(table, "how sure") == verdicts


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, "mark fell to 90.000"),
        ({"quantity": -2.0, "mark_price": 110.5}, "mark rose to 110.50"),
        ({"gap": True}, "mark opened at 90.000, below 95.000"),
        ({"gap": True, "quantity": -2.0}, "mark opened at 90.000, above 95.000"),
        ({"joint": True}, "all positions together, with this mark at 90.000"),
        ({"partial": True}, "mark fell to 90.000; closed in part"),
        ({"symbol": "ETHUSDT", "gap": True}, "mark opened at 90.000, past its price"),
    ],
)
def test_a_liquidation_has_what_triggered_it(event, said):
    bars = bars_of(200, "BTCUSDT", "ETHUSDT")
    held = [
        {"time": TIME[k], "symbol": "BTCUSDT", "liquidation_price": p} for k, p in ((2, 99.0), (8, 95.0), (9, math.nan))
    ]
    run = StandIn(
        bars,
        liquidations=frame("liquidations", liquidation(TIME[9], **event)),
        positions=frame("positions", *held),
    )
    assert list(with_triggers(run)["trigger"]) == [said]


def test_a_liquidation_after_a_margin_call_says_so():
    calls = [{"time": TIME[9], "symbol": "", "event": "forced"}, {"time": TIME[12], "symbol": "", "event": "call"}]
    events = [liquidation(TIME[k], gap=True) for k in (9, 12)]
    run = StandIn(BARS, liquidations=frame("liquidations", *events), calls=frame("calls", *calls))
    assert list(with_triggers(run)["trigger"]) == [
        "a margin call was not met, mark at 90.000",
        "mark opened at 90.000, past its price",
    ]


def test_two_prices_are_shown_where_fills_are_not_at_the_mark():
    same, other = liquidation(TIME[3]), liquidation(TIME[4], fill_price=89.5)
    table = liquidations_table(StandIn(BARS, liquidations=frame("liquidations", same)), Timeline(BARS), money)
    assert "price" in titles(table)
    table = liquidations_table(StandIn(BARS, liquidations=frame("liquidations", same, other)), Timeline(BARS), money)
    assert cells(table, "mark price") == ["90.000", "90.000"]
    assert cells(table, "fill price") == ["90.000", "89.500"]


def test_of_many_rows_the_costliest_are_shown_and_the_others_counted(monkeypatch):
    monkeypatch.setattr(tables, "ROWS", 3)
    events = [liquidation(TIME[k], loss=loss) for k, loss in enumerate([5.0, 1.0, 9.0, 7.0, math.nan])]
    table = liquidations_table(StandIn(BARS, liquidations=frame("liquidations", *events)), Timeline(BARS), money)
    assert cells(table, "loss") == ["5.00", "9.00", "7.00"]
    assert table.note == "The costliest 3 of 5 liquidations; the other 2 liquidations are not shown."


def test_rows_lead_to_the_bars_around_them():
    hour = 3_600_000
    run = StandIn(
        BARS,
        liquidations=frame("liquidations", liquidation(TIME[100]), liquidation(TIME[3])),
        trades=frame("trades", trade(50, 60), trade(195, None, exit_reason="open")),
    )
    context = run_context(run)
    start = TIME[0].value // 1_000_000
    spans = [(span.start, span.end) for key in ("liquidations", "trades") for span in context[key].spans]
    bars = [(60, 140), (0, 43), (10, 100), (155, 199)]
    assert spans == [(start + a * hour - hour // 2, start + b * hour + hour // 2) for a, b in bars]
    assert cells(context["trades"], "exit") == ["2020-01-03 12:00", ""]
    assert cells(context["trades"], "ended by") == ["signal", "still open"]


def test_what_is_missing_has_no_key_and_what_has_no_end_has_one():
    column = tables.number_column("a", [math.nan, None, math.inf, -math.inf, 0.5, -3], str, "sign")
    assert [key(value) for value in column.keys] == ["", "", "Infinity", "-Infinity", "0.5", "-3.0"]
    assert list(column.tones) == ["", "", "good", "bad", "good", "bad"]


def test_orders_are_counted_by_what_became_of_them():
    rows = [
        {"time": TIME[k], "wanted": 3.0, "filled": 1.0, "reason": reason}
        for k, reason in enumerate(("fees", "fees", "ruined"))
    ]
    waiting = {"time": TIME[9], "wanted": math.nan, "reason": "waiting"}
    table = run_context(StandIn(BARS, orders=frame("orders", *rows, waiting)))["orders"]
    assert table.note == ("cut to leave room for fees: 2; refused: the account was lost: 1; left waiting for a bar: 1.")
    assert cells(table, "wanted") == ["3.000", "3.000", "3.000", "-"]


def test_margin_calls_name_the_account():
    rows = [{"time": TIME[3], "symbol": "", "event": "call", "balance": 5.0, "maintenance": 7.5}]
    table = run_context(StandIn(BARS, calls=frame("calls", *rows)))["calls"]
    assert [cells(table, title) for title in ("of", "event", "requirement")] == [
        ["the account"],
        ["margin call"],
        ["7.50"],
    ]


@pytest.mark.parametrize(
    ("bars", "liquidations", "said"),
    [
        (1, 0, "There is one bar."),
        (MANY - 1, 9, f"Every one of the {count(MANY - 1)} bars is drawn."),
        (MANY, 0, f"Of {count(MANY)} {DRAWN}."),
        (
            9_000,
            1,
            f"Of 9 000 {DRAWN}; within 40 bars of the liquidation every bar is drawn.",
        ),
        (
            9_000,
            2_201,
            f"Of 9 000 {DRAWN}; within 40 bars of each of the 200 costliest liquidations every bar is drawn; "
            "2 001 other liquidations are thinned, and 201 of these have no mark.",
        ),
    ],
)
def test_the_page_says_how_curves_are_thinned(bars, liquidations, said):
    assert thinning_in_words(bars, liquidations) == said


def test_of_many_symbols_those_that_lost_most_are_drawn():
    names = [f"S{k:02}" for k in range(14)]
    bars = bars_of(50, *names)
    run = StandIn(
        bars,
        liquidations=frame("liquidations", liquidation(TIME[3], "S13"), liquidation(TIME[4], "S07", loss=900.0)),
        trades=frame("trades", trade(1, 2, symbol="S12")),
    )
    assert drawn_symbols(run) == ["S07", "S13", "S12", *names[:7], "S08", "S09"]
    context = run_context(run)
    assert context["left_out"] == "Prices of 2 other symbols are not on this page."
    assert list(context["charts"][0].figures) == drawn_symbols(run)


def test_a_summary_has_what_is_rare_only_where_it_happened():
    usual = run_context(StandIn(BARS))["groups"]
    rare = run_context(StandIn(BARS, figures={"margin_calls": 2, "deposits": 70.0}))["groups"]
    assert list(usual) == ["return", "trades", "margin", "costs"]
    assert list(rare) == [*usual, "calls", "insurance"]
    assert [tile.value for tile in rare["calls"]][:3] == ["2", "0", "70.00"]
    alarmed = run_context(StandIn(BARS, figures={"bad_debt": 3.0}))["groups"]["margin"]
    assert [tile.label for tile in alarmed if tile.tone == "bad"] == ["bad debt"]


def test_tiles_say_what_liquidations_took():
    events = frame("liquidations", liquidation(TIME[3]), liquidation(TIME[4], loss=50.5))
    run = StandIn(BARS, liquidations=events, figures={"liquidation_loss": 162.3})
    (tile,) = [tile for tile in tiles(run, money) if tile.label == "liquidations"]
    assert (tile.value, tile.note, tile.tone) == (
        "2",
        "took 150.50; the trades hit lost 162.30, fees and funding included",
        "bad",
    )


def test_settings_tiers_data_and_versions_are_there():
    context = run_context(StandIn(BARS))
    groups = {title: dict(rows) for title, rows in context["dependencies"].items()}
    assert groups["strategy"] == {
        "name": "stand_in",
        "source": "sha256:00",
        "fast": "20",
        "size": "0.5",
        "signals": "sha256:11",
    }
    assert groups["account"]["cash"] == "10 000"
    assert groups["data"]["fingerprint"] == BARS.fingerprint
    assert groups["versions"]["python"] == "3.11"
    (ladder,) = context["ladders"].items()
    assert ladder[0] == "every symbol"
    assert titles(ladder[1]) == ["floor", "maintenance rate", "max leverage"]
    assert [list(column.cells) for column in ladder[1].columns] == [["0"], ["0.004"], ["125"]]


def test_money_of_a_coin_has_six_digits():
    run = StandIn(BARS, np.full(200, 0.5))
    run.description["account"] |= {"currency": "base", "cash": 0.25}
    assert verdict_on(run, money).sentence.startswith("The account lived")
    assert [tile.value for tile in run_context(run)["tiles"]][1] == "0.500000"


def test_nothing_is_worked_out_for_a_symbol_without_bars():
    index = BARS.time
    gone = BARS.frame("BTCUSDT").assign(**dict.fromkeys(["open", "high", "low", "close"], math.nan))
    frames = {
        "BTCUSDT": BARS.frame("BTCUSDT"),
        "LATE": gone.where(pd.Series(index < index[150], index), BARS.frame("BTCUSDT"), axis=0),
    }
    context = run_context(StandIn(bt.Bars.from_frames(frames)))
    assert list(context["charts"][0].figures) == ["BTCUSDT", "LATE"]

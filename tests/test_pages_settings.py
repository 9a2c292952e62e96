"""What the pages of sweeps and comparisons say."""

import pandas as pd
import pytest
from stand_in import StandIn, bars_of, frame, liquidation

import backtest as bt
from backtest.pages.comparison_pages import DIFFERING, comparison_context
from backtest.pages.comparison_tables import growth_table
from backtest.pages.run_charts import thinning_in_words
from backtest.pages.sweep_pages import sweep_context, write_sweep_page
from backtest.pages.sweep_tables import reasons_table
from backtest.plots.thinning import BUCKETS

FIGURES = {"cagr": 0.1, "max_drawdown_low": -0.5, "liquidations": 0, "ruined": False, "refills": 0, "sharpe": 1.0}


def table_of(*rows):
    """Return a sweep's table: settings first, then the reason, then figures."""
    names = [name for name in rows[0] if name not in (*FIGURES, "reason")]
    full = [{name: row[name] for name in names} | {"reason": ""} | FIGURES | row for row in rows]
    return pd.DataFrame([row if not row["reason"] else row | dict.fromkeys(FIGURES) for row in full])


def leverages(*lost, modes=("isolated",), values=(1, 2, 5)):
    rows = [{"leverage": leverage, "margin_mode": mode} for leverage in values for mode in modes]
    gone = [int(row["leverage"] in lost) for row in rows]
    figures = [
        {"ruined": bool(dead), "liquidations": dead, "cagr": 0.3 - 0.1 * row["leverage"]}
        for row, dead in zip(rows, gone, strict=True)
    ]
    return table_of(*(row | more for row, more in zip(rows, figures, strict=True)))


def cells(table, title):
    (column,) = [column for column in table.columns if column.title == title]
    return list(column.cells)


@pytest.mark.parametrize(
    ("lost", "said", "more"),
    [
        (
            (),
            "All 3 accounts lived; growth was highest with leverage 1, margin mode isolated: 20.00% a year",
            ("Every account lived up to 5x, without a liquidation.",),
        ),
        (
            (5,),
            "2 of 3 accounts lived; growth was highest with leverage 1, margin mode isolated: 20.00% a year",
            ("Every account lived up to 2x, without a liquidation; none above.",),
        ),
        (
            (2,),
            "2 of 3 accounts lived; growth was highest with leverage 1, margin mode isolated: 20.00% a year",
            ("Every account lived up to 1x, without a liquidation; the highest that one lived through is 5x.",),
        ),
        (
            (1, 2),
            "1 of 3 accounts lived; growth was highest with leverage 1, margin mode isolated: 20.00% a year",
            (
                "Accounts were ruined even at 1x; the highest that one lived through is 5x, "
                "some with a liquidation even at 1x.",
            ),
        ),
        ((1, 2, 5), "None of 3 accounts lived", ("No account lived, from 1x on.",)),
    ],
)
def test_a_sweep_says_how_many_lived(lost, said, more):
    verdict = sweep_context(leverages(*lost), None, {})["verdict"]
    assert (verdict.sentence, verdict.more) == (said, more)


def test_where_every_setting_lost_the_best_fell_least():
    table = leverages()
    table["cagr"] -= 0.5
    context = sweep_context(table, None, {})
    assert context["verdict"].sentence == (
        "All 3 accounts lived; equity fell least with leverage 1, margin mode isolated: -30.00% a year"
    )
    assert (context["tiles"][-1].label, context["tiles"][-1].value) == ("smallest fall a year", "-30.00%")
    table["cagr"] = 0.0
    assert "growth was highest" in sweep_context(table, None, {})["verdict"].sentence


@pytest.mark.parametrize(
    ("currency", "swept", "said"),
    [
        (None, None, "0.03"),
        ("quote", None, "0.03"),
        ("base", None, "0.028830"),
        (None, "base", "0.028830"),
        (None, "quote", "0.03"),
    ],
)
def test_a_sweep_writes_coins_as_coins(currency, swept, said):
    rows = [{"leverage": 1, **({} if swept is None else {"currency": swept})}, {"leverage": 2}]
    table = table_of(*({**rows[0], **row} for row in rows)).assign(fees=0.02883)
    if currency is not None:
        table.attrs["currency"] = currency
    assert cells(sweep_context(table, None, {})["best"], "fees") == [said] * 2


def test_a_sweep_over_margin_modes_says_of_each_up_to_which_leverage_it_lived():
    table = leverages(5, modes=("isolated", "cross"))
    table.loc[(table["margin_mode"] == "cross") & (table["leverage"] == 2), ["ruined", "liquidations"]] = [True, 1]
    assert sweep_context(table, None, {})["verdict"].more == (
        "isolated: every account lived up to 2x, without a liquidation; none above.",
        "cross: every account lived up to 1x, without a liquidation; none above.",
    )


def test_a_refilled_account_did_not_live():
    table = leverages(values=(1, 2))
    table.loc[1, "refills"] = 3
    context = sweep_context(table, None, {})
    assert context["verdict"].sentence.startswith("1 of 2 accounts lived")
    assert [tile.value for tile in context["tiles"]][:2] == ["2", "1"]


def test_the_best_come_first_and_the_others_are_counted(monkeypatch):
    monkeypatch.setattr("backtest.pages.sweep_tables.ROWS", 2)
    table = table_of(
        *({"fast": fast, "cagr": cagr} for fast, cagr in ((1, 0.1), (2, 0.4), (3, float("nan")), (4, 0.2)))
    )
    best = sweep_context(table, None, {})["best"]
    assert cells(best, "fast") == ["2", "4"]
    assert cells(best, "cagr") == ["40.00%", "20.00%"]
    assert best.note == "The best 2 by cagr; 2 other settings ran, too."


def test_reasons_that_differ_in_numbers_stand_together():
    rows = [
        {"leverage": leverage, "reason": f"leverage must be at most 20, got {leverage}"} for leverage in (21, 22, 23)
    ]
    refused = table_of(*rows, {"leverage": 1, "reason": "cash must be above 0"})
    found = reasons_table(refused, ["leverage"])
    assert cells(found, "settings") == ["3", "1"]
    assert cells(found, "why") == ["leverage must be at most 20, got 21, and the like", "cash must be above 0"]
    assert cells(found, "the first of them") == ["leverage 21", "leverage 1"]


def test_charts_follow_from_what_is_swept():
    context = sweep_context(leverages(modes=("isolated", "cross")), None, {})
    growth, fields = context["charts"]
    assert list(growth.figures) == [""]
    assert list(fields.figures) == ["cagr", "max_drawdown_low", "liquidations", "ruined"]
    rows = [{"leverage": a, "fast": b, "mode": c} for a in (1, 2) for b in (5, 9) for c in ("x", "y")]
    growth, fields = sweep_context(table_of(*rows), None, {})["charts"]
    assert list(growth.figures) == ["leverage", "fast"]
    assert len(fields.figures) == 4 * 3
    assert sweep_context(table_of({"mode": "x"}, {"mode": "y"}), None, {})["charts"] == []


def test_a_sweep_in_which_nothing_ran_has_a_page(tmp_path):
    table = table_of({"leverage": 1, "reason": "no"}, {"leverage": 2, "reason": "no"})
    write_sweep_page(table, tmp_path / "sweep.html", facts={"data": "<b>none</b>"})
    text = (tmp_path / "sweep.html").read_text(encoding="utf-8")
    assert "No setting could run" in text
    assert "&lt;b&gt;none&lt;/b&gt;" in text
    assert "<b>none" not in text


def test_what_is_no_sweep_is_refused(tmp_path):
    with pytest.raises(bt.DataError, match="table must have a column reason"):
        write_sweep_page(pd.DataFrame({"a": [1]}), tmp_path / "sweep.html")
    assert not list(tmp_path.iterdir())


class Compared:
    """Two settings side by side, of which the first is liquidated once."""

    def __init__(self):
        bars = bars_of(300)
        event = liquidation(bars.time[100])
        one = StandIn(bars, [9_000.0] * 100 + [0.0] * 200, liquidations=frame("liquidations", event))
        other = StandIn(bars)
        other.description["account"] |= {"margin_mode": "cross"}
        self.results = {"isolated": one, "cross": other}
        self.table = pd.DataFrame(
            {
                "total_return": [-1.0, 0.0],
                "liquidations": [1, 0],
                "pressure": [0.25, 0.0],
                "ruined": [True, False],
                "final_equity": [0.0, 10_000.0],
            },
            index=["isolated", "cross"],
        )
        self.liquidations = pd.DataFrame(
            {"time": bars.time[[100]], "symbol": ["BTCUSDT"], "loss": [9.0], "isolated": [True], "cross": [False]}
        )
        self.growth = growth_of(cross=(0.4, -0.1, 0.9))


def growth_of(**rows):
    figures = [
        {"difference": a, "low": b, "high": c, "confidence": 0.95, "share_above_zero": 0.8, "block": 3.0, "days": 12}
        for a, b, c in rows.values()
    ]
    return pd.DataFrame(figures, index=list(rows))


def test_a_comparison_says_who_lived_and_what_differs():
    context = comparison_context(Compared())
    assert context["verdict"].sentence == "1 of 2 accounts lived: cross"
    assert context["verdict"].more == (
        "isolated: Liquidated once; the account was lost on 2020-01-05 04:00.",
        "cross: The account lived: nothing was traded, 10 000.00 is left.",
    )
    facts = dict(context["facts"])
    assert facts["compared"] == "isolated, cross"
    assert "account" not in facts
    assert facts["venue"] == "made_up"
    assert [side.setting.split(";")[1] for side in context["sides"]] == [
        " isolated margin, 5x, cash 10 000.00",
        " cross margin, 5x, cash 10 000.00",
    ]
    assert cells(context["figures"], "time under margin pressure") == ["25.00%", "0.00%"]
    assert cells(context["figures"], "final equity") == ["0.00", "10 000.00"]
    assert [cells(context["differing"], name) for name in ("isolated", "cross")] == [["liquidated"], ["-"]]


def test_a_comparison_of_coins_has_coins_as_its_unit():
    compared = Compared()
    assert [chart.unit for chart in comparison_context(compared)["charts"]] == ["quote"]
    for run in compared.results.values():
        run.description["account"]["currency"] = "base"
    context = comparison_context(compared)
    assert [chart.unit for chart in context["charts"]] == ["coins"]
    assert cells(context["figures"], "final equity") == ["0.000000", "10 000.000000"]


def test_a_comparison_says_what_its_chart_leaves_out():
    assert thinning_in_words(9_000, 201, DIFFERING).endswith(
        "; within 40 bars of each of the 200 costliest liquidations that not all settings have every bar is drawn; "
        "1 other liquidation is thinned."
    )
    compared = Compared()
    bars = bars_of(2 * BUCKETS + 1)
    compared.results = {name: StandIn(bars) for name in compared.results}
    assert (
        "of the liquidation that not all settings have every bar is drawn" in comparison_context(compared)["thinning"]
    )


def test_a_comparison_says_that_the_end_has_the_reserve():
    compared = Compared()
    assert comparison_context(compared)["figures"].note == ""
    compared.results["cross"].description["account"]["reserve"] = 5.0
    assert comparison_context(compared)["figures"].note == "Final equity is with what is left in the reserve."


def test_growth_says_whether_a_difference_is_more_than_chance():
    growth = growth_of(
        a=(0.4, 0.1, 0.9), b=(-0.4, -0.9, -0.1), c=(0.4, -0.1, 0.9), d=(0.0, 0.0, 0.0), e=(1.0, 0.5, 2.0)
    )
    ruined = pd.Series([False, False, False, False, True], index=list("abcde"))
    table = growth_table(growth, ruined)
    assert cells(table, "") == ["more than chance", "more than chance", "may be chance", "alike", "ruined"]
    assert list(table.columns[-1].tones) == ["good", "bad", "", "", "bad"]
    assert cells(table, "95% interval")[0] == "+0.10 to +0.90"

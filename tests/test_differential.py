"""The engine against the slow reference, over every setting."""

from comparison import assert_same_bits, check_ledger, compare, engine_result
from draws import DECIMAL, DYADIC, cases
from hypothesis import event, given

NEAR = 1e-12  # of a decision: there float and fraction may rightly decide otherwise


def check(case, escape: bool) -> None:
    outcome = case.replay()
    if escape and outcome.closest < NEAR:
        event("discarded: near a decision")
        return
    result = engine_result(case)
    check_ledger(result, float(case.account.cash))
    compare(case, outcome, result)


@given(cases(DYADIC))
def test_engine_equals_reference_on_dyadic_draws(case):
    check(case, escape=False)


@given(cases(DECIMAL))
def test_engine_equals_reference_on_decimal_draws(case):
    check(case, escape=True)


@given(cases(DECIMAL))
def test_skipping_quiet_bars_changes_no_bit(case):
    assert_same_bits(engine_result(case), engine_result(case, skip_quiet_bars=False))

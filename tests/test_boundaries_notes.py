"""What is noted of a position between two bars, which must not outlive what it was noted from."""

import pytest
from scenes import bars_of, play


def test_a_position_that_was_alone_is_noted_anew_when_a_second_is_opened():
    # short and long at 90 % each set the leverage, 1.8, and no distance below 1; then a position that is paid in full
    # gets one of 20 % beside it, on borrowed money, and when that has fallen to a quarter the first may fail at last
    first = [100] * 10
    second = [100] * 8 + [25, 100]
    words = "-0.45 . . 0 0.45 . . . . .", "0.45 . . 0 . 0.1 . . . ."
    settings = {"leverage": 2, "margin_mode": "cross", "sizing": "cash", "cash": 1000.0}
    summary = play(bars_of(first, second), *words, **settings).summary
    assert summary["highest_effective_leverage"] == pytest.approx(1.8)
    end = (100 - 0.996 * 2 * 25) / (0.996 * 9)  # 100 are owed; 2 units at 25 bear some of it, 9 units the rest
    assert summary["smallest_liquidation_distance"] == pytest.approx(1 - end / 100)


@pytest.mark.parametrize("side", [1, -1])
def test_an_isolated_position_is_noted_anew_when_it_has_paid_funding(side):
    # 10 units with a margin of 250 pay 100 of it, and die at a fall of 14.7 %, no more of 24.7 %
    low = (100, 100, 80, 100) if side > 0 else (100, 120, 100, 100)
    bars = bars_of([100, 100, 100, 100, low, 100], [100] * 6, funding=[[0, 0, 0, 0.1 * side, 0, 0], [0] * 6])
    settings = {"leverage": 4, "sizing": "cash", "cash": 1000.0}
    result = play(bars, f"{0.25 * side} . . . . .", "0.25 . . . . .", **settings)
    assert result.liquidations["symbol"].tolist() == ["S0"]


def test_the_first_share_is_no_second_one_shortly_after_1970():
    bars = bars_of([100, 100, (100, 100, 76, 80), 80], start="1970-01-01")
    settings = {"leverage": 4, "cash": 1000.0, "tiers": [(0, 1 / 16, 10)]}
    result = play(bars, "1 . . .", liquidation="share", liquidation_share=0.25, cooldown=86_400.0, **settings)
    assert result.liquidations["partial"].iloc[0]

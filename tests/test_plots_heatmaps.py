"""The colours of heat maps: bad is one colour, and no gain is so large that a lost account looks like any other."""

import pytest
from plotted import roles, table_of

from backtest import plots
from backtest.plots.style import WAYS

SETTINGS = [{"leverage": a, "fast": fast} for a in (1.0, 2.0) for fast in (10, 20)]


def field_of(growth, **figures):
    table = table_of(SETTINGS, growth).assign(**figures)
    return roles(plots.heatmap(table, figure=next(iter(figures), "cagr")))["field"]


def test_a_gain_beyond_the_whole_has_the_colour_of_one():
    field = field_of([6e6, 0.3, -0.2, -1.0])
    assert (field.zmin, field.zmax) == (-1.0, 1.0)
    assert field.z.max() == 6e6
    assert ",.3~p" in field.hovertemplate
    assert "~s" not in field.hovertemplate


def test_losses_alone_have_the_colours_of_losses():
    field = field_of([-0.1, -0.3, -0.2, -0.4])
    assert (field.zmin, field.zmax) == (-0.4, 0.4)
    assert field.colorscale[0][1] == WAYS[0][1]


@pytest.mark.parametrize(("figure", "highest"), [("ruined", 1.0), ("liquidations", 7.0)])
def test_what_is_worse_the_more_there_is_of_it_ends_in_the_colour_of_losses(figure, highest):
    values = [False, True, False, True] if figure == "ruined" else [0, 7, 3, 1]
    field = field_of([0.1, 0.2, 0.3, 0.4], **{figure: values})
    assert (field.zmin, field.zmax) == (0.0, highest)
    assert field.colorscale[-1][1] == WAYS[0][1]

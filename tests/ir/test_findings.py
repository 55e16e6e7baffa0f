"""What an algorithm shows: values that fit their axes, or none."""

import pytest

from archsim.ir.findings import Axis, BarChart, Bars, Curve, MapChart, Table

WORDS = {"name": "n", "title": "t", "caption": "c"}


def test_series_have_a_value_for_every_place():
    Curve("a", (0.0, 1.0), (2.0, 3.0), low=(1.0, 2.0), high=(3.0, 4.0))
    with pytest.raises(ValueError, match="a: y has 1 values, not 2"):
        Curve("a", (0.0, 1.0), (2.0,))
    with pytest.raises(ValueError, match="a: high has 3 values, not 2"):
        Curve("a", (0.0, 1.0), (2.0, 3.0), high=(1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="b: values has 1 values, not 2"):
        BarChart(**WORDS, value=Axis("v"), categories=("x", "y"), bars=(Bars("b", (1.0,)),))


def test_maps_and_tables_are_full():
    axis = Axis("v", "MHz")
    plane = {"x": axis, "y": axis, "value": axis, "xs": (0.0, 1.0), "ys": (0.0,)}
    MapChart(**WORDS, **plane, values=((1.0, 2.0),))
    with pytest.raises(ValueError, match="n: row has 1 values, not 2"):
        MapChart(**WORDS, **plane, values=((1.0,),))
    with pytest.raises(ValueError, match="n: values has 2 values, not 1"):
        MapChart(**WORDS, **plane, values=((1.0, 2.0), (1.0, 2.0)))
    with pytest.raises(ValueError, match="n: row has 1 values, not 2"):
        Table(**WORDS, columns=("a", "b"), rows=(("x",),))

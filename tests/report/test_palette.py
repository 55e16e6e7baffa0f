"""Colours of phases and components."""

from itertools import combinations

import pytest

from archsim.report.palette import (
    COMPONENTS,
    NEUTRAL,
    PARTS,
    PHASES,
    REST,
    component_colors,
    part_colors,
    phase_colors,
    phase_order,
)
from archsim.results.digest import PARTS as TIME_PARTS


def linear(color):
    """Linear light of a colour as written in CSS (IEC 61966-2-1)."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def seen_by_deuteranope(color):
    """Linear light as someone without green cones sees it (Vienot, Brettel, Mollon 1999)."""
    red, green, blue = linear(color)
    both = 0.29275 * red + 0.70725 * green
    return (both, -0.02234 * red + 0.02234 * green + blue)


@pytest.mark.parametrize("colors", [PHASES.values(), [*PARTS.values(), REST], [NEUTRAL, REST]])
def test_colors_that_stand_together_differ_for_the_colour_blind(colors):
    for first, second in combinations(colors, 2):
        one, other = seen_by_deuteranope(first), seen_by_deuteranope(second)
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) > 0.1, (first, second)


def test_every_component_has_a_colour_of_its_own():
    names = {f"component{number}" for number in range(len(COMPONENTS))}

    assert len(set(component_colors(names).values())) == len(COMPONENTS)


def test_more_components_than_colours_share_them():
    names = {f"component{number}" for number in range(50)}

    assert component_colors(names).keys() == names
    assert set(component_colors(names).values()) == set(COMPONENTS)


def test_a_component_keeps_its_colour_from_call_to_call():
    names = ["tensor", "vector", "bram", "uram"]

    assert component_colors(names) == component_colors(list(reversed(names)))


def test_a_buffer_is_a_tint_of_its_unit():
    colors = component_colors(["tensor", "tensor.buffer"])

    whole, tint = (
        [int(colors[name][place : place + 2], 16) for place in (1, 3, 5)]
        for name in ("tensor", "tensor.buffer")
    )
    assert tint == [(part + 255) // 2 for part in whole]


def test_every_part_of_time_has_a_colour_of_its_own():
    assert set(PARTS) == set(TIME_PARTS)
    assert part_colors([*PARTS, "idle"]) == {**PARTS, "idle": REST}


def test_idle_time_has_no_colour_of_its_own():
    assert phase_colors(["forward", "idle"]) == {"forward": "#0072B2", "idle": REST}


def test_phases_are_listed_in_the_order_of_a_step():
    phases = ["update", "idle", "weight_gradient", "forward", "backward"]

    assert sorted(phases, key=phase_order) == [
        "forward",
        "backward",
        "weight_gradient",
        "update",
        "idle",
    ]

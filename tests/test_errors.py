"""What messages suggest to somebody who misspelled a name."""

import pytest

from archsim.errors import MOST_NAMES, did_you_mean

LAYERS = ("attn1.to_q", "to_q", "to_out.0", "proj")


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("to_w", "to_q"),  # as close as can be
        ("q", "to_q"),  # a word of it, of the shortest such name
        ("Q", "to_q"),
        ("out", "to_out.0"),
    ],
)
def test_the_closest_name_is_suggested(name, suggested):
    assert did_you_mean(name, LAYERS) == f"did you mean {suggested!r}?"


@pytest.mark.parametrize("name", ["conv", "", "."])
def test_all_names_are_told_where_none_is_close(name):
    assert did_you_mean(name, LAYERS) == "known: attn1.to_q, proj, to_out.0, to_q"


def test_of_many_names_those_beyond_a_line_or_two_are_counted():
    known = [f"layer{number:03}" for number in range(MOST_NAMES + 7)]

    hint = did_you_mean("x", known)

    assert hint.startswith("known: layer000, layer001, ")
    assert hint.endswith(f", layer{MOST_NAMES - 1:03} and 7 more")


def test_variants_are_told_by_their_names():
    assert did_you_mean("conv", LAYERS, ("to_q", "proj")) == "known: proj, to_q"
    assert did_you_mean("attn1.to_w", LAYERS, ("to_q", "proj")) == "did you mean 'attn1.to_q'?"

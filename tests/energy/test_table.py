"""EnergyTable: what a price is made of, and that nothing is free by omission."""

from dataclasses import replace

import pytest

from archsim.energy import EnergyTable, Process
from archsim.errors import EnergyError


@pytest.mark.parametrize(
    ("kind", "action", "number_format", "price"),
    [
        ("vector_unit", "mac", "fp32", 5.0),
        ("vector_unit", "exp", "fp32", 50.0),
        ("processing_array", "mac", "fp32", 10.0),  # 2 * 5.0
        ("processing_array", "mac", "int8", 2.0),  # 2 * 1.0
        ("bram", "read", "", 0.25),
        ("bram", "write", "", 0.5),
    ],
)
def test_a_price_is_the_written_one_times_its_kinds_factor(
    table, kind, action, number_format, price
):
    assert table.price(kind, action, number_format) == price


def test_scaling_multiplies_every_price_but_the_unscaled(table):
    scaled = replace(table, scale_to=Process(node=16, voltage=0.8), unscaled=("dram",))

    assert scaled.price("vector_unit", "mac", "fp32") == pytest.approx(5.0 * 0.1720998784)
    assert scaled.price("bram", "read") == pytest.approx(0.25 * 0.1720998784)
    assert scaled.price("dram", "read") == 4.0
    assert scaled.static_power == table.static_power


def test_scaling_to_the_tables_own_process_changes_nothing(table):
    assert replace(table, scale_to=table.process).prices == table.prices


def test_prices_lists_what_price_answers(table):
    assert table.prices == {
        "bram.read": 0.25,
        "bram.write": 0.5,
        "dram.read": 4.0,
        "processing_array.mac.fp32": 10.0,
        "processing_array.mac.int8": 2.0,
        "processing_array.exp.fp32": 100.0,
        "vector_unit.mac.fp32": 5.0,
        "vector_unit.mac.int8": 1.0,
        "vector_unit.exp.fp32": 50.0,
    }


@pytest.mark.parametrize(
    ("kind", "action", "number_format", "nearest"),
    [
        ("vector_unit", "exp", "fp16", "vector_unit.exp.fp32"),  # a format is missing
        ("vector_unit", "exp2", "fp32", "vector_unit.exp.fp32"),  # a function is missing
        ("vector_units", "mac", "int8", "vector_unit.mac.int8"),  # a kind is missing
        ("dram", "write", "", "bram.write"),  # an action is missing
        ("bram", "mac", "fp32", "vector_unit.mac.fp32"),  # memories do not compute
        ("vector_unit", "mac", "", "vector_unit.mac.int8"),  # arithmetic has a format
    ],
)
def test_what_is_not_priced_is_refused_with_the_nearest_price(
    table, kind, action, number_format, nearest
):
    with pytest.raises(EnergyError) as caught:
        table.price(kind, action, number_format)

    message = str(caught.value)
    assert "'round'" in message
    assert f"'{action}'" in message
    assert f"'{kind}'" in message
    assert f"'{nearest}'" in message


def test_a_zero_price_may_be_written(table_fields):
    table_fields["traffic"]["bram"]["read"] = 0.0

    assert EnergyTable(**table_fields).price("bram", "read") == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"functions": {"mac": {"fp32": -1.0}}}, r"functions\.mac\.fp32 .* got -1"),
        ({"functions": {"mac": {"fp32": float("nan")}}}, r"functions\.mac\.fp32 .* got nan"),
        ({"functions": {"exq": {"fp32": 1.0}}}, r"functions\.exq: .* did you mean 'exp'"),
        ({"traffic": {"bram": {"read": float("inf")}}}, r"traffic\.bram\.read .* got inf"),
        ({"traffic": {"brum": {"read": 1.0}}}, r"'brum' has no factor; did you mean 'bram'"),
        ({"computing": ("vector_unt",)}, r"no factor; did you mean 'vector_unit'"),
        ({"unscaled": ("dran",)}, r"'dran' has no factor; did you mean 'dram'"),
        ({"static_power": -1.0}, r"static_power .* got -1"),
    ],
)
def test_an_impossible_table_is_refused(table_fields, change, message):
    with pytest.raises(ValueError, match=message):
        EnergyTable(**table_fields | change)


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan")])
def test_a_factor_that_would_make_a_component_free_is_refused(table_fields, factor):
    table_fields["factors"]["bram"] = factor

    with pytest.raises(ValueError, match=r"factors\.bram must be finite and > 0"):
        EnergyTable(**table_fields)

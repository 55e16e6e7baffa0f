"""Netlists: counting, ordering and evaluating gates, on a full adder written by hand."""

import numpy as np
import pytest

from archsim.rtl.netlist import _GATES, Gate, Netlist


def cell(kind, y, **pins):
    return {"type": f"$_{kind}_", "connections": {**{p: [w] for p, w in pins.items()}, "Y": [y]}}


# y = a + b + c of single bits, two bits wide; the gates stand in no useful order.
ADDER = {
    "ports": {
        "a": {"bits": [2]},
        "b": {"bits": [3]},
        "c": {"bits": [4]},
        "y": {"bits": [8, 9]},
    },
    "cells": {
        "carry": cell("NAND", 9, A=6, B=7),
        "sum": cell("XOR", 8, A=5, B=4),
        "half": cell("XOR", 5, A=2, B=3),
        "both": cell("NAND", 6, A=2, B=3),
        "chain": cell("NAND", 7, A=5, B=4),
    },
}
ALL = {name: np.arange(8, dtype=np.uint64) >> np.uint64(n) & np.uint64(1) for n, name in enumerate("abc")}  # fmt: skip  # noqa: E501


def test_gates_are_counted_and_put_in_order():
    netlist = Netlist.of("adder", ADDER)

    assert netlist.cells == {"$_NAND_": 3, "$_XOR_": 2}
    assert netlist.transistors == 3 * 4 + 2 * 12
    assert netlist.area_nand2 == 9
    assert netlist.depth == 3  # half, chain, carry
    made = {2, 3, 4}
    for gate in netlist.gates:
        assert made.issuperset(gate.inputs)
        made.add(gate.output)


def test_an_adder_adds():
    found = Netlist.of("adder", ADDER).evaluate(**ALL)

    assert found.tolist() == [0, 1, 1, 2, 1, 2, 2, 3]


def test_many_operations_are_those_of_each(monkeypatch):
    monkeypatch.setattr("archsim.rtl.netlist._BLOCK", 2)
    netlist = Netlist.of("adder", ADDER)
    operands = np.random.default_rng(0).integers(0, 2, (3, 1001), dtype=np.uint64)

    found = netlist.evaluate(**dict(zip("abc", operands, strict=True)))

    np.testing.assert_array_equal(found, operands.sum(axis=0))


def test_toggles_are_weighed_by_the_gates_that_toggle():
    netlist = Netlist.of("adder", ADDER)
    a, none = np.array([0, 1, 0], dtype=np.uint64), np.zeros(3, dtype=np.uint64)

    # Only the two exclusive ors follow a while b and c are zero.
    assert netlist.switched_transistors(a=a, b=none, c=none) == 24


def test_constants_are_wires():
    module = {"ports": {"a": {"bits": [2]}, "y": {"bits": [3, "1", "0"]}}, "cells": {"n": cell("NAND", 3, A=2, B="1")}}  # fmt: skip  # noqa: E501

    found = Netlist.of("inverter", module).evaluate(a=np.array([0, 1], dtype=np.uint64))

    assert found.tolist() == [3, 2]


@pytest.mark.parametrize("kind", _GATES)
def test_each_gate_computes_what_its_name_says(kind):
    """Against Yosys' words for its cells, by truth table."""
    words = {
        "NOT": lambda a: not a,
        "AND": lambda a, b: a and b,
        "OR": lambda a, b: a or b,
        "NAND": lambda a, b: not (a and b),
        "NOR": lambda a, b: not (a or b),
        "XOR": lambda a, b: a != b,
        "XNOR": lambda a, b: a == b,
        "AOI3": lambda a, b, c: not ((a and b) or c),
        "OAI3": lambda a, b, c: not ((a or b) and c),
        "AOI4": lambda a, b, c, d: not ((a and b) or (c and d)),
        "OAI4": lambda a, b, c, d: not ((a or b) and (c or d)),
        "MUX": lambda a, b, s: b if s else a,
    }
    meant = words[kind.strip("$_")]
    count = meant.__code__.co_argcount
    names = tuple(range(2, 2 + count))
    ports = {f"i{n}": (n,) for n in names} | {"y": (99,)}
    gate = Gate(kind=kind, inputs=names, output=99)
    netlist = Netlist(name="one", gates=(gate,), ports=ports, constants={})
    rows = np.arange(2**count, dtype=np.uint64)
    inputs = {f"i{n}": rows >> np.uint64(n - 2) & np.uint64(1) for n in names}

    found = netlist.evaluate(**inputs)

    table = zip(*(values.tolist() for values in inputs.values()), strict=True)
    assert found.tolist() == [int(meant(*row)) for row in table]

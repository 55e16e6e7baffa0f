"""Architecture: routes, clocks, and what is refused with which words."""

from dataclasses import replace

import pytest

from archsim.hardware import Architecture, LinkSpec, Route, SramSpec
from archsim.ir import Role
from tests.machines import dram, kernel, linked, vector, with_component

SRAM = SramSpec(capacity=1024)


def machine(components, *routes, **fields):
    return Architecture(name="m", components=components, routes=routes, **fields)


PARTS = {"tensor": kernel(), "sram": SRAM, "bus": LinkSpec(width=8)}
ROUTE = Route(memory="sram", units=("tensor",))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: machine({"sram": SRAM}), "components: no compute unit"),
        (lambda: machine({"tensor": kernel()}), "components: no memory"),
        (lambda: machine(PARTS), "routes: unit 'tensor' reaches no memory"),
        (
            lambda: machine(PARTS, replace(ROUTE, memory="sran")),
            "routes.0.memory: no memory named 'sran'; did you mean 'sram'?",
        ),
        (
            lambda: machine(PARTS, replace(ROUTE, memory="bus")),
            "routes.0.memory: no memory named 'bus'; known: sram",
        ),
        (
            lambda: machine(PARTS, ROUTE, replace(ROUTE, units=("tensr",))),
            "routes.1.units: no compute unit named 'tensr'; did you mean 'tensor'?",
        ),
        (
            lambda: machine(PARTS, replace(ROUTE, read="buss")),
            "routes.0.read: no link named 'buss'; did you mean 'bus'?",
        ),
        (
            lambda: machine(PARTS, replace(ROUTE, write="tensor")),
            "routes.0.write: no link named 'tensor'; known: bus",
        ),
        (
            lambda: machine({**PARTS, "dram": dram()}, replace(ROUTE, read="dram")),
            "routes.0.read: 'dram' is a memory, not a link",
        ),
        (
            lambda: machine(PARTS, ROUTE, placement={Role.STATE: ("sram", "hbm")}),
            "placement.state: no memory named 'hbm'; known: sram",
        ),
        (
            lambda: machine(PARTS, ROUTE, replace(ROUTE, read="bus")),
            "routes.1.units: 'tensor' reaches 'sram' by routes.0 already",
        ),
        (
            lambda: machine(PARTS, ROUTE, placement={Role.STATE: ()}),
            "placement.state: name at least one memory",
        ),
        (
            lambda: machine({**PARTS, "tensor": kernel(buffer_in="sarm")}, ROUTE),
            "components.tensor.buffer_in: no memory named 'sarm'; did you mean 'sram'?",
        ),
        (
            lambda: machine({**PARTS, "tensor": kernel(count=2), "tensor1": vector()}, ROUTE),
            "components.tensor1: the name of one of the 2 units of 'tensor'; choose another",
        ),
    ],
)
def test_misconfigurations_are_refused(make, message):
    with pytest.raises(ValueError) as refused:  # noqa: PT011  (the whole message is compared)
        make()

    assert str(refused.value) == message


def test_one_unit_bears_its_sorts_name_and_several_are_numbered():
    architecture = with_component(linked(), "tensor", count=3)

    assert architecture.instances("tensor") == ("tensor0", "tensor1", "tensor2")
    assert architecture.instances("vector") == ("vector",)


def test_a_tick_divides_every_clock_period():
    architecture = with_component(linked(), "tensor", clock=300_000_000)
    architecture = with_component(architecture, "vector", clock=200_000_000)

    # lcm(200 MHz, 300 MHz, and the links' and the memory's 1 GHz)
    assert architecture.tick_rate == 3_000_000_000
    assert architecture.ticks("tensor", 7) == 70
    assert architecture.ticks("vector", 7) == 105
    assert architecture.ticks("read", 7) == 21


def test_a_route_is_found_by_memory_and_unit():
    architecture = machine({**PARTS, "other": SRAM}, ROUTE)

    assert architecture.route("sram", "tensor") is architecture.routes[0]
    assert architecture.route("other", "tensor") is None


def test_tensors_may_lie_anywhere_unless_their_role_is_placed():
    both = {**PARTS, "dram": dram()}
    architecture = machine(both, ROUTE, placement={Role.STATE: ("dram", "sram")})

    assert architecture.memories_for(Role.STATE) == ("dram", "sram")
    assert architecture.memories_for(Role.DATA) == ("sram", "dram")


def test_a_dram_is_a_memory_and_a_channel():
    architecture = machine({**PARTS, "dram": dram()}, ROUTE)

    assert list(architecture.memories) == ["sram", "dram"]
    assert list(architecture.channels) == ["bus", "dram"]
    assert list(architecture.units) == ["tensor"]

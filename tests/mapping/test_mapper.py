"""Mapper: which units can take an operation, and how it is cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.errors import MappingError
from archsim.formats import parse
from archsim.hardware import LinkSpec, SramSpec
from archsim.ir import Permute, Phase, TensorSpec
from archsim.machine.alone import alone_ticks
from archsim.mapping import Mapper, StageKind, Work
from tests.machines import array, kernel, linked, matrix_product, vector, wired, with_component

PRODUCT = matrix_product(m=16, n=16, k=16).operations[0]
LINKED = dict.fromkeys("ABC", "sram")
SRAM = SramSpec(capacity=2**21)


def plan(architecture, operation=PRODUCT, memory="sram"):
    return Mapper(architecture, dict.fromkeys("ABC", memory)).plan(operation, "tensor")


def test_every_unit_that_can_is_a_candidate():
    assert Mapper(linked(spare=array()), LINKED).candidates(PRODUCT) == ("tensor", "spare")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"runs": ("permute",)}, "tensor runs permute"),
        ({"phases": (Phase.UPDATE,)}, "tensor works in phases update"),
        ({"number_formats": (parse("int8"), parse("bf16"))}, "tensor knows int8, bf16"),
    ],
)
def test_a_refusal_says_what_each_unit_lacks(fields, reason):
    architecture = with_component(linked(), "tensor", **fields)

    with pytest.raises(MappingError) as refused:
        Mapper(architecture, LINKED).candidates(PRODUCT)

    assert str(refused.value) == (
        "operation 'C' (contraction, forward, fp32): no unit of 'linked' can do it: "
        f"{reason}; vector runs elementwise, reduction, permute, gather, scatter_add; "
        "give a component of architecture.components what it lacks"
    )


def test_a_missing_function_is_named():
    operation = Permute(
        name="P",
        phase=Phase.FORWARD,
        inputs=(TensorSpec("A", (2, 2)),),
        outputs=(TensorSpec("B", (2, 2)),),
        equation="i j -> j i",
    )
    architecture = linked(vector=vector(function_cycles={"add": 1}))

    with pytest.raises(MappingError, match=r"vector has no function 'move'"):
        Mapper(architecture, LINKED).candidates(operation)


def test_moving_takes_any_format():
    operation = Permute(
        name="P",
        phase=Phase.FORWARD,
        inputs=(TensorSpec("A", (2, 2), parse("int8")),),
        outputs=(TensorSpec("B", (2, 2), parse("int8")),),
        equation="i j -> j i",
    )

    assert Mapper(linked(), LINKED).candidates(operation) == ("vector",)


@pytest.mark.parametrize(
    ("units", "batch", "parts"),
    [(1, 7, [7]), (2, 1, [1]), (2, 6, [3, 3]), (3, 7, [3, 2, 2]), (4, 3, [1, 1, 1])],
)
def test_a_batch_is_spread_evenly_over_units(units, batch, parts):
    architecture = with_component(wired(), "tensor", count=units)
    operation = matrix_product(m=2, n=2, k=2, batch=batch).operations[0]

    found = plan(architecture, operation, "bram")

    assert [part.points for part in found.parts] == [8 * length for length in parts]
    assert found.uncontended_ticks == max(part.uncontended_ticks for part in found.parts)


@settings(max_examples=50, deadline=None)
@given(
    *(st.integers(1, 40) for _ in range(3)),
    st.integers(24, 2000),  # two slots of one word each of A, B and C take 24 B
)
def test_the_chosen_tiles_fit_the_buffer(m, n, k, buffer):
    architecture = with_component(linked(), "tensor", buffer=buffer)
    operation = matrix_product(m, n, k).operations[0]

    found = plan(architecture, operation)

    work = Work(architecture, "tensor", operation, operation.space, LINKED)
    assert work.buffer_bits(found.mapping.tile) <= 8 * buffer
    assert found.parts[0].points == m * n * k


def test_a_buffer_too_small_for_one_point_is_refused():
    architecture = with_component(linked(), "tensor", buffer=23)

    with pytest.raises(MappingError) as refused:
        plan(architecture)

    assert str(refused.value) == (
        "operation 'C': its smallest tile needs 24 B of buffer, 'tensor' has 23 B; "
        "raise architecture.components.tensor.buffer"
    )


def test_an_operation_with_wired_operands_is_one_tile():
    assert plan(wired(), memory="bram").parts[0].tiles == 1


def test_a_large_buffer_hides_transfers_behind_work():
    """Cut in tiles, loads overlap with products; in one piece they would add up."""
    architecture = with_component(linked(), "tensor", buffer=2**20)
    whole = Work(architecture, "tensor", PRODUCT, PRODUCT.space, LINKED)
    (stream,) = plan(architecture).parts

    one_piece = [stage for stage in whole.stages if stage.kind is not StageKind.COMPUTE]

    # A and B are 16 x 16 words of 32 bit over 64 bit a cycle, C likewise; 1,024 iterations
    assert len(one_piece) == 2
    assert stream.uncontended_ticks < 256 + (10 + 1023) + 128


def test_alike_operations_share_one_stream():
    graph = matrix_product(m=4, n=4, k=4)
    mapper = Mapper(linked(), LINKED)

    first = mapper.plan(graph.operations[0], "tensor")
    second = mapper.plan(graph.operations[0], "tensor")

    assert first.parts[0] is second.parts[0]


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(*(st.integers(1, 24) for _ in range(3))),
    st.integers(24, 4096),
    st.sampled_from([8, 16, 32, 64, 128]),
    st.integers(0, 5),
)
def test_a_plan_is_never_faster_on_half_the_bandwidth(sizes, buffer, width, latency):
    operation = matrix_product(*sizes).operations[0]
    ticks = []
    for bits in (width, width // 2):
        link = LinkSpec(width=bits, latency_cycles=latency)
        architecture = linked(link, link, tensor=kernel(buffer=buffer))
        ticks.append(plan(architecture, operation).uncontended_ticks)

    assert ticks[0] <= ticks[1]


@settings(deadline=None, max_examples=60)
@given(
    sides=st.tuples(*[st.integers(1, 40)] * 3),
    batch=st.integers(1, 3),
    buffers=st.tuples(st.integers(64, 4096), st.integers(0, 4096)),
    width=st.sampled_from([8, 64, 1024]),
)
def test_a_larger_buffer_never_makes_an_operation_slower(sides, batch, buffers, width):
    m, n, k = sides
    operation = matrix_product(m, n, k, batch).operations[0]
    small, more = buffers

    def ticks(buffer):
        machine = linked(read=LinkSpec(width=width), tensor=kernel(buffer=buffer))
        mapper = Mapper(machine, dict.fromkeys(("A", "B", "C"), "sram"))
        return mapper.plan(operation, "tensor").uncontended_ticks

    assert ticks(small + more) <= ticks(small)


def test_several_processes_find_what_one_does(monkeypatch):
    """Many: so few searches that others are not worth asking are made at home."""
    monkeypatch.setattr("archsim.mapping.together.FEW", 1)
    products = [matrix_product(m=m, n=48, k=32).operations[0] for m in (8, 40, 72)]
    alone, together = (Mapper(linked(), LINKED, alone=alone_ticks) for _ in range(2))

    together.learn(products, workers=2)
    monkeypatch.setattr("archsim.mapping.mapper.mapped", None)  # all is known
    found = [together.plan(product, "tensor") for product in products]
    monkeypatch.undo()

    assert found == [alone.plan(product, "tensor") for product in products]


def test_what_cannot_be_mapped_is_left_to_say_why(monkeypatch):
    monkeypatch.setattr("archsim.mapping.together.FEW", 1)
    small = with_component(linked(), "tensor", buffer=4)
    mapper = Mapper(small, LINKED)

    mapper.learn([PRODUCT, PRODUCT], workers=2)

    with pytest.raises(MappingError, match="its smallest tile needs"):
        mapper.plan(PRODUCT, "tensor")


@pytest.mark.parametrize(
    "other",
    [linked(spare=array()), with_component(linked(), "vector", lanes=8), linked(sram=SRAM)],
    ids=["another unit", "a unit that differs", "more room"],
)
def test_machines_that_differ_elsewhere_have_mappings_in_common(other, monkeypatch):
    known = {}
    here = Mapper(linked(), LINKED, known).plan(PRODUCT, "tensor")

    monkeypatch.setattr("archsim.mapping.mapper.mapped", None)  # all is known
    assert Mapper(other, LINKED, known).plan(PRODUCT, "tensor") == here


@pytest.mark.parametrize(
    "other",
    [
        with_component(linked(), "tensor", parallel_macs=8),
        linked(write=LinkSpec(width=32)),
        with_component(linked(), "vector", clock=10**9 + 1),
        linked(sram=SramSpec(capacity=2**20, banks=4)),
    ],
    ids=["the unit", "a link", "length of a tick", "the memory's banks"],
)
def test_what_an_operation_meets_decides_its_mapping(other):
    known = {}
    Mapper(linked(), LINKED, known).plan(PRODUCT, "tensor")

    found = Mapper(other, LINKED, known).plan(PRODUCT, "tensor")

    assert found == Mapper(other, LINKED).plan(PRODUCT, "tensor")
    assert len(known) == 2

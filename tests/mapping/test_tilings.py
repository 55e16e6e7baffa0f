"""Tilings: a loop nest lived through point by point says what each tile must move.

The interpreter below knows coordinates: which box of the iteration space each tile is,
and so which part of each tensor it touches. It fetches that part unless the last tile
touched the very same, and stores a result with the last box along k.
"""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.errors import MappingError
from archsim.formats import parse
from archsim.hardware import Architecture, LinkSpec, Route, SramSpec
from archsim.ir import Elementwise, Gather, Permute, Phase, Reduction, TensorSpec, Tile
from archsim.ir.tile import AXES
from archsim.mapping import Mapping, StageKind, Work
from tests.machines import dram, kernel, matrix_product, vector

FORMATS = [parse(name) for name in ("fp32", "bf16", "int8")]
LOOPS = [(*order, "k") for order in (("batch", "m", "n"), ("n", "batch", "m"), ("m", "n", "batch"))]
MEMORIES = ("near", "linked", "dram", "far")
"""Wired; behind a link; off the chip; off the chip behind a link."""


def machine(buffer=2**20):
    units = ("tensor", "vector")
    return Architecture(
        name="four_ways",
        components={
            "tensor": kernel(buffer=buffer),
            "vector": vector(number_formats=tuple(FORMATS), buffer=buffer),
            "in": LinkSpec(width=32),
            "out": LinkSpec(width=16, latency_cycles=3),
            "bus": LinkSpec(width=8, shared=True),
            "near": SramSpec(capacity=2**20),
            "linked": SramSpec(capacity=2**20),
            "dram": dram(latency_cycles=2),
            "far": dram(burst=32),
        },
        routes=(
            Route(memory="near", units=units),
            Route(memory="linked", units=units, read="in", write="out"),
            Route(memory="dram", units=units),
            Route(memory="far", units=units, read="bus", write="bus"),
        ),
    )


@st.composite
def operations(draw):
    """An operation of any kind, with every length from 1 up and tensors of any format."""
    b, m, n, k = (draw(st.integers(1, most)) for most in (3, 7, 6, 7))
    formats = st.sampled_from(FORMATS)

    def tensor(name, *shape):
        return TensorSpec(name, shape, draw(formats))

    common = {"name": "op", "phase": Phase.FORWARD}
    match draw(st.sampled_from(["contraction", "add", "rows", "columns", "permute", "gather"])):
        case "contraction":
            return matrix_product(m, n, k, b).operations[0]
        case "add":
            return Elementwise(
                **common,
                inputs=(tensor("x", m, n), tensor("y", n)),
                outputs=(tensor("z", m, n),),
                equation="m n, n -> m n",
                formula="a + b",
            )
        case "rows":
            ends = {"inputs": (tensor("x", m, k),), "outputs": (tensor("z", m),)}
            return Reduction(**common, **ends, equation="m k -> m")
        case "columns":
            ends = {"inputs": (tensor("x", k, n),), "outputs": (tensor("z", n),)}
            return Reduction(**common, **ends, equation="k n -> n")
        case "permute":
            ends = {"inputs": (tensor("x", m, n),), "outputs": (tensor("z", n, m),)}
            return Permute(**common, **ends, equation="m n -> n m")
        case _:
            table, rows = tensor("x", 50, n), tensor("i", m)
            return Gather(**common, inputs=(table, rows), outputs=(tensor("z", m, n),))


@st.composite
def tilings(draw):
    """An operation, a tile size along each axis it can be cut along, a loop order, a placement."""
    operation = draw(operations())
    sides = {
        axis: draw(st.integers(1, operation.space.extent(axis)))
        if axis in operation.cuts
        else operation.space.extent(axis)
        for axis in AXES
    }
    placement = {
        tensor.name: draw(st.sampled_from(MEMORIES))
        for tensor in (*operation.inputs, *operation.outputs)
    }
    return operation, Mapping(tile=Tile(**sides), loops=draw(st.sampled_from(LOOPS))), placement


def boxes(space, mapping):
    """Every tile as a range along each axis, in order."""
    along = {
        axis: [
            range(start, min(start + mapping.tile.extent(axis), space.extent(axis)))
            for start in range(0, space.extent(axis), mapping.tile.extent(axis))
        ]
        for axis in AXES
    }
    for ranges in product(*(along[axis] for axis in mapping.loops)):
        yield dict(zip(mapping.loops, ranges, strict=True))


def part(access, box):
    """What a box touches of a tensor: its ranges along the tensor's axes."""
    return tuple((axis, box[axis]) for axis in AXES if axis in access.axes)


def size_bits(access, box):
    count = access.grain
    for _, along in part(access, box):
        count *= len(along)
    return count * access.tensor.format.bits


def moved(operation, mapping, placement):
    """For each tile: its box, and the bits of each tensor that it fetches or stores."""
    last = {}
    for box in boxes(operation.space, mapping):
        bits = {}
        for access in operation.reads:
            name = access.tensor.name
            bits[name] = size_bits(access, box) if last.get(name) != part(access, box) else 0
            last[name] = part(access, box)
        ends = box["k"].stop == operation.space.k
        for access in operation.writes:
            bits[access.tensor.name] = size_bits(access, box) if ends else 0
        yield box, bits


def work_of(operation, placement, architecture=None):
    unit = "tensor" if operation.kind == "contraction" else "vector"
    return Work(architecture or machine(), unit, operation, operation.space, placement)


@settings(max_examples=150)
@given(tilings())
def test_the_tiles_cover_the_iteration_space_exactly_once(tiling):
    operation, mapping, placement = tiling
    covered = np.zeros([operation.space.extent(axis) for axis in AXES], int)

    stream = mapping.stream(work_of(operation, placement))

    for tile, box in zip(stream, boxes(operation.space, mapping), strict=True):
        assert tile.points == np.prod([len(along) for along in box.values()])
        covered[np.ix_(*(box[axis] for axis in AXES))] += 1
    assert (covered == 1).all()
    assert stream.points == operation.space.points


@settings(max_examples=150)
@given(tilings())
def test_each_tile_moves_what_the_lived_loop_nest_moves(tiling):
    operation, mapping, placement = tiling
    reads = {access.tensor.name for access in operation.reads}
    passes = {  # the memories whose tensors pass a stage
        (StageKind.FETCH, "dram"): ("dram", True),
        (StageKind.FETCH, "far"): ("far", True),
        (StageKind.DISTRIBUTE, "in"): ("linked", True),
        (StageKind.DISTRIBUTE, "bus"): ("far", True),
        (StageKind.COLLECT, "out"): ("linked", False),
        (StageKind.COLLECT, "bus"): ("far", False),
        (StageKind.STORE, "dram"): ("dram", False),
        (StageKind.STORE, "far"): ("far", False),
    }

    stream = mapping.stream(work_of(operation, placement))

    for tile, (_, bits) in zip(stream, moved(operation, mapping, placement), strict=True):
        for stage, passing in zip(stream.stages, tile.bits, strict=True):
            memory, incoming = passes.get((stage.kind, stage.component), ("", False))
            expected = sum(
                size
                for name, size in bits.items()
                if placement[name] == memory and (name in reads) == incoming
            )
            assert passing == expected


@settings(max_examples=150)
@given(tilings())
def test_memories_are_read_at_least_once_and_written_exactly_once(tiling):
    """Of what streams; a gather reads the rows it is asked for and not the table."""
    operation, mapping, placement = tiling
    work = work_of(operation, placement)
    asked = {access.tensor.name: access.size_bits(operation.space) for access in operation.reads}
    is_cut = mapping.tile != operation.space

    counted = mapping.stream(work).actions

    for memory in ("linked", "dram", "far"):
        read = sum(bits for name, bits in asked.items() if placement[name] == memory)
        written = sum(
            access.tensor.size_bits
            for access in operation.writes
            if placement[access.tensor.name] == memory
        )
        assert counted.get((memory, "write", ""), 0) == written
        assert counted.get((memory, "read", ""), 0) >= read
        if not is_cut:
            assert counted.get((memory, "read", ""), 0) == read


@given(tilings())
def test_arithmetic_does_not_depend_on_the_tiling(tiling):
    operation, mapping, placement = tiling
    work = work_of(operation, placement)

    counted = mapping.stream(work).actions

    for function, count in operation.functions.items():
        key = (work.unit, function, operation.number_format.name)
        assert counted[key] == count * operation.space.points


def test_edge_tiles_have_their_true_size():
    operation = matrix_product(m=7, n=5, k=3).operations[0]
    mapping = Mapping(tile=Tile(m=4, n=3, k=2))

    stream = mapping.stream(work_of(operation, dict.fromkeys("ABC", "linked")))

    # m: 4 + 3, n: 3 + 2, k: 2 + 1
    assert [tile.points for tile in stream] == [24, 12, 16, 8, 18, 9, 12, 6]


def test_an_operand_that_no_loop_moves_is_fetched_once():
    operation = matrix_product(m=4, n=8, k=4).operations[0]
    placement = {"A": "linked", "B": "dram", "C": "near"}

    stream = Mapping(tile=Tile(m=4, n=2, k=4)).stream(work_of(operation, placement))

    assert stream.actions["linked", "read", ""] == 4 * 4 * 32
    assert stream.actions["dram", "read", ""] == 4 * 8 * 32
    assert [tile.bits[1] for tile in stream] == [512, 0, 0, 0]


def test_loop_order_decides_which_operand_is_fetched_again():
    operation = matrix_product(m=8, n=8, k=4).operations[0]
    placement = {"A": "linked", "B": "dram", "C": "near"}
    tile = Tile(m=4, n=4, k=4)

    rows_first = Mapping(tile=tile).stream(work_of(operation, placement)).actions
    columns_first = (
        Mapping(tile=tile, loops=("batch", "n", "m", "k"))
        .stream(work_of(operation, placement))
        .actions
    )

    once, twice = 8 * 4 * 32, 2 * 8 * 4 * 32
    assert (rows_first["linked", "read", ""], rows_first["dram", "read", ""]) == (once, twice)
    assert (columns_first["linked", "read", ""], columns_first["dram", "read", ""]) == (twice, once)


@pytest.mark.parametrize(
    "loops", [("k", "m", "n", "batch"), ("m", "n", "k"), ("m", "m", "n", "k"), ("batch", "k")]
)
def test_loops_that_would_leave_sums_open_or_axes_out_are_refused(loops):
    with pytest.raises(ValueError, match=r"^loops: must be batch, m, n, k, k last, got "):
        Mapping(tile=Tile(), loops=loops)


def test_tiles_that_overflow_the_buffer_are_refused():
    operation = matrix_product(m=8, n=8, k=8).operations[0]
    work = work_of(operation, dict.fromkeys("ABC", "linked"), machine(buffer=1535))

    # two slots before the unit of 8 x 8 of A and of B, two behind it of C: 2 x 3 x 256 B
    with pytest.raises(MappingError) as refused:
        Mapping(tile=operation.space).stream(work)

    assert str(refused.value) == (
        "operation 'C': tiles of Tile(batch=1, m=8, n=8, k=8) need 1,536 B of buffer, "
        "'tensor' has 1,535 B; raise architecture.components.tensor.buffer"
    )


def test_wired_operands_take_no_buffer_and_pass_no_stage():
    operation = matrix_product().operations[0]
    work = work_of(operation, dict.fromkeys("ABC", "near"), machine(buffer=0))

    stream = Mapping(tile=operation.space).stream(work)

    assert [stage.kind for stage in stream.stages] == [StageKind.COMPUTE]
    # unrolled along m: A is fetched at each of 512 points, B once per 128 iterations, 32 bit each
    assert stream.actions["near", "read", ""] == (512 + 128) * 32
    assert stream.actions["near", "write", ""] == 64 * 32


def test_a_tensor_out_of_reach_is_named():
    operation = matrix_product().operations[0]
    architecture = Architecture(
        name="two",
        components={
            "tensor": kernel(),
            "near": SramSpec(capacity=2**20),
            "far": SramSpec(capacity=2**20),
        },
        routes=(Route(memory="near", units=("tensor",)),),
    )

    with pytest.raises(MappingError) as refused:
        _ = work_of(operation, {"A": "near", "B": "far", "C": "near"}, architecture).operands

    assert str(refused.value) == (
        "operation 'C': 'tensor' does not reach 'far', where 'B' lies; "
        "add a route or change architecture.placement"
    )

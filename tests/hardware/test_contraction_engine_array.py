"""ContractionEngineArray: the best factorisation of a product, its cycles and accesses."""

from dataclasses import replace
from itertools import product
from math import ceil, prod
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.formats import parse
from archsim.hardware import ContractionEngineArraySpec, Factorisation, GemmAccesses
from archsim.hardware.matrix_product import Dataflow
from archsim.hardware.spatial_factorisation import best_factorisation
from archsim.ir import Tile
from archsim.ir.tile import AXES
from tests.effort import cases
from tests.hardware.engine_reference import run
from tests.machines import FP32, engine_array

FLOWS = get_args(Dataflow)
SUBSETS = st.lists(st.sampled_from(AXES), min_size=1, unique=True).map(tuple)
SIDES = st.tuples(*[st.integers(1, 5)] * 4)
"""Batch, m, n and k."""


def arrays(most=6, dataflows=FLOWS, axes=SUBSETS):
    return st.builds(
        engine_array,
        engines=st.integers(1, most),
        pes=st.integers(1, most),
        engine_axes=axes,
        pe_axes=axes,
        groups=st.sampled_from(["any", "powers_of_two"]),
        dataflow=st.sampled_from(dataflows),
        overlap=st.sampled_from(["none", "stationary_load", "full"]),
        fold_overhead_cycles=st.integers(0, 2),
    )


ANY_FLOW = ("per_operation", *FLOWS)


def check_against_the_array(unit, sides, lanes, pace):
    """The closed forms are what the array does, cycle by cycle and access by access."""
    batch, m, n, k = sides
    unit = replace(unit, lanes={"fp32": lanes}, cycles_per_mac={"fp32": pace})
    random = np.random.default_rng(batch * m * n * k)
    a, b = random.integers(1, 9, (batch, m, k)), random.integers(1, 9, (batch, k, n))
    spread = unit.factorisation(m, n, k, FP32, batch=batch)

    lived = run(unit, unit.dataflow, spread, a, b, lanes, pace)

    assert np.array_equal(lived.product, a @ b)
    assert unit.gemm_cycles(m, n, k, FP32, batch=batch) == lived.cycles
    moved = unit.gemm_accesses(m, n, k, FP32, batch=batch)
    assert moved == GemmAccesses(lived.inputs, lived.weights, lived.outputs, lived.output_reads)
    parts = unit.gemm_parts(m, n, k, FP32, batch=batch)
    assert sum(parts.values()) == lived.cycles
    assert parts["stream"] == lived.stream
    assert parts.get("load", 0) == lived.load
    sides_in_steps = unit.loops(Tile(batch, m, n, k), unit.dataflow, FP32).sides
    at_work = tuple(spread.engines_at_work(sides_in_steps, axis) for axis in ("n", "m", "k"))
    assert at_work == lived.copies


@settings(max_examples=300, deadline=None)
@given(arrays(), SIDES, st.integers(1, 3), st.integers(1, 2))
def test_an_array_lived_through_cycle_by_cycle_takes_the_closed_form(unit, sides, lanes, pace):
    check_against_the_array(unit, sides, lanes, pace)


@pytest.mark.slow
@settings(max_examples=cases(3000), deadline=None)
@given(arrays(most=8), SIDES, st.integers(1, 3), st.integers(1, 2))
def test_many_arrays_lived_through_take_the_closed_form(unit, sides, lanes, pace):
    check_against_the_array(unit, sides, lanes, pace)


def legal(parts, axes, groups):
    """All ways to spread some parts over the axes of a product."""
    sizes = [size for size in range(1, parts + 1) if groups == "any" or size & (size - 1) == 0]
    choices = [sizes if axis in axes else [1] for axis in AXES]
    return [Tile(*factors) for factors in product(*choices) if prod(factors) <= parts]


def counted(unit, flow, sides, engines, pes):
    """Cycles, elements moved and deliveries of a factorisation, written out anew."""
    batch, m, n, k = sides
    steps = {
        axis: ceil(side / (engines.extent(axis) * pes.extent(axis)))
        for axis, side in zip(AXES, sides, strict=True)
    }
    inner = {"output_stationary": "k", "weight_stationary": "m", "input_stationary": "n"}[flow]
    folds = prod(count for axis, count in steps.items() if axis != inner)
    tree = ceil(np.log2(pes.k))
    loads = folds if unit.overlap == "none" else 1
    cycles = prod(steps.values())
    if unit.overlap != "full":
        cycles += folds * (tree + unit.fold_overhead_cycles)
        cycles += loads if flow != "output_stationary" else 0
    again = {axis: 1 if axis == inner else count for axis, count in steps.items()}
    moved = batch * (m * k * again["n"] + k * n * again["m"] + m * n * (2 * again["k"] - 1))
    shared = {
        axis: ceil(min(side, engines.extent(axis) * pes.extent(axis)) / pes.extent(axis))
        for axis, side in zip(AXES, sides, strict=True)
    }
    delivered = batch * (m * k * shared["n"] + k * n * shared["m"] + m * n * shared["k"])
    return cycles, moved, delivered


def check_against_all_factorisations(unit, sides):
    batch, m, n, k = sides
    flows = FLOWS if unit.dataflow == "per_operation" else (unit.dataflow,)
    grids = [
        legal(parts, axes, unit.groups)
        for parts, axes in ((unit.engines, unit.engine_axes), (unit.pes, unit.pe_axes))
    ]

    found = unit.factorisation(m, n, k, batch=batch)
    flow = unit.dataflow_for(m, n, k, batch=batch)

    assert found.engines in grids[0]
    assert found.pes in grids[1]
    best = min(counted(unit, one, sides, *both) for one in flows for both in product(*grids))
    assert counted(unit, flow, sides, found.engines, found.pes) == best
    if unit.overlap != "full":
        assert unit.gemm_cycles(m, n, k, batch=batch) == best[0]


@settings(max_examples=100, deadline=None)
@given(arrays(5, ANY_FLOW), st.tuples(*[st.integers(1, 12)] * 4))
def test_the_best_factorisation_is_the_best_of_all_legal_ones(unit, sides):
    check_against_all_factorisations(unit, sides)


def test_elements_along_k_may_be_fewer_than_others_leave_where_that_saves_a_level():
    """Five folds of a step and two levels, against four of a step and three."""
    unit = engine_array(engines=1, pes=6, dataflow="weight_stationary", overlap="stationary_load")

    check_against_all_factorisations(unit, (1, 1, 1, 20))

    assert unit.factorisation(1, 1, 20).pes == Tile(k=4)
    assert unit.gemm_cycles(1, 1, 20) == 1 + 5 * (1 + 2)


@pytest.mark.slow
@settings(max_examples=cases(200), deadline=None)
@given(arrays(9, ANY_FLOW), st.tuples(*[st.integers(1, 40)] * 4))
def test_the_best_factorisation_is_the_best_of_all_legal_ones_on_larger_arrays(unit, sides):
    check_against_all_factorisations(unit, sides)


@settings(max_examples=40, deadline=None)
@given(arrays(8, ANY_FLOW, st.just(AXES)), SIDES, st.data())
def test_no_fixed_factorisation_beats_the_best(unit, sides, data):
    batch, m, n, k = sides
    engines, pes = (
        data.draw(st.sampled_from(legal(parts, AXES, unit.groups)))
        for parts in (unit.engines, unit.pes)
    )
    flow = unit.dataflow_for(m, n, k, batch=batch)
    loops = unit.loops(Tile(batch, m, n, k), flow)

    best = loops.cost(best_factorisation(unit.grid, loops))

    assert best <= loops.cost(Factorisation(engines, pes))


def test_numbers_that_64_bits_do_not_hold_are_counted_all_the_same():
    unit = engine_array(engines=64, pes=16, overlap="full", dataflow="output_stationary")
    side = 2**24

    # every step is full: (2^24)^3 2^10 points, over 2^10 elements; and no tree at the end
    assert unit.gemm_cycles(side, side, side, batch=2**10) == 2**72 + 4


@settings(max_examples=40, deadline=None)
@given(arrays(8, ANY_FLOW), SIDES, st.integers(1, 2))
def test_no_array_is_faster_than_its_peak(unit, sides, lanes):
    unit = replace(unit, lanes={"fp32": lanes})
    batch, m, n, k = sides

    cycles = unit.tile_cycles(Tile(batch, m, n, k), {"mac": 1}, FP32)

    assert batch * m * n * k <= unit.peak_macs_per_cycle * cycles


@settings(max_examples=40, deadline=None)
@given(arrays(8, ANY_FLOW), SIDES)
def test_more_engines_are_never_slower(unit, sides):
    """One more where groups may be of any size, twice as many where they are powers of two."""
    batch, m, n, k = sides
    more = unit.engines + 1 if unit.groups == "any" else 2 * unit.engines

    larger = replace(unit, engines=more)

    before, after = (one.gemm_cycles(m, n, k, batch=batch) for one in (unit, larger))
    assert after <= before


@settings(max_examples=40, deadline=None)
@given(arrays(8, ANY_FLOW), SIDES)
def test_more_freedom_never_costs_time(unit, sides):
    batch, m, n, k = sides

    def cycles(**fields):
        return replace(unit, **fields).gemm_cycles(m, n, k, batch=batch)

    assert cycles(groups="any") <= cycles(groups="powers_of_two")
    assert cycles(engine_axes=AXES) <= cycles()
    assert cycles(overlap="stationary_load") <= cycles(overlap="none")
    assert cycles(dataflow="per_operation") == min(cycles(dataflow=flow) for flow in FLOWS)
    if unit.overlap != "full":  # there, a deeper tree stands at every product's end
        assert cycles(pe_axes=AXES) <= cycles()


@pytest.mark.parametrize("engines", [2, 8, 64])
@pytest.mark.parametrize("groups", ["any", "powers_of_two"])
def test_a_batch_of_products_on_as_many_engines_takes_the_time_of_one(engines, groups):
    one = engine_array(engines=1, pes=16, groups=groups)
    many = replace(one, engines=engines, engine_axes=("batch",))

    assert many.gemm_cycles(8, 8, 8, batch=engines) == one.gemm_cycles(8, 8, 8)
    assert many.factorisation(8, 8, 8, batch=engines).engines == Tile(batch=engines)


@pytest.mark.parametrize(
    ("fields", "sides", "parts"),
    [
        # 4 x 4 outputs at a time: 4 folds of 8 steps
        ({"pe_axes": ("m",)}, (8, 8, 8), {"load": 0, "stream": 32, "reduction": 0}),
        # a dot product of 64 in 16 elements: 4 steps, and a tree over 4 elements of an engine
        ({"dataflow": "output_stationary"}, (1, 1, 64), {"stream": 4, "reduction": 2}),
        # 16 weights at a time: 4 folds, each a load and a step for each of 5 rows
        (
            {"dataflow": "weight_stationary", "engine_axes": ("n",), "pe_axes": ("n",)},
            (5, 16, 4),
            {"load": 4, "stream": 20, "reduction": 0},
        ),
        (
            {
                "dataflow": "weight_stationary",
                "engine_axes": ("n",),
                "pe_axes": ("n",),
                "overlap": "stationary_load",
                "fold_overhead_cycles": 3,
            },
            (5, 16, 4),
            {"load": 1, "stream": 20, "overhead": 12},
        ),
        ({"overlap": "full", "dataflow": "input_stationary"}, (8, 8, 8), {"reduction": 2}),
    ],
)
def test_a_product_takes_the_parts_that_can_be_counted_by_hand(fields, sides, parts):
    unit = engine_array(engines=4, pes=4, **fields)

    found = unit.gemm_parts(*sides)

    assert {part: found[part] for part in parts} == parts


def test_groups_of_any_size_keep_elements_busy_where_powers_of_two_do_not():
    """Dot products of 3, side by side in 128 elements: 42 of them, or 32 of four's width."""
    sigma = engine_array(
        engines=1, pes=128, pe_axes=("n", "k"), dataflow="weight_stationary", overlap="full"
    )
    butterfly = replace(sigma, groups="powers_of_two")

    assert sigma.factorisation(100, 84, 3).pes == Tile(n=42, k=3)
    assert sigma.cycles(Tile(m=100, n=84, k=3), {"mac": 1}, FP32) == {"stream": 200}
    assert butterfly.cycles(Tile(m=100, n=84, k=3), {"mac": 1}, FP32) == {"stream": 300}


def test_an_operand_is_fetched_once_for_all_elements_that_share_it():
    """Four engines along n, four elements along m: a step takes 4 inputs and 4 weights."""
    unit = engine_array(engine_axes=("n",), pe_axes=("m",), dataflow="output_stationary")

    # two steps along n and two along m, so that each number is fetched twice
    assert unit.gemm_accesses(8, 8, 5) == GemmAccesses(2 * 40, 2 * 40, 64)


def test_a_word_goes_to_each_engine_that_wants_it_and_a_result_comes_from_each_that_sums():
    inputs = engine_array(engines=8, engine_axes=("n",), pe_axes=("m",))
    sums = engine_array(engines=8, pes=1, engine_axes=("k",))
    batch = engine_array(engines=8, pes=1, engine_axes=("batch",))
    tile = Tile(batch=3, m=4, n=6, k=7)

    assert inputs.operand_copies(tile, (), ()) == (6, 1, 1)
    assert sums.operand_copies(tile, (), ()) == (1, 1, 7)
    assert batch.operand_copies(tile, (), ()) == (1, 1, 1)


@pytest.mark.parametrize(
    ("number_format", "cycles"), [("int8", 256), ("bf16", 4 * 512), ("fp16", 512)]
)
def test_a_format_runs_at_its_rate(number_format, cycles):
    """Two int8 products a cycle, a bf16 one in four, an fp16 one in one; k is 512."""
    unit = engine_array(
        engines=16,
        pes=16,
        engine_axes=("n",),
        pe_axes=("m",),
        number_formats=tuple(map(parse, ("int8", "bf16", "fp16"))),
        lanes={"int8": 2},
        cycles_per_mac={"bf16": 4},
    )
    tile = Tile(m=16, n=16, k=512)

    assert unit.tile_cycles(tile, {"mac": 1}, parse(number_format)) == cycles
    assert unit.peak_macs_per_cycle == 2 * 256


def test_with_full_overlap_a_tile_holds_the_array_only_while_it_streams():
    unit = engine_array(overlap="full", fold_overhead_cycles=3)

    assert unit.cycles(Tile(batch=3, m=8, n=8, k=8), {"mac": 1}, FP32) == {"stream": 3 * 32}
    assert unit.latency_cycles == 2 + 3
    assert replace(unit, pe_axes=("m",)).latency_cycles == 3
    assert replace(unit, overlap="none").latency_cycles == 0


def test_the_array_says_what_it_hides_and_what_it_may_spread():
    unit = ContractionEngineArraySpec(
        64, 16, engine_axes=("batch", "n"), pe_axes=("k",), groups="powers_of_two"
    )

    assert (unit.engines, unit.pes, unit.partitions) == (64, 16, 1024)
    assert unit.conventions == (
        "per_operation, overlap none, groups of powers of two, "
        "engines along batch n, elements along k"
    )
    overhead = replace(unit, fold_overhead_cycles=2)
    assert overhead.conventions.endswith(", 2 cycles of overhead per fold")
    assert unit.lacks({"mac": 1}) == ""
    assert unit.lacks({"mac": 1, "exp": 1}) == "exp"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"engines": 0}, "^engines: must be >= 1, got 0$"),
        ({"pes": 0}, "^pes: must be >= 1, got 0$"),
        ({"engine_axes": ("batch", "o")}, "engine_axes: no axis 'o'.*batch"),
        ({"pe_axes": ("m", "m")}, "pe_axes: 'm' is named 2 times"),
        ({"pe_axes": ()}, "pe_axes: must name an axis, or all but one of 4 stay idle"),
        ({"groups": "power_of_two"}, "groups: no groups 'power_of_two'.*powers_of_two"),
        ({"dataflow": "stationary"}, "dataflow: no dataflow 'stationary'"),
        ({"overlap": "some"}, "overlap: no overlap 'some'"),
        ({"fold_overhead_cycles": -1}, "fold_overhead_cycles: must be >= 0, got -1"),
        ({"lanes": {"int8": 2}}, "lanes: 'int8' is not among number_formats"),
        ({"cycles_per_mac": {"fp32": 0}}, "cycles_per_mac.fp32: must be >= 1, got 0"),
    ],
)
def test_a_bad_field_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        engine_array(**fields)

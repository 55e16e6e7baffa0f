"""ProcessingArray: cycles and accesses of a matrix product, against SCALE-Sim's."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.formats import parse
from archsim.hardware import ProcessingArraySpec
from archsim.hardware.matrix_product import Dataflow, GemmAccesses
from archsim.ir import Tile
from tests.effort import cases
from tests.hardware.scalesim_cases import CASES
from tests.hardware.systolic_reference import run
from tests.machines import FP32, array

GEMM_1024 = [(1, (1024, 1024, 1024))]
BERT = [
    (4, (128, 768, 768)),
    (12, (128, 128, 64)),
    (12, (128, 64, 128)),
    (1, (128, 3072, 768)),
    (1, (128, 768, 3072)),
]
LLAMA_7B = [
    (4, (512, 4096, 4096)),
    (32, (512, 512, 128)),
    (32, (512, 128, 512)),
    (2, (512, 11008, 4096)),
    (1, (512, 4096, 11008)),
]


def spec(side, dataflow):
    return array(rows=side, columns=side, dataflow=dataflow)


@pytest.mark.parametrize(
    ("products", "side", "dataflow", "reported"),
    [
        (GEMM_1024, 32, "output_stationary", 1_112_063),
        (GEMM_1024, 32, "weight_stationary", 1_144_831),
        (GEMM_1024, 32, "input_stationary", 1_144_831),
        (GEMM_1024, 128, "output_stationary", 81_791),
        (GEMM_1024, 128, "weight_stationary", 89_983),
        (GEMM_1024, 128, "input_stationary", 89_983),
        (BERT, 32, "output_stationary", 980_706),
        (BERT, 32, "weight_stationary", 1_577_058),
        (BERT, 32, "input_stationary", 1_017_570),
        (BERT, 128, "output_stationary", 77_382),
        (BERT, 128, "weight_stationary", 232_530),
        (BERT, 128, "input_stationary", 87_366),
        (LLAMA_7B, 32, "output_stationary", 105_236_921),
        (LLAMA_7B, 32, "weight_stationary", 122_247_097),
        (LLAMA_7B, 32, "input_stationary", 105_919_673),
        (LLAMA_7B, 128, "output_stationary", 6_955_097),
        (LLAMA_7B, 128, "weight_stationary", 11_271_481),
        (LLAMA_7B, 128, "input_stationary", 7_124_489),
    ],
)
def test_networks_take_what_scale_sim_reports_and_one_cycle_per_product(
    products, side, dataflow, reported
):
    """SCALE-Sim reports the index of the last cycle of each product, counted from 0."""
    unit = spec(side, dataflow)

    cycles = sum(count * unit.gemm_cycles(*sizes) for count, sizes in products)

    assert cycles == reported + sum(count for count, _ in products)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case[:6])))
def test_random_products_take_what_scale_sim_reports(case):
    dataflow, m, n, k, rows, columns, reported, *accesses = case
    unit = array(rows=rows, columns=columns, dataflow=dataflow)
    if dataflow == "output_stationary":
        # SCALE-Sim counts (rows + columns) more writes per fold than there are results.
        accesses[2] -= -(-m // rows) * -(-n // columns) * (rows + columns)

    moved = unit.gemm_accesses(m, n, k)

    assert unit.gemm_cycles(m, n, k) == reported + 1
    assert [moved.inputs, moved.weights, moved.outputs] == accesses


ARRAYS = st.builds(
    array,
    rows=st.integers(1, 5),
    columns=st.integers(1, 5),
    dataflow=st.sampled_from(["output_stationary", "weight_stationary", "input_stationary"]),
    overlap=st.sampled_from(["none", "stationary_load", "full"]),
    edges=st.sampled_from(["full_size", "true_size"]),
    fold_overhead_cycles=st.integers(0, 2),
)
SIDES = st.tuples(*[st.integers(1, 9)] * 3)


def check_against_the_array(unit, sides, lanes, pace):
    """The closed forms are what the array does, cycle by cycle and access by access."""
    m, n, k = sides
    unit = replace(unit, lanes={"fp32": lanes}, cycles_per_mac={"fp32": pace})
    random = np.random.default_rng(m * n * k)
    a, b = random.integers(1, 9, (m, k)), random.integers(1, 9, (k, n))

    lived = run(unit, a, b, lanes, pace)

    assert np.array_equal(lived.product, a @ b)
    assert unit.gemm_cycles(m, n, k, FP32) == lived.cycles
    moved = unit.gemm_accesses(m, n, k, FP32)
    assert moved == GemmAccesses(lived.inputs, lived.weights, lived.outputs, lived.output_reads)
    parts = unit.gemm_parts(m, n, k, FP32)
    assert sum(parts.values()) == lived.cycles
    assert min(parts.values()) >= 0
    assert (parts["stream"], parts.get("load", 0)) == (lived.stream, lived.load)


@settings(max_examples=2000, deadline=None)
@given(ARRAYS, SIDES, st.integers(1, 3), st.integers(1, 2))
def test_an_array_lived_through_cycle_by_cycle_takes_the_closed_form(unit, sides, lanes, pace):
    check_against_the_array(unit, sides, lanes, pace)


@pytest.mark.slow
@settings(max_examples=cases(8000), deadline=None)
@given(ARRAYS, SIDES, st.integers(1, 3), st.integers(1, 2))
def test_many_arrays_lived_through_take_the_closed_form(unit, sides, lanes, pace):
    check_against_the_array(unit, sides, lanes, pace)


@pytest.mark.parametrize(
    ("products", "side", "reported"),
    [
        (GEMM_1024, 32, 1_117_184),
        (GEMM_1024, 128, 82_112),
        (BERT, 32, 986_496),
        (BERT, 128, 77_034),
        (LLAMA_7B, 32, 105_394_432),
        (LLAMA_7B, 128, 6_965_008),
        ([(1, (100, 70, 50))], 32, 1_216),
    ],
)
def test_true_size_edges_and_five_cycles_a_fold_are_stonnes_count(products, side, reported):
    """STONNE's output-stationary mesh: k + r + c + 3 cycles for a fold of r x c outputs."""
    unit = replace(spec(side, "output_stationary"), edges="true_size", fold_overhead_cycles=5)

    assert sum(count * unit.gemm_cycles(*sizes) for count, sizes in products) == reported


@pytest.mark.parametrize("dataflow", [*get_args(Dataflow), "per_operation"])
@pytest.mark.parametrize(
    ("products", "side", "ideal"),
    [(GEMM_1024, 32, 1_048_576), (BERT, 32, 909_312), (LLAMA_7B, 32, 103_284_736),
     (GEMM_1024, 128, 65_536), (LLAMA_7B, 128, 6_455_296)],
)  # fmt: skip
def test_with_full_overlap_a_product_takes_its_macs_and_one_way_through_the_array(
    products, side, ideal, dataflow
):
    """As ZigZag and AccelForge count: at most rows + columns + 1 cycles above MACs over units.

    BERT at 128 x 128 is left out: its heads of 64 leave half of the array idle in some folds.
    """
    unit = replace(spec(side, dataflow), overlap="full")

    cycles = sum(count * unit.gemm_cycles(*sizes) for count, sizes in products)

    count = sum(count for count, _ in products)
    assert ideal <= cycles <= ideal + count * (2 * side + 1)


@given(ARRAYS, SIDES)
def test_more_overlap_never_costs_time(unit, sides):
    none, load, full = (
        replace(unit, overlap=overlap).gemm_cycles(*sides)
        for overlap in ("none", "stationary_load", "full")
    )

    assert load <= none
    assert replace(unit, edges="true_size").gemm_cycles(*sides) <= unit.gemm_cycles(*sides)
    if unit.edges == "full_size":  # with full overlap, the whole array is filled at any rate
        assert full <= load


@given(ARRAYS, SIDES)
def test_the_best_dataflow_for_each_operation_is_the_fastest(unit, sides):
    chosen = replace(unit, dataflow="per_operation")
    each = [replace(unit, dataflow=flow).gemm_cycles(*sides) for flow in get_args(Dataflow)]

    assert chosen.gemm_cycles(*sides) == min(each)
    flow = chosen.dataflow_for(*sides)
    assert chosen.gemm_accesses(*sides) == replace(unit, dataflow=flow).gemm_accesses(*sides)


@given(ARRAYS, SIDES, st.lists(st.sampled_from(get_args(Dataflow)), min_size=1, unique=True))
def test_an_array_chooses_among_the_dataflows_that_it_has(unit, sides, flows):
    chosen = replace(unit, dataflow="per_operation", dataflows=tuple(flows))
    each = [replace(unit, dataflow=flow).gemm_cycles(*sides) for flow in flows]

    assert chosen.gemm_cycles(*sides) == min(each)
    assert chosen.dataflow_for(*sides) == flows[each.index(min(each))]


@pytest.mark.parametrize("flows", [(), ("weight_stationary", "weight_stationary")])
def test_an_array_names_its_dataflows_once_each(flows):
    with pytest.raises(ValueError, match=r"^dataflows: must name one or more, each once, got "):
        array(dataflow="per_operation", dataflows=flows)


@pytest.mark.parametrize(
    ("overlap", "sides", "flow"),
    [
        ("full", (8, 8, 8), "weight_stationary"),  # all three stream for 4 x 8 cycles
        ("none", (8, 8, 8), "output_stationary"),  # the others load besides
        ("none", (4, 64, 4), "input_stationary"),  # one fold, against 16 of the others
        ("full", (4, 5, 4), "input_stationary"),  # 5 cycles, against 2 x 4
        ("full", (4, 4, 5), "output_stationary"),  # 5 cycles, against 2 x 4
    ],
)
def test_of_equally_fast_dataflows_the_first_is_taken(overlap, sides, flow):
    unit = array(rows=4, columns=4, dataflow="per_operation", overlap=overlap)

    assert unit.dataflow_for(*sides) == flow


def test_the_convention_alone_makes_a_factor_of_1_7():
    """The spread between simulators of one 32 x 32 weight-stationary array, on BERT."""
    none, full = (
        sum(
            count * replace(spec(32, "weight_stationary"), overlap=overlap).gemm_cycles(*sizes)
            for count, sizes in BERT
        )
        for overlap in ("none", "full")
    )

    assert none / full == pytest.approx(1.73, abs=0.01)


@pytest.mark.parametrize(
    ("number_format", "cycles"), [("int8", 256 + 30), ("bf16", 4 * 512 + 30), ("fp16", 512 + 30)]
)
def test_a_format_runs_at_its_rate(number_format, cycles):
    """Two int8 products a cycle, a bf16 one in four, an fp16 one in one; k is 512."""
    unit = array(
        rows=16,
        columns=16,
        number_formats=tuple(map(parse, ("int8", "bf16", "fp16"))),
        lanes={"int8": 2},
        cycles_per_mac={"bf16": 4},
    )

    assert unit.gemm_cycles(16, 16, 512, parse(number_format)) == cycles
    tile = Tile(m=16, n=16, k=512)
    assert unit.tile_cycles(tile, {"mac": 1}, parse(number_format)) == cycles
    assert unit.peak_macs_per_cycle == 2 * 256


def test_with_full_overlap_a_tile_holds_the_array_only_while_it_streams():
    unit = array(rows=4, columns=4, overlap="full")

    assert unit.cycles(Tile(batch=3, m=8, n=8, k=8), {"mac": 1}, FP32) == {"stream": 3 * 4 * 8}
    assert unit.latency_cycles == 6
    assert unit.gemm_cycles(8, 8, 8) == 4 * 8 + 6


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dataflow": "weight_stationery"}, "no dataflow 'weight_stationery'.*weight_stationary"),
        ({"overlap": "some"}, "overlap: no overlap 'some'"),
        ({"edges": "full"}, "edges: no edges 'full'.*full_size"),
        ({"rows": 0}, "rows: must be >= 1, got 0"),
        ({"fold_overhead_cycles": -1}, "fold_overhead_cycles: must be >= 0, got -1"),
        ({"lanes": {"int8": 2}}, "lanes: 'int8' is not among number_formats"),
        ({"cycles_per_mac": {"fp32": 0}}, "cycles_per_mac.fp32: must be >= 1, got 0"),
    ],
)
def test_a_bad_field_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        array(**fields)


def test_the_array_is_described_by_rows_columns_dataflow_and_overlap():
    unit = ProcessingArraySpec(32, 16, "weight_stationary", "stationary_load")

    assert (unit.rows, unit.columns) == (32, 16)
    assert unit.conventions == "weight_stationary, overlap stationary_load, full_size edges"


def test_a_batch_is_one_product_after_the_other():
    unit = array(rows=4, columns=4)

    # 2 x 2 folds of 8 + 4 + 4 - 2 cycles, three times
    assert unit.tile_cycles(Tile(batch=3, m=8, n=8, k=8), {"mac": 1}, FP32) == 3 * 4 * 14


def test_accesses_of_a_batch_are_those_of_its_products():
    unit = array(rows=4, columns=4, dataflow="weight_stationary")
    tile = Tile(batch=2, m=3, n=8, k=5)

    # inputs 3 x 5 for each of 2 column folds, weights 5 x 8 once, outputs 3 x 8 for 2 row folds,
    # the second of which fetches the first one's sums
    assert unit.operand_accesses(tile, (), ()) == (2 * 30, 2 * 40, 2 * (48 + 24))


def test_peak_is_one_mac_per_unit_and_cycle():
    assert array(rows=8, columns=64).peak_macs_per_cycle == 512


def test_peak_is_rounded_up_where_a_mac_takes_several_cycles():
    """9 units that each finish one in 4 cycles: 2.25 a cycle; a bound must not be below it."""
    unit = array(rows=3, columns=3, cycles_per_mac={"fp32": 4})

    assert unit.peak_macs_per_cycle == 3


@pytest.mark.parametrize("field", ["rows", "columns"])
def test_an_empty_array_is_refused(field):
    with pytest.raises(ValueError, match=f"^{field}: must be >= 1, got 0$"):
        array(**{field: 0})


def test_an_array_lacks_every_function_but_mac():
    assert array().lacks({"mac": 1}) == ""
    assert array().lacks({"mac": 1, "exp": 1}) == "exp"

"""ProcessingArray: cycles and accesses of a matrix product, against SCALE-Sim's."""

import numpy as np
import pytest

from archsim.ir import Tile
from tests.hardware.scalesim_cases import CASES
from tests.machines import array

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


def padded(matrix, rows, columns):
    """The matrix, filled up with ones to a whole number of folds."""
    down, across = -matrix.shape[0] % rows, -matrix.shape[1] % columns
    return np.pad(matrix, ((0, down), (0, across)), constant_values=1)


def cycle_by_cycle(a, b, rows, columns):
    """Live through an output-stationary array: operands move one unit right and down a cycle.

    Row r of ``a`` enters r cycles late and column c of ``b`` c cycles late. A fold ends when
    each unit has met its k pairs of (nonzero) operands.
    """
    (m, k), n = a.shape, b.shape[1]
    a, b = padded(a, rows, 1), padded(b, 1, columns)
    product, cycles = np.zeros((len(a), b.shape[1])), 0
    for top in range(0, m, rows):
        for left in range(0, n, columns):
            right, down, sums = np.zeros((3, rows, columns))
            met, now = np.zeros((rows, columns), int), 0
            while met.min() < k:
                right[:, 1:], down[1:] = right[:, :-1].copy(), down[:-1].copy()
                right[:, 0] = [a[top + r, now - r] if 0 <= now - r < k else 0 for r in range(rows)]
                down[0] = [b[now - c, left + c] if 0 <= now - c < k else 0 for c in range(columns)]
                sums += right * down
                met += (right * down != 0).astype(int)
                now += 1
            product[top : top + rows, left : left + columns] = sums
            cycles += now
    return product[:m, :n], cycles


@pytest.mark.parametrize(
    ("m", "n", "k", "rows", "columns"),
    [(1, 1, 1, 4, 4), (4, 4, 8, 4, 4), (5, 7, 3, 2, 4), (9, 2, 5, 3, 1)],
)
def test_an_array_lived_through_cycle_by_cycle_takes_the_closed_form(m, n, k, rows, columns):
    rng = np.random.default_rng(7)
    a, b = rng.integers(1, 9, (m, k)), rng.integers(1, 9, (k, n))

    product, cycles = cycle_by_cycle(a, b, rows, columns)

    assert np.array_equal(product, a @ b)
    assert array(rows=rows, columns=columns).gemm_cycles(m, n, k) == cycles


def test_a_batch_is_one_product_after_the_other():
    unit = array(rows=4, columns=4)

    # 2 x 2 folds of 8 + 4 + 4 - 2 cycles, three times
    assert unit.tile_cycles(Tile(batch=3, m=8, n=8, k=8), {"mac": 1}) == 3 * 4 * 14


def test_accesses_of_a_batch_are_those_of_its_products():
    unit = array(rows=4, columns=4, dataflow="weight_stationary")
    tile = Tile(batch=2, m=3, n=8, k=5)

    # inputs 3 x 5 for each of 2 column folds, weights 5 x 8 once, outputs 3 x 8 for 2 row folds
    assert unit.operand_accesses(tile, (), ()) == (2 * 30, 2 * 40, 2 * 48)


def test_peak_is_one_mac_per_unit_and_cycle():
    assert array(rows=8, columns=64).peak_macs_per_cycle == 512


@pytest.mark.parametrize("field", ["rows", "columns"])
def test_an_empty_array_is_refused(field):
    with pytest.raises(ValueError, match=f"^{field}: must be >= 1, got 0$"):
        array(**{field: 0})


def test_an_array_lacks_every_function_but_mac():
    assert array().lacks({"mac": 1}) == ""
    assert array().lacks({"mac": 1, "exp": 1}) == "exp"

"""Fixed orders against costs computed by independent code, and against closed forms."""

import pytest

from archsim.contraction import TensorNetwork, fixed_order, halves, tensor_train
from archsim.errors import GraphError, InputError


def layer(core_indices, sizes, batch):
    """Cores, then the activation: mode names as in the workloads' layers."""
    names = sorted({i for core in core_indices for i in core}, key=lambda i: (i[0], len(i), i))
    inputs = [i for i in names if i[0] == "i"]
    outputs = [i for i in names if i[0] == "o"]
    cores = [tuple(core) for core in core_indices]
    return TensorNetwork([*cores, ("b", *inputs)], ("b", *outputs), {**sizes, "b": batch})


def outputs_first(out_modes, in_modes, ranks):
    network = tensor_train(in_modes, out_modes, ranks)
    return network.cores, network.sizes


def train_matrix(in_modes, out_modes, ranks):
    sizes = {f"i{n}": mode for n, mode in enumerate(in_modes)}
    sizes |= {f"o{n}": mode for n, mode in enumerate(out_modes)}
    sizes |= {f"r{n}": rank for n, rank in enumerate([1, *ranks, 1])}
    cores = [(f"r{n}", f"i{n}", f"o{n}", f"r{n + 1}") for n in range(len(in_modes))]
    return cores, sizes


def ring(in_modes, out_modes, ranks):
    modes = {f"i{n}": mode for n, mode in enumerate(in_modes)}
    modes |= {f"o{n}": mode for n, mode in enumerate(out_modes)}
    count = len(modes)
    cores = [(f"r{n}", mode, f"r{(n + 1) % count}") for n, mode in enumerate(modes)]
    return cores, modes | {f"r{n}": rank for n, rank in enumerate(ranks)}


HT_CORES = [
    *(("i0", "u0"), ("i1", "u1"), ("u0", "u1", "t1"), ("i2", "u2"), ("t1", "u2", "t2")),
    *(("o0", "v0"), ("o1", "v1"), ("v0", "v1", "s1"), ("o2", "v2"), ("s1", "v2", "s2")),
    ("t2", "s2"),
]
HT_SIZES = dict(zip(("i0", "i1", "i2", "o0", "o1", "o2"), (8, 8, 12, 12, 8, 8), strict=True))
HT_SIZES |= {i: 8 for core in HT_CORES for i in core if i not in HT_SIZES}
BTD_CORES = [("r0", "r1", "r2"), ("i0", "o0", "r0"), ("i1", "o1", "r1"), ("i2", "o2", "r2")]
BTD_SIZES = dict(zip(("i0", "i1", "i2", "o0", "o1", "o2"), (8, 8, 12, 12, 8, 8), strict=True))
BTD_SIZES |= {"r0": 8, "r1": 8, "r2": 8}

SHEET = outputs_first((12, 8, 8), (8, 8, 12), [12] * 5)
RANK_30 = outputs_first((8, 8, 12), (12, 8, 8), [30] * 5)
D4 = train_matrix((4, 4, 6, 8), (8, 6, 4, 4), (8, 8, 8))
RANK_16 = train_matrix((8, 8, 12), (12, 8, 8), (16, 16))
TTM_30 = train_matrix((8, 8, 12), (12, 8, 8), (30, 30))
TR_6 = ring((8, 8, 12), (12, 8, 8), [8] * 6)
TR_4 = ring((16, 16), (16, 16), [10] * 4)


@pytest.mark.parametrize(
    ("cores", "batch", "order", "macs"),
    [
        (SHEET, 32, "right_to_left", 1_253_376),
        (SHEET, 1024, "right_to_left", 40_108_032),
        (SHEET, 4096, "right_to_left", 160_432_128),
        (RANK_30, 256, "right_to_left", 61_562_880),
        (TTM_30, 32, "right_to_left", 129_761_280),
        (TTM_30, 32, "left_to_right", 283_115_520),
        (RANK_16, 512, "right_to_left", 637_534_208),
        (RANK_16, 512, "left_to_right", 1_358_954_496),
        (D4, 128, "right_to_left", 31_457_280),
        (D4, 128, "left_to_right", 163_577_856),
        (TR_6, 128, "right_to_left", 26_738_688),
        (TR_4, 64, "right_to_left", 5_324_800),
        ((HT_CORES, HT_SIZES), 128, "right_to_left", 518_520_832),
        ((BTD_CORES, BTD_SIZES), 128, "right_to_left", 492_830_720),
        ((BTD_CORES, BTD_SIZES), 128, "left_to_right", 739_246_080),
    ],
)
def test_naive_orders_cost_what_independent_code_counts(cores, batch, order, macs):
    """From a search over all trees that opt_einsum agreed with: its naive-order baselines."""
    network = layer(*cores, batch)

    assert fixed_order(network, len(cores[0]), order).macs == macs


@pytest.mark.parametrize("batch", [1, 4096])
def test_left_to_right_starts_in_the_middle(batch):
    """X, i0, i1, i2, then o2, o1, o0: 5.92 times right-to-left, whatever the batch.

    Rank 12 where the outer bonds allow it: 8 | 12 12 12 | 8. Per row: i0 with 768·144,
    i1 with 64·12·144, i2 with 8·12·8, o2 with 12·12·12, o1 with 96·12·12, o0 with 768·8.
    """
    network = layer(*outputs_first((8, 8, 12), (12, 8, 8), [8, 12, 12, 12, 8]), batch)

    tree = fixed_order(network, 6, "left_to_right")

    assert [step[1] for step in tree.steps] == [3, 4, 5, 2, 1, 0]
    assert tree.macs == batch * (110_592 + 73_728 + 768 + 1_728 + 9_216 + 6_144)
    assert tree.macs / fixed_order(network, 6, "right_to_left").macs == pytest.approx(
        5.92, abs=0.01
    )


def mirrored(cores, sizes):
    return [tuple(reversed(core)) for core in reversed(cores)], sizes


@pytest.mark.parametrize("order", ["bidirectional", "right_to_left", "left_to_right"])
def test_a_train_listed_the_other_way_round_costs_the_same(order):
    one, other = (layer(*cores, 32) for cores in (SHEET, mirrored(*SHEET)))

    assert fixed_order(one, 6, order).macs == fixed_order(other, 6, order).macs


def test_bidirectional_costs_the_closed_form():
    """r²(n1n2 + n1n2n3) + r²(m2m3 + m1m2m3) + K r (N + M) for modes (12,8,8 | 8,8,12)."""
    train = tensor_train((12, 8, 8), (8, 8, 12), [12] * 5, inputs_first=True)
    network = layer(train.cores, train.sizes, 32)

    tree = fixed_order(network, 6, "bidirectional")

    assert tree.macs == 144 * (96 + 768) + 144 * (96 + 768) + 32 * 12 * (768 + 768)
    assert tree.macs == 838_656
    assert tree.peak_elements == 768 * 12


@pytest.mark.parametrize(("modes", "macs"), [((6,), 7 * 3 * 12), ((2, 3), 18 * 3 * 2 + 7 * 3 * 12)])
def test_bidirectional_takes_any_number_of_modes(modes, macs):
    """Rank 3, batch 7, 6 features to 6: halves cost r²·6 each with two modes, nothing with one."""
    train = tensor_train(modes, modes[::-1], [3] * (2 * len(modes) - 1), inputs_first=True)
    network = layer(train.cores, train.sizes, 7)

    assert fixed_order(network, 2 * len(modes), "bidirectional").macs == macs


def test_cores_without_modes_join_the_half_they_touch():
    left, right = halves(layer(HT_CORES, HT_SIZES, 4), len(HT_CORES))

    assert set(left) == {0, 1, 2, 3, 4, 10}  # the root touches both: the input half takes it
    assert set(right) == {5, 6, 7, 8, 9}


def test_a_core_joins_a_half_once_its_neighbours_have():
    """The root stands first, before the cores that lead from it to the modes."""
    cores = [("t", "s"), ("i0", "u"), ("u", "t"), ("o0", "v"), ("v", "s")]
    network = layer(cores, dict.fromkeys(("t", "s", "u", "v", "i0", "o0"), 2), 3)

    left, right = halves(network, 5)

    assert set(left) == {0, 1, 2}
    assert set(right) == {3, 4}


def test_halves_run_from_the_input_end_to_the_output_end():
    train = tensor_train((12, 8, 8), (8, 8, 12), [12] * 5, inputs_first=True)

    assert halves(layer(train.cores, train.sizes, 1), 6) == ((0, 1, 2), (3, 4, 5))
    assert halves(layer(*SHEET, 1), 6) == ((5, 4, 3), (2, 1, 0))


def test_bidirectional_refuses_cores_with_both_kinds_of_modes():
    with pytest.raises(GraphError, match=r"core 0 \(r0 i0 o0 r1\) carries input and output modes"):
        fixed_order(layer(*TTM_30, 32), 3, "bidirectional")


@pytest.mark.parametrize(
    ("activation", "order", "message"),
    [
        (6, "optimum", "did you mean 'optimal'"),
        (6, "bidirectonal", "did you mean 'bidirectional'"),
        (7, "right_to_left", "no tensor 7 among 7"),
    ],
)
def test_what_is_not_an_order_is_refused(activation, order, message):
    with pytest.raises(InputError, match=message):
        fixed_order(layer(*SHEET, 1), activation, order)

"""SimtProcessor: its kernels against blocks handed out one by one, and what is known of GPUs."""

from dataclasses import replace
from heapq import heapreplace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.config import build, load
from archsim.formats import parse
from archsim.hardware import Architecture, DramSpec, Route, ThreadBlock
from archsim.ir import GraphBuilder, Phase, Tile
from tests.machines import FP32, matrix_product, run, simt

CONFIGS = Path(__file__).parents[2] / "configs"
FP16 = parse("fp16")
MAC = {"mac": 1}
BLOCK = ThreadBlock(m=8, n=4, k=2, warp_m=4, warp_n=4)
GPUS = ("a100", "h100", "rtx3090")

BLOCKS = st.builds(
    lambda down, across, k, warp, per_sm: ThreadBlock(
        m=down * warp, n=across * warp, k=k, warp_m=warp, warp_n=warp, per_sm=per_sm
    ),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 3),
)
PROCESSORS = st.builds(
    simt,
    sms=st.integers(1, 6),
    core_rates=st.fixed_dictionaries({"fp32": st.integers(1, 8)}),
    core_blocks=st.lists(BLOCKS, min_size=1, max_size=3).map(tuple),
    split_k=st.sampled_from([(1,), (1, 2, 3), (4,)]),
    l2_width=st.sampled_from([32, 100, 4096]),
    shared_width=st.sampled_from([32, 100, 4096]),
    fill_cycles=st.integers(0, 9),
    eager_launch_cycles=st.integers(0, 20),
)
SIDES = st.tuples(*[st.integers(1, 30)] * 3)


def up(a, b):
    return -(-a // b)


def handed_out(spec, m, n, k, block, parts, bits=32):
    """Live a kernel: place each block on the least loaded SM; SMs wait for each other's waves."""
    steps = len(range(0, k, block.k))
    parts = min(parts, steps)
    outputs = [(i, j) for i in range(0, m, block.m) for j in range(0, n, block.n)]
    waiting = [output for output in outputs for _ in range(parts)]
    warps = [
        (i, j) for i in range(0, block.m, block.warp_m) for j in range(0, block.n, block.warp_n)
    ]
    read = sum(block.warp_m + block.warp_n for _ in warps)
    step = max(
        up(block.m * block.n * block.k, spec.core_rates["fp32"]),
        up((min(block.m, m) + min(block.n, n)) * block.k * bits, spec.l2_width),
        up((block.m + block.n + read) * block.k * bits, spec.shared_width),
    )
    longest = max(len(range(part, steps, parts)) for part in range(parts))
    store = up(min(block.m, m) * min(block.n, n) * bits, spec.l2_width)
    time = spec.launch_cycles
    while waiting:
        load = [0] * spec.sms
        while waiting and min(load) < block.per_sm:
            load[load.index(min(load))] += 1
            waiting.pop()
        last_wave = not waiting
        if not last_wave:
            assert set(load) == {block.per_sm}
        time += spec.fill_cycles + max(load) * longest * step + store
    if parts > 1:
        time += spec.launch_cycles + up(m * n * bits * (parts + 1), spec.sms * spec.l2_width)
    return time


def check_against_blocks_handed_out(spec, sides):
    times = [
        handed_out(spec, *sides, block, parts)
        for block in spec.core_blocks
        for parts in spec.split_k
    ]

    assert spec.gemm_cycles(*sides, FP32) == min(times)


@given(PROCESSORS, SIDES)
def test_a_product_takes_what_the_best_of_its_kernels_handed_out_block_by_block_takes(spec, sides):
    check_against_blocks_handed_out(spec, sides)


@given(st.integers(1, 7), st.integers(1, 40), st.integers(1, 9))
def test_with_one_block_a_sm_a_scheduler_that_never_waits_takes_as_long(sms, blocks, steps):
    """SMs free at different times make no difference to equal blocks."""
    spec = simt(sms=sms, core_blocks=(BLOCK,), fill_cycles=5, eager_launch_cycles=0)
    free = [0] * sms
    one = simt(sms=1, core_blocks=(BLOCK,), fill_cycles=5, eager_launch_cycles=0)
    each = one.gemm_cycles(8, 4, 2 * steps, FP32)

    for _ in range(blocks):
        heapreplace(free, free[0] + each)

    assert spec.gemm_cycles(8, 4, 2 * steps, FP32, batch=blocks) == max(free)


def test_one_block_more_than_a_wave_costs_a_wave():
    spec = simt(sms=4, core_blocks=(BLOCK,), fill_cycles=0, eager_launch_cycles=0)

    times = [spec.gemm_cycles(8 * blocks, 4, 64, FP32) for blocks in range(1, 10)]

    # 64/2 steps of 8 x 4 x 2 / 4 = 16 cycles, 8 x 4 x 32 bit out at 4096 bit a cycle: 1 cycle
    wave = 32 * 16 + 1
    assert times == [wave] * 4 + [2 * wave] * 4 + [3 * wave]


def test_blocks_that_share_a_sm_hide_each_others_prologue_and_epilogue():
    alone, pair = (
        simt(sms=1, core_blocks=(replace(BLOCK, per_sm=per_sm),), fill_cycles=100)
        for per_sm in (1, 2)
    )

    # two blocks: 101 cycles of prologue and epilogue are paid once instead of twice
    assert alone.gemm_cycles(16, 4, 8, FP32) - pair.gemm_cycles(16, 4, 8, FP32) == 101


def test_a_skinny_product_is_split_along_its_sum_where_that_pays():
    spec = simt(sms=8, core_blocks=(BLOCK,), split_k=(1, 2, 4, 8), eager_launch_cycles=100)
    whole = replace(spec, split_k=(1,))

    assert spec.kernel(Tile(m=8, n=4, k=4096), MAC, FP32).split == 8
    assert spec.gemm_parts(8, 4, 4096, FP32)["launch"] == 200
    assert spec.gemm_cycles(8, 4, 4096, FP32) < whole.gemm_cycles(8, 4, 4096, FP32)
    assert spec.kernel(Tile(m=8, n=4, k=8), MAC, FP32).split == 1  # another launch costs more


@given(PROCESSORS, SIDES)
def test_more_sms_are_never_slower(spec, sides):
    more = replace(spec, sms=spec.sms + 1)

    assert more.gemm_cycles(*sides, FP32) <= spec.gemm_cycles(*sides, FP32)


@given(PROCESSORS, SIDES, st.sampled_from(["l2_width", "shared_width"]))
def test_wider_paths_are_never_slower(spec, sides, path):
    wider = replace(spec, **{path: getattr(spec, path) + 17})

    assert wider.gemm_cycles(*sides, FP32) <= spec.gemm_cycles(*sides, FP32)


@given(PROCESSORS, SIDES)
def test_no_product_is_faster_than_the_peak(spec, sides):
    m, n, k = sides

    assert spec.gemm_cycles(m, n, k, FP32) * spec.peak_macs_per_cycle >= m * n * k


@given(PROCESSORS, SIDES)
def test_a_tile_of_everything_and_what_is_paid_once_are_the_closed_form(spec, sides):
    m, n, k = sides
    space = Tile(m=m, n=n, k=k)
    unit = spec.prepared(space, MAC, FP32)

    once, share = unit.once_cycles(space, MAC, FP32), unit.cycles(space, MAC, FP32)

    assert sum(once.values()) + share["stream"] == spec.gemm_cycles(m, n, k, FP32)
    assert all(cycles > 0 for cycles in once.values())


@given(PROCESSORS, st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_cutting_a_product_costs_a_cycle_a_tile_at_most(spec, down, across, deep):
    """Waves are a matter of the operation, not of its tiles."""
    block = spec.core_blocks[0]
    spec = replace(spec, core_blocks=(block,))
    space = Tile(m=down * block.m, n=across * block.n, k=deep * block.k)
    unit = spec.prepared(space, MAC, FP32)
    tiles = down * across * deep

    share = unit.tile_cycles(Tile(m=block.m, n=block.n, k=block.k), MAC, FP32)

    whole = unit.tile_cycles(space, MAC, FP32)
    assert whole <= tiles * share < whole + tiles


def test_tensor_cores_take_the_formats_that_they_know():
    spec = simt(number_formats=(FP32, FP16), core_rates={"fp32": 4, "fp16": 4}, **TENSOR)
    space = Tile(m=64, n=64, k=64)

    assert spec.kernel(space, MAC, FP16).on_tensor_cores
    assert not spec.kernel(space, MAC, FP32).on_tensor_cores
    assert spec.peak_macs_per_cycle == 2 * 64


TENSOR = {"tensor_macs": {"fp16": 64}, "tensor_blocks": (BLOCK,)}


def test_the_slowest_pipe_sets_the_pace_of_elementwise_work():
    spec = simt(sms=2, vector_block=8, fill_cycles=7, eager_launch_cycles=0)

    # 5 blocks of 8 points on 2 SMs: 3 rounds; a block takes 2 adds x 8 / 4 = 4 cycles,
    # an exp 8 special functions at 1 a cycle, a move 8 / 2 = 4 cycles
    for functions, main in (({"add": 2}, 4), ({"exp": 1, "add": 2}, 8), ({"move": 1}, 4)):
        kernel = spec.kernel(Tile(m=33), functions, FP32)
        assert sum(kernel.parts(2, 0).values()) == 7 + 3 * main


def test_each_block_fetches_its_operands_from_l2():
    operation = matrix_product(m=16, n=12, k=10).operations[0]
    spec = simt(core_blocks=(BLOCK,), split_k=(1,))

    counts = spec.operand_accesses(operation.space, operation.reads, operation.writes)

    # 2 x 3 blocks of 8 x 4: A for each of 3 across, B for each of 2 down
    assert counts == (16 * 10 * 3, 10 * 12 * 2, 16 * 12)


def test_partial_sums_go_to_l2_and_back():
    operation = matrix_product(m=8, n=4, k=4096).operations[0]
    spec = simt(core_blocks=(BLOCK,), split_k=(4,))

    counts = spec.operand_accesses(operation.space, operation.reads, operation.writes)

    assert counts[-1] == 8 * 4 * (1 + 2 * 4)


def test_a_fused_launch_takes_its_own_cycles():
    eager, fused = (
        simt(launch=launch, eager_launch_cycles=100, fused_launch_cycles=10)
        for launch in ("eager", "fused")
    )

    assert eager.gemm_cycles(1, 1, 1, FP32) - fused.gemm_cycles(1, 1, 1, FP32) == 90
    assert fused.conventions == "fused launch of 10 cycles, SMs in step"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sms": 0}, r"^sms: must be >= 1, got 0$"),
        ({"launch": "eagre"}, r"^launch: no launch 'eagre'; did you mean 'eager'"),
        ({"fill_cycles": -1}, r"^fill_cycles: must be >= 0, got -1$"),
        ({"core_rates": {}}, r"^core_rates: no rate for 'fp32', which number_formats names$"),
        (
            {"core_rates": {"fp32": 1, "fp16": 1}},
            r"^core_rates: 'fp16' is not among number_formats",
        ),
        ({"core_blocks": ()}, r"^core_blocks: no shape for products in 'fp32'; name one$"),
        ({"split_k": ()}, r"^split_k: name at least one number of parts"),
        ({"split_k": (1, 0)}, r"^split_k\.1: must be >= 1, got 0$"),
        ({"core_instructions": {"ad": 1}}, r"^core_instructions: no function 'ad'; did you mean"),
        ({"special_instructions": {"exp": 0}}, r"^special_instructions\.exp: must be >= 1, got 0$"),
    ],
)
def test_what_no_processor_is_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        simt(**fields)


def test_warps_divide_their_block():
    with pytest.raises(ValueError, match=r"^warp_m: must divide m \(8\), got 3$"):
        ThreadBlock(m=8, n=4, k=2, warp_m=3, warp_n=4)


def test_a_function_that_it_has_no_instructions_for_is_lacking():
    assert simt().lacks({"mac": 1, "move": 1, "add": 1}) == ""
    assert simt(special_instructions={}, core_instructions={"add": 1}).lacks({"exp": 1}) == "exp"


# -- the machines that ship -------------------------------------------------------------------


@pytest.fixture(scope="module", params=GPUS)
def gpu(request):
    return gpu_named(request.param)


def gpu_named(name, **fields):
    machine = build(Architecture, load(CONFIGS / "architectures" / f"{name}.yaml").root)
    parts = machine.components
    return replace(machine, components={**parts, "gpu": replace(parts["gpu"], **fields)})


def product_seconds(machine, m, n, k, number_format=FP16):
    builder = GraphBuilder("gemm", {"m": m, "n": n, "k": k}, number_format)
    a, b = builder.tensor("A", (m, k)), builder.tensor("B", (k, n))
    builder.contract("C", Phase.INFERENCE, "m k, k n -> m n", a, b)
    trace = run(builder.graph(), machine)
    return trace.makespan / trace.tick_rate_hz


@pytest.mark.parametrize(
    ("name", "tensor_fp16", "fp32", "bandwidth"),
    [  # TFLOPS and GB/s of the data sheets
        ("a100", 312, 19.5, 1555),
        ("h100", 989.4, 61.8, 3350),  # 66.9 TFLOPS at 1980 MHz, here at 1830
        ("rtx3090", 71, 35.6, 936),
    ],
)
def test_peaks_are_those_of_the_data_sheet(name, tensor_fp16, fp32, bandwidth):
    machine = gpu_named(name)
    unit, dram = machine.components["gpu"], machine.components["dram"]

    def tflops(rates, number_format):
        return 2e-12 * unit.sms * rates[number_format] * unit.clock

    assert tflops(unit.tensor_macs, "fp16") == pytest.approx(tensor_fp16, rel=0.005)
    assert tflops(unit.core_rates, "fp32") == pytest.approx(fp32, rel=0.005)
    assert dram.peak_bits_per_cycle * dram.clock / 8e9 == pytest.approx(bandwidth, rel=0.001)
    assert machine.tick_rate < 10**13


def test_a_large_product_nears_the_peak_of_an_a100_and_no_more():
    """Measured ones reach 80 to 90 %: the model knows of no throttling."""
    seconds = product_seconds(gpu_named("a100"), 4096, 4096, 4096)

    assert 0.85 < 2 * 4096**3 / seconds / 312e12 < 0.95


def test_109_blocks_take_two_waves_on_an_a100():
    """NVIDIA's guide (DU-09799-001): 108 SMs, tiles of 256 x 128."""
    block = ThreadBlock(m=256, n=128, k=32, warp_m=64, warp_n=64)
    unit = replace(gpu_named("a100").components["gpu"], tensor_blocks=(block,), split_k=(1,))

    one, two = (
        unit.gemm_cycles(256 * blocks, 128, 4096, FP16) - unit.launch_cycles
        for blocks in (108, 109)
    )

    assert two == 2 * one


def test_elementwise_work_runs_at_the_bandwidth_of_memory(gpu):
    rows = 2**24
    builder = GraphBuilder("sum", {"i": rows}, FP32)
    a, b = builder.tensor("a", (rows,)), builder.tensor("b", (rows,))
    builder.elementwise("c", Phase.INFERENCE, "i, i -> i", "a + b", a, b)

    trace = run(builder.graph(), gpu)

    dram = gpu.components["dram"]
    at_peak = 3 * 32 * rows / (dram.peak_bits_per_cycle * dram.clock)
    refreshed = at_peak / (1 - dram.timing.refresh_cycles / dram.timing.tREFI)
    assert refreshed <= trace.makespan / trace.tick_rate_hz < 1.07 * refreshed


@pytest.mark.parametrize(("launch", "microseconds"), [("eager", 2.5), ("fused", 0.5)])
def test_a_tiny_kernel_takes_the_launch(gpu, launch, microseconds):
    unit = replace(gpu.components["gpu"], launch=launch)
    machine = replace(gpu, components={**gpu.components, "gpu": unit})

    seconds = product_seconds(machine, 16, 16, 16)

    assert microseconds * 1e-6 < seconds < (microseconds + 1.5) * 1e-6


def test_infinitely_fast_memory_gives_the_compute_bound(gpu):
    """But for rounding, a cycle a tile, and the way of the first and last tile."""
    memory = DramSpec(clock=gpu.tick_rate, capacity=2**40, channels=2**10, burst=64, burst_cycles=1)
    machine = replace(
        gpu,
        components={"gpu": gpu.components["gpu"], "dram": memory},
        routes=(Route(memory="dram", units=("gpu",)),),
        placement={},
    )

    unit = machine.components["gpu"]
    cycles = product_seconds(machine, 1024, 1024, 1024) * unit.clock

    closed = unit.gemm_cycles(1024, 1024, 1024, FP16)
    assert closed <= cycles < 1.01 * closed


def test_a_small_memory_bound_product_is_never_faster_than_memory(gpu):
    dram = gpu.components["dram"]

    seconds = product_seconds(gpu, 4096, 1, 4096)

    bits = 16 * (4096 * 4096 + 2 * 4096)
    assert seconds >= bits / (dram.peak_bits_per_cycle * dram.clock)
    assert seconds < 1.2 * bits / (dram.peak_bits_per_cycle * dram.clock) + 2 * 2.5e-6

"""Random small graphs and random machines that can run them.

A new component joins as one row of ``TENSOR_UNITS``, ``VECTOR_UNITS``, ``MEMORIES`` or ``LINKS``.
"""

from typing import get_args

from hypothesis import strategies as st

from archsim.hardware import (
    Architecture,
    BenesSpec,
    BramSpec,
    ButterflySpec,
    CrossbarSpec,
    DistributionTreeSpec,
    DramTiming,
    LinkSpec,
    ReductionButterflySpec,
    ReductionTreeSpec,
    Route,
    SramSpec,
    ThreadBlock,
    UramSpec,
)
from archsim.hardware.dram_timing import POLICIES, REFRESHES
from archsim.hardware.matrix_product import DataflowChoice
from archsim.ir import GraphBuilder, Phase, Role
from archsim.ir.tile import AXES
from archsim.schedule import Schedule, Task, plan_memory
from tests.machines import FP32, array, dram, engine_array, kernel, simt, vector, with_component
from tests.mapping.strategies import long_streams, streams

CLOCKS = st.sampled_from([100_000_000, 150_000_000, 250_000_000, 1_000_000_000])
BUFFERS = st.sampled_from([160, 320, 1000, 4096])
"""Bytes; a point of a product streamed over four stages each way in three slots takes 144."""
SMALL = st.integers(1, 8)

SIMT = st.builds(
    simt,
    clock=CLOCKS,
    count=st.integers(1, 2),
    sms=SMALL,
    launch=st.sampled_from(["eager", "fused"]),
    split_k=st.sampled_from([(1,), (1, 2, 4)]),
    core_blocks=st.sampled_from(
        [
            (ThreadBlock(m=4, n=4, k=1, warp_m=2, warp_n=4, per_sm=2),),
            (
                ThreadBlock(m=8, n=4, k=2, warp_m=4, warp_n=4),
                ThreadBlock(m=1, n=1, k=4, warp_m=1, warp_n=1),
            ),
        ]
    ),
    l2_width=st.sampled_from([32, 100, 4096]),
    fill_cycles=st.integers(0, 9),
    buffer=st.just(2**16),
    buffered_tiles=st.integers(1, 3),
)
"""Runs everything."""

TENSOR_UNITS = [
    SIMT,
    st.builds(
        kernel,
        clock=CLOCKS,
        count=st.integers(1, 3),
        parallel_macs=SMALL,
        depth=SMALL,
        banks=SMALL,
        ports=st.integers(1, 2),
        initiation_interval=st.integers(1, 3),
        buffer=BUFFERS,
        buffered_tiles=st.integers(1, 3),
    ),
    st.builds(
        array,
        clock=CLOCKS,
        count=st.integers(1, 3),
        rows=SMALL,
        columns=SMALL,
        dataflow=st.sampled_from(get_args(DataflowChoice)),
        overlap=st.sampled_from(["none", "stationary_load", "full"]),
        edges=st.sampled_from(["full_size", "true_size"]),
        fold_overhead_cycles=st.integers(0, 2),
        lanes=st.sampled_from([{}, {"fp32": 2}]),
        cycles_per_mac=st.sampled_from([{}, {"fp32": 3}]),
        buffer=BUFFERS,
        buffered_tiles=st.integers(1, 3),
    ),
    st.builds(
        engine_array,
        clock=CLOCKS,
        count=st.integers(1, 3),
        engines=SMALL,
        pes=SMALL,
        engine_axes=st.sampled_from([AXES, ("batch", "n"), ("k",)]),
        pe_axes=st.sampled_from([AXES, ("m", "k"), ("m",)]),
        groups=st.sampled_from(["any", "powers_of_two"]),
        dataflow=st.sampled_from(get_args(DataflowChoice)),
        overlap=st.sampled_from(["none", "stationary_load", "full"]),
        fold_overhead_cycles=st.integers(0, 2),
        lanes=st.sampled_from([{}, {"fp32": 2}]),
        cycles_per_mac=st.sampled_from([{}, {"fp32": 3}]),
        buffer=BUFFERS,
        buffered_tiles=st.integers(1, 3),
    ),
]
"""Units that run contractions."""

VECTOR_UNITS = [
    SIMT,
    st.builds(
        vector,
        clock=CLOCKS,
        count=st.integers(1, 2),
        lanes=SMALL,
        depth=SMALL,
        chained=st.booleans(),
        buffer=st.just(2**16),
        buffered_tiles=st.integers(1, 3),
    ),
]
"""Units that run everything else."""


@st.composite
def dram_timings(draw):
    """Any timing that the rules allow, from comfortable to absurd, with frequent refreshes."""
    groups = draw(st.sampled_from([1, 2, 4]))
    short = draw(st.integers(1, 6))
    activate, precharge = draw(st.integers(1, 30)), draw(st.integers(1, 30))
    refresh = draw(st.integers(1, 50))
    return DramTiming(
        banks=groups * draw(st.integers(1, 5)),
        bank_groups=groups,
        row=64 * draw(st.integers(1, 6)),
        tRCD=activate,
        tRP=precharge,
        CL=draw(st.integers(short, 30)),
        tRAS=activate + draw(st.integers(0, 40)),
        tRTP=draw(st.integers(1, 15)),
        tCCD_S=short,
        tCCD_L=draw(st.integers(short, groups * short)),
        tRRD=draw(st.integers(1, 12)),
        tFAW=draw(st.integers(1, 60)),
        tRFC=refresh,
        tREFI=precharge + refresh + activate + draw(st.integers(1, 400)),
        policy=draw(st.sampled_from(POLICIES)),
        refresh=draw(st.sampled_from(REFRESHES)),
    )


@st.composite
def banked_drams(draw):
    """DRAM with banks, rows and refresh."""
    timing = draw(dram_timings())
    return dram(
        clock=draw(CLOCKS),
        channels=draw(st.integers(1, 3)),
        burst=draw(st.sampled_from([8, 32])),
        burst_cycles=draw(st.integers(1, timing.tCCD_S)),
        latency_cycles=draw(st.integers(0, 5)),
        timing=timing,
    )


MEMORIES = [
    st.builds(BramSpec, clock=CLOCKS, blocks=st.just(1024)),
    st.builds(UramSpec, clock=CLOCKS, blocks=st.just(1024)),
    st.builds(SramSpec, clock=CLOCKS, capacity=st.just(2**20)),
    st.builds(
        dram,
        clock=CLOCKS,
        channels=st.integers(1, 3),
        burst=st.sampled_from([8, 32]),
        burst_cycles=st.integers(1, 4),
        latency_cycles=st.integers(0, 5),
    ),
    banked_drams(),
]
"""What tensors lie in; large enough for every random graph."""

CHANNEL_FIELDS = {
    "clock": CLOCKS,
    "width": st.sampled_from([8, 24, 64, 256]),
    "latency_cycles": st.integers(0, 5),
    "shared": st.booleans(),
}
TREE_FIELDS = {"ports": st.integers(4, 12), "root_words": st.integers(1, 4), **CHANNEL_FIELDS}
LINKS = [
    st.builds(LinkSpec, **CHANNEL_FIELDS),
    *(
        st.builds(
            network,
            ports=st.sampled_from([2, 4, 8, 16]),
            hop_cycles=st.integers(1, 2),
            **CHANNEL_FIELDS,
        )
        for network in (ButterflySpec, ReductionButterflySpec, BenesSpec, CrossbarSpec)
    ),
    st.builds(DistributionTreeSpec, **TREE_FIELDS),
    st.builds(ReductionTreeSpec, groups=st.sampled_from(["any", "powers_of_two"]), **TREE_FIELDS),
]
"""What stands between a memory and a unit."""


@st.composite
def routes(draw, memory, links):
    """How both units reach a memory: wired, over a link in, out, either, or one for both."""
    ends = st.sampled_from(["", *links])
    units = ("tensor", "vector")
    return Route(memory=memory, units=units, read=draw(ends), write=draw(ends))


@st.composite
def machines(draw):
    """Two sorts of unit, one or two memories, up to two links."""
    memories = {f"memory{n}": draw(st.one_of(MEMORIES)) for n in range(draw(st.integers(1, 2)))}
    links = {f"link{n}": draw(st.one_of(LINKS)) for n in range(draw(st.integers(0, 2)))}
    orders = st.permutations(list(memories)).map(tuple)
    return Architecture(
        name="random",
        components={
            "tensor": draw(st.one_of(TENSOR_UNITS)),
            "vector": draw(st.one_of(VECTOR_UNITS)),
            **links,
            **memories,
        },
        routes=tuple(draw(routes(name, list(links))) for name in memories),
        placement={role: draw(orders) for role in Role},
    )


class _Program:
    """A graph in the making, and the tensors that its next operation may use."""

    def __init__(self, sizes):
        self.builder = GraphBuilder("random", sizes, FP32)
        self.terms = {}  # tensor: its indices
        self.count = 0

    def name(self, what):
        self.count += 1
        return f"step{self.count}.{what}"

    def shape(self, term):
        return [self.builder.sizes[index] for index in term]

    def input(self, term, role):
        tensor = self.builder.tensor(self.name(f"W{len(term)}"), self.shape(term), role)
        self.terms[tensor] = term

    def contract(self, draw, one, other):
        left, right = self.terms[one], self.terms[other]
        kept = [i for i in left if i not in right or draw(st.booleans())]
        result = (*kept, *(i for i in right if i not in left))[:4]
        if set(result) >= set(left) ^ set(right):
            equation = f"{' '.join(left)}, {' '.join(right)} -> {' '.join(result)}"
            name = self.name("product")
            self.terms[self.builder.contract(name, Phase.FORWARD, equation, one, other)] = result

    def combine(self, draw, one, other):
        """Add the other, if it has none but the one's indices; overwrite a parameter if wished."""
        left, right = self.terms[one], self.terms[other]
        if not left or not set(right) <= set(left) or one == other:
            return
        overwrites = one.role is Role.PARAMETER and draw(st.booleans())
        self.terms[
            self.builder.elementwise(
                self.name("sum"),
                Phase.FORWARD,
                f"{' '.join(left)}, {' '.join(right)} -> {' '.join(left)}",
                "a + exp(b)",
                one,
                other,
                overwrites=one.name if overwrites else "",
                role=one.role if overwrites else Role.ACTIVATION,
            )
        ] = left
        if overwrites:
            del self.terms[one]

    def reduce(self, draw, one, _):
        term = self.terms[one]
        if len(term) > 1:
            kept = tuple(i for i in term if draw(st.booleans())) or term[:1]
            equation = f"{' '.join(term)} -> {' '.join(kept)}"
            made = self.builder.reduce(self.name("total"), Phase.FORWARD, equation, one)
            self.terms[made] = kept

    def permute(self, draw, one, _):
        term = self.terms[one]
        order = draw(st.permutations(term).map(tuple))
        made = self.builder.permute(self.name("turned"), Phase.FORWARD, term, order, one)
        self.terms[made] = order


@st.composite
def graphs(draw, most_operations=10):
    """Operations of all kinds on tensors of up to four indices, some kept, some overwritten."""
    program = _Program({index: draw(st.integers(1, 7)) for index in "pqrs"})
    for _ in range(draw(st.integers(2, 4))):
        term = draw(st.lists(st.sampled_from("pqrs"), min_size=1, max_size=3, unique=True))
        program.input(tuple(term), draw(st.sampled_from(Role)))
    program.permute(draw, draw(st.sampled_from(list(program.terms))), None)  # at least one
    for _ in range(draw(st.integers(3, most_operations))):
        step = draw(
            st.sampled_from([program.contract, program.combine, program.reduce, program.permute])
        )
        tensors = st.sampled_from(list(program.terms))
        step(draw, draw(tensors), draw(tensors))
    made = [tensor for tensor in program.terms if "W" not in tensor.name]
    program.builder.output(*draw(st.lists(st.sampled_from(made), unique=True, max_size=3)))
    return program.builder.graph()


CROWD = Architecture(
    name="crowd",
    components={
        "unit": vector(count=4),
        "wire": LinkSpec(width=1),
        "back": LinkSpec(width=1),
        "bus": LinkSpec(width=1, shared=True),
        "dram": dram(),
        "sram": SramSpec(capacity=2**60),
    },
    routes=(Route(memory="sram", units=("unit",)),),
    placement=dict.fromkeys(Role, ("sram",)),
)
"""Four units, and memory for tensors of any length; :func:`crowd` says by hand what passes
which link."""


REFRESHED = [
    with_component(
        CROWD,
        "dram",
        clock=clock,
        timing=DramTiming(
            banks=4,
            bank_groups=1,
            row=64,
            tRCD=1,
            tRP=1,
            CL=1,
            tRAS=2,
            tRTP=1,
            tCCD_S=4,
            tCCD_L=4,
            tRRD=1,
            tFAW=4,
            tRFC=blocked,
            tREFI=every,
            refresh="timed",
        ),
    )
    for clock, every, blocked in [(10**9, 24, 3), (5 * 10**8, 37, 5), (25 * 10**7, 12, 2)]
]
"""The crowd with refreshes every few transfers, in clocks of their own."""


def crowd(parts, predecessors):
    """A schedule of streams by operation, ``{name: {unit: stream}}``, without a mapping."""
    builder, tasks = GraphBuilder("crowd", {}, FP32), []
    for number, (name, streams_of) in enumerate(parts.items()):
        points = sum(part.points for part in streams_of.values())
        builder.sizes["x"] = points
        source = builder.tensor(f"x{number}", (points,))
        builder.permute(name, Phase.FORWARD, ("x",), ("x",), source)
        tasks.extend(
            Task(f"{name}[{n}]", name, unit, part, (number, n))
            for n, (unit, part) in enumerate(streams_of.items())
        )
    graph = builder.graph()
    return Schedule(graph, tuple(tasks), predecessors, plan_memory(graph, CROWD))


@st.composite
def crowds(draw, most_operations=6, parts=None):
    """A schedule of random streams, by default with short times, so that ties abound."""
    parts = streams(most_tiles=12) if parts is None else parts
    units = st.lists(st.sampled_from(CROWD.instances("unit")), min_size=1, max_size=2, unique=True)
    found, predecessors = {}, {}
    for number in range(draw(st.integers(1, most_operations))):
        name = f"o{number}"
        found[name] = {unit: draw(parts) for unit in draw(units)}
        earlier = st.sampled_from([*predecessors, name])
        before = draw(st.lists(earlier, unique=True, max_size=2))
        predecessors[name] = tuple(other for other in before if other != name)
    return crowd(found, predecessors)


@st.composite
def long_crowds(draw, most_operations=5):
    """Streams of loops in loops, some of them alike, so that much repeats."""
    alike = draw(st.lists(long_streams(), min_size=1, max_size=3))
    return draw(crowds(most_operations, st.sampled_from(alike)))

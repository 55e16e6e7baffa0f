"""Small machines and graphs that several tests build on."""

from dataclasses import replace

from archsim.formats import parse
from archsim.hardware import (
    Architecture,
    BramSpec,
    ComputeSpec,
    ContractionEngineArraySpec,
    DramSpec,
    LinkSpec,
    PipelinedKernelSpec,
    ProcessingArraySpec,
    Route,
    SimtProcessorSpec,
    SramSpec,
    ThreadBlock,
    VectorUnitSpec,
)
from archsim.ir import GraphBuilder, OperationGraph, Phase, Role
from archsim.machine import DEFAULT_ENGINE, alone_on, simulate
from archsim.results import Trace
from archsim.schedule import plan_memory, schedule

FP32 = parse("fp32")
VECTOR_KINDS = ("elementwise", "reduction", "permute", "gather", "scatter_add")


def kernel(**fields):
    """A pipelined kernel of 4 multipliers, 1 iteration a cycle, 10 cycles deep."""
    defaults = {
        "runs": ("contraction",),
        "number_formats": (FP32,),
        "parallel_macs": 4,
        "depth": 10,
        "banks": 4,
        "buffer": 4096,
    }
    return PipelinedKernelSpec(**{**defaults, **fields})


def array(**fields):
    """A 4 x 4 output-stationary array."""
    defaults = {"number_formats": (FP32,), "rows": 4, "columns": 4, "buffer": 4096}
    return ProcessingArraySpec(**{**defaults, **fields})


def engine_array(**fields):
    """Four engines of four elements, which all axes may be spread over."""
    defaults = {"number_formats": (FP32,), "engines": 4, "pes": 4, "buffer": 4096}
    return ContractionEngineArraySpec(**{**defaults, **fields})


def vector(**fields):
    """Four lanes that know every function, one cycle each."""
    names = ("add", "divide", "exp", "log", "maximum", "move", "multiply", "sqrt", "tanh")
    defaults = {
        "runs": VECTOR_KINDS,
        "number_formats": (FP32,),
        "lanes": 4,
        "function_cycles": dict.fromkeys(names, 1),
        "buffer": 4096,
    }
    return VectorUnitSpec(**{**defaults, **fields})


def simt(**fields):
    """Two multiprocessors of four CUDA cores, with blocks of 8 x 4 x 2."""
    names = ("add", "divide", "exp", "log", "maximum", "multiply", "sqrt", "tanh")
    defaults = {
        "number_formats": (FP32,),
        "sms": 2,
        "core_rates": {"fp32": 4},
        "special_rate": 1,
        "load_store_rate": 2,
        "core_instructions": dict.fromkeys(names, 1),
        "special_instructions": dict.fromkeys(("exp", "log", "tanh"), 1),
        "core_blocks": (ThreadBlock(m=8, n=4, k=2, warp_m=4, warp_n=4),),
        "vector_block": 8,
        "l2_width": 4096,
        "shared_width": 4096,
        "eager_launch_cycles": 20,
        "fused_launch_cycles": 5,
        "buffer": 4096,
    }
    return SimtProcessorSpec(**{**defaults, **fields})


def dram(**fields):
    """One channel of 64-byte bursts in 4 cycles: 16 bytes a cycle."""
    defaults = {"capacity": 2**20, "channels": 1, "burst": 64, "burst_cycles": 4}
    return DramSpec(**{**defaults, **fields})


def _units(parts):
    return tuple(name for name, spec in parts.items() if isinstance(spec, ComputeSpec))


def linked(read=None, write=None, **components):
    """An SRAM behind a link of 64 bit each way, a kernel and a vector unit."""
    parts = {
        "tensor": kernel(),
        "vector": vector(),
        "read": read or LinkSpec(width=64),
        "write": write or LinkSpec(width=64),
        "sram": SramSpec(capacity=2**20),
        **components,
    }
    route = Route(memory="sram", units=_units(parts), read="read", write="write")
    return Architecture(name="linked", components=parts, routes=(route,))


def wired(blocks=64, **components):
    """A BRAM whose banks the kernel and the vector unit are wired to."""
    parts = {"tensor": kernel(), "vector": vector(), "bram": BramSpec(blocks=blocks), **components}
    return Architecture(
        name="wired", components=parts, routes=(Route(memory="bram", units=_units(parts)),)
    )


def off_chip(**components):
    """A DRAM that the kernel and the vector unit fetch from and store to."""
    parts = {"tensor": kernel(), "vector": vector(), "dram": dram(), **components}
    return Architecture(
        name="off_chip",
        components=parts,
        routes=(Route(memory="dram", units=_units(parts)),),
    )


def with_component(architecture, name, **fields):
    """The same machine with some fields of one component changed."""
    spec = replace(architecture.components[name], **fields)
    return replace(architecture, components={**architecture.components, name: spec})


def matrix_product(m=8, n=8, k=8, batch=1):
    """A graph of one product, ``C = A B``, of ``batch`` pairs of matrices."""
    builder = GraphBuilder("product", {"b": batch, "m": m, "n": n, "k": k}, FP32)
    a, b = builder.tensor("A", (batch, m, k)), builder.tensor("B", (batch, k, n))
    builder.contract("C", Phase.FORWARD, "b m k, b k n -> b m n", a, b)
    return builder.graph()


def chain(length=3, side=8):
    """``x -> x W0 -> tanh -> x W1 -> tanh …``: each operation needs the one before."""
    builder = GraphBuilder("chain", {"i": side, "j": side, "k": side}, FP32)
    x = builder.tensor("x", (side, side), Role.DATA)
    for number in range(length):
        weight = builder.tensor(f"layer{number}.W", (side, side), Role.PARAMETER)
        product = builder.contract(
            f"layer{number}.product", Phase.FORWARD, "i k, k j -> i j", x, weight
        )
        x = builder.elementwise(
            f"layer{number}.tanh", Phase.FORWARD, "i j -> i j", "tanh(a)", product
        )
    return builder.graph()


def independent_products(count=2, side=8):
    """``count`` equal products that need nothing of each other."""
    builder = GraphBuilder("independent", {"i": side, "j": side, "k": side}, FP32)
    for number in range(count):
        a = builder.tensor(f"A{number}", (side, side))
        b = builder.tensor(f"B{number}", (side, side))
        builder.contract(f"C{number}", Phase.FORWARD, "i k, k j -> i j", a, b)
    return builder.graph()


def run(
    graph: OperationGraph,
    architecture: Architecture,
    *,
    grouping: bool = True,
    engine: str = DEFAULT_ENGINE,
) -> Trace:
    """Plan, schedule and simulate a graph on a machine."""
    memory = plan_memory(graph, architecture, grouping=grouping)
    plan = schedule(graph, architecture, memory, alone=alone_on(architecture))
    return simulate(plan, architecture, engine=engine)

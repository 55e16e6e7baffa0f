"""A run small enough to be checked by hand: five operations in 1,000 ticks of 1 ns."""

import pytest

from archsim.results import (
    ComponentRecord,
    Energy,
    Interval,
    MemoryRecord,
    Occupancy,
    OperationRecord,
    Provenance,
    PublishedValue,
    Result,
    Trace,
)

QUERY, SOFTMAX = "encoder0.query", "encoder0.softmax"
BACK, GRADIENT, NEW = "encoder0.query.dX", "encoder0.query.dG0", "encoder0.query.G0.new"


def operation(name, kind, phase, units, start, finish, **more):
    fields = {"waited": 0, "uncontended": finish - start, "tiles": 1, "macs": 0, "predecessors": ()}
    return OperationRecord(
        name=name, kind=kind, phase=phase, units=units, start=start, finish=finish, **fields | more
    )


OPERATIONS = (
    operation(QUERY, "contraction", "forward", ("tensor0", "tensor1"), 0, 400, macs=6000, tiles=8),
    operation(SOFTMAX, "elementwise", "forward", ("vector",), 400, 500, predecessors=(QUERY,)),
    operation(
        BACK,
        "contraction",
        "backward",
        ("tensor0",),
        500,
        800,
        macs=3000,
        predecessors=(SOFTMAX,),
        uncontended=280,
    ),
    operation(
        GRADIENT,
        "contraction",
        "weight_gradient",
        ("tensor1",),
        500,
        900,
        macs=2000,
        predecessors=(SOFTMAX,),
        uncontended=350,
        waited=50,
    ),
    operation(NEW, "elementwise", "update", ("vector",), 900, 1000, predecessors=(GRADIENT,)),
)
COMPONENTS = (
    ComponentRecord("tensor0", "tensor", "pipelined_kernel", True, False, 10**10),
    ComponentRecord("tensor1", "tensor", "pipelined_kernel", True, False, 10**10),
    ComponentRecord("vector", "vector", "vector_unit", True, False, 0),
    ComponentRecord("dram", "dram", "dram", False, True, 10**11),
    ComponentRecord("read[tensor0]", "read", "link", False, False, 10**11),
)
INTERVALS = (
    Interval("tensor0", QUERY, 20, 400, 360),
    Interval("tensor1", QUERY, 20, 400, 360),
    Interval("vector", SOFTMAX, 400, 500, 100),
    Interval("tensor0", BACK, 510, 800, 280),
    Interval("tensor1", GRADIENT, 560, 900, 340),
    Interval("vector", NEW, 900, 1000, 100),
    Interval("dram", QUERY, 0, 380, 100),
    Interval("dram", BACK, 500, 780, 100),
    Interval("dram", GRADIENT, 550, 880, 120),
    Interval("read[tensor0]", QUERY, 0, 390, 90),
)
MEMORIES = (
    MemoryRecord("bram", "bram", False, 8, 18432, "BRAM36", 0.5),
    MemoryRecord("dram", "dram", True, 10**6, 512, "burst", 1.0),
    MemoryRecord("uram", "uram", False, 16, 294912, "URAM", 1.0),
)
OCCUPANCY = (
    Occupancy("bram", 0, 2, 20000),
    Occupancy("bram", 400, 6, 90000),
    Occupancy("bram", 900, 3, 30000),
    Occupancy("dram", 0, 1000, 500000),
)
ENERGY = Energy(
    dynamic_pj={
        ("tensor", "mac", QUERY): 600.0,
        ("bram", "read", QUERY): 100.0,
        ("vector", "exp", SOFTMAX): 50.0,
        ("tensor", "mac", BACK): 150.0,
        ("tensor", "mac", GRADIENT): 70.0,
        ("tensor.buffer", "read", GRADIENT): 20.0,
        ("vector", "add", NEW): 10.0,
    },
    static_pj=3000.0,
)


def build_trace(**changes):
    """Return the run's trace, with parts replaced."""
    fields = {
        "tick_rate_hz": 10**9,
        "components": COMPONENTS,
        "memories": MEMORIES,
        "operations": OPERATIONS,
        "intervals": INTERVALS,
        "activities": (),
        "occupancy": OCCUPANCY,
    }
    return Trace(**fields | changes)


def build_result(**changes):
    """Return the run's result, with parts replaced."""
    fields = {
        "name": "tiny",
        "trace": build_trace(),
        "energy": ENERGY,
        "provenance": Provenance(
            config="tiny.yaml",
            config_hash="0123456789abcdef0123",
            overrides={},
            engine="event",
            versions={"archsim": "0.1.0"},
            assumptions={"architecture.clock": "assumed: round"},
            command="archsim run tiny.yaml",
        ),
        "steps_per_epoch": 2000,
        "published": (
            PublishedValue(
                metric="epoch_latency_s", value=0.001, status="recalled", source="recalled: a talk"
            ),
        ),
    }
    return Result(**fields | changes)


@pytest.fixture
def result():
    return build_result()


@pytest.fixture
def make_result():
    """Build a result with parts of it, or of its trace (``trace={...}``), replaced."""

    def make(*, trace=None, **changes):
        if trace is not None:
            changes["trace"] = build_trace(**trace)
        return build_result(**changes)

    return make

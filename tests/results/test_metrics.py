"""Metrics: time shared out to the last tick, busy components, full memories."""

from itertools import chain, pairwise

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.results import Occupancy
from archsim.results.metrics import (
    busy_ticks,
    critical_path,
    layer,
    memory_peaks,
    sum_by_sort,
    time_by,
    traffic_bits,
)
from tests.results.traces import DRAM, MEMORY, component, operation, trace


def by_phase(record):
    return record.phase


def test_operations_side_by_side_share_the_time_evenly():
    told = trace(
        operation("a", 0, 6),
        operation("b", 2, 8, phase="backward"),
        operation("c", 4, 6),
        operation("d", 10, 12, phase="update"),
    )

    # forward: 2 + 2/2 + 2 x 2/3, backward: 2/2 + 2/3 + 2, and nobody from 8 to 10
    assert time_by(told, by_phase) == pytest.approx(
        {
            "forward": (3 + 4 / 3) / 1000,
            "backward": (3 + 2 / 3) / 1000,
            "update": 0.002,
            "idle": 0.002,
        }
    )


def test_the_largest_share_comes_first():
    told = trace(operation("a", 0, 1), operation("b", 1, 9, phase="update"))

    assert list(time_by(told, by_phase)) == ["update", "forward"]


spans = st.tuples(st.integers(0, 50), st.integers(1, 30))


@given(st.lists(spans, min_size=1, max_size=12))
def test_the_shares_add_up_to_the_makespan(lengths):
    told = trace(
        *(
            operation(f"o{n}", start, start + length, phase=f"phase{n % 3}")
            for n, (start, length) in enumerate(lengths)
        )
    )

    shares = time_by(told, by_phase)

    assert sum(shares.values()) == pytest.approx(told.makespan / 1000, rel=1e-12)
    assert min(shares.values()) >= 0


@st.composite
def histories(draw):
    """Operations on a random DAG, each started some time after all that it waits for."""
    records = []
    for number in range(draw(st.integers(1, 9))):
        before = (
            draw(st.lists(st.sampled_from(records), unique=True, max_size=3)) if records else []
        )
        start = max((r.finish for r in before), default=0) + draw(st.integers(0, 4))
        length, spare = draw(st.integers(1, 9)), draw(st.integers(0, 3))
        names = [record.name for record in before]
        records.append(
            operation(f"o{number}", start, start + length + spare, before=names, uncontended=length)
        )
    return draw(st.permutations(records))


@given(histories())
def test_the_critical_path_is_the_longest_of_all_paths(records):
    graph = nx.DiGraph()
    graph.add_nodes_from(record.name for record in records)
    graph.add_edges_from((before, r.name) for r in records for before in r.predecessors)
    alone = {record.name: record.uncontended for record in records}
    paths = chain(
        ([name] for name in graph),
        *(nx.all_simple_paths(graph, a, b) for a in graph for b in graph if a != b),
    )

    ticks, path = critical_path(trace(*records))

    assert ticks == max(sum(alone[name] for name in path) for path in paths)
    assert ticks == sum(alone[name] for name in path)
    assert all(graph.has_edge(a, b) for a, b in pairwise(path))


def test_busy_time_is_added_up_by_component_and_by_sort():
    told = trace(
        operation("a", 0, 9),
        components=[
            component("pe0", "pe"),
            component("pe1", "pe"),
            component("bus", is_unit=False),
        ],
        intervals=[("pe0", "a", 0, 9, 5), ("pe0", "b", 9, 12, 2), ("bus", "a", 0, 3, 3)],
    )

    busy = busy_ticks(told)

    assert busy == {"pe0": 7, "pe1": 0, "bus": 3}
    assert sum_by_sort(told, busy) == {"pe": 7, "bus": 3}


def test_traffic_counts_data_and_not_arithmetic():
    told = trace(
        operation("a", 0, 1),
        activities=[
            ("dram", "dram", "read", "", "a", 64),
            ("dram", "dram", "read", "", "b", 8),
            ("bus", "link", "transfer", "", "a", 64),
            ("pe", "processing_array", "mac", "fp32", "a", 99),
        ],
    )

    assert traffic_bits(told) == {"bus.transfer": 64, "dram.read": 72}


def test_a_peak_is_the_moment_of_most_blocks():
    told = trace(
        operation("a", 0, 9),
        memories=[MEMORY, DRAM],
        occupancy=[
            Occupancy("bram", 0, 4, 60_000),
            Occupancy("bram", 3, 7, 36_001),
            Occupancy("bram", 8, 1, 8),
            Occupancy("dram", 0, 2, 1000),
        ],
    )

    peaks = memory_peaks(told)

    bram = peaks["bram"]
    # seven BRAM18 of 2,304 B
    assert (bram.blocks, bram.capacity_blocks, bram.free_blocks) == (3.5, 5.0, 1.5)
    assert (bram.taken_bytes, bram.capacity_bytes) == (7 * 2304, 10 * 2304)
    assert (bram.used_bytes, bram.waste_bytes) == (4501, 16128 - 4501)
    assert (peaks["dram"].used_bytes, peaks["dram"].waste_bytes) == (125, 3)
    assert peaks["dram"].is_off_chip


def test_a_memory_that_held_nothing_is_empty():
    peak = memory_peaks(trace(operation("a", 0, 9), memories=[MEMORY]))["bram"]

    assert (peak.blocks, peak.used_bytes, peak.free_blocks) == (0, 0, 5.0)


@pytest.mark.parametrize(
    ("name", "part"), [("encoder0.query.Z", "encoder0"), ("loss", "loss"), ("a.b", "a")]
)
def test_a_layer_is_the_name_up_to_the_first_dot(name, part):
    assert layer(name) == part

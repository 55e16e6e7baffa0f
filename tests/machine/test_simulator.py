"""simulate: a run explains itself when it stalls, and notices when a law is broken."""

from dataclasses import replace

import pytest
import simpy

from archsim.errors import ConservationError, StalledError
from archsim.formats import parse
from archsim.hardware import Architecture, LinkSpec, Route, SramSpec
from archsim.ir import GraphBuilder, Phase
from archsim.machine import component_kind, simulate, simulator
from archsim.machine.channel import Channel
from archsim.machine.conservation import check_conservation
from archsim.machine.memory import Memory
from archsim.machine.pipeline import Pipeline
from archsim.schedule import plan_memory, schedule
from tests.machines import (
    FP32,
    array,
    chain,
    independent_products,
    linked,
    matrix_product,
    off_chip,
    run,
    vector,
    wired,
    with_component,
)


def planned(graph, architecture):
    return schedule(graph, architecture, plan_memory(graph, architecture))


def test_one_wired_product_takes_the_closed_form():
    # 8 x 8 x 8 points on 4 multipliers, 10 deep: 10 + 127
    assert run(matrix_product(), wired()).makespan == 137


def test_a_chain_is_the_sum_of_its_links():
    trace = run(chain(length=2), wired())

    # a product of 137 and a tanh of 64 points on 4 lanes, twice
    assert [(r.start, r.finish) for r in trace.operations] == [
        (0, 137),
        (137, 153),
        (153, 290),
        (290, 306),
    ]


def test_equal_products_run_side_by_side_on_two_units():
    graph = independent_products(2)

    assert run(graph, wired()).makespan == 2 * 137
    assert run(graph, with_component(wired(), "tensor", count=2)).makespan == 137


def test_clocks_of_their_own_meet_in_ticks():
    architecture = with_component(wired(), "vector", clock=400_000_000)

    trace = run(chain(length=1), architecture)

    # lcm(1 GHz, 400 MHz) = 2 GHz: 137 cycles of 2 ticks, 16 cycles of 5
    assert (trace.tick_rate_hz, trace.makespan) == (2_000_000_000, 137 * 2 + 16 * 5)


def test_impossible_orders_stall_and_say_who_waits_for_what():
    graph, architecture = chain(length=2), wired()
    plan = planned(graph, architecture)
    backwards = replace(plan, tasks=plan.tasks[::-1])

    with pytest.raises(StalledError) as stalled:
        simulate(backwards, architecture)

    assert str(stalled.value) == (
        "nothing can go on at tick 0: "
        "'layer1.tanh' waits for 'layer1.product'; 'layer1.product' waits for 'layer0.tanh'; "
        "'layer0.tanh' waits for 'layer0.product'; 'layer0.product' waits for its turn on tensor"
    )


def test_a_long_stall_names_the_first_five():
    graph, architecture = chain(length=4), wired()
    plan = planned(graph, architecture)

    with pytest.raises(StalledError, match=r"waits for .*\(and 3 more\)$"):
        simulate(replace(plan, tasks=plan.tasks[::-1]), architecture)


def test_a_link_of_ones_own_that_goes_both_ways_passes_one_tile_at_a_time():
    """64 words of 32 bit in and 64 out over 8 bit a cycle are 512 ticks of one link."""
    builder = GraphBuilder("turn", {"i": 8, "j": 8}, FP32)
    source = builder.tensor("x", (8, 8))
    builder.permute("turned", Phase.FORWARD, ("i", "j"), ("j", "i"), source)
    architecture = Architecture(
        name="half_duplex",
        components={
            "vector": vector(buffer=256),
            "bus": LinkSpec(width=8),
            "sram": SramSpec(capacity=2**20),
        },
        routes=(Route(memory="sram", units=("vector",), read="bus", write="bus"),),
    )

    trace = run(builder.graph(), architecture)

    busy = [i.busy for i in trace.intervals if i.component == "bus[vector]"]
    assert busy == [256, 256]
    assert trace.makespan >= 512


def test_a_trace_lists_every_unit_and_the_channels_that_were_used():
    trace = run(matrix_product(), with_component(linked(), "tensor", count=2))

    assert [(c.name, c.sort, c.kind, c.is_unit) for c in trace.components] == [
        ("tensor0", "tensor", "pipelined_kernel", True),
        ("tensor1", "tensor", "pipelined_kernel", True),
        ("vector", "vector", "vector_unit", True),
        ("read[tensor0]", "read", "link", False),
        ("write[tensor0]", "write", "link", False),
    ]


def test_component_kinds_are_the_specs_and_a_units_own_buffer():
    assert component_kind(linked(), "sram") == "sram"
    assert component_kind(linked(), "tensor.buffer") == "buffer"


class TestMemory:
    def test_it_records_the_last_state_of_each_tick(self):
        env = simpy.Environment()
        memory = Memory(env, "m", SramSpec(capacity=640))

        memory.hold("a", 4, 2000)
        memory.hold("b", 6, 3000)
        env.timeout(5)
        env.run()
        memory.release("a")

        assert [(s.tick, s.blocks, s.used_bits) for s in memory.history] == [
            (0, 10, 5000),
            (5, 6, 3000),
        ]

    def test_more_than_it_can_hold_is_a_breach(self):
        memory = Memory(simpy.Environment(), "m", SramSpec(capacity=640))
        memory.hold("a", 8, 1)

        with pytest.raises(ConservationError) as broken:
            memory.hold("b", 3, 1)

        assert str(broken.value) == "m: 11 line taken of 10 when 'b' came at tick 0"

    def test_holding_twice_is_a_breach(self):
        memory = Memory(simpy.Environment(), "m", SramSpec(capacity=640))
        memory.hold("a", 1, 1)

        with pytest.raises(ConservationError, match=r"^m: 'a' is held twice$"):
            memory.hold("a", 1, 1)


class TestConservation:
    """Each law, broken on purpose."""

    @pytest.fixture
    def breach(self, monkeypatch):
        """Simulate one product with a method of Pipeline or Channel spoilt."""

        def simulate_spoilt(owner, name, spoil, architecture):
            whole = getattr(owner, name)

            def spoilt(self, *args, **kwargs):
                result = yield from whole(self, *args, **kwargs)
                spoil(self)
                return result

            monkeypatch.setattr(owner, name, spoilt)
            with pytest.raises(ConservationError) as broken:
                run(matrix_product(), architecture, engine="event")
            return str(broken.value)

        return simulate_spoilt

    def test_a_tile_too_many(self, breach):
        def spoil(pipeline):
            pipeline.logs[0].tiles += 1

        assert breach(Pipeline, "run", spoil, wired()) == (
            "C: 2 tiles passed tensor, the stream has 1"
        )

    def test_points_left_out(self, breach):
        def spoil(pipeline):
            pipeline.logs[0].points -= 12

        assert breach(Pipeline, "run", spoil, wired()) == "C: computed 500 points of 512"

    def test_bits_lost_in_a_stage(self, breach):
        def spoil(pipeline):
            pipeline.logs[0].bits -= 8

        message = breach(Pipeline, "run", spoil, linked())

        # cut along m in two: 64 words of A once and 64 words of B twice, 32 bit each
        assert message == "C: 6136 bits passed read[tensor] of 6144"

    def test_bits_lost_in_a_shared_channel(self, breach):
        def spoil(channel):
            channel.passed_bits -= 1

        message = breach(Channel, "transfer", spoil, off_chip())

        assert message.startswith("dram: passed ")
        assert message.endswith("bits, was handed 6144")

    def test_a_component_busier_than_the_run_was_long(self, breach):
        def spoil(pipeline):
            pipeline.logs[0].busy += 1000

        assert breach(Pipeline, "run", spoil, wired()) == ("tensor was busy for 1137 ticks of 137")

    def test_a_run_faster_than_its_closed_form(self, monkeypatch):
        def at_once(self, number, tile):
            log = self.logs[number]
            log.tiles, log.points = log.tiles + 1, log.points + tile.points
            yield self.env.timeout(1)

        monkeypatch.setattr(Pipeline, "_serve", at_once)

        with pytest.raises(ConservationError, match=r"^C took 1 ticks, its closed form is 137$"):
            run(matrix_product(), wired(), engine="event")

    def test_an_operation_before_what_it_needs(self, monkeypatch):
        graph, architecture = chain(length=1), wired()
        plan = planned(graph, architecture)
        seen = []
        monkeypatch.setattr(simulator, "check_conservation", lambda *facts: seen.extend(facts))
        simulate(replace(plan, predecessors=dict.fromkeys(plan.predecessors, ())), architecture)
        trace, *rest = seen
        records = tuple(
            replace(record, predecessors=plan.predecessors[record.name])
            for record in trace.operations
        )

        with pytest.raises(ConservationError) as broken:
            check_conservation(replace(trace, operations=records), *rest)

        assert str(broken.value) == (
            "layer0.tanh started at tick 0, before layer0.product finished at 137"
        )


def test_a_units_peak_is_that_of_the_format_it_worked_in():
    """Two int8 products a cycle in each of 16 units, but one of fp32."""
    formats = (FP32, parse("int8"))
    unit = array(number_formats=formats, lanes={"int8": 2}, clock=10**9)

    (record,) = [c for c in run(matrix_product(), linked(tensor=unit)).components if c.is_unit][:1]

    assert (record.name, record.peak_per_s) == ("tensor", 16 * 10**9)
    assert unit.peak_macs_per_cycle == 32

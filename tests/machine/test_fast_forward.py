"""The fast engine: what it gives is what the event engine gives, to the tick and the byte.

The long run takes any seed: ``pytest -m slow --hypothesis-seed=1 tests/machine``.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archsim
from archsim.errors import ConservationError, StalledError
from archsim.machine import fast_forward, simulate
from archsim.machine.domain import Run
from archsim.machine.lane import Lane
from archsim.mapping import Repeat, Stage, StageKind, TileClass, TileStream
from archsim.schedule import plan_memory, schedule
from tests.conftest import EXPERIMENTS
from tests.effort import cases
from tests.machine.engines import check_equal
from tests.machine.strategies import (
    CROWD,
    REFRESHED,
    crowd,
    crowds,
    graphs,
    long_crowds,
    machines,
)
from tests.machines import chain, matrix_product, off_chip, run, wired
from tests.oracles import live

ARCHITECTURES = st.sampled_from([CROWD, *REFRESHED])


def check_mapped(graph, architecture):
    check_equal(schedule(graph, architecture, plan_memory(graph, architecture)), architecture)


@settings(max_examples=60, deadline=None)
@given(graphs(), machines())
def test_mapped_graphs_live_alike(graph, architecture):
    check_mapped(graph, architecture)


@settings(max_examples=140, deadline=None)
@given(crowds(most_operations=8), ARCHITECTURES)
def test_crowds_live_alike(plan, architecture):
    check_equal(plan, architecture)


@settings(max_examples=100, deadline=None)
@given(long_crowds(), ARCHITECTURES)
def test_crowds_that_repeat_themselves_live_alike(plan, architecture):
    check_equal(plan, architecture)


@pytest.mark.slow
@settings(max_examples=cases(1500), deadline=None)
@given(graphs(most_operations=25), machines())
def test_many_mapped_graphs_live_alike(graph, architecture):
    check_mapped(graph, architecture)


@pytest.mark.slow
@settings(max_examples=cases(2000), deadline=None)
@given(crowds(most_operations=12), ARCHITECTURES)
def test_many_crowds_live_alike(plan, architecture):
    check_equal(plan, architecture)


@pytest.mark.slow
@settings(max_examples=cases(2000), deadline=None)
@given(long_crowds(most_operations=8), ARCHITECTURES)
def test_many_crowds_that_repeat_themselves_live_alike(plan, architecture):
    check_equal(plan, architecture)


def check_experiment(name):
    fast, event = (archsim.run(EXPERIMENTS / f"{name}.yaml", engine=e) for e in ("fast", "event"))

    assert fast.trace == event.trace
    assert fast.energy == event.energy
    assert (fast.provenance.engine, event.provenance.engine) == ("fast", "event")


QUICK = ("array_gemm", "array_layer", "u50_layer")
REFUSED = ("u50_atis_2enc_dense_onchip",)
OTHERS = [p.stem for p in sorted(EXPERIMENTS.glob("*.yaml")) if p.stem not in (*QUICK, *REFUSED)]
MOST_TILES = 200_000
"""Tiles that the event engine lives in about half a minute."""


@pytest.mark.parametrize("name", QUICK)
def test_a_small_shipped_experiment_lives_alike(name):
    check_experiment(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_a_shipped_experiment_lives_alike(name):
    if archsim.run(EXPERIMENTS / f"{name}.yaml").tiles > MOST_TILES:
        pytest.skip(f"more than {MOST_TILES:,} tiles")

    check_experiment(name)


def loads(*body, latency=0, slots=2):
    """Tiles of (load, compute) ticks that a unit loads from the DRAM."""
    path = (
        Stage(StageKind.FETCH, "dram", False, latency, slots),
        Stage(StageKind.COMPUTE, "unit", True),
    )
    return TileStream(path, tuple(tiles(part) for part in body))


def tiles(part):
    if isinstance(part, Repeat):
        return Repeat(part.times, tuple(map(tiles, part.body)))
    load, compute = part
    return TileClass((load, compute), (load, 0), 1, ())


def computes(ticks):
    """One tile that needs nothing."""
    return TileStream(
        (Stage(StageKind.COMPUTE, "unit", True),), (TileClass((ticks,), (0,), 1, ()),)
    )


def by_name(trace, field):
    return {record.name: getattr(record, field) for record in trace.operations}


class TestBugsOfThePrototypes:
    """What random tests of earlier engines found; each engine and the oracle agree on it."""

    def check(self, parts, predecessors):
        plan = crowd(parts, predecessors)
        check_equal(plan, CROWD)
        finish, waited = live(plan.tasks, plan.predecessors)
        trace = simulate(plan, CROWD)
        assert by_name(trace, "finish") == finish
        assert by_name(trace, "waited") == waited
        return trace

    def test_a_tile_without_a_load_does_not_overtake_one_that_is_on_its_way(self):
        stream = loads(Repeat(50, ((2, 1), (0, 5))), latency=10)

        trace = self.check({"o": {"unit0": stream}}, {"o": ()})

        # the first pair is over at 18 (12 + 1 + 5), each other one 12 + 1 + 5 later: its load
        # waits for a slot, which the pair before leaves when its first tile is done
        assert trace.makespan == 13 + 49 * 13 + 5

    def test_waits_count_up_to_the_moment_of_a_skip_and_no_further(self):
        """Three streams queue for the DRAM all the time; newcomers find requests that wait."""
        stream = loads(Repeat(400, ((7, 3),)))
        names = ("one", "two", "three")
        parts = {name: {f"unit{n}": stream} for n, name in enumerate(names)}
        parts |= {"delay": {"unit3": computes(1003)}, "newcomer": {"unit3": stream}}

        trace = self.check(parts, {**dict.fromkeys(parts, ()), "newcomer": ("delay",)})

        assert min(by_name(trace, "waited")[name] for name in names) > 400 * 7

    def test_a_domain_lived_again_stops_before_the_turns_of_the_moment(self):
        """At 400, the looper has just asked for the DRAM; who comes at 400 is more urgent."""
        parts = {
            "delay": {"unit0": computes(400)},
            "urgent": {"unit0": loads((9, 1))},
            "looper": {"unit1": loads(Repeat(1000, ((4, 1),)))},
        }

        trace = self.check(parts, {"delay": (), "urgent": ("delay",), "looper": ()})

        # the DRAM is free at 400 = 100 x 4: 9 ticks of load and one of work, without a wait
        assert by_name(trace, "finish") == {"delay": 400, "urgent": 410, "looper": 4000 + 9 + 1}
        assert by_name(trace, "waited")["urgent"] == 0


@pytest.fixture
def turns(monkeypatch):
    """Count the turns that are lived."""
    lived = []
    settle = Lane.settle

    def counted(self, stage, start, end):
        lived.append(stage)
        return settle(self, stage, start, end)

    monkeypatch.setattr(Lane, "settle", counted)
    return lived


@pytest.mark.parametrize("load", [3, 5, 8])
def test_a_lone_stream_costs_the_same_however_long_it_is(turns, load):
    costs = []
    for times in (1_000, 1_000_000, 10**15):
        simulate(crowd({"o": {"unit0": loads(Repeat(times, ((load, 5),)))}}, {"o": ()}), CROWD)
        costs.append(len(turns))
        turns.clear()

    assert costs[0] == costs[1] == costs[2] < 20


def test_loops_around_loops_are_skipped_whole(turns):
    """A million rounds of a million tiles, in a few hundred turns."""
    inner = Repeat(10**6, ((4, 5),))
    stream = loads(Repeat(10**6, ((9, 5), inner)))

    trace = simulate(crowd({"o": {"unit0": stream}}, {"o": ()}), CROWD)

    # a load of 9 begins when a slot is left, beside 5 ticks of work: 4 are seen each time
    assert trace.makespan == 9 + 10**6 * (10**6 + 1) * 5 + (10**6 - 1) * 4
    assert len(turns) < 300


def test_rounds_of_a_loop_that_are_alike_within_are_skipped_too(turns):
    """Within a round there is a skip, and its inner rounds look like those of any other."""
    path = (
        Stage(StageKind.FETCH, "dram", False, 240),
        Stage(StageKind.DISTRIBUTE, "bus", True),
        Stage(StageKind.COMPUTE, "unit", True),
        Stage(StageKind.STORE, "dram", False, 240),
    )
    first, other = (TileClass((320, bus, 330, 160), (1, 1, 0, 1), 1, ()) for bus in (192, 198))
    stream = TileStream(path, (Repeat(10**6, (first, Repeat(14, (other,)), other)),))

    trace = simulate(crowd({"o": {"unit0": stream}}, {"o": ()}), CROWD)

    assert trace.makespan > 10**6 * 16 * (320 + 160)
    assert len(turns) < 400


def test_short_tiles_repeat_while_a_long_one_lasts(turns):
    """The long stream's tiles last as long as thousands of the short one's."""
    parts = {
        "short": {"unit0": loads(Repeat(100_000, ((3, 4),)))},
        "long": {"unit1": loads(Repeat(20, ((7, 20_011),)))},
    }

    trace = simulate(crowd(parts, dict.fromkeys(parts, ())), CROWD)

    assert trace.makespan > 20 * 20_000
    assert len(turns) < 2_000


def test_streams_that_never_repeat_are_lived_tile_by_tile():
    """Periods of 1009, 1013 and 1019 ticks repeat after 10^9; the DRAM is half idle."""
    parts = {
        f"o{n}": {f"unit{n}": loads(Repeat(150, ((151, ticks),)))}
        for n, ticks in enumerate((1009, 1013, 1019))
    }

    check_equal(crowd(parts, dict.fromkeys(parts, ())), CROWD)


def test_equal_layers_are_lived_once(monkeypatch):
    lived = []
    until = Run.until
    monkeypatch.setattr(Run, "until", lambda self, h: (lived.append(h), until(self, h))[1])
    streams = loads(Repeat(30, ((7, 3),))), loads(Repeat(40, ((2, 9),)))
    parts, predecessors, before = {}, {}, ()
    for layer in range(20):
        names = tuple(f"layer{layer}.{n}" for n in range(2))
        units = (f"unit{(layer + n) % 4}" for n in range(2))
        parts |= {n: {u: s} for n, u, s in zip(names, units, streams, strict=True)}
        predecessors |= dict.fromkeys(names, before)
        before = names
    plan = crowd(parts, predecessors)

    trace = simulate(plan, CROWD)

    assert len(lived) == 2  # up to the end of the first stream, and to that of the second
    assert trace == simulate(plan, CROWD, engine="event")


def test_impossible_orders_stall_alike():
    graph, architecture = chain(length=2), wired()
    plan = schedule(graph, architecture, plan_memory(graph, architecture))
    names = [record.name for record in graph.operations]
    backwards = {**plan.predecessors, names[1]: (names[0], names[3])}
    told = []
    for engine in ("fast", "event"):
        with pytest.raises(StalledError) as stalled:
            simulate(
                type(plan)(graph, plan.tasks, backwards, plan.memory), architecture, engine=engine
            )
        told.append(str(stalled.value))

    assert told[0] == told[1]
    assert told[0].startswith(
        "nothing can go on at tick 137: 'layer0.tanh' waits for 'layer1.tanh'"
    )


def test_an_unknown_engine_is_answered_with_the_nearest_name():
    with pytest.raises(archsim.errors.InputError, match=r"no engine named 'fats'; did you mean"):
        run(matrix_product(), wired(), engine="fats")


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("tiles", r"^C: \d+ tiles passed dram, the stream has \d+$"),
        ("points", r"^C: computed 513 points of 512$"),
        ("bits", r"^C: \d+ bits passed dram of \d+$"),
    ],
)
def test_a_run_that_miscounts_is_noticed(monkeypatch, field, message):
    whole = fast_forward._log

    def spoilt(lane, stage, totals):
        log = whole(lane, stage, totals)
        if stage == (1 if field == "points" else 0):
            setattr(log, field, getattr(log, field) + 1)
        return log

    monkeypatch.setattr(fast_forward, "_log", spoilt)

    with pytest.raises(ConservationError, match=message):
        run(matrix_product(), off_chip())

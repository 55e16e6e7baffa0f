"""A process that lives ahead changes no number, is of use, and leaves nothing behind."""

from multiprocessing import active_children

import pytest
from hypothesis import given, settings

from archsim.machine import alone_on, experience, foresight, simulate
from archsim.machine.foresight import Foresight
from archsim.mapping import Repeat, Stage, StageKind, TileClass, TileStream
from archsim.schedule import plan_memory, schedule
from tests.machine.strategies import CROWD, REFRESHED, crowd, crowds, long_crowds
from tests.machines import chain, linked, run

PATH = (Stage(StageKind.FETCH, "bus", False), Stage(StageKind.COMPUTE, "unit", True))


@pytest.fixture(scope="module", autouse=True)
def _always():
    """Look ahead in short schedules, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foresight, "FEW", 1)
        yield


@pytest.fixture(scope="module")
def patient():
    """Begin only when the process ahead has told everything: who is first is left to chance."""
    enter = Foresight.__enter__

    def enter_and_wait(self):
        enter(self)
        while self._experience.hear is not None:
            self._heard.poll(None)
            self._hear()
        return self

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Foresight, "__enter__", enter_and_wait)
        yield


def check_ahead(plan, architecture):
    ahead = simulate(plan, architecture, workers=2)

    assert ahead == simulate(plan, architecture, engine="event")


@settings(max_examples=40, deadline=None)
@given(crowds(most_operations=8))
def test_what_was_told_is_what_the_event_engine_lives(patient, plan):
    check_ahead(plan, CROWD)


@settings(max_examples=20, deadline=None)
@given(long_crowds(most_operations=6))
def test_what_was_told_of_loops_is_what_the_event_engine_lives(patient, plan):
    check_ahead(plan, CROWD)


@settings(max_examples=10, deadline=None)
@given(long_crowds(most_operations=6))
def test_what_was_told_of_timed_refreshes_is_what_the_event_engine_lives(patient, plan):
    check_ahead(plan, REFRESHED[0])


def ladder(steps):
    """Operations one after the other, none like another."""
    parts = {
        f"o{n}": {
            "unit0": TileStream(PATH, (Repeat(40, (TileClass((3 + n, 50), (8, 0), 1, ()),)),))
        }
        for n in range(steps)
    }
    names = list(parts)
    return crowd(parts, {name: tuple(names[n - 1 : n]) for n, name in enumerate(names)})


@pytest.fixture
def lived(monkeypatch):
    """Domains that this process lives, without what it knows of the machine."""
    CROWD.known.clear()
    found = []
    whole = experience.Run

    def count(domain, *rest, **options):
        found.append(domain)
        return whole(domain, *rest, **options)

    monkeypatch.setattr("archsim.machine.experience.Run", count)
    return found


def test_the_later_half_is_not_lived_again(patient, lived):
    trace = simulate(ladder(20), CROWD, workers=2)

    assert len(lived) == 8  # of 20: the process ahead begins at two fifths
    assert trace == simulate(ladder(20), CROWD, engine="event")


def test_without_another_worker_nobody_lives_ahead(lived, monkeypatch):
    monkeypatch.setattr(Foresight, "__enter__", None)

    simulate(ladder(20), CROWD)

    assert len(lived) == 20


def test_a_process_ahead_that_fails_is_done_without(monkeypatch):
    def fail(self, first=0):
        raise RuntimeError("on the way")

    whole = foresight.Foresight.__init__

    def doomed(self, tasks, experience, timings, live):
        whole(self, tasks, experience, timings, fail)

    monkeypatch.setattr(Foresight, "__init__", doomed)

    check_ahead(ladder(20), CROWD)


def test_a_run_that_ends_early_leaves_no_process_behind():
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(ladder(20), CROWD, stop, workers=2)

    assert not active_children()


def test_a_mapped_graph_lives_alike_with_foresight(patient):
    machine, graph = linked(), chain(length=6)

    plan = schedule(graph, machine, plan_memory(graph, machine), alone=alone_on(machine))

    assert simulate(plan, machine, workers=2) == run(graph, machine, engine="event")

"""Processes that die: told of, replaced, and their points run again."""

import os
import signal
from collections import deque

import pytest

from archsim.errors import InputError, RunError
from archsim.sweep import executors
from archsim.sweep.executors import InProcess, Local, executor_named
from archsim.sweep.read import read_plan


def groups(plan):
    numbers = [point.number for point in plan.by_reuse()]
    return iter([tuple(numbers[start : start + 3]) for start in range(0, len(numbers), 3)])


@pytest.fixture
def plan(written):
    return read_plan(written())


def test_a_worker_that_is_killed_is_replaced_and_nothing_is_lost_or_told_twice(plan):
    notes, found = [], []
    with InProcess(plan) as here:
        expected = dict(here.run(groups(plan)))
    with Local(plan, 2, notes.append) as processes:
        for number, outcome in processes.run(groups(plan)):
            found.append(number)
            assert outcome == expected[number]
            if len(found) in (2, 11):
                os.kill(processes._workers[0].process.pid, signal.SIGKILL)
        last = [worker.process.pid for worker in processes._workers]

    assert sorted(found) == list(range(36))
    assert notes
    assert all("a worker died (signal 9)" in note for note in notes)
    for pid in last:  # none is left behind
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


class Fragile:
    """Stands for a worker: points of some numbers are the death of it."""

    deadly: frozenset[int] = frozenset()

    def __init__(self, plan, answers):
        self.left, self.groups, self.how_it_died = deque(), 0, "signal 9"
        self._answers, self._is_dead = answers, False

    def give(self, group):
        self.left.extend(group)
        self.groups += 1
        for number in group:
            if self._is_dead:
                return
            if number in self.deadly:
                self._is_dead = True
                self._answers.put((self, ""))
                return
            line = f'[{number}, {{"feasible": true}}]'
            self._answers.put((self, line))
        self._answers.put((self, '[null, {"points": 1}]'))

    def stop(self):
        pass


def test_a_point_that_kills_every_worker_is_left_out_and_the_others_are_run(plan, monkeypatch):
    monkeypatch.setattr(executors, "_Worker", Fragile)
    monkeypatch.setattr(Fragile, "deadly", frozenset({4, 20}))
    notes = []

    with Local(plan, 2, notes.append) as processes:
        found = list(processes.run(groups(plan)))

    assert sorted(number for number, _ in found) == list(range(36))
    assert {number for number, outcome in found if outcome is None} == {4, 20}
    assert sum("is left out" in note for note in notes) == 2


def test_workers_that_die_whatever_they_run_end_the_sweep(plan, monkeypatch):
    monkeypatch.setattr(executors, "_Worker", Fragile)
    monkeypatch.setattr(Fragile, "deadly", frozenset(range(36)))

    with (
        Local(plan, 2, print) as processes,
        pytest.raises(RunError, match="workers died"),
    ):
        list(processes.run(groups(plan)))


def test_an_unknown_executor_is_told_of():
    with pytest.raises(InputError, match="no executor named 'rya'; did you mean 'ray'"):
        executor_named("rya")

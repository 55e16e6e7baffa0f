"""What a process remembers of machines: it saves searches, and changes no result."""

import pytest

import archsim
from archsim.experiment import memory

GEMM = "configs/experiments/array_gemm.yaml"


@pytest.fixture(autouse=True)
def _nothing_known():
    memory.forget()


def no_search(*_):
    raise AssertionError("a mapping was searched for that is known")


def test_a_second_run_searches_for_nothing_and_gives_the_same(monkeypatch):
    first = archsim.run(GEMM)

    monkeypatch.setattr("archsim.mapping.mapper.mapped", no_search)
    assert archsim.run(GEMM).to_dict() == first.to_dict()


def test_what_is_known_of_other_machines_changes_nothing():
    change = {"architecture.components.array.rows": 16}
    fresh = archsim.run(GEMM, overrides=change).to_dict()
    memory.forget()

    archsim.run(GEMM)
    assert archsim.run(GEMM, overrides=change).to_dict() == fresh


def test_it_does_not_remember_without_end(monkeypatch):
    monkeypatch.setattr(memory, "MOST_TILINGS", 1)
    archsim.run(GEMM, overrides={"workload.m": 96})
    archsim.run(GEMM, overrides={"workload.m": 64})
    archsim.run(GEMM, overrides={"workload.m": 32})

    assert len(memory.known_tilings()) <= 2
    for rows in range(1, 10):
        archsim.run(GEMM, overrides={"architecture.components.array.rows": rows})
    assert len(memory._machines) == memory.MOST_MACHINES

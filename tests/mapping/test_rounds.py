"""Operations in rounds: each tile waits for the one before, whatever buffers would allow."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from archsim import formats
from archsim.hardware import LinkSpec
from archsim.ir import Access, Operation, OperationGraph, Phase, Role, TensorSpec, Tile
from archsim.mapping import Work
from archsim.mapping.search import cheapest
from tests.machines import linked, off_chip, run, vector, wired

FP32 = formats.parse("fp32")


@dataclass(frozen=True, kw_only=True)
class Chase(Operation):
    """A list followed: each record says where the next one lies."""

    kind: ClassVar[str] = "gather"

    steps: int

    @property
    def space(self):
        return Tile(m=self.inputs[0].shape[0])

    @property
    def functions(self):
        return {"move": 1}

    @property
    def rounds(self):
        return self.steps

    @property
    def reads(self):
        return (Access(self.inputs[0], ("m",), is_scattered=True),)

    @property
    def writes(self):
        return (Access(self.output, (), 1),)

    def evaluate(self, *arrays):
        return (np.zeros(1),)


def chase(records, steps):
    table = TensorSpec("table", (records,), FP32, Role.TABLE)
    return Chase(
        name="chase",
        phase=Phase.INFERENCE,
        inputs=(table,),
        outputs=(TensorSpec("end", (1,), FP32),),
        steps=steps,
    )


@pytest.mark.parametrize("engine", ["fast", "event"])
@pytest.mark.parametrize(
    ("records", "steps", "ticks"),
    [
        (7, 7, 7 * (5 + 0)),  # one lane, depth 5: each record's way is paid
        (7, 1, 4 + 7),  # all at once: the way is paid once
        (8, 4, 4 * (4 + 2)),  # two side by side in each of four rounds
        (7, 3, 2 * (4 + 3) + (4 + 1)),  # 3, 3 and what is left
    ],
)
def test_a_wired_unit_pays_its_depth_in_every_round(engine, records, steps, ticks):
    machine = wired(vector=vector(lanes=1, depth=5))

    trace = run(OperationGraph([chase(records, steps)]), machine, engine=engine)

    assert trace.makespan == ticks


@pytest.mark.parametrize("engine", ["fast", "event"])
@pytest.mark.parametrize("buffered", [2, 4])
def test_no_read_overlaps_the_one_before_however_many_tiles_the_buffer_holds(engine, buffered):
    """A read of 32 bit over 64: 1 tick and 10 of latency, 3 on the unit."""
    machine = linked(
        read=LinkSpec(width=64, latency_cycles=10),
        vector=vector(lanes=1, depth=3, buffered_tiles=buffered),
    )

    trace = run(OperationGraph([chase(6, 6)]), machine, engine=engine)

    assert trace.makespan == 6 * (1 + 10 + 3) + 1  # and a tick for the last result to leave
    assert trace.operations[0].tiles == 6


def test_there_is_one_tiling_that_needs_no_search():
    machine = off_chip()
    operation = chase(10, 4)
    work = Work(machine, "vector", operation, operation.space, {"table": "dram", "end": "dram"})

    assert cheapest(work, None).tile == Tile(m=3)
    assert {stage.slots for stage in work.stages} == {1}


def test_rounds_are_part_of_what_makes_two_operations_alike():
    machine = off_chip()
    placement = {"table": "dram", "end": "dram"}
    keys = {
        Work(machine, "vector", chase(8, steps), Tile(m=8), placement).key for steps in (1, 2, 8)
    }

    assert len(keys) == 3

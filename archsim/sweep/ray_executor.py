"""Points on a Ray cluster: an actor for each core, each with its own memory of what it ran.

``ray.init`` finds the cluster: the one in ``RAY_ADDRESS``, the one that a program has joined
already, or else a new one on this machine. Files are read where points are run, so the sweep's
folder lies at the same path on every node.
"""

from collections import Counter, deque
from collections.abc import Iterator
from itertools import count
from typing import Any, Self
from uuid import uuid4

from archsim.errors import InputError
from archsim.sweep.evaluate import Evaluator
from archsim.sweep.executors import AHEAD, Answer, Deaths, Group, Say
from archsim.sweep.outcome import Outcome
from archsim.sweep.plan import SweepPlan

try:
    import ray
    from ray.exceptions import RayActorError
except ModuleNotFoundError as error:
    raise InputError("--executor ray needs ray: pip install 'archsim[distributed]'") from error


class Remote:
    """What an actor does: runs groups of points, one after the other."""

    def __init__(self, plan: SweepPlan) -> None:
        self._evaluator = Evaluator(plan)

    def run(self, group: Group) -> tuple[list[Outcome], dict[str, int]]:
        """Return what came out of each point, and how often each link of a run was gone through."""
        evaluator = self._evaluator
        before = evaluator.done.copy()
        outcomes = [evaluator.outcome(evaluator.plan.point(number)) for number in group]
        return outcomes, dict(evaluator.done - before)


class OnRay:
    """Runs points on a cluster; an actor that dies is replaced, and its points run again."""

    def __init__(self, plan: SweepPlan, workers: int | None, say: Say) -> None:
        self.done: Counter[str] = Counter()
        self._found_running = ray.is_initialized()
        if not self._found_running:
            ray.init(log_to_driver=False)
        self._plan = ray.put(plan)
        self._most = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._session, self._numbers = uuid4().hex[:8], count()
        self._actors: list[Any] = []
        self._running: dict[Any, tuple[Any, Group]] = {}
        """Groups and their actors, by what will be the answer."""
        self._deaths = Deaths(say)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for actor in self._actors:
            ray.kill(actor)
        if not self._found_running:
            ray.shutdown()

    def run(self, groups: Iterator[Group]) -> Iterator[Answer]:
        """Yield an answer for every point, as they come."""
        self._hand_out(groups)
        while self._running:
            (answer, *_), _ = ray.wait(list(self._running), num_returns=1)
            actor, group = self._running.pop(answer)
            try:
                outcomes, done = ray.get(answer)
            except RayActorError as error:
                if actor in self._actors:
                    self._actors.remove(actor)
                yield from self._deaths.tell(list(group), type(error).__name__)
            else:
                self._deaths.none()
                self.done.update(done)
                yield from zip(group, outcomes, strict=True)
            self._hand_out(groups)

    def _hand_out(self, groups: Iterator[Group]) -> None:
        """Give every actor as much as it may hold, and start one more where that helps."""
        again: deque[Group] = self._deaths.again
        while True:
            load = dict.fromkeys(self._actors, 0)
            for actor, _ in self._running.values():
                if actor in load:
                    load[actor] += 1
            free = min(load, key=load.__getitem__, default=None)
            may_start = len(self._actors) < self._most
            if not may_start and (free is None or load[free] >= AHEAD):
                return
            group = again.popleft() if again else next(groups, None)
            if group is None:
                return
            if free is None or (load[free] and may_start):
                name = f"archsim-{self._session}-{next(self._numbers)}"
                actor = ray.remote(num_cpus=1)(Remote).options(name=name)
                free = actor.remote(self._plan)
                self._actors.append(free)
            self._running[free.run.remote(group)] = (free, group)

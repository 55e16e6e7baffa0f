"""A memory in time: which tensors it holds from when to when, never more than it can."""

import simpy

from archsim.errors import ConservationError
from archsim.hardware.component import MemorySpec
from archsim.results.trace import Occupancy


class Memory:
    """Holds storages and records every change of what it holds."""

    def __init__(self, env: simpy.Environment, name: str, spec: MemorySpec) -> None:
        self.env = env
        self.name = name
        self.spec = spec
        self.history: list[Occupancy] = []
        self._held: dict[str, tuple[int, int]] = {}
        self._units = 0
        self._bits = 0

    def hold(self, storage: str, units: int, bits: int) -> None:
        """Take a storage in.

        Raises:
            ConservationError: if it does not fit, or is here already.
        """
        if storage in self._held:
            raise ConservationError(f"{self.name}: {storage!r} is held twice")
        self._held[storage] = (units, bits)
        self._units += units
        self._bits += bits
        if self._units > self.spec.units:
            raise ConservationError(
                f"{self.name}: {self._units} {self.spec.unit_name} taken of {self.spec.units} "
                f"when {storage!r} came at tick {self.env.now}"
            )
        self._record()

    def release(self, storage: str) -> None:
        """Let a storage go."""
        units, bits = self._held.pop(storage)
        self._units -= units
        self._bits -= bits
        self._record()

    def _record(self) -> None:
        now = int(self.env.now)
        if self.history and self.history[-1].tick == now:
            self.history.pop()
        self.history.append(Occupancy(self.name, now, self._units, self._bits))

"""A circuit of gates: how many, how deep, what it computes, and how often its wires toggle.

Read from the JSON that Yosys writes. A wire of 64 operations is one word, so that all triples
of an 8-bit unit, 2**24, are a few thousand words for each gate.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
"""Values of one wire, 64 operations a word."""

_GATES: Mapping[str, tuple[int, Callable[..., Words]]] = {
    "$_NOT_": (2, lambda a: ~a),
    "$_NAND_": (4, lambda a, b: ~(a & b)),
    "$_NOR_": (4, lambda a, b: ~(a | b)),
    "$_AND_": (6, lambda a, b: a & b),
    "$_OR_": (6, lambda a, b: a | b),
    "$_XOR_": (12, lambda a, b: a ^ b),
    "$_XNOR_": (12, lambda a, b: ~(a ^ b)),
    "$_AOI3_": (6, lambda a, b, c: ~((a & b) | c)),
    "$_OAI3_": (6, lambda a, b, c: ~((a | b) & c)),
    "$_AOI4_": (8, lambda a, b, c, d: ~((a & b) | (c & d))),
    "$_OAI4_": (8, lambda a, b, c, d: ~((a | b) & (c | d))),
    "$_MUX_": (12, lambda a, b, s: (a & ~s) | (b & s)),
}
"""Transistors of each gate in static CMOS, and what it computes of its inputs in order.

Source: Yosys, ``stat -tech cmos``."""

_BLOCK = 4096
"""Words that a wire has at a time: all wires of a unit stay near the processor."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One cell; wires are numbered."""

    kind: str
    inputs: tuple[int, ...]
    output: int


@dataclass(frozen=True, kw_only=True)
class Netlist:
    """Gates in an order in which each comes after those that feed it."""

    name: str
    gates: tuple[Gate, ...]
    ports: Mapping[str, tuple[int, ...]]
    """Wires of the inputs and of the output ``y``, least significant first."""
    constants: Mapping[int, bool]

    @classmethod
    def of(cls, name: str, module: Mapping[str, Any]) -> "Netlist":
        """Read one module of what Yosys' ``write_json`` wrote."""
        names: dict[Any, int] = {"0": -1, "1": -2, "x": -1}

        def wire(bit: Any) -> int:
            return int(names.get(bit, bit))

        gates = []
        for cell in module["cells"].values():
            pins = cell["connections"]
            read = tuple(wire(pins[pin][0]) for pin in ("A", "B", "C", "D", "S") if pin in pins)
            gates.append(Gate(kind=cell["type"], inputs=read, output=wire(pins["Y"][0])))
        ports = {
            port: tuple(wire(bit) for bit in described["bits"])
            for port, described in module["ports"].items()
        }
        return cls(name=name, gates=_ordered(gates), ports=ports, constants={-1: False, -2: True})

    @property
    def cells(self) -> Mapping[str, int]:
        """How many gates there are of each kind."""
        return Counter(gate.kind for gate in self.gates)

    @property
    def transistors(self) -> int:
        """Transistors of all gates in static CMOS."""
        return sum(_GATES[gate.kind][0] for gate in self.gates)

    @property
    def area_nand2(self) -> float:
        """Area in NAND gates of two inputs, of four transistors each."""
        return self.transistors / _GATES["$_NAND_"][0]

    @cached_property
    def depth(self) -> int:
        """Gates on the longest path, inverters included."""
        level: dict[int, int] = {}
        for gate in self.gates:
            level[gate.output] = 1 + max(level.get(wire, 0) for wire in gate.inputs)
        return max(level.values(), default=0)

    def evaluate(self, **inputs: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return ``y`` of each operation, for inputs of one length."""
        (count,) = {len(values) for values in inputs.values()}
        step = 64 * _BLOCK
        blocks = [
            self._block({name: values[at : at + step] for name, values in inputs.items()})
            for at in range(0, count, step)
        ]
        return np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.uint64)

    def switched_transistors(self, **inputs: NDArray[np.uint64]) -> float:
        """Transistors of the gates whose output toggles from one operation to the next, on average.

        A stand-in for dynamic energy: glitches and wires are left out.
        """
        count = len(next(iter(inputs.values())))
        wires = self._wires(inputs)
        total = 0
        for gate in self.gates:
            values = _bits(wires[gate.output], count)
            total += _GATES[gate.kind][0] * int(np.count_nonzero(values[1:] != values[:-1]))
        return total / (count - 1)

    def _block(self, inputs: Mapping[str, NDArray[np.uint64]]) -> NDArray[np.uint64]:
        count = len(next(iter(inputs.values())))
        wires = self._wires(inputs)
        found = np.zeros(count, dtype=np.uint64)
        for place, wire in enumerate(self.ports["y"]):
            found |= _bits(wires[wire], count).astype(np.uint64) << np.uint64(place)
        return found

    def _wires(self, inputs: Mapping[str, NDArray[np.uint64]]) -> dict[int, Words]:
        """Return the words of every wire."""
        words = -(-len(next(iter(inputs.values()))) // 64)
        ones = np.uint64(2**64 - 1)
        wires = {
            wire: np.full(words, ones if value else 0, dtype=np.uint64)
            for wire, value in self.constants.items()
        }
        for name, values in inputs.items():
            for place, wire in enumerate(self.ports[name]):
                bits = ((values >> np.uint64(place)) & np.uint64(1)).astype(np.uint8)
                wires[wire] = _packed(bits, words)
        for gate in self.gates:
            wires[gate.output] = _GATES[gate.kind][1](*(wires[wire] for wire in gate.inputs))
        return wires


def _packed(bits: NDArray[np.uint8], words: int) -> Words:
    held = np.zeros(8 * words, dtype=np.uint8)
    packed = np.packbits(bits, bitorder="little")
    held[: len(packed)] = packed
    return held.view(np.uint64)


def _bits(words: Words, count: int) -> NDArray[np.uint8]:
    return np.unpackbits(words.view(np.uint8), count=count, bitorder="little")


def _ordered(gates: Iterable[Gate]) -> tuple[Gate, ...]:
    """Put each gate after those that feed it."""
    made = {gate.output: gate for gate in gates}
    placed: dict[int, None] = {}
    for output in made:
        stack = [output]
        while stack:
            missing = [w for w in made[stack[-1]].inputs if w in made and w not in placed]
            if missing:
                stack += missing
            else:
                placed.setdefault(stack.pop())
    return tuple(made[output] for output in placed)

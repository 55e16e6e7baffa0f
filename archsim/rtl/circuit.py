"""Combinational circuits in Amaranth, and the pieces that arithmetic units share."""

from collections.abc import Mapping
from dataclasses import dataclass

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed

__all__ = ["Array", "Cat", "Circuit", "Const", "Module", "Mux", "Signal", "Value", "signed"]


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """A module without state: inputs by name, one output."""

    name: str
    module: Module
    inputs: Mapping[str, Signal]
    output: Signal


@dataclass(frozen=True)
class Wires:
    """Names intermediate values of a module, so that each is made once and can be read."""

    module: Module

    def named(self, name: str, value: Value) -> Signal:
        """Return a wire that carries ``value``, of its width and sign."""
        wire = Signal(value.shape(), name=name)
        self.module.d.comb += wire.eq(value)
        return wire

    def leading_zeros(self, name: str, word: Value) -> Signal:
        """Count the zeros above the leading one; the word's width if there is none.

        A tree: the upper half's count, or where it is all zeros, the lower half's and its own
        width.
        """
        size = 1
        while size <= len(word):
            size *= 2
        # Ones below the word end the count of a word of zeros.
        padded = Cat(Const(-1, size - len(word)), word)
        _, count = self._half_counts(name, padded)
        return self.named(name, count)

    def _half_counts(self, name: str, word: Value) -> tuple[Value, Value]:
        """Return whether a word of 2**k bits is all zeros, and its count in k bits otherwise."""
        if len(word) == 1:
            return ~word, Const(0, 0)
        half = len(word) // 2
        low_empty, low = self._half_counts(f"{name}_l", word[:half])
        high_empty, high = self._half_counts(f"{name}_h", word[half:])
        empty = self.named(f"{name}_empty", low_empty & high_empty)
        count = self.named(f"{name}_count", Cat(Mux(high_empty, low, high)[: len(low)], high_empty))
        return empty, count

    def shifted_left(self, name: str, word: Value, amount: Value) -> Signal:
        """Shift within the word's width."""
        for stage in range(len(amount)):
            by = min(1 << stage, len(word))
            moved = Cat(Const(0, by), word)[: len(word)]
            word = self.named(f"{name}_{stage}", Mux(amount[stage], moved, word))
        return self.named(name, word)

    def shifted_right(
        self, name: str, word: Value, amount: Value, fill: Value
    ) -> tuple[Signal, Signal]:
        """Shift within the width, filling from above; tell whether a one fell off."""
        lost: Value = Const(0, 1)
        for stage in range(len(amount)):
            by = min(1 << stage, len(word))
            dropped, fills = word[:by].any(), Cat(*[fill] * by)
            lost = self.named(f"{name}_lost_{stage}", lost | (amount[stage] & dropped))
            moved = Cat(word[by:], fills)
            word = self.named(f"{name}_{stage}", Mux(amount[stage], moved, word))
        return self.named(name, word), self.named(f"{name}_lost", lost)

    def negated_if(self, name: str, condition: Value, word: Value) -> Signal:
        """Two's complement of a word where the condition holds, within its width."""
        flipped = word ^ Cat(*[condition] * len(word))
        return self.named(name, (flipped + condition)[: len(word)])

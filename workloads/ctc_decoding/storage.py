"""Memory that the beams of a decoder take, in bits, from stated layouts.

T frames, V symbols, W beams, q bits per score, L live nodes; b = ceil(log2 V) bits a label,
l = ceil(log2(T + 1)) a length, n = ceil(log2(nodes + 1)) a node's number, the root's among them.
"""

from dataclasses import dataclass

from archsim.errors import InputError
from workloads.ctc_decoding.bits import bits_for
from workloads.ctc_decoding.inputs import checked_count

PUBLISHED_RATIOS = {"speech": 29.49, "scene text": 17.95}
"""How many times less memory the published decoder takes; it does not state its layouts.

Source: arXiv 1905.03175 (IEEE Access 7, 2019), abstract.
"""


@dataclass(frozen=True, kw_only=True)
class BeamStorage:
    """Sizes of the memory behind a beam search, none of it for the lexicon."""

    frames: int
    symbols: int
    beams: int
    score_bits: int

    def __post_init__(self) -> None:
        if self.frames < 0:
            raise InputError(f"frames: expected >= 0, got {self.frames}")
        for name in ("symbols", "beams", "score_bits"):
            checked_count(name, getattr(self, name))

    @property
    def label_bits(self) -> int:
        """``b = ceil(log2 V)``."""
        return bits_for(self.symbols - 1)

    @property
    def string_bits(self) -> int:
        """A prefix written out, its length and its two scores: ``T b + l + 2 q``."""
        return self.frames * self.label_bits + bits_for(self.frames) + 2 * self.score_bits

    @property
    def candidate_strings_bits(self) -> int:
        """Every candidate holds its own string: ``W (V + 1) (T b + l + 2 q)``."""
        return self.beams * (self.symbols + 1) * self.string_bits

    @property
    def survivor_strings_bits(self) -> int:
        """Only survivors hold strings, in two buffers: ``2 W (T b + l + 2 q)``."""
        return 2 * self.beams * self.string_bits

    @property
    def growing_tree_bits(self) -> int:
        """A tree that nothing is removed from: ``W T (n + b) + 2 W (n + 2 q)``."""
        nodes = self.beams * self.frames
        return nodes * (bits_for(nodes) + self.label_bits) + self._beams_bits(nodes)

    def live_tree_bits(self, nodes: int) -> int:
        """Return the bits of a tree of L reclaimed nodes: ``L (n + b + r) + 2 W (n + 2 q)``.

        A node holds its parent, its label and r = ceil(log2(W + 1)) bits that count who refers
        to it, at most the W beams. Assumed: a child is found by comparing (parent, label) with
        all nodes at once, as in a content-addressed memory.
        """
        record = bits_for(nodes) + self.label_bits + bits_for(self.beams)
        return nodes * record + self._beams_bits(nodes)

    def linked_tree_bits(self, nodes: int) -> int:
        """Return :meth:`live_tree_bits` plus ``2 L n`` for a first child and a next sibling.

        With these two pointers a child is found in an ordinary memory.
        """
        return self.live_tree_bits(nodes) + 2 * nodes * bits_for(nodes)

    def _beams_bits(self, nodes: int) -> int:
        """Two buffers of W beams: a node and two scores each."""
        return 2 * self.beams * (bits_for(nodes) + 2 * self.score_bits)

    def layouts(self, nodes: int) -> dict[str, int]:
        """Return the bits of every layout by name, for ``nodes`` live nodes at most."""
        return {
            "strings of all candidates": self.candidate_strings_bits,
            "strings of the survivors, two buffers": self.survivor_strings_bits,
            "tree, nothing reclaimed": self.growing_tree_bits,
            "tree of live nodes, searched by content": self.live_tree_bits(nodes),
            "tree of live nodes, child and sibling pointers": self.linked_tree_bits(nodes),
        }

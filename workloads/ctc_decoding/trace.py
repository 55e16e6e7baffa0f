"""What a decode did, frame by frame: the counts that a simulated decoder lives by."""

from dataclasses import dataclass, fields
from functools import cached_property

Hypothesis = tuple[tuple[int, ...], float]
"""A labelling, blanks and repeats removed, and its natural log-probability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCounts:
    """One frame of a decode."""

    beams: int
    """Prefixes that enter the frame."""
    extensions: int
    """Prefixes with one more symbol, all that may follow: what is scored beside the beam's own."""
    candidates: int
    """Different prefixes scored above zero, of which the best enter the next frame."""
    merges: int
    """Extensions that met a prefix of the beam and were added to it."""
    survivors: int
    """Prefixes kept: the beam width, or fewer."""
    lookups: int
    """Lexicon states expanded: those of prefixes that entered the beam in the frame before."""
    records_read: int
    """Records of the lexicon's layout read for them."""
    longest_lookup: int
    """Records of the look-up that reads most; each says where the next one lies."""
    nodes_made: int
    """Nodes that the survivors added to the prefix tree."""
    nodes_peak: int
    """Nodes that lived before those of the pruned prefixes were reclaimed."""
    nodes_live: int
    """Nodes that live after it, the root not counted."""


@dataclass(frozen=True)
class Decode:
    """The result of one decode: labellings, best first, and what each frame took."""

    hypotheses: tuple[Hypothesis, ...]
    frames: tuple[FrameCounts, ...]

    @cached_property
    def most(self) -> FrameCounts:
        """The largest of each count over all frames; zeros where there are none."""
        return FrameCounts(
            **{
                count.name: max((getattr(frame, count.name) for frame in self.frames), default=0)
                for count in fields(FrameCounts)
            }
        )

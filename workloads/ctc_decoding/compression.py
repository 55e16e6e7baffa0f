"""What a word list takes in each layout, in bytes, beside the published compression."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workloads.ctc_decoding.lexicon import LAYOUTS, PackedLexicon

PUBLISHED_BYTES = (26_020_000, 1_120_000)
"""A dictionary before and after compression; its words and both layouts are not stated.

Source: arXiv 1905.03175 (IEEE Access 7, 2019), abstract: 26.02 MB to 1.12 MB.
"""


@dataclass(frozen=True, kw_only=True)
class LexiconSize:
    """A word list in one layout."""

    layout: str
    records: int
    record_bits: int
    size_bytes: int
    baseline_bytes: int
    """The same words as a trie of 32-bit pointers."""

    @property
    def ratio(self) -> float:
        """How many times fewer bytes than the baseline."""
        return self.baseline_bytes / self.size_bytes


def lexicon_sizes(
    words: Iterable[Sequence[str]],
    alphabet: Sequence[str],
    *,
    separator: str | None = " ",
) -> tuple[LexiconSize, ...]:
    """Return the size of the words in every layout, the baseline first.

    Raises:
        InputError: for words or an alphabet that no lexicon can be made of.
    """
    listed = tuple(words)
    packed = {
        layout: PackedLexicon.from_words(listed, alphabet, separator=separator, layout=layout)
        for layout in LAYOUTS
    }
    return tuple(
        LexiconSize(
            layout=layout,
            records=lexicon.layout.records.count,
            record_bits=lexicon.layout.records.record_bits,
            size_bytes=lexicon.size_bytes,
            baseline_bytes=packed["pointer_trie"].size_bytes,
        )
        for layout, lexicon in packed.items()
    )

"""Words that a decoder may find, packed into bits and looked up from them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from archsim.errors import InputError, did_you_mean
from workloads.ctc_decoding.automaton import Automaton, minimal_automaton, trie
from workloads.ctc_decoding.constraint import LastWord, WordsOf
from workloads.ctc_decoding.inputs import checked_blank
from workloads.ctc_decoding.layouts import (
    NOWHERE,
    BitmapTrie,
    EdgeList,
    Layout,
    PointerTable,
    SiblingList,
)

_Build = Callable[[Iterable[tuple[int, ...]]], Automaton]
_Pack = Callable[[Automaton, int], Layout]

LAYOUTS: Mapping[str, tuple[_Build, _Pack]] = MappingProxyType(
    {
        "pointer_trie": (trie, PointerTable),
        "sibling_trie": (trie, SiblingList),
        "bitmap_trie": (trie, BitmapTrie),
        "packed_trie": (trie, EdgeList),
        "pointer_dawg": (minimal_automaton, PointerTable),
        "packed_dawg": (minimal_automaton, EdgeList),
    }
)
"""What a lexicon can be held as: which automaton, in which layout."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PackedLexicon:
    """A set of words over an alphabet; ``word in lexicon`` reads nothing but the packed bits."""

    alphabet: tuple[str, ...]
    separator: str | None
    """The symbol between two words of a labelling, where the alphabet has one."""
    words: int
    states: int
    edges: int
    used: frozenset[int]
    """Letters that stand in some word, as indices of the alphabet."""
    layout: Layout

    @classmethod
    def from_words(
        cls,
        words: Iterable[Sequence[str]],
        alphabet: Sequence[str],
        *,
        separator: str | None = " ",
        layout: str = "packed_dawg",
    ) -> "PackedLexicon":
        """Pack words, in any order and also given twice, over an alphabet of single symbols.

        For decoding, the alphabet lists the acoustic model's symbols in their order, with or
        without the blank.

        Raises:
            InputError: for no words, an empty one or one with a symbol that is not in the
                alphabet or is the separator, a symbol listed twice, or an unknown layout.
        """
        if layout not in LAYOUTS:
            raise InputError(f"no layout named {layout!r}; {did_you_mean(layout, LAYOUTS)}")
        symbols = _checked_alphabet(alphabet)
        letter = {symbol: index for index, symbol in enumerate(symbols)}
        if separator not in letter:
            separator = None
        coded = sorted({_coded(word, letter, separator) for word in words})
        if not coded:
            raise InputError("lexicon: it has no words; give one at least, or no lexicon")
        build, pack = LAYOUTS[layout]
        automaton = build(coded)
        return cls(
            alphabet=symbols,
            separator=separator,
            words=len(coded),
            states=automaton.states,
            edges=automaton.edges,
            used=frozenset(automaton.letters.tolist()),
            layout=pack(automaton, len(symbols)),
        )

    @property
    def size_bits(self) -> int:
        """Bits of the records that hold the words."""
        return self.layout.records.count * self.layout.records.record_bits

    @property
    def size_bytes(self) -> int:
        """Bytes of the image that holds the words."""
        return self.layout.records.size_bytes

    def __contains__(self, word: Sequence[str]) -> bool:
        state = self.layout.root
        for symbol in word:
            if symbol not in self._letter:
                return False
            state = self.layout.follow(state, self._letter[symbol])
            if state == NOWHERE:
                return False
        return self.layout.is_word(state)

    def constraint(self, symbols: int, blank: int, last_word: LastWord = "complete") -> WordsOf:
        """Return what a decode of ``symbols`` symbols may find.

        Raises:
            InputError: if the alphabet lists neither these symbols nor these without the blank,
                or words contain what stands at the blank's place.
        """
        blank = checked_blank(blank, symbols)
        if len(self.alphabet) not in {symbols, symbols - 1}:
            raise InputError(
                f"lexicon: its alphabet lists {len(self.alphabet)} symbols, but log_probs have "
                f"{symbols}; list them all, in their order, with or without the blank"
            )
        whole = len(self.alphabet) == symbols
        if whole and blank in self.used:
            raise InputError(
                f"lexicon: words contain {self.alphabet[blank]!r}, which stands for the blank at "
                f"index {blank} of the alphabet; list the symbols in the order of log_probs"
            )
        symbol_of = [
            letter if whole or letter < blank else letter + 1
            for letter in range(len(self.alphabet))
        ]
        return WordsOf(
            self.layout,
            symbol_of,
            symbols,
            separator=None if self.separator is None else symbol_of[self._letter[self.separator]],
            last_word=last_word,
        )

    @cached_property
    def _letter(self) -> Mapping[str, int]:
        return {symbol: letter for letter, symbol in enumerate(self.alphabet)}


def _checked_alphabet(alphabet: Sequence[str]) -> tuple[str, ...]:
    symbols = tuple(alphabet)
    twice = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if twice:
        raise InputError(f"alphabet: it lists {twice[0]!r} twice; list each symbol once")
    return symbols


def _coded(
    word: Sequence[str], letter: Mapping[str, int], separator: str | None
) -> tuple[int, ...]:
    """Return a word's letters as indices of the alphabet."""
    if not word:
        raise InputError("lexicon: a word is empty; leave it out, silence needs no word")
    if separator is not None and separator in word:
        raise InputError(
            f"lexicon: the word {word!r} contains the separator {separator!r}; "
            "split it, or pass separator=None"
        )
    try:
        return tuple(letter[symbol] for symbol in word)
    except KeyError as error:
        raise InputError(
            f"lexicon: {error.args[0]!r} in the word {word!r} is not in the alphabet "
            f"{''.join(letter)!r}; add it there, or leave the word out"
        ) from None

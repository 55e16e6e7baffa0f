"""PackedLexicon: words are looked up from packed bits, in every layout alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.errors import InputError
from tests.workloads.ctc_decoding.oracles import (
    LETTERS,
    american_english,
    made_words,
    mutated,
    needs_american_english,
    prefixes,
    right_languages,
)
from workloads.ctc_decoding import LAYOUTS, PUBLISHED_BYTES, PackedLexicon, lexicon_sizes

WORDS = made_words(3000, seed=9)
word_sets = st.sets(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(words=word_sets)
def test_the_packed_automaton_is_the_smallest_there_is(words):
    """Its states are the different sets of endings, and an edge is one letter in front of one."""
    states = right_languages(words)

    lexicon = PackedLexicon.from_words(words, "abc")

    assert lexicon.states == len(states)
    assert lexicon.edges == sum(len({word[0] for word in state if word}) for state in states)


@settings(max_examples=60, deadline=None)
@given(words=word_sets, layout=st.sampled_from(sorted(LAYOUTS)), data=st.data())
def test_a_layout_holds_its_words_and_no_others(words, layout, data):
    lexicon = PackedLexicon.from_words(words, "abc", layout=layout)
    others = data.draw(st.lists(st.text("abcd", max_size=7), max_size=20))

    assert all(word in lexicon for word in words)
    assert all((word in lexicon) == (word in words) for word in others + sorted(prefixes(words)))


@settings(max_examples=30, deadline=None)
@given(words=word_sets, layout=st.sampled_from(sorted(LAYOUTS)))
def test_the_successors_of_a_state_are_what_its_letters_lead_to(words, layout):
    packed = PackedLexicon.from_words(words, "abc", layout=layout).layout
    for prefix in {"", *prefixes(words)}:
        state = packed.root
        for letter in prefix:
            state = packed.follow(state, "abc".index(letter))
        each = [(letter, packed.follow(state, letter)) for letter in range(3)]

        assert list(packed.successors(state)) == [pair for pair in each if pair[1] != -1]
        assert packed.is_word(state) == (prefix in words)


def test_a_trie_has_a_state_for_each_prefix():
    lexicon = PackedLexicon.from_words(WORDS, LETTERS, layout="packed_trie")

    assert lexicon.states == 1 + len(prefixes(WORDS))
    assert lexicon.edges == lexicon.states - 1


def test_order_and_repeats_of_the_words_do_not_matter():
    shuffled = np.random.default_rng(1).permutation(WORDS + WORDS[:50]).tolist()

    lexicon = PackedLexicon.from_words(shuffled, LETTERS)

    expected = PackedLexicon.from_words(WORDS, LETTERS)
    assert lexicon.words == 3000
    assert lexicon.layout.records.image == expected.layout.records.image


def test_mutations_of_made_words_are_judged_rightly():
    lexicon, words = PackedLexicon.from_words(WORDS, LETTERS), set(WORDS)
    judged = [(word in lexicon) == (word in words) for word in mutated(WORDS, 2000, seed=2)]

    assert all(word in lexicon for word in WORDS)
    assert len(judged) == 2000
    assert all(judged)


def test_records_and_bits_of_each_layout():
    """Three words over four letters: ab, abc, b; 5 trie states, 4 smallest."""
    sizes = {size.layout: size for size in lexicon_sizes(["ab", "abc", "b"], "abcd")}

    # 4 pointers and a word of 32 bits; 2 + 1 + 2 * 3; 4 + 1 + 3; 2 + 1 + 1 + target.
    assert [(s.records, s.record_bits) for s in sizes.values()] == [
        (5, 160),
        (5, 9),
        (5, 8),
        (4, 6),
        (4, 160),
        (4, 6),
    ]
    assert [s.size_bytes for s in sizes.values()] == [100, 6, 5, 3, 80, 3]
    assert sizes["packed_dawg"].ratio == pytest.approx(100 / 3)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_the_image_is_as_long_as_its_records(layout):
    lexicon = PackedLexicon.from_words(WORDS, LETTERS, layout=layout)
    records = lexicon.layout.records

    assert lexicon.size_bits == records.count * records.record_bits
    assert lexicon.size_bytes == len(records.image) == -(-lexicon.size_bits // 8)


def test_a_word_of_symbols_need_not_be_a_string():
    lexicon = PackedLexicon.from_words([("ch", "a"), ("a",)], ["a", "ch"])

    assert ("ch", "a") in lexicon
    assert ("ch",) not in lexicon


class TestBadInput:
    @pytest.mark.parametrize(
        ("words", "alphabet", "message"),
        [
            ([], "ab", "lexicon: it has no words; give one at least, or no lexicon"),
            (["a", ""], "ab", "lexicon: a word is empty; leave it out, silence needs no word"),
            (
                ["ab", "né"],
                "abn",
                "lexicon: 'é' in the word 'né' is not in the alphabet 'abn'; "
                "add it there, or leave the word out",
            ),
            (
                ["a b"],
                "ab ",
                "lexicon: the word 'a b' contains the separator ' '; "
                "split it, or pass separator=None",
            ),
            (["a"], "aba", "alphabet: it lists 'a' twice; list each symbol once"),
        ],
    )
    def test_words_and_alphabets(self, words, alphabet, message):
        with pytest.raises(InputError) as caught:
            PackedLexicon.from_words(words, alphabet)

        assert str(caught.value) == message

    def test_an_unknown_layout(self):
        with pytest.raises(
            InputError, match="no layout named 'packed_dag'; did you mean 'packed_dawg'"
        ):
            PackedLexicon.from_words(["a"], "a", layout="packed_dag")


@pytest.fixture(scope="module")
def words():
    return american_english()


@pytest.fixture(scope="module")
def lexicon(words):
    return PackedLexicon.from_words(words, LETTERS)


@needs_american_english
@pytest.mark.slow
class TestAmericanEnglish:
    def test_it_packs_into_a_fifth_of_a_megabyte(self, words, lexicon):
        assert len(words) == 102_229
        assert (lexicon.states, lexicon.edges) == (30_616, 70_679)
        assert lexicon.size_bytes == 212_037  # 70,679 edges of 24 bits

    def test_every_word_is_found(self, words, lexicon):
        assert all(word in lexicon for word in words)

    def test_twenty_thousand_mutations_are_judged_rightly(self, words, lexicon):
        known, mutations = set(words), list(mutated(words, 20_000, seed=4))

        assert all((word in lexicon) == (word in known) for word in mutations)
        assert 300 < sum(word in known for word in mutations) < 19_000

    def test_bytes_of_every_layout_beside_the_published_ones(self, words):
        sizes = {size.layout: size for size in lexicon_sizes(words, LETTERS)}

        assert {name: size.size_bytes for name, size in sizes.items()} == {
            "pointer_trie": 25_538_688,  # 228,024 nodes of 28 words of 32 bits
            "sibling_trie": 1_197_126,  # 42 bits a node
            "bitmap_trie": 1_311_138,  # 46 bits a node
            "packed_trie": 712_572,  # 228,023 edges of 25 bits
            "pointer_dawg": 3_428_992,  # 30,616 states of 28 words of 32 bits
            "packed_dawg": 212_037,
        }
        before, after = PUBLISHED_BYTES
        assert sizes["pointer_trie"].size_bytes < before
        assert sizes["packed_dawg"].size_bytes * 5 < after
        assert sizes["packed_dawg"].ratio == pytest.approx(120.4, abs=0.1)


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_records_are_words_that_can_be_exchanged(layout):
    """Pointers are words of their own; other fields have no common length but a bit."""
    lexicon = PackedLexicon.from_words(["ab", "abc", "ca"], "abc", layout=layout)
    records = lexicon.layout.records

    words = records.words
    again = records.with_words(words)

    word_bits = 32 if layout.startswith("pointer") else 1
    assert records.word_bits == word_bits
    assert words.shape == (records.count, records.record_bits // word_bits)
    assert again.image == records.image
    assert lexicon.layout.reading(words).records.whole(1) == records.whole(1)

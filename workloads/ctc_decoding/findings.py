"""What a decoder shows on no machine: sizes beside published ones, and what fixed point loses."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from archsim.ir.findings import Axis, Curve, CurveChart, Table
from workloads.ctc_decoding.arithmetic import Arithmetic, FixedLog, FixedProbability
from workloads.ctc_decoding.compression import PUBLISHED_BYTES, lexicon_sizes
from workloads.ctc_decoding.fixed_point import fixed_point_loss
from workloads.ctc_decoding.search import BeamSearch
from workloads.ctc_decoding.storage import PUBLISHED_RATIOS, BeamStorage

SOURCE = "arXiv 1905.03175 (IEEE Access 7, 2019), abstract"
LOG_INTEGER_BITS = 5
ARITHMETICS: Mapping[str, tuple[tuple[int, ...], Callable[[int], Arithmetic]]] = MappingProxyType(
    {
        "logarithms, sums by table": (
            (6, 7, 8, 9, 10, 12, 16),
            lambda bits: FixedLog(
                integer_bits=LOG_INTEGER_BITS, fraction_bits=bits - LOG_INTEGER_BITS
            ),
        ),
        "logarithms, the larger for a sum": (
            (6, 7, 8, 9, 10, 12, 16),
            lambda bits: FixedLog(
                integer_bits=LOG_INTEGER_BITS,
                fraction_bits=bits - LOG_INTEGER_BITS,
                addition="max",
            ),
        ),
        "probabilities": (
            (6, 7, 8, 9, 10, 12, 16, 20),
            lambda bits: FixedProbability(fraction_bits=bits - 1),
        ),
    }
)
"""Bits of a score tried, and the arithmetic of so many."""


def lexicon_table(words: Sequence[str], alphabet: str) -> Table:
    """Return what words take in every layout, in bytes, beside the published compression."""
    before, after = PUBLISHED_BYTES
    unknown, ratio = "not stated", before / after
    sizes = lexicon_sizes(words, alphabet)
    text = sum(len(word) + 1 for word in words)
    return Table(
        name="lexicon_sizes",
        title="The lexicon in each layout",
        caption=(
            f"{len(words):,} words, {text:,} B as text with line ends. Ratios are to a trie with a "
            "32-bit pointer for each letter. A record is what one read of memory brings. The "
            f"published dictionary ({SOURCE}) states neither its words nor its layouts."
        ),
        columns=("layout", "records", "bits of a record", "bytes", "MB", "times smaller"),
        rows=(
            *(
                (
                    s.layout,
                    s.records,
                    s.record_bits,
                    s.size_bytes,
                    round(s.size_bytes / 1e6, 3),
                    round(s.ratio, 2),
                )
                for s in sizes
            ),
            ("published, uncompressed", unknown, unknown, before, before / 1e6, 1.0),
            ("published, compressed", unknown, unknown, after, after / 1e6, round(ratio, 2)),
        ),
    )


def storage_table(storage: BeamStorage, nodes: int, published: str) -> Table:
    """Return what beams take in every layout, in bits, beside the published ratio."""
    layouts = storage.layouts(nodes)
    largest = max(layouts.values())
    return Table(
        name="beam_storage",
        title="The beams in each layout",
        caption=(
            f"{storage.frames} frames, {storage.symbols} symbols, {storage.beams} beams, "
            f"{storage.score_bits} bits a score, {nodes:,} nodes alive at most in this decode. "
            "Ratios are to every candidate holding its own string. The published decoder "
            f"({SOURCE}) does not state its layouts."
        ),
        columns=("layout", "bits", "times smaller"),
        rows=(
            *((name, bits, round(largest / bits, 2)) for name, bits in layouts.items()),
            (f"published, {published}", "not stated", PUBLISHED_RATIOS[published]),
        ),
    )


def fixed_point_chart(
    utterances: Sequence[NDArray[np.float64]],
    references: Sequence[Sequence[int]],
    search: BeamSearch,
) -> CurveChart:
    """Return what each arithmetic loses to float64, against the bits of a score."""
    curves = []
    for name, (widths, arithmetic) in ARITHMETICS.items():
        tried = [arithmetic(bits) for bits in widths]
        losses = fixed_point_loss(utterances, tried, search, references)
        percent = tuple(100 * loss.loss for loss in losses)
        curves.append(Curve(name, tuple(float(loss.bits) for loss in losses), percent))
    return CurveChart(
        name="fixed_point_loss",
        title="Error rate lost to fixed point",
        caption=(
            f"Label error rate above float64's, which is {100 * losses[0].float_error_rate:.2f} %, "
            f"of {len(utterances)} made-up utterances of {len(utterances[0])} frames, "
            f"{search.beam_width} beams. Logarithms have {LOG_INTEGER_BITS} bits before the point. "
            "Below zero is better than float64: each of these utterances was made of one path, "
            "which the larger of two scores favours over their sum."
        ),
        x=Axis("bits of a score"),
        y=Axis("label error rate lost", "%"),
        curves=tuple(curves),
    )

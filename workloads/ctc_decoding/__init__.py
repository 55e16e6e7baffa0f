"""Decoding of connectionist temporal classification: from log-probabilities to labels.

Prefix beam search in float64 and fixed point, the storage of its beams, and lexicons that
are looked up from packed bits.
"""

from workloads.ctc_decoding.arithmetic import Arithmetic, FixedLog, FixedProbability, FloatLog
from workloads.ctc_decoding.lexicon import LAYOUTS, PackedLexicon
from workloads.ctc_decoding.search import BeamSearch, beam_search, greedy_search
from workloads.ctc_decoding.trace import Decode, FrameCounts, Hypothesis

__all__ = [
    "LAYOUTS",
    "Arithmetic",
    "BeamSearch",
    "Decode",
    "FixedLog",
    "FixedProbability",
    "FloatLog",
    "FrameCounts",
    "Hypothesis",
    "PackedLexicon",
    "beam_search",
    "greedy_search",
]

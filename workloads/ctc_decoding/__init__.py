"""Decoding of connectionist temporal classification: from log-probabilities to labels.

Prefix beam search in float64 and fixed point, the storage of its beams, and lexicons that
are looked up from packed bits.
"""

from workloads.ctc_decoding.arithmetic import Arithmetic, FixedLog, FixedProbability, FloatLog
from workloads.ctc_decoding.compression import PUBLISHED_BYTES, LexiconSize, lexicon_sizes
from workloads.ctc_decoding.fixed_point import FixedPointLoss, error_rate, fixed_point_loss
from workloads.ctc_decoding.lexicon import LAYOUTS, PackedLexicon
from workloads.ctc_decoding.search import BeamSearch, beam_search, greedy_search
from workloads.ctc_decoding.storage import PUBLISHED_RATIOS, BeamStorage
from workloads.ctc_decoding.trace import Decode, FrameCounts, Hypothesis
from workloads.ctc_decoding.workload import CtcDecoding

__all__ = [
    "LAYOUTS",
    "PUBLISHED_BYTES",
    "PUBLISHED_RATIOS",
    "Arithmetic",
    "BeamSearch",
    "BeamStorage",
    "CtcDecoding",
    "Decode",
    "FixedLog",
    "FixedPointLoss",
    "FixedProbability",
    "FloatLog",
    "FrameCounts",
    "Hypothesis",
    "LexiconSize",
    "PackedLexicon",
    "beam_search",
    "error_rate",
    "fixed_point_loss",
    "greedy_search",
    "lexicon_sizes",
]

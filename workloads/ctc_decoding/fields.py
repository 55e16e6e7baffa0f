"""What a configuration says of a decode: its network, its log-probabilities, its search."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from archsim import formats
from archsim.errors import did_you_mean
from workloads.ctc_decoding.acoustic import AcousticKind
from workloads.ctc_decoding.arithmetic import Arithmetic, FixedLog, FloatLog
from workloads.ctc_decoding.constraint import LastWord
from workloads.ctc_decoding.lexicon import LAYOUTS
from workloads.transformer.checks import check_number_format, check_within

ScoreFormat = Literal["fp32", "int8", "int16", "int32"]
MOST = {
    "frames": 20_000,
    "beam_width": 10_000,
    "words": 2_000_000,
    "n_best": 1000,
    "features": 4096,
    "channels": 4096,
    "layers": 64,
    "hidden": 8192,
}
"""Beyond these a count is a slip, not a decoder."""
LEAST = {"frames": 0, "words": 0}
"""Of the others, one."""
IMAGE_ROWS = 32


@dataclass(frozen=True, kw_only=True)
class CtcFields:
    """Parameters of the workload, and what follows from them alone."""

    acoustic: AcousticKind = "speech"
    """``speech``: convolutions and bidirectional GRUs; ``scene_text``: convolutions and
    bidirectional LSTMs; ``none``: log-probabilities are given."""
    frames: int = 12
    """Frames of made-up log-probabilities."""
    log_probs: Path | None = None
    """A file (.npy, .npz) of natural log-probabilities, frames by symbols, in place of made-up
    ones."""
    array: str = ""
    """The name of the array in an .npz file of several."""
    alphabet: str = " 'abcdefghijklmnopqrstuvwxyz"
    """The symbols but for the blank, in their order; a space stands between words."""
    blank: int = 0
    """The index of the blank among all symbols."""
    beam_width: int = 16
    """Prefixes kept of each frame."""
    lexicon: Path | None = None
    """A file of words, one a line, which labellings consist of."""
    plain_words: bool = False
    """Whether words of the file are put in lower case and left out where they have symbols that
    the alphabet lacks, as suits a dictionary with names; such words are refused otherwise."""
    words: int = 0
    """Made-up words in place of a file of them; without either, labels follow as they like."""
    layout: str = "packed_dawg"
    """How the lexicon lies in memory."""
    last_word: LastWord = "open"
    """Whether a labelling must end with a whole word: ``complete`` or ``open``."""
    n_best: int = 5
    """Labellings that are read back in the end."""
    score_format: ScoreFormat = "fp32"
    """Of the decoder's scores: logarithms in floating or in fixed point."""
    score_integer_bits: int = 6
    """Bits before the point of scores in fixed point."""
    features: int = 33
    """Frequencies of the spectrogram; an image of text has 32 rows."""
    channels: int = 2
    """Of the first convolution."""
    layers: int = 1
    """Recurrent layers."""
    hidden: int = 8
    """Units of a recurrent layer, in each direction."""
    number_format: str = "fp16"
    """Of the acoustic model."""
    seed: int = 0
    """Of what is made up: words, text, noise, weights."""

    def __post_init__(self) -> None:
        for name, kinds in {
            "acoustic": AcousticKind,
            "last_word": LastWord,
            "score_format": ScoreFormat,
        }.items():
            _check_word(name, getattr(self, name), get_args(kinds))
        _check_word("layout", self.layout, tuple(LAYOUTS))
        for name, most in MOST.items():
            check_within(name, getattr(self, name), LEAST.get(name, 1), most)
        check_within("blank", self.blank, 0, self.symbols - 1)
        twice = sorted({symbol for symbol in self.alphabet if self.alphabet.count(symbol) > 1})
        if twice or not self.alphabet:
            problem = f"it lists {twice[0]!r} twice" if twice else "it lists no symbol"
            raise ValueError(f"alphabet: {problem}")
        if self.words and self.lexicon:
            raise ValueError("words: made-up words come in place of a lexicon; give one of them")
        if self.acoustic == "scene_text" and self.features != IMAGE_ROWS:
            raise ValueError(
                f"features: an image of text has {IMAGE_ROWS} rows, got {self.features}"
            )
        bits = formats.parse(self.score_format).bits
        if not 1 <= self.score_integer_bits <= bits - 2:
            raise ValueError(
                f"score_integer_bits: must be in [1, {bits - 2}] for {self.score_format}, "
                f"got {self.score_integer_bits}"
            )
        check_number_format(self.number_format)

    @property
    def symbols(self) -> int:
        """V: the alphabet and the blank."""
        return len(self.alphabet) + 1

    @property
    def arithmetic(self) -> Arithmetic:
        """What the decoder computes scores with; a fixed-point format's first bit is a sign."""
        if self.score_format == "fp32":
            return FloatLog()
        fraction = formats.parse(self.score_format).bits - 1 - self.score_integer_bits
        return FixedLog(
            integer_bits=self.score_integer_bits,
            fraction_bits=fraction,
            table_skip_bits=max(0, fraction - 16),
        )


def _check_word(name: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise ValueError(f"{name}: no {name} {word!r}; {did_you_mean(str(word), known)}")

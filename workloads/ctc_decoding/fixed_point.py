"""What a decoder loses to fixed point: its error rate against the bits of a score."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from archsim.errors import InputError
from workloads.ctc_decoding.arithmetic import Arithmetic, FloatLog
from workloads.ctc_decoding.search import BeamSearch

Labels = Sequence[int]


@dataclass(frozen=True, kw_only=True)
class FixedPointLoss:
    """The label error rate of one arithmetic, and what float64 makes of the same inputs."""

    arithmetic: Arithmetic
    error_rate: float
    """Edits from the best labellings to the references, per label of the references."""
    float_error_rate: float

    @property
    def bits(self) -> int:
        """Bits of one score."""
        return self.arithmetic.bits

    @property
    def loss(self) -> float:
        """Error rate above float64's; a chance improvement is below zero."""
        return self.error_rate - self.float_error_rate


def fixed_point_loss(
    utterances: Sequence[ArrayLike],
    arithmetics: Iterable[Arithmetic],
    search: BeamSearch,
    references: Sequence[Labels] | None = None,
) -> tuple[FixedPointLoss, ...]:
    """Return the loss of each arithmetic on the log-probabilities of some utterances.

    Without references the labellings that float64 finds are taken for true.

    Raises:
        InputError: for inputs that cannot be decoded, references that are not one per
            utterance, or none with a label.
    """
    exact = _best(utterances, replace(search, arithmetic=FloatLog()))
    if references is None:
        references = exact
    if len(references) != len(utterances):
        raise InputError(
            f"references: expected one per utterance, {len(utterances)}, got {len(references)}"
        )
    float_error_rate = error_rate(exact, references)
    return tuple(
        FixedPointLoss(
            arithmetic=arithmetic,
            error_rate=error_rate(
                _best(utterances, replace(search, arithmetic=arithmetic)), references
            ),
            float_error_rate=float_error_rate,
        )
        for arithmetic in arithmetics
    )


def error_rate(found: Sequence[Labels], references: Sequence[Labels]) -> float:
    """Return the edits from labellings to their references, per label of the references.

    Raises:
        InputError: if the references have no label at all.
    """
    labels = sum(len(reference) for reference in references)
    if not labels:
        raise InputError("references: all are empty, so that an error rate has no meaning")
    return sum(map(edit_distance, found, references)) / labels


def edit_distance(found: Labels, reference: Labels) -> int:
    """Return the fewest insertions, deletions and substitutions between two labellings."""
    steps = np.arange(len(reference) + 1)
    target = np.asarray(reference, dtype=np.int64)
    row = steps
    for label in found:
        above = np.minimum(row[1:] + 1, row[:-1] + (target != label))
        # An insertion costs one per step to the right: a running minimum once that is taken off.
        row = np.minimum.accumulate(np.concatenate([row[:1] + 1, above]) - steps) + steps
    return int(row[-1])


def _best(utterances: Sequence[ArrayLike], search: BeamSearch) -> list[Labels]:
    """Decode; where a lexicon leaves nothing, nothing was understood."""
    decodes = (search.decode(utterance, n_best=1).hypotheses for utterance in utterances)
    return [hypotheses[0][0] if hypotheses else () for hypotheses in decodes]

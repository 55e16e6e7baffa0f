"""How much of each layer is kept: its importance, and ranks in proportion to it."""

import numpy as np
from numpy.typing import ArrayLike

from archsim.ir.operation import Array
from workloads.pca_llm.checks import check_numbers, check_ratio

LEAST, MOST = 0.06, 0.30
"""Range of the importances that were published for Llama and Mistral models.

Source: Tian et al., "FLAT-LLM" (arXiv 2505.23966), figure of layer importance.
"""


def angular_importance(before: ArrayLike, after: ArrayLike) -> float:
    """Return ``mean over tokens of arccos(clip(cos(x_in, x_out), 0, 1)) / pi``.

    Both are (tokens, features), or have more dimensions before the features. The angle is
    between what goes into a layer and what comes out of it; a token of zeros has none, and
    counts as unmoved.

    Raises:
        ValueError: for NaN or infinite states.
    """
    one, other = check_numbers("before", before), check_numbers("after", after)
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    products = np.sum(one * other, axis=-1)
    cosines = np.divide(products, lengths, out=np.ones_like(products), where=lengths > 0)
    return float(np.mean(np.arccos(np.clip(cosines, 0, 1))) / np.pi)


def default_importance(layers: int) -> tuple[float, ...]:
    """Return a U: ``0.06 + 0.24 u²``, u from -1 at the first layer to 1 at the last.

    Assumed: the outermost layers turn states most, those in the middle least, and the range
    is what was published; no model's own curve. One layer alone has 0.30.
    """
    if layers == 1:
        return (MOST,)
    places = np.linspace(-1, 1, layers)
    return tuple(map(float, LEAST + (MOST - LEAST) * places**2))


def allocate_ranks(importance: ArrayLike, ratio: float) -> Array:
    """Return the share w_l of its ranks that each layer keeps, (layers); their mean is ratio.

    ``w_l = B t_l / sum of t`` with the budget B = layers x ratio. What exceeds 1 is fixed
    there, its layers leave the sum and their count the budget, until nothing does. Layers
    whose importance is 0 get none, or what is left once all others are whole, in equal parts.

    Source: FLAT-LLM (arXiv 2505.23966), algorithm 2, "importance-preserving rank selection".

    Raises:
        ValueError: for a ratio outside (0, 1], an importance that is negative or no number.
    """
    check_ratio("ratio", ratio)
    t = check_numbers("importance", importance)
    if t.ndim != 1 or not len(t):
        raise ValueError(f"importance: expected one number for each layer, got shape {t.shape}")
    if t.min() < 0:
        raise ValueError(f"importance: must be >= 0, got {t.min()} for layer {t.argmin()}")
    kept, active, budget = np.ones(len(t)), np.ones(len(t), bool), len(t) * float(ratio)
    while active.any():
        weights = t[active] if t[active].any() else np.ones(active.sum())
        # By the largest first: importances near the smallest number may not sum or divide.
        shares = budget * (weights / weights.max()) / np.sum(weights / weights.max())
        if shares.max() <= 1:
            kept[active] = shares
            return kept
        budget -= int(np.sum(shares > 1))
        active[np.flatnonzero(active)[shares > 1]] = False
    return kept

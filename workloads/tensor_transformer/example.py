"""Trains a small tensorised transformer on a synthetic task, through the operation graph.

The intent of an utterance is the kind of word it begins with; every other word's slot is
its kind. Run it with ``python -m workloads.tensor_transformer.example``.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from archsim.ir.execute import execute
from workloads.tensor_transformer.model import TensorTransformer

KINDS = 3
"""Kinds of words; a word's kind is its number modulo this."""

SMALL = TensorTransformer(
    encoders=1,
    hidden=16,
    heads=2,
    sequence=6,
    batch=8,
    tt_modes=((4, 4), (4, 4)),
    tt_rank=4,
    vocabulary=24,
    ttm_modes=((6, 4), (4, 4)),
    ttm_rank=6,
    intents=KINDS,
    slots=KINDS,
    optimizer="adam",
    learning_rate=0.01,
)
"""A model small enough to train in seconds."""


def train(model: TensorTransformer, steps: int, seed: int) -> Iterator[float]:
    """Yield the loss before each step."""
    rng = np.random.default_rng(seed)
    graph = model.lower()
    parameters = model.initial_parameters(rng)
    updated = [f"{name}.updated" for name in parameters]
    for step in range(1, steps + 1):
        words: NDArray[np.int64] = rng.integers(
            model.vocabulary, size=(model.batch, model.sequence)
        )
        kinds = words % KINDS
        data = model.step_inputs(words, kinds[:, 0], kinds, step=step)
        results = execute(graph, parameters | data, keep=["loss", *updated])
        parameters = model.next_parameters(results)
        yield float(results["loss"])


def main() -> None:
    """Print the loss on the way."""
    for step, loss in enumerate(train(SMALL, steps=300, seed=0), start=1):
        if step == 1 or step % 50 == 0:
            print(f"step {step:3d}  loss {loss:.4f}")


if __name__ == "__main__":
    main()

"""What is handed to a transformer for one step: words or images, targets, positions."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from archsim import formats
from archsim.ir.builder import GraphBuilder
from archsim.ir.operation import Array
from archsim.ir.tensor import Role, TensorSpec
from workloads.transformer.fields import TransformerFields
from workloads.transformer.rotary import rotations

NO_TARGET = -1
"""Stands for the target of a row that the loss leaves out."""


def described(fields: TransformerFields, builder: GraphBuilder) -> dict[str, TensorSpec]:
    """Return the data that the step of these fields reads, by name."""
    whole = formats.parse("int32")
    return {
        name: builder.tensor(name, shape, Role.DATA, whole if is_whole else None)
        for name, (shape, is_whole) in _shapes(fields).items()
    }


def _shapes(fields: TransformerFields) -> dict[str, tuple[tuple[int, ...], bool]]:
    """Return the shape of each, and whether it holds whole numbers."""
    batch, sequence, hidden = fields.batch, fields.sequence, fields.hidden
    found = _inputs(fields)
    if fields.causal or _looks_positions_up(fields):
        found["positions"] = ((sequence,), True)
    if fields.positions == "rotary":
        found["rotation"] = ((sequence, 2, 2, fields.head_size // 2), False)
    reads_first = fields.head not in ("none", "tokens")
    if reads_first or fields.input == "patches":
        found["first_tokens"] = ((batch,), True)
    if not fields.trains:
        return found
    rows = batch if reads_first else batch * sequence
    if fields.logits:
        return found | {"target_places": ((rows,), True), "loss_weights": ((rows,), False)}
    found["dY"] = ((rows, hidden), False)
    if fields.head == "pooler" or fields.input == "tokens" or _looks_positions_up(fields):
        found["zero"] = ((), False)
    return found


def _inputs(fields: TransformerFields) -> dict[str, tuple[tuple[int, ...], bool]]:
    count = fields.batch * fields.sequence
    if fields.input == "states":
        return {"X": ((count, fields.hidden), False)}
    if fields.input == "patches":
        shape = (fields.batch, fields.channels, fields.image, fields.image)
        places = (fields.batch * fields.patches,)
        return {"images": (shape, False), "patch_places": (places, True)}
    names = ("tokens", "segments") if fields.segments else ("tokens",)
    return dict.fromkeys(names, ((count,), True))


def _looks_positions_up(fields: TransformerFields) -> bool:
    """Whether there are more learned positions than are in use."""
    learned = fields.positions == "learned" and fields.input != "states"
    return learned and fields.max_positions != fields.sequence


def values(
    fields: TransformerFields, given: Mapping[str, ArrayLike], targets: ArrayLike | None
) -> dict[str, Array]:
    """Return the arrays of all data: those given, and what follows from the fields.

    Raises:
        ValueError: for data that the step does not read, or too few.
    """
    shapes = _shapes(fields)
    made = _places(fields) | {name: np.asarray(array) for name, array in given.items()}
    if targets is not None:
        made |= _targets(fields, np.asarray(targets))
    if stray := [name for name in given if name not in shapes]:
        raise ValueError(f"{stray[0]}: the step reads no such data but {', '.join(shapes)}")
    if missing := [name for name in shapes if name not in made]:
        raise ValueError(f"{missing[0]}: the step reads it, and it is not given")
    return {name: made[name].reshape(shape) for name, (shape, _) in shapes.items()}


def _places(fields: TransformerFields) -> dict[str, Array]:
    """Return what needs no examples: positions, rotations, where tokens stand."""
    batch, sequence = fields.batch, fields.sequence
    positions, starts = np.arange(sequence), np.arange(batch) * sequence
    made: dict[str, Array] = {"positions": positions, "first_tokens": starts, "zero": np.zeros(())}
    if fields.positions == "rotary":
        made["rotation"] = rotations(positions, fields.head_size, fields.rotary_base)
    if fields.input == "patches":
        made["patch_places"] = starts[:, None] + 1 + np.arange(fields.patches)
    return made


def _targets(fields: TransformerFields, targets: Array) -> dict[str, Array]:
    """Return each target's place among all logits, and the weights of a mean over targets."""
    flat = targets.reshape(-1)
    counted = flat != NO_TARGET
    places = np.arange(len(flat)) * fields.logits + np.where(counted, flat, 0)
    return {"target_places": places, "loss_weights": counted / max(counted.sum(), 1)}


def random_values(fields: TransformerFields, rng: np.random.Generator) -> dict[str, Array]:
    """Return data drawn at random; of words, the next one is each one's target."""
    given: dict[str, Array] = {}
    for name, (shape, _) in _shapes(fields).items():
        if name in ("X", "dY", "images"):
            given[name] = rng.standard_normal(shape)
    if fields.input == "tokens":
        shape = (fields.batch, fields.sequence)
        given["tokens"] = rng.integers(fields.vocabulary, size=shape)
        if fields.segments:
            given["segments"] = rng.integers(fields.segments, size=shape)
    return values(fields, given, _random_targets(fields, given, rng))


def _random_targets(
    fields: TransformerFields, given: Mapping[str, Array], rng: np.random.Generator
) -> Array | None:
    if not (fields.trains and fields.logits):
        return None
    if fields.head != "tokens":
        return rng.integers(fields.classes, size=fields.batch)
    if "tokens" in given:
        return next_tokens(given["tokens"])
    return rng.integers(fields.vocabulary, size=(fields.batch, fields.sequence))


def next_tokens(tokens: ArrayLike) -> Array:
    """Return each token's next one; the last of a sequence (batch, sequence) has no target."""
    words = np.asarray(tokens)
    return np.concatenate([words[:, 1:], np.full((len(words), 1), NO_TARGET)], axis=1)

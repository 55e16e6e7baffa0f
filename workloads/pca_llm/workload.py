"""The workload: a step of a language model in use, compressed or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Array
from archsim.ir.workload import WORKLOADS
from workloads.pca_llm.fields import LanguageModelFields
from workloads.pca_llm.model import Model
from workloads.transformer.optimizer import Optimizer
from workloads.transformer.rotary import rotations
from workloads.transformer.step import Parameter
from workloads.transformer.trained import TrainedModel


@WORKLOADS.register("pca_llm")
@dataclass(frozen=True, kw_only=True)
class LanguageModel(LanguageModelFields, TrainedModel):
    """A language model reads a prompt or tells its next word: dense, FLAT-LLM, SVD or SliceGPT.

    Every variant keeps the same share of parameters. Keys and values stay in a cache; of a
    prompt, logits are made for its last token alone. The defaults are Llama-2-7B.

    Source: Tian et al., FLAT-LLM (arXiv 2505.23966); Wang et al., SVD-LLM (arXiv 2403.07378);
    Ashkboos et al., SliceGPT (arXiv 2401.15024).
    """

    def lower(self) -> OperationGraph:
        """Return the graph of one step.

        Inputs: parameters and data; in decoding also ``layer0.cache.keys`` and ``.values``,
        with zeros in the new token's rows. ``classifier.output`` are the logits, (batch,
        vocabulary).
        """
        return Model(self).graph()

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Every parameter by name."""
        return Model(self).step.parameters

    @property
    def update_rule(self) -> Optimizer | None:
        """None: nothing is trained."""
        return None

    def step_inputs(self, tokens: ArrayLike) -> dict[str, Array]:
        """Return all data of a step from words, (batch, sequence), or new ones, (batch)."""
        words = np.asarray(tokens)
        starts = np.arange(self.batch)
        if self.step == "prefill":
            places = np.arange(self.sequence)
            data = {"positions": places, "last_tokens": (starts + 1) * self.sequence - 1}
        else:
            places = np.array([self.sequence - 1])
            heads = np.arange(self.batch * self.kv_heads)
            data = {"cache_rows": (heads + 1) * self.sequence - 1}
        turns = rotations(places, self.head_size, self.rotary_base)
        return {"tokens": words.reshape(-1), "rotation": turns, **data}

"""The workload: one step of a transformer, dense or tensorised, used or trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from archsim.contraction import LayerSearch
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Array
from archsim.ir.workload import WORKLOADS
from workloads.transformer.data import random_values, values
from workloads.transformer.fields import TransformerFields
from workloads.transformer.model import Model
from workloads.transformer.optimizer import Optimizer, named_optimizer
from workloads.transformer.step import Parameter
from workloads.transformer.trained import TrainedModel


@WORKLOADS.register("transformer")
@dataclass(frozen=True, kw_only=True)
class Transformer(TransformerFields, TrainedModel):
    """One step of a transformer, used or trained, its linear layers dense or tensorised.

    An encoder of text (BERT), of images (ViT) or a decoder (GPT, Llama, Mistral) is a
    choice of parameters; the defaults are BERT-base. Softmax, norms and residuals are
    operations of their own, heads are a batch, and no weights are shared by two layers.

    Source: Vaswani et al., "Attention is all you need" (2017); of each variant, its file in
    ``configs/workloads``.
    """

    def lower(self) -> OperationGraph:
        """Return the graph of one step.

        Inputs: data, parameters and optimiser state. The first output is the loss, the
        logits, or what stands before them; in training each parameter and state ``x`` is
        overwritten by ``x.updated``, and ``x.gradient`` is the gradient of parameter x. Where
        states are handed in, their gradient is ``layer0.input.gradient``.

        Raises:
            InputError: for an order that depends on the machine; see :meth:`lower_for`.
        """
        return Model(self, self.update_rule).graph()

    def lower_for(self, machine: LayerSearch) -> OperationGraph:
        """Return the graph of one step, in orders that suit a machine."""
        return Model(self, self.update_rule, machine).graph()

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Every trained tensor by name."""
        return Model(self, self.update_rule).step.parameters

    @property
    def update_rule(self) -> Optimizer | None:
        """The optimiser; None in inference."""
        if not self.trains:
            return None
        rates = self.learning_rate, self.adam_beta1, self.adam_beta2, self.adam_epsilon
        return named_optimizer(self.optimizer, *rates)

    def step_inputs(
        self, *, targets: ArrayLike | None = None, step: int = 1, **data: ArrayLike
    ) -> dict[str, Array]:
        """Return all data of step 1, 2, … from ``tokens``, ``segments``, ``images``, ``X``, ``dY``.

        ``targets`` are classes, (batch), or where the head tells words apart words,
        (batch, sequence); -1 stands for none. The loss is the mean over all others.

        Raises:
            ValueError: for data that the step does not read, or too few.
        """
        return values(self, data, targets) | self._scalars(step)

    def random_batch(self, rng: np.random.Generator, *, step: int = 1) -> dict[str, Array]:
        """Return data drawn at random; of words, the next one is each one's target."""
        return random_values(self, rng) | self._scalars(step)

    def _scalars(self, step: int) -> dict[str, Array]:
        rule = self.update_rule
        return {name: np.asarray(x) for name, x in rule.scalars(step).items()} if rule else {}

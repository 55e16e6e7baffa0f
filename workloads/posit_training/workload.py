"""The workload: one step of training a residual network in formats by tensor role."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from archsim.ir.findings import Finding
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Array
from archsim.ir.workload import WORKLOADS
from workloads.posit_training.fields import ResidualNetworkFields
from workloads.posit_training.findings import findings
from workloads.posit_training.momentum import Momentum
from workloads.posit_training.network import COLOURS, ResidualNetwork
from workloads.transformer.step import Parameter
from workloads.transformer.trained import TrainedModel


@WORKLOADS.register("posit_training")
@dataclass(frozen=True, kw_only=True)
class PositTraining(ResidualNetworkFields, TrainedModel):
    """One step of training a residual network, each tensor in the format of its role.

    Forward, cross entropy, all gradients, momentum. The defaults are ResNet-18 on ImageNet in
    fp32; posits, short floats and whole numbers are a choice of formats. Products are summed
    exactly and rounded once where the interpreter rounds; a machine's units sum as they do.

    Source: Lu et al., "Training deep neural networks using posit number system" (2019); Lu et
    al., "Evaluations on deep neural networks training using posit number system" (2021).
    """

    def lower(self) -> OperationGraph:
        """Return the graph of one step.

        Inputs: data (:meth:`step_inputs`), parameters, and each one's ``velocity``. The first
        output is the loss. ``x.gradient`` is the gradient of parameter x, which ``x.updated``
        overwrites; a tensor x is multiplied as ``x.operand`` where its role has another format.
        """
        return ResidualNetwork(self, self.update_rule).graph()

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Every trained tensor by name."""
        return ResidualNetwork(self, self.update_rule).step.parameters

    @property
    def update_rule(self) -> Momentum:
        """Gradient descent with momentum."""
        return Momentum(learning_rate=self.learning_rate, momentum=self.momentum)

    @cached_property
    def held_scales(self) -> tuple[str, ...]:
        """Names of the scales that a step is handed, if it is handed any."""
        network = ResidualNetwork(self, self.update_rule)
        network.graph()
        return tuple(scale.name for scale in network.operands.held)

    @property
    def _image_shape(self) -> tuple[int, ...]:
        return self.batch, self.image_size, self.image_size, COLOURS

    def step_inputs(
        self,
        *,
        images: ArrayLike,
        targets: ArrayLike,
        scales: Mapping[str, float] | None = None,
    ) -> dict[str, Array]:
        """Return all data of a step: images (batch, rows, columns, 3), a class for each.

        The loss is the mean over images. Scales that are held and not given are 1.

        Raises:
            ValueError: for images of another shape, or a class that there is not.
        """
        pixels, classes = np.asarray(images), np.asarray(targets)
        if pixels.shape != self._image_shape:
            raise ValueError(f"images: expected {self._image_shape}, got {pixels.shape}")
        known = (classes >= 0) & (classes < self.classes)
        if classes.shape != (self.batch,) or not known.all():
            raise ValueError(
                f"targets: expected {self.batch} classes below {self.classes}, "
                f"got {classes.tolist()}"
            )
        return {
            "images": pixels,
            "target_places": np.arange(self.batch) * self.classes + classes,
            "loss_weights": np.full(self.batch, 1 / self.batch),
        } | {name: np.asarray((scales or {}).get(name, 1.0)) for name in self.held_scales}

    def findings(self) -> tuple[Finding, ...]:
        """Return accuracies on real digits, and what units cost in gates, as recorded."""
        return findings()

    def random_batch(self, rng: np.random.Generator) -> dict[str, Array]:
        """Return data drawn at random."""
        return self.step_inputs(
            images=rng.standard_normal(self._image_shape),
            targets=rng.integers(self.classes, size=self.batch),
        )

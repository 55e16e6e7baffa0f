"""The workload: one step of a diffusion U-Net, used, or fine-tuned with low-rank adapters."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Array
from archsim.ir.workload import WORKLOADS
from workloads.lora_diffusion.fields import UNetFields
from workloads.lora_diffusion.model import UNet, data_shapes
from workloads.transformer.optimizer import Optimizer, named_optimizer
from workloads.transformer.step import Parameter
from workloads.transformer.trained import TrainedModel

LONGEST_PERIOD = 10_000
"""Of the sinusoids of a time step."""


@WORKLOADS.register("lora_diffusion")
@dataclass(frozen=True, kw_only=True)
class LoraDiffusion(UNetFields, TrainedModel):
    """One step of a diffusion U-Net whose weights are frozen, its adapters trained.

    Maps lie channels last. Nothing below the lowest adapter has a gradient, and no frozen
    weight. Text encoder and autoencoder are not part of it. The defaults are Stable Diffusion
    v1.5; SD 2, SDXL and toys are a choice of parameters. Adapters are there in inference too,
    not merged into the weights.

    Source: Rombach et al., "High-resolution image synthesis with latent diffusion models"
    (2022); Hu et al., "LoRA: Low-rank adaptation of large language models" (2021).
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        UNet(self, self.update_rule)  # its layers say whether the adapters fit them

    def lower(self) -> OperationGraph:
        """Return the graph of one step.

        Inputs: data (:meth:`step_inputs`), parameters and their other orders
        (:meth:`beforehand`), which are frozen but for the adapters'
        ``<layer>.lora.A`` and ``.B``, and the optimiser's state. The first output is the loss,
        the mean square of the noise's error, or in inference the noise. ``x.gradient`` is the
        gradient of a trained parameter x, which ``x.updated`` overwrites.
        """
        return UNet(self, self.update_rule).graph()

    def beforehand(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Return what is made of frozen parameters before the first step: their other orders.

        The graph's inputs are these, too, where the workload holds orders.
        """
        unet = UNet(self, self.update_rule)
        unet.graph()
        return {
            operation.output.name: operation.evaluate(values[operation.inputs[0].name])[0]
            for operation in unet.step.builder.beforehand
        }

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Every frozen or trained tensor by name."""
        return UNet(self, self.update_rule).step.parameters

    @property
    def lora_parameters(self) -> int:
        """Numbers held by all adapters."""
        return sum(p.tensor.elements for p in self.parameters.values() if p.trained)

    @property
    def unet_parameters(self) -> int:
        """Numbers held by the U-Net itself, without adapters."""
        return self.parameter_count - self.lora_parameters

    @property
    def update_rule(self) -> Optimizer | None:
        """The optimiser; None in inference."""
        if not self.trains:
            return None
        rates = self.learning_rate, self.adam_beta1, self.adam_beta2, self.adam_epsilon
        return named_optimizer(self.optimizer, *rates)

    def step_inputs(
        self, *, time_steps: ArrayLike, step: int = 1, **data: ArrayLike
    ) -> dict[str, Array]:
        """Return all data of step 1, 2, … from ``latents``, ``context``, ``target``, ``added``.

        Maps are (images, rows, columns, channels); ``time_steps`` are one number per image.

        Raises:
            ValueError: for data that the step does not read, or too few.
        """
        shapes = data_shapes(self)
        given = {name: np.asarray(array) for name, array in data.items()}
        given["time"] = self._sinusoids(np.asarray(time_steps, dtype=np.float64))
        if stray := [name for name in given if name not in shapes]:
            raise ValueError(f"{stray[0]}: the step reads no such data but {', '.join(shapes)}")
        if missing := [name for name in shapes if name not in given]:
            raise ValueError(f"{missing[0]}: the step reads it, and it is not given")
        made = {name: given[name].reshape(shape) for name, shape in shapes.items()}
        rule = self.update_rule
        scalars = rule.scalars(step) if rule else {}
        return made | {name: np.asarray(value) for name, value in scalars.items()}

    def _sinusoids(self, steps: Array) -> Array:
        """Return cosines, then sines of each step t: of ``t 10000^(-n / half)``, n < half."""
        half = self.channels[0] // 2
        angles = steps.reshape(-1, 1) * LONGEST_PERIOD ** (-np.arange(half) / half)
        return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)

    def random_batch(self, rng: np.random.Generator, *, step: int = 1) -> dict[str, Array]:
        """Return data drawn at random."""
        drawn = {
            name: rng.standard_normal(shape)
            for name, shape in data_shapes(self).items()
            if name != "time"
        }
        return self.step_inputs(time_steps=rng.integers(1000, size=self.batch), step=step, **drawn)

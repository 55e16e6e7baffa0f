"""Calibration as operations: covariances, what is made of them, and the way to the next block.

All calibration tokens go through a block in chunks, as many at once as memory holds; then its
heads and channels are compressed, and the chunks go through what came out. Importances are
given: to measure them is one pass through the whole model, a prefill.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from archsim import formats
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Array
from archsim.ir.workload import WORKLOADS
from workloads.pca_llm.calibration_graph import CalibrationGraph
from workloads.pca_llm.fields import LanguageModelFields
from workloads.transformer.checks import check_known, check_number_format, check_within
from workloads.transformer.rotary import rotations


@WORKLOADS.register("pca_llm_calibration")
@dataclass(frozen=True, kw_only=True)
class Calibration(LanguageModelFields):
    """FLAT-LLM's compression of a language model's blocks, on ``chunks`` of calibration data.

    Each chunk is ``batch`` sequences of ``sequence`` tokens. ``rank_multiple``, ``ratio`` and
    ``importance`` are those of the workload ``pca_llm``; embedding and head have no part in it.

    Source: Tian et al., FLAT-LLM (arXiv 2505.23966), algorithm 1.
    """

    VARIANTS: ClassVar[tuple[str, ...]] = ("flat",)

    variant: str = "flat"  # type: ignore[assignment]
    """``flat``: no other method is calibrated."""
    ratio: float = 0.8
    """Share of the parameters of all blocks' matrices that is kept."""
    chunks: int = 1
    """Times that a block is gone through, before its compression and after it."""
    covariance_format: str = "fp64"
    """Of covariances, and of all that is made of them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_known("variant", self.variant, self.VARIANTS)
        check_within("chunks", self.chunks, 1, 1 << 20)
        check_number_format(self.covariance_format, "covariance_format")
        if self.step != "prefill":
            raise ValueError(f"step: calibration reads whole sequences, got {self.step!r}")
        if self.weight_format:
            raise ValueError("weight_format: calibration works on the model as it was trained")

    def lower(self) -> OperationGraph:
        """Return the graph of all blocks' compression.

        Inputs: states ``X0``, ``X1``, … of each chunk, the blocks' parameters, ``positions`` and
        ``rotation``, ``diagonal`` (places of a covariance's diagonal). What is compressed is
        called as the parameter, with ``.compressed`` after it.
        """
        wide = formats.parse(self.covariance_format)
        return CalibrationGraph(self, self.chunks, wide).graph()

    def step_inputs(self, states: ArrayLike) -> dict[str, Array]:
        """Return all data from states, (chunks x batch, sequence, hidden)."""
        places, wide = np.arange(self.sequence), self.feed_width
        rows = np.asarray(states).reshape(self.chunks, -1, self.hidden)
        return {
            **{f"X{number}": chunk for number, chunk in enumerate(rows)},
            "positions": places,
            "rotation": rotations(places, self.head_size, self.rotary_base),
            "diagonal": np.arange(wide) * (wide + 1),
            "channels": np.arange(wide),
        }

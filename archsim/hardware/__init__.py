"""On what it runs: frozen component specs with closed forms, and architectures of them."""

from archsim.hardware.architecture import Architecture, Route
from archsim.hardware.component import (
    COMPONENTS,
    ChannelSpec,
    ComponentSpec,
    ComputeSpec,
    MemorySpec,
    Transfer,
)
from archsim.hardware.contraction_engine_array import ContractionEngineArraySpec
from archsim.hardware.dram import DramSpec, DramTiming
from archsim.hardware.link import LinkSpec
from archsim.hardware.matrix_product import GemmAccesses
from archsim.hardware.memory import BramSpec, SramSpec, UramSpec
from archsim.hardware.pipelined_kernel import PipelinedKernelSpec
from archsim.hardware.processing_array import ProcessingArraySpec
from archsim.hardware.spatial_factorisation import Factorisation
from archsim.hardware.vector_unit import VectorUnitSpec

__all__ = [
    "COMPONENTS",
    "Architecture",
    "BramSpec",
    "ChannelSpec",
    "ComponentSpec",
    "ComputeSpec",
    "ContractionEngineArraySpec",
    "DramSpec",
    "DramTiming",
    "Factorisation",
    "GemmAccesses",
    "LinkSpec",
    "MemorySpec",
    "PipelinedKernelSpec",
    "ProcessingArraySpec",
    "Route",
    "SramSpec",
    "Transfer",
    "UramSpec",
    "VectorUnitSpec",
]

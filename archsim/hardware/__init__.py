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
from archsim.hardware.dram import DramSpec, DramTiming
from archsim.hardware.link import LinkSpec
from archsim.hardware.memory import BramSpec, SramSpec, UramSpec
from archsim.hardware.pipelined_kernel import PipelinedKernelSpec
from archsim.hardware.processing_array import GemmAccesses, ProcessingArraySpec
from archsim.hardware.simt_processor import Kernel, SimtProcessorSpec, ThreadBlock
from archsim.hardware.vector_unit import VectorUnitSpec

__all__ = [
    "COMPONENTS",
    "Architecture",
    "BramSpec",
    "ChannelSpec",
    "ComponentSpec",
    "ComputeSpec",
    "DramSpec",
    "DramTiming",
    "GemmAccesses",
    "Kernel",
    "LinkSpec",
    "MemorySpec",
    "PipelinedKernelSpec",
    "ProcessingArraySpec",
    "Route",
    "SimtProcessorSpec",
    "SramSpec",
    "ThreadBlock",
    "Transfer",
    "UramSpec",
    "VectorUnitSpec",
]

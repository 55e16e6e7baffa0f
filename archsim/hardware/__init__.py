"""On what it runs: frozen component specs with closed forms, and architectures of them."""

from archsim.hardware.architecture import Architecture, Route
from archsim.hardware.banking import Banking
from archsim.hardware.benes import BenesSpec
from archsim.hardware.butterfly import ButterflySpec, ReductionButterflySpec
from archsim.hardware.component import (
    COMPONENTS,
    ChannelSpec,
    ComponentSpec,
    ComputeSpec,
    MemorySpec,
    Transfer,
)
from archsim.hardware.contraction_engine_array import ContractionEngineArraySpec
from archsim.hardware.crossbar import CrossbarSpec
from archsim.hardware.dram import DramSpec
from archsim.hardware.dram_timing import DramTiming
from archsim.hardware.link import LinkSpec
from archsim.hardware.matrix_product import GemmAccesses
from archsim.hardware.memory import BramSpec, SramSpec, UramSpec
from archsim.hardware.network import NetworkSpec, SwitchedNetworkSpec
from archsim.hardware.packet_router import PacketButterflySpec, PacketRouterSpec
from archsim.hardware.pipelined_kernel import PipelinedKernelSpec
from archsim.hardware.processing_array import ProcessingArraySpec
from archsim.hardware.routing import Pass, Passes, Request, Routing, multicast, unicast
from archsim.hardware.simt_processor import Kernel, SimtProcessorSpec, ThreadBlock
from archsim.hardware.spatial_factorisation import Factorisation
from archsim.hardware.topk_unit import TopKUnitSpec
from archsim.hardware.tree import DistributionTreeSpec, ReductionTreeSpec
from archsim.hardware.vector_unit import VectorUnitSpec

__all__ = [
    "COMPONENTS",
    "Architecture",
    "Banking",
    "BenesSpec",
    "BramSpec",
    "ButterflySpec",
    "ChannelSpec",
    "ComponentSpec",
    "ComputeSpec",
    "ContractionEngineArraySpec",
    "CrossbarSpec",
    "DistributionTreeSpec",
    "DramSpec",
    "DramTiming",
    "Factorisation",
    "GemmAccesses",
    "Kernel",
    "LinkSpec",
    "MemorySpec",
    "NetworkSpec",
    "PacketButterflySpec",
    "PacketRouterSpec",
    "Pass",
    "Passes",
    "PipelinedKernelSpec",
    "ProcessingArraySpec",
    "ReductionButterflySpec",
    "ReductionTreeSpec",
    "Request",
    "Route",
    "Routing",
    "SimtProcessorSpec",
    "SramSpec",
    "SwitchedNetworkSpec",
    "ThreadBlock",
    "TopKUnitSpec",
    "Transfer",
    "UramSpec",
    "VectorUnitSpec",
    "multicast",
    "unicast",
]

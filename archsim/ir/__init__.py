"""What is computed: tensors, operations, graphs, and their numpy interpreter."""

from archsim.ir.arrange import Arrange
from archsim.ir.builder import GraphBuilder
from archsim.ir.choice import Choice
from archsim.ir.convolution import Convolution
from archsim.ir.eigen import SymmetricEigen
from archsim.ir.execute import execute
from archsim.ir.factor import LeadingEigenvectors, SymmetricInverse
from archsim.ir.fused import Fused
from archsim.ir.graph import OperationGraph
from archsim.ir.indexed import Contraction, Elementwise, Permute, Reduction
from archsim.ir.kernel_gradient import KernelGradient
from archsim.ir.lookup import Gather, ScatterAdd
from archsim.ir.operation import Operation, Phase
from archsim.ir.pieces import Concatenate, Slice
from archsim.ir.pooling import MaxPool, MaxPoolGradient, Pool
from archsim.ir.quantizer import Quantizer
from archsim.ir.tensor import Role, TensorSpec
from archsim.ir.tile import Access, Layout, Tile
from archsim.ir.top_k import TopIndices, TopK
from archsim.ir.window import Window
from archsim.ir.workload import WORKLOADS, Workload

__all__ = [
    "WORKLOADS",
    "Access",
    "Arrange",
    "Choice",
    "Concatenate",
    "Contraction",
    "Convolution",
    "Elementwise",
    "Fused",
    "Gather",
    "GraphBuilder",
    "KernelGradient",
    "Layout",
    "LeadingEigenvectors",
    "MaxPool",
    "MaxPoolGradient",
    "Operation",
    "OperationGraph",
    "Permute",
    "Phase",
    "Pool",
    "Quantizer",
    "Reduction",
    "Role",
    "ScatterAdd",
    "Slice",
    "SymmetricEigen",
    "SymmetricInverse",
    "TensorSpec",
    "Tile",
    "TopIndices",
    "TopK",
    "Window",
    "Workload",
    "execute",
]

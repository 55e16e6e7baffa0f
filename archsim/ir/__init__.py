"""What is computed: tensors, operations, graphs, and their numpy interpreter."""

from archsim.ir.builder import GraphBuilder
from archsim.ir.choice import Choice
from archsim.ir.execute import execute
from archsim.ir.graph import OperationGraph
from archsim.ir.indexed import Contraction, Elementwise, Permute, Reduction
from archsim.ir.lookup import Gather, ScatterAdd
from archsim.ir.operation import Operation, Phase
from archsim.ir.tensor import Role, TensorSpec
from archsim.ir.tile import Access, Layout, Tile
from archsim.ir.workload import WORKLOADS, Workload

__all__ = [
    "WORKLOADS",
    "Access",
    "Choice",
    "Contraction",
    "Elementwise",
    "Gather",
    "GraphBuilder",
    "Layout",
    "Operation",
    "OperationGraph",
    "Permute",
    "Phase",
    "Reduction",
    "Role",
    "ScatterAdd",
    "TensorSpec",
    "Tile",
    "Workload",
    "execute",
]

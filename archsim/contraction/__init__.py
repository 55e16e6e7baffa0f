"""In which order tensor networks are contracted, and what each order costs."""

from archsim.contraction.layers import CoreNetwork, tensor_train, tensor_train_matrix
from archsim.contraction.lowering import NetworkLowering, Part, lower_tree
from archsim.contraction.network import TensorNetwork, open_indices
from archsim.contraction.orders import FIXED_ORDERS, FixedOrder, fixed_order, halves
from archsim.contraction.training import ReverseFlow, TrainingFlow, TwoSidedFlow, training_flow
from archsim.contraction.tree import ContractionTree, Step

__all__ = [
    "FIXED_ORDERS",
    "ContractionTree",
    "CoreNetwork",
    "FixedOrder",
    "NetworkLowering",
    "Part",
    "ReverseFlow",
    "Step",
    "TensorNetwork",
    "TrainingFlow",
    "TwoSidedFlow",
    "fixed_order",
    "halves",
    "lower_tree",
    "open_indices",
    "tensor_train",
    "tensor_train_matrix",
    "training_flow",
]

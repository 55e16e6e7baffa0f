"""In which order tensor networks are contracted, and what each order costs."""

from archsim.contraction.decomposition import (
    Decomposition,
    decompose_tensor_train,
    decompose_tensor_train_matrix,
    decompose_tucker,
    hosvd,
    tt_svd,
)
from archsim.contraction.exact_search import TrainingSearch, search, search_many, search_training
from archsim.contraction.factorisation import factorise
from archsim.contraction.greedy_search import greedy
from archsim.contraction.layers import (
    CoreNetwork,
    block_term,
    cp,
    hierarchical_tucker,
    hierarchical_tucker_matrix,
    tensor_ring,
    tensor_train,
    tensor_train_matrix,
    tucker,
)
from archsim.contraction.lowering import NetworkLowering, Part, lower_tree
from archsim.contraction.network import TensorNetwork, open_indices
from archsim.contraction.objective import CandidateSteps, Objective
from archsim.contraction.orders import (
    FIXED_ORDERS,
    ORDERS,
    SEARCHED_ORDERS,
    FixedOrder,
    SearchedOrder,
    fixed_order,
    halves,
)
from archsim.contraction.training import (
    IndependentFlow,
    ReverseFlow,
    TrainingFlow,
    TwoSidedFlow,
    training_flow,
)
from archsim.contraction.tree import ContractionTree, Step

__all__ = [
    "FIXED_ORDERS",
    "ORDERS",
    "SEARCHED_ORDERS",
    "CandidateSteps",
    "ContractionTree",
    "CoreNetwork",
    "Decomposition",
    "FixedOrder",
    "IndependentFlow",
    "NetworkLowering",
    "Objective",
    "Part",
    "ReverseFlow",
    "SearchedOrder",
    "Step",
    "TensorNetwork",
    "TrainingFlow",
    "TrainingSearch",
    "TwoSidedFlow",
    "block_term",
    "cp",
    "decompose_tensor_train",
    "decompose_tensor_train_matrix",
    "decompose_tucker",
    "factorise",
    "fixed_order",
    "greedy",
    "halves",
    "hierarchical_tucker",
    "hierarchical_tucker_matrix",
    "hosvd",
    "lower_tree",
    "open_indices",
    "search",
    "search_many",
    "search_training",
    "tensor_ring",
    "tensor_train",
    "tensor_train_matrix",
    "training_flow",
    "tt_svd",
    "tucker",
]

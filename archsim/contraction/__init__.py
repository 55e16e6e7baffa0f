"""In which order tensor networks are contracted, and what each order costs."""

from archsim.contraction.compare import OrderComparison, compare_orders
from archsim.contraction.decomposition import (
    Decomposition,
    decompose_tensor_train,
    decompose_tensor_train_matrix,
    decompose_tucker,
    hosvd,
    tt_svd,
)
from archsim.contraction.exact_search import (
    TrainingSearch,
    gradient_network,
    search,
    search_many,
    search_training,
)
from archsim.contraction.factorisation import factorise
from archsim.contraction.greedy_search import greedy
from archsim.contraction.k_best import k_best
from archsim.contraction.layer_search import (
    HARDWARE_ORDERS,
    HardwareAware,
    HardwareOrder,
    LayerPlan,
    LayerSearch,
    OrderTimes,
)
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
from archsim.contraction.pareto import ParetoTree, cheapest_product, pareto_search
from archsim.contraction.simulated_search import SimulatedSearch, search_simulated
from archsim.contraction.study import ContractionStudy
from archsim.contraction.training import (
    IndependentFlow,
    ReverseFlow,
    TrainingFlow,
    TwoSidedFlow,
    needs_outer_products_somewhere,
    plan_flow,
    training_flow,
    training_macs,
    training_step,
)
from archsim.contraction.tree import ContractionTree, Step

__all__ = [
    "FIXED_ORDERS",
    "HARDWARE_ORDERS",
    "ORDERS",
    "SEARCHED_ORDERS",
    "CandidateSteps",
    "ContractionStudy",
    "ContractionTree",
    "CoreNetwork",
    "Decomposition",
    "FixedOrder",
    "HardwareAware",
    "HardwareOrder",
    "IndependentFlow",
    "LayerPlan",
    "LayerSearch",
    "NetworkLowering",
    "Objective",
    "OrderComparison",
    "OrderTimes",
    "ParetoTree",
    "Part",
    "ReverseFlow",
    "SearchedOrder",
    "SimulatedSearch",
    "Step",
    "TensorNetwork",
    "TrainingFlow",
    "TrainingSearch",
    "TwoSidedFlow",
    "block_term",
    "cheapest_product",
    "compare_orders",
    "cp",
    "decompose_tensor_train",
    "decompose_tensor_train_matrix",
    "decompose_tucker",
    "factorise",
    "fixed_order",
    "gradient_network",
    "greedy",
    "halves",
    "hierarchical_tucker",
    "hierarchical_tucker_matrix",
    "hosvd",
    "k_best",
    "lower_tree",
    "needs_outer_products_somewhere",
    "open_indices",
    "pareto_search",
    "plan_flow",
    "search",
    "search_many",
    "search_simulated",
    "search_training",
    "tensor_ring",
    "tensor_train",
    "tensor_train_matrix",
    "training_flow",
    "training_macs",
    "training_step",
    "tt_svd",
    "tucker",
]

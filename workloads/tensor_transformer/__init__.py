"""A transformer for intents and slots, trained with tensor-train weights: one step as a graph."""

from workloads.tensor_transformer.model import TensorTransformer

__all__ = ["TensorTransformer"]

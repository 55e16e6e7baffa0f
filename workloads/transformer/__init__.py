"""Transformers of real size: the layers that they are made of, and one workload for all."""

from workloads.transformer.workload import Transformer

__all__ = ["Transformer"]

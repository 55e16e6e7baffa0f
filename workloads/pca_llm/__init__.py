"""Large language models compressed by principal components: FLAT-LLM, and what it runs against."""

from workloads.pca_llm.calibration import Calibration
from workloads.pca_llm.channels import select_channels
from workloads.pca_llm.head_pca import head_pca
from workloads.pca_llm.importance import allocate_ranks
from workloads.pca_llm.workload import LanguageModel

__all__ = ["Calibration", "LanguageModel", "allocate_ranks", "head_pca", "select_channels"]

"""Fine-tuning of diffusion models with low-rank adapters, in floats or in whole numbers."""

from workloads.lora_diffusion.lora_linear import LoraLinear
from workloads.lora_diffusion.lora_step import lora_step
from workloads.lora_diffusion.workload import LoraDiffusion

__all__ = ["LoraDiffusion", "LoraLinear", "lora_step"]

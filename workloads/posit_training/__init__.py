"""Training in posits: a study in numpy on real digits, and a network of real size as a workload.

Source: Lu, Lu, Liu, Fang, Lin, Wang, "Training Deep Neural Networks Using Posit Number System"
(SOCC 2019); Lu, Fang, Xu, Lin, Wang, "Evaluations on Deep Neural Networks Training Using Posit
Number System" (IEEE TC 70(2), 2021).
"""

from workloads.posit_training.study import study
from workloads.posit_training.workload import PositTraining

__all__ = ["PositTraining", "study"]

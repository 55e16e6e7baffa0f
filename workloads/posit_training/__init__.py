"""Training in posits, emulated in numpy: warm-up, layer-wise scaling, formats by tensor role.

Source: Lu, Lu, Liu, Fang, Lin, Wang, "Training Deep Neural Networks Using Posit Number System"
(SOCC 2019); Lu, Fang, Xu, Lin, Wang, "Evaluations on Deep Neural Networks Training Using Posit
Number System" (IEEE TC 70(2), 2021).
"""

from workloads.posit_training.study import study

__all__ = ["study"]

"""Equal inputs give equal results, in every process."""

import os
import subprocess
import sys
from pathlib import Path

EXPERIMENT = Path(__file__).parents[1] / "configs" / "experiments" / "u50_atis_2enc.yaml"
CODE = """
import sys, archsim
result = archsim.run(sys.argv[1], overrides={"workload.encoders": 1})
print(result.ticks, result.energy_j, sum(record.waited for record in result.trace.operations))
"""


def test_the_order_in_which_python_hashes_names_decides_nothing():
    told = {
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", CODE, str(EXPERIMENT)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(told) == 1

"""A sweep of small matrix products, in which every point takes milliseconds."""

import pytest

from tests.conftest import EXPERIMENTS

GEMM = EXPERIMENTS / "array_gemm.yaml"
SMALL = f"""
name: small
experiment: {GEMM}
changes: {{workload.k: 8}}
axes:
  m: {{path: workload.m, values: [8, 16, 40]}}
  rows: {{path: architecture.components.array.rows, range: {{from: 8, to: 16, step: 8}}}}
  sram: {{path: architecture.components.sram.capacity, values: [64 B, 1 MiB]}}
  power: {{path: energy.static_power, values: [0.1 W, 0.5 W, 2 W]}}
"""


@pytest.fixture
def written(tmp_path):
    """Write a sweep's file, with some text of it replaced."""

    def write(old="", new="", text=SMALL):
        assert old in text
        file = tmp_path / "small.yaml"
        file.write_text(text.replace(old, new) if old else text)
        return file

    return write

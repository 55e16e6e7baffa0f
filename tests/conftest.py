"""What many tests start from."""

from pathlib import Path

import pytest

import archsim

EXPERIMENTS = Path(__file__).parents[1] / "configs" / "experiments"


@pytest.fixture(scope="session")
def atis_graph():
    """The operation graph of the two-encoder ATIS model's training step."""
    return archsim.lower(EXPERIMENTS / "u50_atis_2enc.yaml")


@pytest.fixture(scope="session")
def atis_result():
    """The simulated training step of the two-encoder ATIS model on the U50."""
    return archsim.run(EXPERIMENTS / "u50_atis_2enc.yaml")

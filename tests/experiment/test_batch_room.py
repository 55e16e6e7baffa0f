"""What does not fit a machine says what would: the largest batch."""

import pytest

import archsim
from archsim.errors import CapacityError
from archsim.experiment.batch_room import batch_advice, largest_batch
from archsim.hardware import BramSpec
from archsim.registry import load_plugins
from tests.conftest import EXPERIMENTS
from tests.schedule.test_memory_plan import one_memory
from workloads.gemm import Gemm
from workloads.pca_llm import LanguageModel

load_plugins()
SMALL = {"m": 32, "n": 32, "k": 32}


def test_the_largest_batch_fits_and_one_more_does_not():
    architecture = one_memory(BramSpec(blocks=1000))

    found = largest_batch(Gemm(batch=10_000, **SMALL), architecture, below=10_000)

    assert found > 1
    assert largest_batch(Gemm(batch=found + 1, **SMALL), architecture, below=found + 1) == found
    assert batch_advice(Gemm(batch=10_000, **SMALL), architecture, grouping=True) == (
        f". The largest batch that would fit is {found:,}, of 10,000 (workload.batch)"
    )


def test_where_not_even_one_fits_it_is_said():
    architecture = one_memory(BramSpec(blocks=2))

    advice = batch_advice(Gemm(batch=2, m=512, n=512, k=512), architecture, grouping=True)

    assert advice == ". Not even a batch of 1 would fit"


def test_a_prompt_that_does_not_fit_says_what_takes_how_much_and_the_largest_batch():
    with pytest.raises(CapacityError) as refused:
        archsim.run(
            EXPERIMENTS / "a100_llama2_7b_flat.yaml",
            overrides={"workload.sequence": 1024, "workload.layers": 16},
        )

    message = str(refused.value)
    model = LanguageModel(variant="flat", ratio=0.8, batch=128, sequence=1024, layers=16)
    blocks = sum(model.block_parameters) + 2 * model.vocabulary * model.hidden
    assert f"weights {2 * blocks / 1e9:.1f} GB" in message
    assert f"cached keys and values {model.cache_bytes / 1e9:.1f} GB" in message
    assert "activations" in message
    assert "these memories 40.0 GB, " in message
    assert " GB too few" in message
    assert "The largest batch that would fit is " in message

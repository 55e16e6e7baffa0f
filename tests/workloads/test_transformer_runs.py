"""The shipped experiments on transformers, at sizes that the event engine lives in no time."""

import pytest

import archsim
from tests.test_configs import CONFIGS

SMALL = {
    "workload.layers": 1,
    "workload.hidden": 64,
    "workload.heads": 4,
    "workload.feed_width": 96,
}
CORES = {"workload.modes": [[4, 4, 4], [6, 4, 4]], "workload.rank": 4}
IMAGE = {"workload.image": 32, "workload.sequence": 5, "workload.max_positions": 5}
WORDS = {"workload.sequence": 16, "workload.vocabulary": 100}


@pytest.mark.parametrize(
    ("name", "changes", "macs"),
    [
        # Four linears of 64 x 64, two of 64 x 96, attention 2 x 16 x 64, 16 rows; the pooler.
        ("array_bert_base", WORDS, 16 * (4 * 64**2 + 2 * 64 * 96 + 2 * 16 * 64) + 64**2),
        # As above with a gate and logits of 100 words.
        (
            "array_llama2_7b_prefill",
            {**WORDS, "workload.kv_heads": 0},
            16 * (4 * 64**2 + 3 * 64 * 96 + 2 * 16 * 64 + 64 * 100),
        ),
        ("array_vit_b16_tt", {**IMAGE, **CORES}, None),
        ("array_llama_block_tt", {"workload.sequence": 16, "workload.kv_heads": 2, **CORES}, None),
    ],
)
def test_a_small_one_runs(name, changes, macs):
    if name == "array_llama_block_tt":  # its two shared heads have 32 features
        changes = {**changes, "workload.modes": [*CORES["workload.modes"], [4, 4, 2]]}

    result = archsim.run(CONFIGS / "experiments" / f"{name}.yaml", overrides={**SMALL, **changes})

    assert result.ticks > 0
    assert result.energy_j > 0
    assert macs in (None, result.macs)

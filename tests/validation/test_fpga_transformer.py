"""The paper's system on the paper's device: what its sheet of numbers says, end to end.

Source: Tian et al., "Ultra memory-efficient on-FPGA training of transformers via
tensor-compressed optimization", arXiv 2501.06663.
"""

from pathlib import Path

import pytest

import archsim
from archsim.report import summary

EXPERIMENTS = Path(__file__).parents[2] / "configs" / "experiments"


@pytest.fixture(scope="module")
def results():
    return {n: archsim.run(EXPERIMENTS / f"u50_atis_{n}enc.yaml") for n in (2, 4, 6)}


@pytest.mark.parametrize("encoders", [2, 4, 6])
def test_the_tensorised_model_trains_in_bram_and_uram_alone(results, encoders):
    result = results[encoders]

    assert result.dram_bytes == 0
    assert result.memories["bram"].blocks <= result.memories["bram"].capacity_blocks == 1344
    assert result.memories["uram"].blocks <= result.memories["uram"].capacity_blocks == 640


@pytest.mark.parametrize("encoders", [2, 4, 6])
def test_the_report_says_how_much_room_is_left(results, encoders):
    text = summary(results[encoders])

    for memory in results[encoders].memories.values():
        assert f"{memory.free_blocks:,.0f} {memory.block_name}" in text


@pytest.mark.parametrize(("encoders", "epoch_s"), [(2, 191), (4, 335), (6, 482)])
def test_the_epoch_stands_beside_the_recalled_one(results, encoders, epoch_s):
    compared = {c.published.metric: c for c in results[encoders].published_pairs}["epoch_latency_s"]

    assert compared.published.value == epoch_s
    assert compared.published.status == "recalled"
    assert compared.simulated == pytest.approx(4978 * results[encoders].latency_s)
    assert "recalled" in summary(results[encoders])


def test_an_encoder_costs_its_multiplies(results):
    """23,442,432 multiplies an encoder; on two kernels of 12 at 100 MHz at least 9.77 ms."""
    macs = (results[6].macs - results[2].macs) / 4
    seconds = (results[6].latency_s - results[2].latency_s) / 4

    assert macs == 23_442_432
    assert seconds >= 23_442_432 / 24 / 100e6


def test_bi_directional_contraction_is_faster_than_right_to_left(results):
    right_to_left = archsim.run(EXPERIMENTS / "u50_atis_2enc_tt.yaml")

    assert right_to_left.latency_s > results[2].latency_s
    assert right_to_left.macs > results[2].macs


def test_the_dense_model_is_as_large_as_the_paper_says():
    dense = {
        encoders: archsim.lower(
            EXPERIMENTS / "u50_atis_2enc_dense_dram.yaml",
            overrides={"workload.encoders": encoders},
        )
        for encoders in (2, 6)
    }
    megabytes = {
        encoders: sum(graph.tensors[name].size_bytes for name in graph.inputs) / 1e6
        for encoders, graph in dense.items()
    }

    assert round(megabytes[2], 1) == 36.7  # data inputs are 16 kB of it
    assert round(megabytes[6], 1) == 93.5

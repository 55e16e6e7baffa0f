"""Acoustic models: as many multiplies as their layers say, and what their convolutions compute."""

import numpy as np
import pytest

from archsim import formats
from archsim.ir import GraphBuilder, Role, execute
from workloads.ctc_decoding import CtcDecoding
from workloads.ctc_decoding.acoustic import Sizes, acoustic_model

FP32 = formats.parse("fp32")


def network(kind, **sizes):
    builder = GraphBuilder(kind, {}, FP32)
    acoustic_model(builder, kind, Sizes(**sizes), FP32)
    return builder.graph()


def test_speech_multiplies_as_often_as_its_layers_say():
    """Ten seconds: 1,000 spectrogram rows of 161 frequencies, five GRUs of 800 units each way."""
    graph = network(
        "speech", frames=500, symbols=29, features=161, channels=32, layers=5, hidden=800
    )
    front = 500 * 82 * (11 * 41) * 32 + 500 * 41 * (11 * 11 * 64) * 32
    first = 500 * 2 * 2400 * (41 * 32 + 800)
    later = 500 * 2 * 2400 * (1600 + 800)

    assert graph.macs == front + first + 4 * later + 500 * 1600 * 29


def test_scene_text_multiplies_as_often_as_its_layers_say():
    """An image of 32 x 100: seven convolutions, two LSTMs of 256 units each way."""
    graph = network(
        "scene_text", frames=24, symbols=37, features=32, channels=64, layers=2, hidden=256
    )
    pixels = [(32 * 100, 1, 64), (16 * 50, 64, 128), (8 * 25, 128, 256), (8 * 25, 256, 256)]
    pixels += [(4 * 25, 256, 512), (4 * 25, 512, 512)]
    convolutions = sum(count * 9 * taken * made for count, taken, made in pixels)
    convolutions += 24 * 4 * 512 * 512
    lstms = 24 * 2 * 1024 * (512 + 256) + 24 * 512 * 256 + 24 * 2 * 1024 * (256 + 256)

    assert graph.macs == convolutions + lstms + 24 * 512 * 37


def test_parameters_are_those_of_the_published_network():
    """CRNN's 8,331,301 parameters, less what normalisation and second biases add.

    Normalisations of 256, 512 and 512 channels have two numbers each, recurrent layers a second
    bias, and the two linear layers one.
    """
    graph = network(
        "scene_text", frames=24, symbols=37, features=32, channels=64, layers=2, hidden=256
    )
    held = sum(
        graph.tensors[name].elements
        for name in graph.inputs
        if graph.tensors[name].role is Role.PARAMETER
    )

    assert held == 8_331_301 - 2 * (256 + 512 + 512) - 2 * 2 * 1024 - 256 - 37


@pytest.mark.parametrize("features", [9, 12])
def test_the_second_convolution_takes_every_other_frequency(features):
    """A view with pairs of frequencies as channels is a kernel of 22 frequencies in steps of 2."""
    sizes = {"frames": 4, "symbols": 3, "features": features, "channels": 2, "layers": 1}
    graph = network("speech", hidden=2, **sizes)
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=graph.tensors[name].shape) for name in graph.inputs}

    made = execute(graph, values)

    first = made["conv0"].reshape(4, -1, 2)
    kernel = values["conv1.weight"].reshape(11, 22, 2, 2)
    padded = np.zeros((4 + 10, first.shape[1] + 20, 2))
    padded[5:9, 10 : 10 + first.shape[1]] = first
    for frame in range(4):
        for band in range(first.shape[1] // 2):
            seen = padded[frame : frame + 11, 2 * band : 2 * band + 22]
            wanted = np.clip(np.einsum("ijc,ijco->o", seen, kernel) + values["conv1.bias"], 0, 20)
            np.testing.assert_allclose(made["conv1"][0, frame, band], wanted, rtol=1e-12)


@pytest.mark.parametrize(
    "fields",
    [
        {"acoustic": "speech", "frames": 6, "hidden": 4},
        {"acoustic": "scene_text", "features": 32, "frames": 6, "hidden": 4, "layers": 2},
    ],
)
def test_a_network_is_fitted_to_say_the_log_probabilities(fields):
    workload = CtcDecoding(**fields)

    made = execute(workload.lower(), workload.inputs())

    np.testing.assert_allclose(np.exp(made["log_probs"]).sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(made["log_probs"], workload.spoken, atol=1e-9)

"""Small U-Nets with adapters against diffusers' model and peft's adapters, in float64.

Layers have the names of the published checkpoints, so that weights go over by name.
"""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from archsim import execute
from tests.workloads.diffusion_cases import UNETS, adapted, drawn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of libraries among themselves
    torch = pytest.importorskip("torch")
    diffusers = pytest.importorskip("diffusers")
    peft = pytest.importorskip("peft")
pytestmark = [pytest.mark.reference, pytest.mark.filterwarnings("ignore")]
CASES = ("sd15_like", "sd2_like", "sdxl_like", "everywhere")


def published(model):
    """The same U-Net as diffusers describes it."""
    levels = range(len(model.channels))
    down = ["CrossAttnDownBlock2D" if model.depths[n] else "DownBlock2D" for n in levels]
    up = ["CrossAttnUpBlock2D" if model.depths[n] else "UpBlock2D" for n in levels]
    depths = [max(1, depth) for depth in model.depths]
    return diffusers.UNet2DConditionModel(
        sample_size=model.side,
        in_channels=model.in_channels,
        out_channels=model.out_channels,
        down_block_types=down,
        up_block_types=up[::-1],
        block_out_channels=model.channels,
        layers_per_block=model.layers,
        cross_attention_dim=model.context_width,
        transformer_layers_per_block=depths,
        attention_head_dim=list(model.heads),  # heads, by a name that stuck
        use_linear_projection=model.linear_projection,
        norm_num_groups=model.groups,
        norm_eps=model.norm_epsilon,
    ).double()


def theirs(name, array):
    """A parameter's name and value in torch's layout."""
    stem, _, last = name.rpartition(".")
    if last in ("gamma", "beta"):
        return f"{stem}.{'weight' if last == 'gamma' else 'bias'}", array
    if last in ("A", "B"):
        stem = stem.removesuffix(".lora")
        return f"{stem}.lora_{last}.default.weight", array.T
    if array.ndim == 4:
        return name, array.transpose(3, 2, 0, 1)
    return name, array.T


@pytest.mark.parametrize("case", CASES)
def test_noise_loss_and_gradients_equal_diffusers_and_peft_s(case):
    model = UNETS[case]
    # What diffusers fixes: the time embedding's width, and the middle as deep as the last level.
    model = replace(
        model,
        added_width=0,
        time_width=4 * model.channels[0],
        middle_depth=max(1, model.depths[-1]),
    )
    rng = np.random.default_rng(5)
    initial, data = drawn(model, rng)
    steps = rng.integers(1000, size=model.batch)
    unet = published(model)
    made = model.step_inputs(
        time_steps=steps, **{n: data[n] for n in ("latents", "context", "target")}
    )
    data["time"] = unet.time_proj(torch.as_tensor(steps)).double().numpy()
    np.testing.assert_allclose(made["time"], data["time"], atol=2e-4)  # theirs is in float32
    unet.requires_grad_(False)
    unet.add_adapter(
        peft.LoraConfig(
            r=model.lora_rank, lora_alpha=model.lora_alpha, target_modules=list(model.lora_targets)
        )
    )
    unet.double()
    given = dict(theirs(name, initial[name]) for name in model.parameters)
    slots = {name.replace(".base_layer.", "."): leaf for name, leaf in unet.named_parameters()}
    assert {name: tuple(leaf.shape) for name, leaf in slots.items()} == {
        name: array.shape for name, array in given.items()
    }
    with torch.no_grad():
        for name, leaf in slots.items():
            leaf.copy_(torch.as_tensor(np.ascontiguousarray(given[name])))

    results = execute(model.lower(), initial | data)
    noise = unet(
        torch.as_tensor(data["latents"]).permute(0, 3, 1, 2),
        torch.as_tensor(steps),
        torch.as_tensor(data["context"]).reshape(model.batch, model.context_tokens, -1),
    ).sample
    target = torch.as_tensor(data["target"]).permute(0, 3, 1, 2)
    torch.nn.functional.mse_loss(noise, target).backward()

    expected = noise.detach().permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(results["conv_out.output"], expected, rtol=1e-9, atol=1e-10)
    for name in adapted(model):
        there, _ = theirs(name, initial[name])
        gradient = slots[there].grad.numpy().T
        scale = max(np.abs(gradient).max(), 1e-3)
        np.testing.assert_allclose(
            results[f"{name}.gradient"], gradient, rtol=0, atol=1e-9 * scale, err_msg=name
        )

"""Small U-Nets with adapters against torch: functional layers and autograd, in float64."""

import numpy as np
import pytest

from archsim import execute
from tests.workloads.diffusion_cases import UNETS, adapted, drawn

torch = pytest.importorskip("torch")
functional = pytest.importorskip("torch.nn.functional")
pytestmark = pytest.mark.reference


class TorchUNet:
    """The U-Net in torch's own layout, channels first, from parameters by name."""

    def __init__(self, model, values):
        self.model, self.values = model, values

    def has(self, name):
        return f"{name}.weight" in self.values

    def linear(self, x, name):
        v = self.values
        y = x @ v[f"{name}.weight"]
        if f"{name}.bias" in v:
            y = y + v[f"{name}.bias"]
        if f"{name}.lora.A" in v:
            scaling = self.model.lora_alpha / self.model.lora_rank
            y = y + scaling * (x @ v[f"{name}.lora.A"] @ v[f"{name}.lora.B"])
        return y

    def conv(self, x, name, stride=1):
        kernel = self.values[f"{name}.weight"].permute(3, 2, 0, 1)
        padding = kernel.shape[-1] // 2
        return functional.conv2d(x, kernel, self.values[f"{name}.bias"], stride, padding)

    def group_norm(self, x, name, epsilon):
        gamma, beta = self.values[f"{name}.gamma"], self.values[f"{name}.beta"]
        return functional.group_norm(x, self.model.groups, gamma, beta, epsilon)

    def layer_norm(self, x, name):
        gamma, beta = self.values[f"{name}.gamma"], self.values[f"{name}.beta"]
        return functional.layer_norm(x, gamma.shape, gamma, beta, 1e-5)

    def embedding(self, x, name):
        return self.linear(functional.silu(self.linear(x, f"{name}.linear_1")), f"{name}.linear_2")

    def residual(self, x, time, name):
        epsilon = self.model.norm_epsilon
        y = self.conv(
            functional.silu(self.group_norm(x, f"{name}.norm1", epsilon)), f"{name}.conv1"
        )
        y = y + self.linear(functional.silu(time), f"{name}.time_emb_proj")[:, :, None, None]
        y = self.conv(
            functional.silu(self.group_norm(y, f"{name}.norm2", epsilon)), f"{name}.conv2"
        )
        shortcut = f"{name}.conv_shortcut"
        return y + (self.conv(x, shortcut) if self.has(shortcut) else x)

    def attention(self, x, context, name, heads):
        def split(y):
            return y.unflatten(-1, (heads, -1)).transpose(1, 2)

        q = split(self.linear(x, f"{name}.to_q"))
        k, v = (split(self.linear(context, f"{name}.{part}")) for part in ("to_k", "to_v"))
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return self.linear(mixed.transpose(1, 2).flatten(2), f"{name}.to_out.0")

    def block(self, x, context, name, heads):
        y = self.layer_norm(x, f"{name}.norm1")
        x = x + self.attention(y, y, f"{name}.attn1", heads)
        y = self.layer_norm(x, f"{name}.norm2")
        x = x + self.attention(y, context, f"{name}.attn2", heads)
        y = self.linear(self.layer_norm(x, f"{name}.norm3"), f"{name}.ff.net.0.proj")
        value, gate = y.chunk(2, dim=-1)
        return x + self.linear(value * functional.gelu(gate), f"{name}.ff.net.2")

    def transformer(self, x, context, name, level):
        b, c, h, w = x.shape
        y = self.group_norm(x, f"{name}.norm", 1e-6)
        tokens = y.flatten(2).transpose(1, 2)
        if self.model.linear_projection:
            tokens = self.linear(tokens, f"{name}.proj_in")
        else:
            tokens = self.conv(y, f"{name}.proj_in").flatten(2).transpose(1, 2)
        depth = 0
        while f"{name}.transformer_blocks.{depth}.norm1.gamma" in self.values:
            block = f"{name}.transformer_blocks.{depth}"
            tokens = self.block(tokens, context, block, self.model.heads[level])
            depth += 1
        if self.model.linear_projection:
            tokens = self.linear(tokens, f"{name}.proj_out")
            return x + tokens.transpose(1, 2).reshape(b, c, h, w)
        return x + self.conv(tokens.transpose(1, 2).reshape(b, c, h, w), f"{name}.proj_out")

    def stage(self, x, time, context, place, number, level):
        x = self.residual(x, time, f"{place}.resnets.{number}")
        attention = f"{place}.attentions.{number}"
        if f"{attention}.norm.gamma" in self.values:
            x = self.transformer(x, context, attention, level)
        return x

    def noise(self, data):
        model, levels = self.model, len(self.model.channels)
        data = {name: torch.as_tensor(array) for name, array in data.items()}
        context = data["context"].reshape(model.batch, model.context_tokens, model.context_width)
        time = self.embedding(data["time"], "time_embedding")
        if model.added_width:
            time = time + self.embedding(data["added"], "add_embedding")
        x = self.conv(data["latents"].permute(0, 3, 1, 2), "conv_in")
        skips = [x]
        for level in range(levels):
            place = f"down_blocks.{level}"
            for number in range(model.layers):
                x = self.stage(x, time, context, place, number, level)
                skips.append(x)
            if level + 1 < levels:
                x = self.conv(x, f"{place}.downsamplers.0.conv", stride=2)
                skips.append(x)
        for number in range(2):
            x = self.stage(x, time, context, "mid_block", number, levels - 1)
        for up in range(levels):
            place = f"up_blocks.{up}"
            for number in range(model.layers + 1):
                x = torch.cat([x, skips.pop()], dim=1)
                x = self.stage(x, time, context, place, number, levels - 1 - up)
            if up + 1 < levels:
                x = functional.interpolate(x, scale_factor=2, mode="nearest")
                x = self.conv(x, f"{place}.upsamplers.0.conv")
        x = functional.silu(self.group_norm(x, "conv_norm_out", model.norm_epsilon))
        return self.conv(x, "conv_out").permute(0, 2, 3, 1)


def leaves(model, initial):
    trained = set(adapted(model))
    return {
        name: torch.tensor(array, dtype=torch.float64, requires_grad=name in trained)
        for name, array in initial.items()
        if name in model.parameters
    }


@pytest.mark.parametrize("name", UNETS)
def test_loss_gradients_and_updates_equal_torch_s(name):
    model = UNETS[name]
    initial, data = drawn(model, np.random.default_rng(1))
    values = leaves(model, initial)
    trained = {name: values[name] for name in adapted(model)}
    if model.optimizer == "adam":
        optimiser = torch.optim.Adam(trained.values(), lr=model.learning_rate, eps=1e-2)
    else:
        optimiser = torch.optim.SGD(trained.values(), lr=model.learning_rate)

    results = execute(model.lower(), initial | data)
    noise = TorchUNet(model, values).noise(data)
    loss = functional.mse_loss(noise, torch.as_tensor(data["target"]))
    loss.backward()
    optimiser.step()

    assert results["loss"] == pytest.approx(loss.item(), rel=1e-10)
    np.testing.assert_allclose(
        results["conv_out.output"], noise.detach().numpy(), rtol=1e-9, atol=1e-10
    )
    for parameter, leaf in trained.items():
        gradient = leaf.grad.numpy()
        scale = max(np.abs(gradient).max(), 1e-3)
        np.testing.assert_allclose(
            results[f"{parameter}.gradient"], gradient, rtol=0, atol=1e-9 * scale, err_msg=parameter
        )
        moved = leaf.detach().numpy()
        np.testing.assert_allclose(
            results[f"{parameter}.updated"], moved, rtol=1e-9, atol=1e-9, err_msg=parameter
        )

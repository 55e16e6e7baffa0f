"""Small U-Nets, each with something that the others lack."""

from dataclasses import replace

from workloads.lora_diffusion import LoraDiffusion

TOY = LoraDiffusion(
    batch=2,
    resolution=16,
    vae_factor=2,
    channels=(4, 8),
    layers=1,
    depths=(1, 0),
    heads=(2, 2),
    context_tokens=3,
    context_width=6,
    groups=2,
    time_width=8,
    lora_rank=2,
    lora_alpha=3.0,
    optimizer="sgd",
    learning_rate=0.1,
)
"""Two levels, attention in the first and in the middle."""
UNETS = {
    "sd15_like": TOY,
    "sd2_like": replace(TOY, linear_projection=True, heads=(1, 2), lora_alpha=2.0),
    "sdxl_like": replace(
        TOY,
        channels=(4, 8, 8),
        depths=(0, 2, 1),
        middle_depth=2,
        heads=(1, 2, 4),
        layers=2,
        linear_projection=True,
        added_width=5,
        batch=1,
    ),
    "everywhere": replace(
        TOY,
        lora_targets=("to_q", "net.0.proj", "net.2", "time_emb_proj", "linear_1"),
        batch=1,
    ),
    "out_only": replace(TOY, lora_targets=("up_blocks.1.attentions.1.transformer_blocks.0."
                                           "attn2.to_out.0",)),
    "permuted": replace(TOY, hold_orders=False),
    "jacobian": replace(TOY, softmax_backward="jacobian", optimizer="adam", adam_epsilon=1e-2),
}  # fmt: skip


def drawn(model, rng):
    """First values, with every parameter away from its start, and a batch."""
    initial = model.initial_parameters(rng)
    for name in model.parameters:
        initial[name] = initial[name] + 0.1 * rng.standard_normal(initial[name].shape)
    return initial | model.beforehand(initial), model.random_batch(rng)


def adapted(model):
    """Names of the trained tensors."""
    return [name for name, parameter in model.parameters.items() if parameter.trained]

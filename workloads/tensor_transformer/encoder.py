"""One encoder: attention and a feed-forward net, each followed by a residual and a norm."""

from workloads.transformer.activations import ActivationKind, activation
from workloads.transformer.attention import Attention, SelfAttention, SoftmaxBackward
from workloads.transformer.block import PostNormBlock
from workloads.transformer.feed_forward import Plain
from workloads.transformer.linear import Linear, WeightFormat
from workloads.transformer.norms import layer_norm
from workloads.transformer.step import Step

PARTS = ("query", "key", "value", "projection", "feed_forward.in", "feed_forward.out")


def encoder(
    step: Step,
    name: str,
    weight: WeightFormat,
    *,
    softmax_backward: SoftmaxBackward,
    function: ActivationKind,
    epsilon: float,
) -> PostNormBlock:
    """Return a post-norm block with six hidden x hidden linear layers."""
    query, key, value, projection, feed_in, feed_out = (
        Linear(step, f"{name}.{part}", weight, "t") for part in PARTS
    )
    attention = Attention(step, f"{name}.attention", softmax_backward, scales_apart=True)
    attention_norm = layer_norm(step, f"{name}.attention_norm", epsilon, divides=True)
    active = activation(step, function, f"{name}.feed_forward.active", "t e")
    output_norm = layer_norm(step, f"{name}.output_norm", epsilon, divides=True)
    return PostNormBlock(
        step,
        name,
        SelfAttention(query, key, value, projection, attention),
        attention_norm,
        Plain(feed_in, active, feed_out),
        output_norm,
    )

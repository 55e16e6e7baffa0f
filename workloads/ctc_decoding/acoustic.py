"""Networks that give log-probabilities of symbols, frame by frame: for speech and for scene text.

Normalisation is folded into the weights before, as is usual in inference. Maps lie channels last.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from archsim.formats import NumberFormat
from archsim.ir import GraphBuilder, Phase, Role, TensorSpec
from workloads.ctc_decoding.recurrent import bidirectional_layer

AcousticKind = Literal["none", "speech", "scene_text"]
PHASE = Phase.INFERENCE
LOG_PROBS = "log_probs"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes of a network that gives ``frames`` rows of log-probabilities."""

    frames: int
    symbols: int
    features: int
    """Frequencies of a spectrogram, or rows of an image."""
    channels: int
    """Of the first convolution."""
    layers: int
    hidden: int


def acoustic_model(
    builder: GraphBuilder, kind: AcousticKind, sizes: Sizes, made: NumberFormat
) -> TensorSpec:
    """Append a network; return its log-probabilities, frames by symbols."""
    states = NETWORKS[kind](builder, sizes)
    build = builder.sized(t=sizes.frames, i=states.elements // sizes.frames, v=sizes.symbols)
    weight = build.tensor("readout.weight", (build.sizes["i"], sizes.symbols), Role.PARAMETER)
    logits = build.contract("logits", PHASE, "t i, i v -> t v", states, weight)
    with build.in_format(made):
        top = build.reduce("logits.maximum", PHASE, "t v -> t", logits, function="maximum")
        apart = build.elementwise("logits.exp", PHASE, "t v, t -> t v", "exp(a - b)", logits, top)
        total = build.reduce("logits.total", PHASE, "t v -> t", apart)
        equation, formula = "t v, t, t -> t v", "a - b - log(c)"
        return build.elementwise(LOG_PROBS, PHASE, equation, formula, logits, top, total)


def speech(builder: GraphBuilder, sizes: Sizes) -> TensorSpec:
    """Two convolutions over a spectrogram, then bidirectional GRUs.

    The first convolution halves time and frequency, the second frequency alone: its map is
    viewed with neighbouring frequencies as channels, so that a kernel of 11 pairs is one of 22
    frequencies (21 in the source). The spectrogram, ``x``, has two rows for each frame.

    Source: Amodei et al., "Deep Speech 2" (ICML 2016); sizes are a choice, not one published
    model.
    """
    frames, channels = sizes.frames, sizes.channels
    x = builder.tensor("x", (1, 2 * frames, sizes.features, 1), Role.DATA)
    bands = 2 * -(-sizes.features // 4)
    clipped = "minimum(maximum(a + b, 0), 20)"
    first = _convolution(
        builder,
        "conv0",
        x,
        (11, 41),
        (1, frames, bands, channels),
        clipped,
        stride=2,
        padding=5,
        view=(1, frames, bands // 2, 2 * channels),
    )
    states = _convolution(
        builder, "conv1", first, (11, 11), (1, frames, bands // 2, channels), clipped, padding=5
    )
    for number in range(sizes.layers):
        states = bidirectional_layer(builder, f"gru{number}", "gru", states, frames, sizes.hidden)
    return states


def scene_text(builder: GraphBuilder, sizes: Sizes) -> TensorSpec:
    """Seven convolutions over a grey image of ``features`` rows, then bidirectional LSTMs.

    The image, ``x``, has four columns for each frame and four more. Pools do not overlap.

    Source: Shi, Bai, Yao, "An end-to-end trainable neural network for image-based sequence
    recognition" (2015), whose last two pools have windows that overlap.
    """
    rows, columns, c = sizes.features, 4 * (sizes.frames + 1), sizes.channels
    x = builder.tensor("x", (1, rows, columns, 1), Role.DATA)
    steps = [(c, 2, 2), (2 * c, 2, 2), (4 * c, 1, 1), (4 * c, 2, 1), (8 * c, 1, 1), (8 * c, 2, 1)]
    for number, (made, down, across) in enumerate(steps):
        name, shape = f"conv{number}", (1, rows, columns, made)
        x = _convolution(builder, name, x, (3, 3), shape, "maximum(a + b, 0)", padding=1)
        rows, columns = rows // down, columns // across
        if down > 1:
            build = builder.sized(y=rows, u=down, x=columns, v=across, c=made)
            x = build.reduce(
                f"pool{number}",
                PHASE,
                "y u x v c -> y x c",
                x,
                function="maximum",
                shape=(1, rows, columns, made),
            )
    shape = (1, rows - 1, columns - 1, 8 * c)
    x = _convolution(builder, "conv6", x, (2, 2), shape, "maximum(a + b, 0)")
    states = bidirectional_layer(builder, "lstm0", "lstm", x, sizes.frames, sizes.hidden)
    for number in range(1, sizes.layers):
        build = builder.sized(t=sizes.frames, i=2 * sizes.hidden, o=sizes.hidden)
        weight = build.tensor(
            f"embed{number}.weight", (2 * sizes.hidden, sizes.hidden), Role.PARAMETER
        )
        between = build.contract(f"embed{number}", PHASE, "t i, i o -> t o", states, weight)
        states = bidirectional_layer(
            builder, f"lstm{number}", "lstm", between, sizes.frames, sizes.hidden
        )
    return states


NETWORKS: Mapping[AcousticKind, Callable[[GraphBuilder, Sizes], TensorSpec]] = MappingProxyType(
    {"speech": speech, "scene_text": scene_text}
)


def _convolution(
    builder: GraphBuilder,
    name: str,
    x: TensorSpec,
    kernel: tuple[int, int],
    shape: tuple[int, int, int, int],
    formula: str,
    *,
    stride: int = 1,
    padding: int = 0,
    view: tuple[int, int, int, int] | None = None,
) -> TensorSpec:
    """Append a convolution, its bias and what limits it; the result may have another view."""
    made = shape[-1]
    weight = builder.tensor(f"{name}.weight", (*kernel, x.shape[-1], made), Role.PARAMETER)
    bias = builder.tensor(f"{name}.bias", (made,), Role.PARAMETER)
    product = builder.convolve(
        f"{name}.product", PHASE, x, weight, shape, stride=stride, padding=padding
    )
    build = builder.sized(p=product.elements // made, o=made)
    return build.elementwise(
        name, PHASE, "p o, o -> p o", formula, product, bias, shape=view or shape
    )

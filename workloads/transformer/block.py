"""A block: attention and a feed-forward net, each with a residual and a norm."""

from abc import abstractmethod

from archsim.ir.operation import Phase
from archsim.ir.tensor import TensorSpec
from workloads.transformer.attention import SelfAttention
from workloads.transformer.feed_forward import FeedForward
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step


class Block(Layer):
    """What blocks share: two nets, a norm for each, and sums of tensors of tokens."""

    def __init__(
        self,
        step: Step,
        name: str,
        attention: SelfAttention,
        attention_norm: Layer,
        feed_forward: FeedForward,
        feed_forward_norm: Layer,
    ) -> None:
        self.step, self.name = step, name
        self.attention, self.feed_forward = attention, feed_forward
        self.attention_norm, self.feed_forward_norm = attention_norm, feed_forward_norm

    @abstractmethod
    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return the block's output, (tokens, hidden)."""

    def _add(self, name: str, phase: Phase, *tensors: TensorSpec) -> TensorSpec:
        """Return a sum; one tensor is its own."""
        if len(tensors) == 1:
            return tensors[0]
        equation = f"{', '.join(['t e'] * len(tensors))} -> t e"
        formula = " + ".join("abcd"[: len(tensors)])
        return self.step.builder.elementwise(
            f"{self.name}.{name}", phase, equation, formula, *tensors
        )


class PostNormBlock(Block):
    """``m = norm(x + attention(x))``, ``y = norm(m + net(m))``.

    Source: Vaswani et al., "Attention is all you need" (2017), section 3.1.
    """

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Normalise each sum."""
        phase = self.step.phase
        mixed = self.attention.forward(x)
        middle = self.attention_norm.forward(self._add("attention_residual", phase, x, mixed))
        narrowed = self.feed_forward.forward(middle)
        return self.feed_forward_norm.forward(self._add("output_residual", phase, middle, narrowed))

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return the gradient of the block's input."""
        phase = Phase.BACKWARD
        d_sum = self.feed_forward_norm.backward(dy)
        branches = self.feed_forward.backward(d_sum)
        d_middle = self._add("attention_norm.output.gradient", phase, d_sum, *branches)
        d_sum = self.attention_norm.backward(d_middle)
        return self._add("input.gradient", phase, d_sum, *self.attention.backward(d_sum))


class PreNormBlock(Block):
    """``m = x + attention(norm(x))``, ``y = m + net(norm(m))``.

    In inference layers may stand on the residuals (``turns``): ``m = turn(x) + …``.

    Source: Xiong et al., "On layer normalization in the transformer architecture" (2020),
    figure 1b.
    """

    turns: tuple[Layer, Layer] | None = None

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Add what each net makes of normalised tokens."""
        phase = self.step.phase
        mixed = self.attention.forward(self.attention_norm.forward(x))
        turned = self.turns[0].forward(x) if self.turns else x
        middle = self._add("attention_residual", phase, turned, mixed)
        narrowed = self.feed_forward.forward(self.feed_forward_norm.forward(middle))
        turned = self.turns[1].forward(middle) if self.turns else middle
        return self._add("output_residual", phase, turned, narrowed)

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return the gradient of the block's input."""
        phase = Phase.BACKWARD
        branches = self.feed_forward.backward(dy)
        d_normal = self._add("feed_forward_norm.output.gradient", phase, *branches)
        d_branch = self.feed_forward_norm.backward(d_normal)
        d_middle = self._add("attention_residual.gradient", phase, dy, d_branch)
        branches = self.attention.backward(d_middle)
        d_normal = self._add("attention_norm.output.gradient", phase, *branches)
        d_branch = self.attention_norm.backward(d_normal)
        return self._add("input.gradient", phase, d_middle, d_branch)

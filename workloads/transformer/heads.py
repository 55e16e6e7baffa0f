"""What is read off the last tokens: logits of some rows, and in training their loss."""

from collections.abc import Sequence

from archsim.ir.operation import Phase
from archsim.ir.tensor import TensorSpec
from workloads.transformer.layer import Layer
from workloads.transformer.linear import Linear
from workloads.transformer.step import Step


class FirstTokens(Layer):
    """The first token of every sequence, (batch, hidden)."""

    def __init__(self, step: Step) -> None:
        self.step = step

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Look them up."""
        shape = (self.step.sizes["b"], self.step.sizes["e"])
        rows = self.step.data["first_tokens"]
        return self.step.builder.gather("head.first", self.step.phase, x, rows, shape)

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return zeros for all other tokens."""
        step, phase = self.step, Phase.BACKWARD
        shape = (step.sizes["t"], step.sizes["e"])
        zeros = step.zeros("head.first.input.zeros", shape, phase)
        rows = step.data["first_tokens"]
        return step.builder.scatter_add("head.first.input.gradient", phase, zeros, rows, dy)


class CrossEntropy:
    """``sum over rows of weight (log(sum(exp(z))) - z[target])``; ``rows`` is their index.

    Logits lie in one row of numbers. The data are each target's place in it and each row's
    weight: 1 / rows for a mean, 0 for a row that is left out.
    """

    def __init__(self, step: Step, rows: str, classes: str) -> None:
        self.step, self.rows, self.grid = step, rows, f"{rows} {classes}"

    def forward(self, logits: TensorSpec) -> TensorSpec:
        """Return the loss, one number."""
        b, phase, rows, grid = self.step.builder, self.step.phase, self.rows, self.grid
        places, weights = self.step.data["target_places"], self.step.data["loss_weights"]
        top = b.reduce("loss.maximum", phase, f"{grid} -> {rows}", logits, function="maximum")
        by_row = f"{grid}, {rows} -> {grid}"
        self._powers = b.elementwise(
            "loss.exponentials", phase, by_row, "exp(a - b)", logits, top, shape=logits.shape
        )
        self._total = b.reduce("loss.sum", phase, f"{grid} -> {rows}", self._powers)
        hit = b.gather("loss.hit", phase, logits, places, weights.shape)
        losses = b.elementwise(
            "loss.rows",
            phase,
            f"{rows}, {rows}, {rows}, {rows} -> {rows}",
            "(log(a) + b - c) * d",
            self._total,
            top,
            hit,
            weights,
        )
        return b.reduce("loss", phase, f"{rows} -> ", losses)

    def backward(self) -> TensorSpec:
        """Return the logits' gradient: weight (softmax - one at the target)."""
        b, phase, rows, grid = self.step.builder, Phase.BACKWARD, self.rows, self.grid
        places, weights = self.step.data["target_places"], self.step.data["loss_weights"]
        share = b.elementwise(
            "loss.share", phase, f"{rows}, {rows} -> {rows}", "a / b", weights, self._total
        )
        weighted = b.elementwise(
            "loss.softmax",
            phase,
            f"{grid}, {rows} -> {grid}",
            "a * b",
            self._powers,
            share,
            shape=self._powers.shape,
        )
        hits = b.elementwise("loss.hit.gradient", phase, f"{rows} -> {rows}", "-a", weights)
        return b.scatter_add("loss.logits.gradient", phase, weighted, places, hits)


class Head:
    """Layers on the last tokens, and where there is a ``classifier`` its logits and their loss.

    Without a classifier the result's gradient is handed in as the data ``dY``.
    """

    def __init__(
        self,
        step: Step,
        layers: Sequence[Layer],
        classifier: Linear | None = None,
        loss: CrossEntropy | None = None,
    ) -> None:
        self.step, self.layers, self.classifier, self.loss = step, layers, classifier, loss

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return the loss in training; otherwise logits, or what the last layer gives."""
        for layer in self.layers:
            x = layer.forward(x)
        if self.classifier is None:
            return x
        if not self.loss or not self.step.trains:
            return self.classifier.forward(x)
        rows, classes = self.loss.grid.split()
        count = self.step.sizes[rows] * self.step.sizes[classes]
        return self.loss.forward(self.classifier.forward(x, (count,)))

    def backward(self) -> TensorSpec:
        """Return the gradient of the last tokens."""
        if self.classifier and self.loss:
            d = self.classifier.backward(self.loss.backward())
        else:
            d = self.step.data["dY"]
        for layer in reversed(self.layers):
            d = layer.backward(d)
        return d

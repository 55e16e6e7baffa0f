"""The two heads, intent of the utterance and slot of every token, and their loss."""

from archsim.ir.operation import Phase
from archsim.ir.tensor import TensorSpec
from workloads.transformer.activations import Tanh
from workloads.transformer.linear import Linear, WeightFormat, dense_weight
from workloads.transformer.step import Step


class Head:
    """``logits = W2 tanh(W1 x + b1) + b2``, with mean cross-entropy over its rows.

    ``classes`` is the index of the classes, ``rows`` that of the rows.
    """

    def __init__(
        self, step: Step, name: str, weight: WeightFormat, *, rows: str, classes: str
    ) -> None:
        self.step, self.name, self.rows = step, name, rows
        self.grid = f"{rows} {classes}"
        self.hidden = Linear(step, f"{name}.hidden", weight, rows)
        self.tanh = Tanh(step, f"{name}.active", f"{rows} e")
        self.classifier = Linear(step, f"{name}.classifier", dense_weight("e", classes), rows)

    def forward(self, x: TensorSpec, targets: TensorSpec) -> TensorSpec:
        """Return the sum of the rows' losses, ``log(sum(exp(z))) - z[target]``.

        ``targets`` are one-hot.
        """
        b, name, phase = self.step.builder, self.name, Phase.FORWARD
        grid, rows = self.grid, self.rows
        self._targets = targets
        logits = self.classifier.forward(self.tanh.forward(self.hidden.forward(x)))
        top = b.reduce(f"{name}.maximum", phase, f"{grid} -> {rows}", logits, function="maximum")
        by_row = f"{grid}, {rows} -> {grid}"
        self._powers = b.elementwise(
            f"{name}.exponentials", phase, by_row, "exp(a - b)", logits, top
        )
        self._total = b.reduce(f"{name}.sum", phase, f"{grid} -> {rows}", self._powers)
        hits = b.elementwise(
            f"{name}.hits", phase, f"{grid}, {grid} -> {grid}", "a * b", logits, targets
        )
        hit = b.reduce(f"{name}.hit", phase, f"{grid} -> {rows}", hits)
        losses = b.elementwise(
            f"{name}.losses",
            phase,
            f"{rows}, {rows}, {rows} -> {rows}",
            "log(a) + b - c",
            self._total,
            top,
            hit,
        )
        return b.reduce(f"{name}.loss", phase, f"{rows} -> ", losses)

    def backward(self) -> TensorSpec:
        """Return the gradient of x: the logits' gradient is (softmax - target) / rows."""
        grid, rows = self.grid, self.rows
        d_logits = self.step.builder.elementwise(
            f"{self.name}.logits.gradient",
            Phase.BACKWARD,
            f"{grid}, {rows}, {grid} -> {grid}",
            f"(a / b - c) / {self.step.builder.sizes[rows]}",
            self._powers,
            self._total,
            self._targets,
        )
        return self.hidden.backward(self.tanh.backward(self.classifier.backward(d_logits)))


class Heads:
    """Both heads on one encoder output: the intent is read off each sequence's first token."""

    def __init__(self, step: Step, weight: WeightFormat) -> None:
        self.step = step
        self.intent = Head(step, "intent", weight, rows="b", classes="n")
        self.slots = Head(step, "slots", weight, rows="t", classes="m")

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return the loss, one number: mean over sequences plus mean over tokens."""
        b, data = self.step.builder, self.step.data
        self._first = data["first_tokens"]
        shape = (b.sizes["b"], b.sizes["e"])
        first = b.gather("intent.first", Phase.FORWARD, x, self._first, shape)
        intent = self.intent.forward(first, data["intent_targets"])
        slots = self.slots.forward(x, data["slot_targets"])
        formula = f"a / {b.sizes['b']} + b / {b.sizes['t']}"
        return b.elementwise("loss", Phase.FORWARD, ", -> ", formula, intent, slots)

    def backward(self) -> TensorSpec:
        """Return the gradient of x; the intent's share is added onto the first tokens' rows."""
        d_slots = self.slots.backward()
        d_first = self.intent.backward()
        return self.step.builder.scatter_add(
            "heads.input.gradient", Phase.BACKWARD, d_slots, self._first, d_first
        )

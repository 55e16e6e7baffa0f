"""The graph of a calibration: covariances of every chunk, what is made of them, narrower blocks."""

from collections.abc import Mapping

from archsim import formats
from archsim.formats import NumberFormat
from archsim.ir.builder import GraphBuilder
from archsim.ir.factor import LeadingEigenvectors, SymmetricInverse
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec
from archsim.ir.top_k import TopIndices
from workloads.pca_llm.blocks import block_of
from workloads.pca_llm.channels import RIDGE
from workloads.pca_llm.fields import LanguageModelFields
from workloads.pca_llm.model import indices
from workloads.transformer.rotary import rotation_tensor
from workloads.transformer.step import Step

PHASE = Phase.INFERENCE


class CalibrationGraph:
    """The graph while it is built: one block after the other."""

    def __init__(
        self, fields: LanguageModelFields, chunks: int, covariance_format: NumberFormat
    ) -> None:
        self.fields, self.chunks, self.wide = fields, chunks, covariance_format
        sizes = indices(fields)
        sizes |= {
            "j": sizes["d"],  # the other side of a head's covariance
            "i": sizes["f"] // sizes["g"],
            "o": sizes["e"],
            "w": fields.feed_width,
            "y": fields.feed_width,
        }
        name = f"calibration, {chunks} chunks"
        self.builder = GraphBuilder(name, sizes, formats.parse(fields.number_format))
        self.whole = formats.parse("int32")
        builder = self.builder
        self.data = {
            "positions": builder.tensor("positions", (fields.sequence,), Role.DATA, self.whole),
        }
        self.data["rotation"] = rotation_tensor(Step(builder, None, self.data))
        count = (fields.feed_width,)
        self.diagonal = builder.tensor("diagonal", count, Role.DATA, self.whole)
        self.places = builder.tensor("channels", count, Role.DATA, self.whole)

    def graph(self) -> OperationGraph:
        """Lower all blocks' compression."""
        shape = (self.builder.sizes["t"], self.fields.hidden)
        numbers = range(self.chunks)
        states = [self.builder.tensor(f"X{n}", shape, Role.DATA) for n in numbers]
        results = []
        for layer in range(self.fields.layers):
            weights = self._weights(layer)
            covariances = self._covariances(layer, weights, states)
            narrow = self._compressed(f"layer{layer}", layer, weights, *covariances)
            results.append(narrow.values())
            weights = weights | narrow
            states = [
                self._through(f"layer{layer}.after{n}", layer, weights, x)
                for n, x in enumerate(states)
            ]
        made = [tensor for layer in results for tensor in layer]
        return _pruned(self.builder.graph(), {tensor.name for tensor in (*made, *states)})

    def _weights(self, layer: int) -> dict[str, TensorSpec]:
        """The block's parameters, by their names in it."""
        step = Step(self.builder, None, self.data)
        name = f"layer{layer}"
        block_of(self.fields, step, name, None, caches=False)
        return {n.removeprefix(f"{name}."): p.tensor for n, p in step.parameters.items()}

    def _through(
        self, name: str, layer: int, weights: Mapping[str, TensorSpec], x: TensorSpec
    ) -> TensorSpec:
        """A chunk's way through a block with these weights."""
        given = {f"{name}.{part}": tensor for part, tensor in weights.items()}
        step = Step(self.builder, None, self.data, given=given)
        is_whole = weights["value.weight"].role is Role.PARAMETER
        size = None if is_whole else layer
        return block_of(self.fields, step, name, size, caches=False).forward(x)

    def _covariances(
        self, layer: int, weights: Mapping[str, TensorSpec], states: list[TensorSpec]
    ) -> tuple[TensorSpec, TensorSpec]:
        """Sums over all chunks, of heads' values and of channels."""
        b, name = self.builder, f"layer{layer}"
        sums: list[TensorSpec] = []
        for number, x in enumerate(states):
            chunk = f"{name}.before{number}"
            self._through(chunk, layer, weights, x)
            taps = {
                "value.output": ("t h d", "t h j", "h d j"),
                "feed_forward.active": ("t w", "t y", "w y"),
            }
            found = []
            for tap, (left, right, made) in taps.items():
                tensor = b.tensor(f"{chunk}.{tap}", _shape(b, left, tap))
                term = f"{left} -> {left}"
                wide = f"{chunk}.{tap}.wide"
                exact = b.elementwise(
                    wide, PHASE, term, "a", tensor, shape=tensor.shape, number_format=self.wide
                )
                place = f"{chunk}.{tap}.covariance"
                found.append(self._product(place, f"{left}, {right} -> {made}", exact, exact))
            sums = (
                [
                    b.elementwise(
                        f"{total.name}.{number}",
                        PHASE,
                        f"{term}, {term} -> {term}",
                        "a + b",
                        total,
                        more,
                        number_format=self.wide,
                    )
                    for total, more, term in zip(sums, found, ("h d j", "w y"), strict=True)
                ]
                if sums
                else found
            )
        return sums[0], sums[1]

    def _product(self, name: str, equation: str, left: TensorSpec, right: TensorSpec) -> TensorSpec:
        """A contraction in the covariances' format."""
        with self.builder.in_format(self.wide):
            return self.builder.contract(name, PHASE, equation, left, right)

    def _compressed(
        self,
        name: str,
        layer: int,
        weights: Mapping[str, TensorSpec],
        values: TensorSpec,
        channels: TensorSpec,
    ) -> dict[str, TensorSpec]:
        """The block's narrower weights."""
        kept, refit = self._refit(name, layer, channels)
        found = self._narrow_heads(name, layer, weights, values)
        width, hidden = self.builder.sizes[f"w{layer}"], self.fields.hidden
        for part in ("feed_forward.gate", "feed_forward.in"):
            matrix = weights[f"{part}.weight"]
            place = f"{name}.{part}.weight"
            rows = self.builder.permute(f"{place}.rows", PHASE, ("e", "w"), ("w", "e"), matrix)
            picked = self.builder.gather(f"{place}.picked", PHASE, rows, kept, (width, hidden))
            narrow = (f"w{layer}", "e")
            found[f"{part}.weight"] = self.builder.permute(
                f"{place}.compressed", PHASE, narrow, narrow[::-1], picked
            )
        out = "feed_forward.out.weight"
        found[out] = self.builder.contract(
            f"{name}.{out}.compressed", PHASE, f"w{layer} w, w e -> w{layer} e", refit, weights[out]
        )
        return found

    def _narrow_heads(
        self, name: str, layer: int, weights: Mapping[str, TensorSpec], covariance: TensorSpec
    ) -> dict[str, TensorSpec]:
        """Values and projection in the leading eigenvectors of each head."""
        b, value = self.builder, f"v{layer}"
        shape = (self.fields.kv_heads, self.fields.head_size, b.sizes[value])
        axes = b.add(
            LeadingEigenvectors(
                name=f"{name}.value.directions",
                phase=PHASE,
                inputs=(covariance,),
                outputs=(b.tensor(f"{name}.value.directions", shape),),
            )
        )
        hidden, heads = self.fields.hidden, self.fields.heads
        return {
            "value.weight": b.contract(
                f"{name}.value.weight.compressed",
                PHASE,
                f"e h d, h d {value} -> e h {value}",
                weights["value.weight"],
                axes,
                shape=(hidden, shape[0] * shape[2]),
            ),
            "projection.weight": b.contract(
                f"{name}.projection.weight.compressed",
                PHASE,
                f"h i d o, h d {value} -> h i {value} o",
                weights["projection.weight"],
                axes,
                shape=(heads * shape[2], hidden),
            ),
        }

    def _refit(
        self, name: str, layer: int, covariance: TensorSpec
    ) -> tuple[TensorSpec, TensorSpec]:
        """Numbers of the channels that are kept, and the matrix that makes all of them."""
        b, wide, few = self.builder, self.fields.feed_width, f"w{layer}"
        place = f"{name}.feed_forward"
        count = b.sizes[few]
        b.sizes[f"n{layer}"] = count
        is_equal = "(1 - greater(b - c, 0) - greater(c - b, 0))"
        with b.in_format(self.wide):
            ridged = b.elementwise(
                f"{place}.ridged",
                PHASE,
                "w y, w, y -> w y",
                f"a + {RIDGE!r} * {is_equal}",
                covariance,
                self.places,
                self.places,
            )
            inverse = self._inverse(f"{place}.ridged.inverse", ridged)
            flat = b.elementwise(
                f"{place}.ridged.inverse.flat", PHASE, "w y -> w y", "a", inverse, shape=(wide**2,)
            )
            lost = b.gather(f"{place}.lost", PHASE, flat, self.diagonal, (wide,))
            formula = f"1 - {RIDGE!r} * a"
            scores = b.elementwise(f"{place}.scores", PHASE, "w -> w", formula, lost)
            kept = b.add(
                TopIndices(
                    name=f"{place}.kept",
                    phase=PHASE,
                    inputs=(scores,),
                    outputs=(b.tensor(f"{place}.kept", (count,), number_format=self.whole),),
                )
            )
            rows = b.gather(f"{place}.rows", PHASE, covariance, kept, (count, wide))
            columns = b.permute(f"{place}.columns", PHASE, (few, "w"), ("w", few), rows)
            square = b.gather(f"{place}.square", PHASE, columns, kept, (count, count))
            solved = self._inverse(f"{place}.square.inverse", square)
        narrow = b.contract(
            f"{place}.refit", PHASE, f"{few} n{layer}, n{layer} w -> {few} w", solved, rows
        )
        return kept, narrow

    def _inverse(self, name: str, matrix: TensorSpec) -> TensorSpec:
        made = self.builder.tensor(name, matrix.shape)
        return self.builder.add(
            SymmetricInverse(name=name, phase=PHASE, inputs=(matrix,), outputs=(made,))
        )


def _pruned(graph: OperationGraph, outputs: set[str]) -> OperationGraph:
    """Leave out what no output needs: what a block does after its last covariance."""
    needed, kept = set(outputs), []
    for operation in reversed(graph.operations):
        if any(tensor.name in needed for tensor in operation.outputs):
            needed.update(tensor.name for tensor in operation.inputs)
            kept.append(operation)
    return OperationGraph(reversed(kept), name=graph.name, outputs=sorted(outputs))


def _shape(builder: GraphBuilder, term: str, tap: str) -> tuple[int, int]:
    rows = builder.sizes["t"]
    assert builder.elements(term) % rows == 0, tap
    return rows, builder.elements(term) // rows

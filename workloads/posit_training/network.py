"""A residual network and one step of its training, put together from its fields.

Layers are named as in torchvision's networks.

Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (2016), table 1 and,
of CIFAR-10's stem, what the paper's ResNet-18 is taken to have: the stages of ImageNet's.
"""

from archsim import formats
from archsim.ir.builder import GraphBuilder
from archsim.ir.graph import OperationGraph
from archsim.ir.pooling import Pool
from archsim.ir.tensor import Role, TensorSpec
from workloads.posit_training.batch_norm import BatchNorm
from workloads.posit_training.fields import ResidualNetworkFields
from workloads.posit_training.formats import FP32, Operands
from workloads.posit_training.maps import (
    Classifier,
    Convolution,
    Maps,
    average_pool,
    max_pool,
)
from workloads.transformer.heads import CrossEntropy
from workloads.transformer.optimizer import Optimizer
from workloads.transformer.step import Step

COLOURS = 3
STEM_POOL = Pool(size=3, stride=2, padding=1)


class BasicBlock:
    """``relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x))``.

    The shortcut is a convolution of one pixel and a norm where the map's shape changes.
    """

    def __init__(self, maps: Maps, name: str, channels: tuple[int, int], stride: int) -> None:
        taken, made = channels
        self.conv1 = Convolution(maps, f"{name}.conv1", channels, stride=stride)
        self.bn1 = BatchNorm(maps, f"{name}.bn1", made)
        self.conv2 = Convolution(maps, f"{name}.conv2", (made, made))
        self.bn2 = BatchNorm(maps, f"{name}.bn2", made)
        self.shortcut = None
        if stride > 1 or taken != made:
            conv = Convolution(maps, f"{name}.downsample.0", channels, kernel=1, stride=stride)
            self.shortcut = conv, BatchNorm(maps, f"{name}.downsample.1", made)

    def apply(self, x: TensorSpec) -> TensorSpec:
        """Return the block's map."""
        inner = self.conv2.apply(self.bn1.apply(self.conv1.apply(x)))
        if self.shortcut:
            conv, norm = self.shortcut
            x = norm.apply(conv.apply(x), rectified=False)
        return self.bn2.apply(inner, added=x)


class ResidualNetwork:
    """All layers; parameters are declared in their order."""

    def __init__(self, fields: ResidualNetworkFields, optimizer: Optimizer) -> None:
        self.fields = fields
        recipe = fields.recipe
        name = f"residual network, training, {fields.forward}"
        builder = GraphBuilder(name, {}, formats.parse(recipe.normalised_forward))
        self.step = Step(builder, optimizer, described(fields, builder))
        self.operands = Operands(builder, recipe, fields.scales)
        self.maps = maps = Maps(
            self.step,
            back=formats.parse(recipe.normalised_backward),
            kept=formats.parse(recipe.kept),
            operands=self.operands,
        )
        width = fields.width
        stem, stride = (7, 2) if fields.stem == "imagenet" else (3, 1)
        self.conv1 = Convolution(maps, "conv1", (COLOURS, width), kernel=stem, stride=stride)
        self.bn1 = BatchNorm(maps, "bn1", width)
        self.blocks, taken = [], width
        for stage, count in enumerate(fields.blocks):
            made = width << stage
            for number in range(count):
                stride = 2 if stage and not number else 1
                place = f"layer{stage + 1}.{number}"
                self.blocks.append(BasicBlock(maps, place, (taken, made), stride))
                taken = made
        self.fc = Classifier(maps, "fc", taken, fields.classes)

    def graph(self) -> OperationGraph:
        """Lower the forward pass, the loss, the gradients and the updates."""
        maps, step = self.maps, self.step
        x = self.bn1.apply(self.conv1.apply(step.data["images"]))
        if self.fields.stem == "imagenet":
            x = max_pool(maps, "maxpool", x, STEM_POOL)
        for block in self.blocks:
            x = block.apply(x)
        logits = self.fc.apply(average_pool(maps, "avgpool", x))
        precise = step.sized(b=self.fields.batch, o=self.fields.classes)
        precise.builder.format = FP32
        loss = CrossEntropy(precise, "b", "o")
        step.builder.output(loss.forward(logits))
        maps.tape.go_back(logits, loss.backward())
        return step.builder.graph()


def described(fields: ResidualNetworkFields, builder: GraphBuilder) -> dict[str, TensorSpec]:
    """Return all that is handed in for a step, but for scales that are held."""
    size = fields.image_size
    batch = (fields.batch,)
    integer = formats.parse("int32")
    return {
        "images": builder.tensor("images", (*batch, size, size, COLOURS), Role.DATA),
        "target_places": builder.tensor("target_places", batch, Role.DATA, integer),
        "loss_weights": builder.tensor("loss_weights", batch, Role.DATA, FP32),
    }

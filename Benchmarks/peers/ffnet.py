"""FFNet (arXiv 2206.08236) in PyTorch, as Sources/SegFFNet describes it: the same layers under the same names.

Only segmentation networks of published width and without pre-downsampling: those that are measured.
"""

import re

import torch
import torch.nn.functional as F
from torch import nn

BLOCKS = {
    "": {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 56: (4, 8, 12, 3), 86: (8, 12, 16, 6),
         101: (3, 4, 23, 3), 134: (8, 18, 28, 12), 150: (16, 18, 28, 12)},
    "S": {22: (2, 3, 3, 2), 30: (3, 4, 4, 3), 40: (4, 5, 6, 4), 54: (5, 8, 8, 5), 78: (6, 12, 12, 8),
          86: (8, 12, 16, 6), 150: (16, 18, 28, 12)},
    "N": {46: (6, 8, 8), 74: (8, 12, 16), 122: (16, 24, 20)},
    "NS": {46: (6, 8, 8), 74: (8, 12, 16), 122: (16, 24, 20)},
}
WIDTHS = {"": (64, 128, 256, 512), "S": (64, 128, 192, 320), "N": (96, 160, 320), "NS": (64, 128, 256)}
UP_HEADS = {"A": ((64, 128, 256, 512), (128, 128, 128, 128)), "B": ((64, 128, 128, 256), (96, 96, 64, 32)),
            "C": ((128, 128, 128, 128), (128, 16, 16, 16))}
HEADS = {"A": (512, 1), "B": (256, 3), "C": (128, 1)}


def convolution(inputs, outputs, kernel, stride=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


class Unit(nn.Module):
    """Convolution, norm, ReLU."""

    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.layers = nn.Sequential(convolution(inputs, outputs, kernel), nn.BatchNorm2d(outputs), nn.ReLU())

    def forward(self, x):
        return self.layers(x)


class Block(nn.Module):
    """A residual block: two 3×3 convolutions, or a bottleneck of 1×1, 3×3 and 1×1."""

    def __init__(self, inputs, width, stride, is_bottleneck):
        super().__init__()
        outputs = width * 4 if is_bottleneck else width
        shapes = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)] if is_bottleneck else [
            (inputs, width, 3, stride), (width, width, 3, 1)]
        self.count = len(shapes)
        for index, shape in enumerate(shapes, 1):
            setattr(self, f"conv{index}", convolution(*shape))
            setattr(self, f"bn{index}", nn.BatchNorm2d(shape[1]))
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = x
        for index in range(1, self.count + 1):
            y = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(y))
            if index < self.count:
                y = F.relu(y)
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Backbone(nn.Module):
    """Stem and residual stages; the maps of the stages, and in three-stage networks the stem's before them."""

    def __init__(self, depth, family, is_downsampled):
        super().__init__()
        first, stem = {"A": (1, [(3, 64, 7, 2)]), "B": (0, [(3, 32, 3, 2), (32, 64, 3, 2)]),
                       "C": (0, [(3, 64, 3, 2), (64, 64, 3, 2), (64, 64, 3, 1)])}[stem_letter(family)]
        self.stem = range(first, first + len(stem))
        for index, shape in zip(self.stem, stem):
            setattr(self, f"conv{index}", convolution(*shape))
            setattr(self, f"bn{index}", nn.BatchNorm2d(shape[1]))
        self.pools = family == ""
        is_bottleneck = family == "" and depth in (50, 101)
        channels, self.channels = 64, []
        stages = list(zip(BLOCKS[family][depth], WIDTHS[family]))
        self.keeps_stem = len(stages) == 3
        for number, (count, width) in enumerate(stages, 1):
            blocks = []
            for index in range(count):
                strided = index == 0 and (number > 1 or is_downsampled or self.keeps_stem)
                blocks.append(Block(channels, width, 2 if strided else 1, is_bottleneck))
                channels = width * 4 if is_bottleneck else width
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
            self.channels.append(channels)
        self.stages = len(stages)
        if self.keeps_stem:
            self.channels.insert(0, 64)

    def forward(self, x):
        for index in self.stem:
            x = F.relu(getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(x)))
        if self.pools:
            x = F.max_pool2d(x, 3, 2, 1)
        maps = [x] if self.keeps_stem else []
        for number in range(1, self.stages + 1):
            x = getattr(self, f"layer{number}")(x)
            maps.append(x)
        return maps


class Adapter(nn.Module):
    def __init__(self, widths, base):
        super().__init__()
        self.adapter_conv = nn.ModuleList(Unit(a, b, 1) for a, b in zip(widths, base))

    def forward(self, maps):
        return [unit(x) for unit, x in zip(self.adapter_conv, maps)]


class UpHead(nn.Module):
    """Each level takes in the enlarged level below it and leaves a smoothed map; all are enlarged to the finest."""

    def __init__(self, base, outputs, is_mobile):
        super().__init__()
        for level in (3, 2, 1):
            setattr(self, f"fam_{4 << level}_sm", Unit(base[level], outputs[level], 3))
            setattr(self, f"fam_{4 << level}_up", Unit(base[level], base[level - 1], 1))
        self.fam_4 = Unit(base[0], outputs[0], 3)
        self.mode = {"mode": "nearest"} if is_mobile else {"mode": "bilinear", "align_corners": True}

    def enlarged(self, x, like):
        return F.interpolate(x, size=like.shape[2:], **self.mode)

    def forward(self, maps):
        top, levels = maps[3], []
        for level in (3, 2, 1):
            levels.insert(0, getattr(self, f"fam_{4 << level}_sm")(top))
            top = self.enlarged(getattr(self, f"fam_{4 << level}_up")(top), maps[level - 1]) + maps[level - 1]
        finest = self.fam_4(top)
        return torch.cat([finest] + [self.enlarged(x, finest) for x in levels], 1)


class Classifier(nn.Module):
    def __init__(self, inputs, hidden, kernel, classes):
        super().__init__()
        self.last_layer = nn.Sequential(
            convolution(inputs, hidden, 3, bias=True), nn.BatchNorm2d(hidden), nn.ReLU(),
            convolution(hidden, classes, kernel, bias=True))

    def forward(self, x):
        return self.last_layer(x)


class FFNet(nn.Module):
    """A network by its published name, with or without `segmentation_`."""

    def __init__(self, name, classes=19):
        super().__init__()
        pattern = r"(?:segmentation_)?ffnet(\d+)([SN]*)_(d?)([ABC])([ABC])([ABC])(_mobile)?"
        match = re.fullmatch(pattern, name)
        if not match or int(match[1]) not in BLOCKS[match[2]] or match[4] != stem_letter(match[2]):
            raise ValueError(f"'{name}' is not a network that ffnet.py builds")
        self.backbone_model = Backbone(int(match[1]), match[2], bool(match[3]))
        base, outputs = UP_HEADS[match[5]]
        head = nn.Module()
        # Number 2 of the published list is the concatenation, which has no parameters.
        head.layers = nn.ModuleList([
            Adapter(self.backbone_model.channels, base), UpHead(base, outputs, bool(match[7])), nn.Identity(),
            Classifier(sum(outputs), *HEADS[match[6]], classes)])
        self.head = head

    def forward(self, x):
        adapter, up_head, _, classifier = self.head.layers
        return classifier(up_head(adapter(self.backbone_model(x))))


def stem_letter(family):
    return {"": "A", "S": "B"}.get(family, "C")


def random_ffnet(name, seed=0):
    """A network whose random weights keep activations of ordinary size, norms with statistics among them."""
    torch.manual_seed(seed)
    net = FFNet(name)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.3, 0.7)
            nn.init.normal_(module.bias, 0, 0.1)
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()

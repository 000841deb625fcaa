"""Networks that know something of pictures already, with two heads for what they do not know: emotions and votes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

MEAN: Final = (103.939 + 116.779 + 123.68) / 3
"""Subtracted from grey values 0..255: the mean of those that are usual for the three colours."""


class MobileNet(nn.Module):
    """MobileNet 1.0 for grey pictures, with two heads."""

    CHANNELS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
    HALVING = (1, 3, 5, 11)

    def __init__(self) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(1, 32, 3, 2, bias=False), nn.BatchNorm2d(32, momentum=0.05)
        self.blocks = nn.ModuleList()
        before = 32
        for place, channels in enumerate(self.CHANNELS):
            stride = 2 if place in self.HALVING else 1
            self.blocks.append(
                nn.ModuleDict(
                    {
                        "depthwise": nn.Conv2d(before, before, 3, stride, 2 - stride, groups=before, bias=False),
                        "depthwise_norm": nn.BatchNorm2d(before, momentum=0.05),
                        "pointwise": nn.Conv2d(before, channels, 1, bias=False),
                        "pointwise_norm": nn.BatchNorm2d(channels, momentum=0.05),
                    }
                )
            )
            before = channels
        self.emotion, self.votes = nn.Linear(before, 7), nn.Linear(before, 10)

    def features(self, pictures: Tensor) -> Tensor:
        """Return what the heads see, ``(n, 1024)``, for ``(n, 1, side, side)``, grey 0..255 less :data:`MEAN`."""
        x = functional.relu6(self.first_norm(self.first(functional.pad(pictures, (0, 1, 0, 1)))))
        for block in self.blocks:
            if block["depthwise"].stride[0] == 2:  # TensorFlow's SAME: at the end alone
                x = functional.pad(x, (0, 1, 0, 1))
            x = functional.relu6(block["depthwise_norm"](block["depthwise"](x)))
            x = functional.relu6(block["pointwise_norm"](block["pointwise"](x)))
        return x.mean((2, 3))

    def norms(self) -> list[tuple[str, nn.BatchNorm2d]]:
        """Return the normalizations by the names of what they follow."""
        named = [("conv1", self.first_norm)]
        for place, block in enumerate(self.blocks, 1):
            named += [(f"conv_dw_{place}", block["depthwise_norm"]), (f"conv_pw_{place}", block["pointwise_norm"])]
        return named

    def start_from(self, weights: dict[str, NDArray[np.float32]], pictures: Tensor) -> None:
        """Take over weights whose normalizations are folded into factors and offsets.

        Training normalizes by what it sees; so each norm gets the mean and variance that it has over ``pictures``,
        and the scale and offset that undo them.
        """

        def assign(layer: nn.Module, kernel: NDArray[np.float32]) -> None:
            layer.weight.data.copy_(torch.from_numpy(kernel.copy()))

        # Grey has three equal colours.
        assign(self.first, weights["conv1/convolution/merged_input"].sum(2, keepdims=True).transpose(3, 2, 0, 1))
        for place, block in enumerate(self.blocks, 1):
            assign(block["depthwise"], weights[f"conv_dw_{place}/depthwise_kernel"].transpose(2, 3, 0, 1))
            assign(block["pointwise"], weights[f"conv_pw_{place}/convolution/merged_input"].transpose(3, 2, 0, 1))
        hooks = [
            norm.register_forward_pre_hook(
                _settle(
                    weights.get(f"{name}_bn/batchnorm_1/mul"),  # folded into the kernel, but for depthwise ones
                    weights[f"{name}_bn/batchnorm_1/sub"],
                )
            )
            for name, norm in self.norms()
        ]
        self.eval()
        with torch.no_grad():
            self.features(pictures)
        for hook in hooks:
            hook.remove()


def _settle(
    factor: NDArray[np.float32] | None, offset: NDArray[np.float32]
) -> Callable[[nn.BatchNorm2d, tuple[Tensor]], None]:
    def settle(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        mean, variance = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3), unbiased=False)
        scale = torch.ones_like(mean) if factor is None else torch.from_numpy(factor.copy())
        norm.weight.data = scale * (variance + norm.eps).sqrt()
        norm.bias.data = torch.from_numpy(offset.copy()) + scale * mean
        norm.running_mean, norm.running_var = mean.clone(), variance.clone()

    return settle


class LiteNet(nn.Module):
    """EfficientNet-Lite0 (Tan and Le 2019, arXiv:1905.11946) for grey pictures, with two heads."""

    BLOCKS = (
        # copies, kernel, stride, widening, channels
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    )

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = nn.Conv2d(1, 32, 3, 2, bias=False), _norm(32)
        self._blocks = nn.ModuleList()
        before = 32
        for copies, kernel, stride, widening, channels in self.BLOCKS:
            for copy in range(copies):
                self._blocks.append(_LiteBlock(before, channels, kernel, 1 if copy else stride, widening))
                before = channels
        self._conv_head, self._bn1 = nn.Conv2d(before, 1280, 1, bias=False), _norm(1280)
        self.emotion, self.votes = nn.Linear(1280, 7), nn.Linear(1280, 10)

    def start_from(self, weights: Path) -> None:
        """Take over weights for ImageNet's coloured pictures; grey has three equal colours."""
        found = torch.load(weights, map_location="cpu", weights_only=True)
        found["_conv_stem.weight"] = found["_conv_stem.weight"].float().sum(1, keepdim=True)
        body = {name: value.float() for name, value in found.items() if not name.startswith("_fc")}
        missing, _ = self.load_state_dict(body, strict=False)
        lacking = [name for name in missing if not name.startswith(("emotion", "votes")) and "num_batches" not in name]
        if lacking:
            raise ValueError(f"{weights}: lacks {lacking[:3]}")

    def features(self, pictures: Tensor) -> Tensor:
        """Return what the heads see, ``(n, 1280)``, as :meth:`MobileNet.features`."""
        x = (pictures + (MEAN - 127)) / 128
        x = functional.relu6(self._bn0(self._conv_stem(_same(x, 3, 2))))
        for block in self._blocks:
            x = block(x)
        return functional.relu6(self._bn1(self._conv_head(x))).mean((2, 3))


class _LiteBlock(nn.Module):
    def __init__(self, before: int, after: int, kernel: int, stride: int, widening: int) -> None:
        super().__init__()
        wide = before * widening
        self.kernel, self.stride = kernel, stride
        self.widened, self.skips = widening > 1, stride == 1 and before == after
        if self.widened:
            self._expand_conv, self._bn0 = nn.Conv2d(before, wide, 1, bias=False), _norm(wide)
        self._depthwise_conv, self._bn1 = nn.Conv2d(wide, wide, kernel, stride, groups=wide, bias=False), _norm(wide)
        self._project_conv, self._bn2 = nn.Conv2d(wide, after, 1, bias=False), _norm(after)

    def forward(self, pictures: Tensor) -> Tensor:
        x = functional.relu6(self._bn0(self._expand_conv(pictures))) if self.widened else pictures
        x = functional.relu6(self._bn1(self._depthwise_conv(_same(x, self.kernel, self.stride))))
        x = self._bn2(self._project_conv(x))
        return x + pictures if self.skips else x


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.05)


def _same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad as TensorFlow's SAME does: of an odd number of pixels, one more at the end."""
    total = kernel - stride
    return functional.pad(x, (total // 2, total - total // 2) * 2)


def read_weights(description: Path) -> dict[str, NDArray[np.float32]]:
    """Read the weights of a TensorFlow.js graph model, float32 all."""
    found = {}
    for group in json.loads(description.read_text())["weightsManifest"]:
        data = b"".join((description.parent / path).read_bytes() for path in group["paths"])
        start = 0
        for weight in group["weights"]:
            count, dtype = int(np.prod(weight["shape"], dtype=int)), np.dtype(weight["dtype"])
            found[weight["name"]] = np.frombuffer(data, dtype, count, start).reshape(weight["shape"])
            start += count * dtype.itemsize
    return found

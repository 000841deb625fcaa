"""Networks that know something of pictures already, with two heads for what they do not know: emotions and votes."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

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
        x = functional.relu6(self.first_norm(self.first(functional.pad(pictures, (0, 1, 0, 1)))), inplace=True)
        for block in self.blocks:
            if block["depthwise"].stride[0] == 2:  # TensorFlow's SAME: at the end alone
                x = functional.pad(x, (0, 1, 0, 1))
            x = functional.relu6(block["depthwise_norm"](block["depthwise"](x)), inplace=True)
            x = functional.relu6(block["pointwise_norm"](block["pointwise"](x)), inplace=True)
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


def folded(network: MobileNet) -> MobileNet:
    """Return a copy that computes the same a good deal faster, for asking: its norms are folded into convolutions."""
    copy = deepcopy(network).eval()
    copy.first, copy.first_norm = fuse_conv_bn_eval(copy.first, copy.first_norm), nn.Identity()
    for block in copy.blocks:
        for kind in ("depthwise", "pointwise"):
            block[kind] = fuse_conv_bn_eval(block[kind], block[f"{kind}_norm"])
            block[f"{kind}_norm"] = nn.Identity()
    return copy


def read_weights(description: Path) -> dict[str, NDArray[np.float32]]:
    """Read the weights of a TensorFlow.js graph model, float32 all."""
    found = {}
    for group in json.loads(description.read_text(encoding="utf-8"))["weightsManifest"]:
        data = b"".join((description.parent / path).read_bytes() for path in group["paths"])
        start = 0
        for weight in group["weights"]:
            count, dtype = int(np.prod(weight["shape"], dtype=int)), np.dtype(weight["dtype"])
            values = np.frombuffer(data, dtype, count, start).reshape(weight["shape"])
            found[weight["name"]] = values.astype(np.float32)
            start += count * dtype.itemsize
    return found

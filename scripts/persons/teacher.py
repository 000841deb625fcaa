"""dlib's face network (King 2017, a ResNet of 29 layers) with the weights that @vladmandic/face-api ships, in torch."""

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

_MEAN = (122.782, 117.001, 104.298)


class DlibNetwork:
    """Describes grey chips ``(n, 150, 150)`` by vectors ``(n, 128)``."""

    def __init__(self, manifest: Path) -> None:
        weights = _read(manifest)
        self._layers = {}
        for name in {key.rsplit("/", 2)[0] for key in weights if "/conv/" in key}:
            scale = weights[f"{name}/scale/weights"]
            kernel = weights[f"{name}/conv/filters"].permute(3, 2, 0, 1) * scale[:, None, None, None]
            self._layers[name] = kernel, weights[f"{name}/conv/bias"] * scale + weights[f"{name}/scale/biases"]
        self._last = weights["fc"]

    @torch.no_grad()
    def __call__(self, grey: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the description of each chip, the mean of both mirror images."""
        return sum(self._describe(side) for side in (grey, grey[:, :, ::-1].copy())).numpy() / 2

    def _describe(self, grey: NDArray[np.uint8]) -> Tensor:
        x = torch.as_tensor(grey, dtype=torch.float32)[:, None].repeat(1, 3, 1, 1)
        x = (x - torch.tensor(_MEAN)[:, None, None]) / 255
        x = functional.max_pool2d(functional.relu(self._convolved(x, "conv32_down", 2)), 3, 2)
        for width, blocks in ((32, 3), (64, 3), (128, 2), (256, 2)):
            x = x if width == 32 else self._halved(x, f"conv{width}_down")
            for block in range(1, blocks + 1):
                name = f"conv{width}_{block}"
                inner = functional.relu(self._convolved(x, f"{name}/conv1"))
                x = functional.relu(self._convolved(inner, f"{name}/conv2") + x)
        return self._halved(x, "conv256_down_out").mean((2, 3)) @ self._last

    def _convolved(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        kernel, bias = self._layers[name]
        return functional.conv2d(x, kernel, bias, stride, kernel.shape[2] // 2 if stride == 1 else 0)

    def _halved(self, x: Tensor, name: str) -> Tensor:
        inner = functional.relu(self._convolved(x, f"{name}/conv1", 2))
        found, beside = self._convolved(inner, f"{name}/conv2"), functional.avg_pool2d(x, 2, 2)
        high, wide = (max(found.shape[k], beside.shape[k]) for k in (2, 3))
        found = functional.pad(found, (0, wide - found.shape[3], 0, high - found.shape[2]))
        more = found.shape[1] - beside.shape[1]
        beside = functional.pad(beside, (0, wide - beside.shape[3], 0, high - beside.shape[2], 0, more))
        return functional.relu(found + beside)


def _read(manifest: Path) -> dict[str, Tensor]:
    """Read the weights of a TensorFlow.js manifest, quantized or not."""
    found = {}
    for group in json.loads(manifest.read_text()):
        data = b"".join((manifest.parent / path).read_bytes() for path in group["paths"])
        start = 0
        for weight in group["weights"]:
            quantization = weight.get("quantization")
            dtype = np.dtype(quantization["dtype"] if quantization else weight["dtype"])
            values = np.frombuffer(data, dtype, int(np.prod(weight["shape"])), start).astype(np.float32)
            start += values.size * dtype.itemsize
            if quantization:
                values = values * np.float32(quantization["scale"]) + np.float32(quantization["min"])
            found[weight["name"]] = torch.from_numpy(values.reshape(weight["shape"]).astype(np.float32))
    return found


def ask(teacher: DlibNetwork, faces: Path, out: Path) -> None:
    """Write ``FACES-said-NUMBER.npy``, float32 ``(4000, 128)``, of 4,000 faces each; what is there stays."""
    chips = np.load(faces)["chips"]
    for start in range(0, len(chips), 4000):
        file = out / f"{faces.stem}-said-{start:05d}.npy"
        if not file.exists():
            some = chips[start : start + 4000]
            said = np.concatenate([teacher(some[k : k + 50]) for k in range(0, len(some), 50)])
            temporary = file.with_suffix(".part.npy")
            np.save(temporary, said)
            temporary.replace(file)

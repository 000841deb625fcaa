"""The network that ships: taught what dlib's says of aligned faces, and LFW's persons."""

import math
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pipeline.people.align import ALIGNED_SIZE as SIDE

HELD_OUT: Final = 5
"""Of LFW's persons, those whose number divides by this are not learned from."""

_BATCH: Final = 256
_RATE: Final = 2e-3
_MARGIN: Final = 0.2


def _block(before: int, after: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


class Pupil(nn.Module):
    """Describes grey pictures ``(n, 1, 40, 40)`` by directions ``(n, 128)``; their light does not matter."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = _block(1, 24, 3, 2), _block(24, 40)
        self.c, self.d1, self.d2 = _block(40, 72, 3, 2), _block(72, 72), _block(72, 72)
        self.e, self.f1, self.f2 = _block(72, 144, 3, 2), _block(144, 144), _block(144, 144)
        self.g, self.drop = _block(144, 80, 1), nn.Dropout(0.1)
        self.h, self.i = nn.Linear(80 * 25, 128, bias=False), nn.BatchNorm1d(128, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return vectors whose direction counts."""
        x = x - x.mean((1, 2, 3), keepdim=True)
        x = x / (x.square().mean((1, 2, 3), keepdim=True) + 25).sqrt()
        x = self.c(self.b(self.a(x)))
        x = self.e(x + self.d2(self.d1(x)))
        x = x + self.f2(self.f1(x))
        return self.i(self.h(self.drop(self.g(x).flatten(1))).float())


def view(frames: Tensor) -> Tensor:
    """Return an altered view ``(n, 1, 40, 40)`` of each of ``(n, 1, 56, 56)``, 0..255."""
    count, size = len(frames), frames.shape[-1]

    def either(*shape: int) -> Tensor:
        return torch.rand(*shape) * 2 - 1

    angle, scale = either(count) ** 3 * 0.25, 1.1 ** either(count)
    across = torch.where(torch.rand(count) < 0.5, -1.0, 1.0) / (
        1 - 0.12 * torch.rand(count) * (torch.rand(count) < 0.3)
    )
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    matrix = torch.stack([torch.stack([cosine * across, -sine], 1), torch.stack([sine * across, cosine], 1)], 1)
    theta = torch.cat([matrix * (SIDE / size), either(count, 2, 1) * 1.6 / (size / 2)], 2)
    grid = functional.affine_grid(theta, [count, 1, SIDE, SIDE], align_corners=False)
    seen = functional.grid_sample(frames, grid, padding_mode="border", align_corners=False)
    for some in torch.randperm(count)[: count // 3].chunk(6):
        side = int(torch.randint(14, 34, ()))
        small = functional.interpolate(seen[some], (side, side), mode="area")
        seen[some] = functional.interpolate(small, (SIDE, SIDE), mode="bilinear", align_corners=False)
    seen = 255 * (seen / 255).clamp(0, 1) ** torch.exp(either(count, 1, 1, 1) * 0.35)
    slope = torch.linspace(-1, 1, SIDE)
    light = 0.25 * either(count, 1, 1, 1) * slope.view(1, 1, 1, -1) + 0.15 * either(count, 1, 1, 1) * slope.view(
        1, 1, -1, 1
    )
    seen = seen * (1 + light) + torch.randn_like(seen) * (torch.rand(count, 1, 1, 1) * 6)
    for row in torch.nonzero(torch.rand(count) < 0.1).flatten().tolist():
        high, wide = torch.randint(4, 16, (2,)).tolist()
        top, left = int(torch.randint(0, SIDE - high, ())), int(torch.randint(0, SIDE - wide, ()))
        seen[row, :, top : top + high, left : left + wide] = torch.rand(()) * 255
    return seen.clamp(0, 255)


def middle(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what moodreel would align: the middle ``(n, 40, 40)`` of frames."""
    start = (frames.shape[1] - SIDE) // 2
    return frames[:, start : start + SIDE, start : start + SIDE]


def train(work: Path, epochs: int) -> None:
    """Train in ``work``; each epoch is committed to ``pupil.pt``, from which a later call goes on."""
    sets = [np.load(work / f"{name}.npz") for name in ("lfw", "fer")]
    frames, person, found = (np.concatenate([one[key] for one in sets]) for key in ("frames", "person", "found"))
    said = np.concatenate(
        [np.load(file) for name in ("lfw", "fer") for file in sorted(work.glob(f"{name}-said-*[0-9].npy"))]
    )
    learned = found & ((person < 0) | (person % HELD_OUT != 0))
    said = said - said[learned & (person >= 0)].mean(0)
    targets = functional.normalize(torch.from_numpy(said.astype(np.float32)))
    counts = np.bincount(person[learned & (person >= 0)])
    named = learned & (person >= 0)
    named[named] = counts[person[named]] >= 2
    names, who = np.unique(person[named], return_inverse=True)
    label = torch.full((len(person),), -1)
    label[torch.from_numpy(named)] = torch.from_numpy(who)
    torch.manual_seed(1)
    pupil, likeness = Pupil().to(memory_format=torch.channels_last), nn.Linear(128, 128)
    centres = nn.Parameter(torch.randn(len(names), 128))
    parameters = [*pupil.parameters(), *likeness.parameters(), centres]
    groups = [([p for p in parameters if p.ndim > 1], 0.05), ([p for p in parameters if p.ndim <= 1], 0.0)]
    adam = torch.optim.AdamW([{"params": p, "weight_decay": d} for p, d in groups], _RATE, betas=(0.9, 0.99))
    rows, first, file = np.flatnonzero(learned), 0, work / "pupil.pt"
    if file.exists():
        state = torch.load(file, weights_only=True)
        for part, values in zip(
            (pupil, likeness, adam), (state["pupil"], state["likeness"], state["adam"]), strict=True
        ):
            part.load_state_dict(values)
        centres.data.copy_(state["centres"])
        first = state["epoch"]
    steps, pictures = len(rows) // _BATCH, torch.from_numpy(frames)
    for epoch in range(first, epochs):
        torch.manual_seed(1000 + epoch)
        order = torch.from_numpy(np.random.default_rng(epoch).permutation(rows))
        for step in range(steps):
            done = epoch * steps + step
            rate = _RATE * min(1, done / 300) * (1 + math.cos(math.pi * done / (steps * epochs))) / 2
            for group in adam.param_groups:
                group["lr"] = rate
            batch = order[step * _BATCH : (step + 1) * _BATCH]
            seen = view(pictures[batch][:, None].float()).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                vectors = pupil(seen)
            loss = _loss(vectors.float(), likeness, centres, targets[batch], label[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
        state = {"pupil": pupil.state_dict(), "likeness": likeness.state_dict(), "adam": adam.state_dict()}
        temporary = file.with_suffix(".part")
        torch.save(state | {"centres": centres.data, "epoch": epoch + 1}, temporary)
        temporary.replace(file)
        print(f"epoch {epoch + 1} of {epochs}: loss {float(loss.detach()):.3f}", flush=True)


def _loss(vectors: Tensor, likeness: nn.Module, centres: Tensor, targets: Tensor, label: Tensor) -> Tensor:
    """Return the loss: the teacher's directions, how alike it finds faces, and LFW's persons (additive margin)."""
    unit = functional.normalize(vectors)
    loss = 2 * (1 - functional.cosine_similarity(likeness(vectors), targets)).mean()
    loss = loss + 20 * functional.mse_loss(unit @ unit.T, targets @ targets.T)
    known = label >= 0
    if not known.any():
        return loss
    margins = _MARGIN * functional.one_hot(label[known], len(centres))
    logits = 24 * (unit[known] @ functional.normalize(centres).T - margins)
    return loss + 0.2 * functional.cross_entropy(logits, label[known])


def export(work: Path, out: Path) -> None:
    """Write the network as ONNX."""
    pupil = Pupil()
    pupil.load_state_dict(torch.load(work / "pupil.pt", weights_only=True)["pupil"])
    names = {"input_names": ["picture"], "output_names": ["person"]}
    axes = {"picture": {0: "n"}, "person": {0: "n"}}
    torch.onnx.export(pupil.eval(), (torch.rand(2, 1, SIDE, SIDE),), out, **names, dynamic_axes=axes, dynamo=False)

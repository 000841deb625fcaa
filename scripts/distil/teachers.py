"""Teachers: networks that are tuned to emotions, and asked."""

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from bodies import MEAN, LiteNet, MobileNet, read_weights
from pictures import DEVICE, RECIPE, Pictures, autocast, score
from torch import Tensor, nn
from torch.nn import functional
from views import Alterations, blurred, erased

from models.data.faces import CROP_SIZE

VIEW: Final = 44
"""Pixels of a crop that a teacher sees, its middle."""


@dataclass(frozen=True)
class Tuning:
    """How a teacher comes about.

    Attributes:
        name: of it.
        start: ``faces`` tells people from each other, ``things`` ImageNet's pictures.
        side: pixels that a face's middle is enlarged to.
        epochs: of tuning.
        sharpness: radius of sharpness-aware minimization (Foret et al. 2021, arXiv:2010.01412); 0 is without.
        rate: highest learning rate.
    """

    name: str
    start: str
    side: int
    epochs: int
    sharpness: float = 0.0
    rate: float = 1.4e-3


TUNINGS: Final = (
    Tuning("faces-192", "faces", 192, 13),
    Tuning("faces-160", "faces", 160, 6, sharpness=0.05),
    Tuning("things-192", "things", 192, 5),
    Tuning("faces-192b", "faces", 192, 15),
)


@dataclass(frozen=True)
class Teacher:
    """A network that is asked; ``network`` has ``features``, ``emotion`` and ``votes`` (see ``bodies.py``)."""

    network: Any
    side: int

    def see(self, crops: Tensor, alterations: Alterations) -> Tensor:
        """Return pictures for it of ``(n, 1, 48, 48)`` crops."""
        return alterations.view(crops, VIEW, self.side)

    def ask(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits ``(n, 7)`` and ``(n, 10)``, and features, of pictures."""
        features = self.network.features((pictures - MEAN).contiguous(memory_format=torch.channels_last))
        return self.network.emotion(features).float(), self.network.votes(features).float(), features


def tune(tuning: Tuning, faces: Pictures, starts: dict[str, Path], work: Path) -> None:
    """Tune a teacher, print how it does on what is held out, and write it down as weights and as ONNX.

    ``starts`` are the files of weights by the names that :class:`Tuning` has for them.
    """
    torch.manual_seed(TUNINGS.index(tuning))
    teacher = Teacher(_untuned(tuning, faces, starts[tuning.start]), tuning.side)
    _train(teacher, faces, tuning)
    held = torch.nonzero(faces.held).flatten()
    plain, mirrored = (_answers(teacher, faces, held, mirrored) for mirrored in (False, True))
    score(tuning.name, plain, faces.labels[held])
    score(f"{tuning.name}, with the mirror image", (plain + mirrored) / 2, faces.labels[held])
    state = {key: value.cpu() for key, value in teacher.network.state_dict().items()}
    torch.save(state, work / f"{tuning.name}.pt")
    _export(teacher, work / f"{tuning.name}.onnx")


def read_teacher(tuning: Tuning, work: Path) -> Teacher:
    """Read a teacher that was tuned."""
    network = LiteNet() if tuning.start == "things" else MobileNet()
    network.load_state_dict(torch.load(work / f"{tuning.name}.pt", map_location="cpu"))
    return Teacher(network.to(DEVICE, memory_format=torch.channels_last).eval(), tuning.side)


def _untuned(tuning: Tuning, faces: Pictures, start: Path) -> nn.Module:
    if tuning.start == "things":
        lite = LiteNet()
        lite.start_from(start)
        return lite.to(DEVICE, memory_format=torch.channels_last)
    network = MobileNet()
    crops = faces.crops_of(torch.nonzero(~faces.held).flatten()[:192])
    some = Alterations.none(len(crops)).view(crops, VIEW, tuning.side) - MEAN
    network.start_from(read_weights(start), some.cpu())
    return network.to(DEVICE, memory_format=torch.channels_last)


def _train(teacher: Teacher, faces: Pictures, tuning: Tuning) -> None:
    network, batch, start = teacher.network, RECIPE.batch_size, time.monotonic()
    rows = torch.nonzero(~faces.held).flatten()
    optimizer = _optimizer(network, tuning.rate)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    targets = faces.targets()
    altered = dataclasses.replace(RECIPE.augmentation, rotation=12, erase=0.2)

    def gradients_of(pictures: Tensor, some: Tensor) -> tuple[Tensor, ...]:
        with autocast():
            emotion, votes, _ = teacher.ask(pictures)
        loss = functional.cross_entropy(emotion, targets[some]) + functional.cross_entropy(votes, faces.votes[some])
        return torch.autograd.grad(loss, parameters)

    network.train()
    per_epoch = len(rows) // batch
    for done in range(tuning.epochs * per_epoch):
        place = done % per_epoch
        if not place:
            order = rows[torch.randperm(len(rows), device=DEVICE)]
        some = order[place * batch : (place + 1) * batch]
        factor = min(1, (done + 1) / 300) * (1 + np.cos(np.pi * done / (tuning.epochs * per_epoch))) / 2
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        crops = blurred(faces.crops_of(some), altered.blur, 2)
        pictures = erased(teacher.see(crops, Alterations.draw(batch, altered)), altered.erase, 255)
        gradients = gradients_of(pictures, some)
        if tuning.sharpness:
            norm = torch.stack(torch._foreach_norm(gradients)).norm() + 1e-12
            uphill = torch._foreach_mul(gradients, tuning.sharpness / norm)
            with torch.no_grad():
                torch._foreach_add_(parameters, uphill)
            gradients = gradients_of(pictures, some)
            with torch.no_grad():
                torch._foreach_sub_(parameters, uphill)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
    network.eval()
    print(f"{tuning}: {time.monotonic() - start:.0f} s", flush=True)


def _optimizer(network: Any, rate: float) -> torch.optim.AdamW:
    heads = [*network.emotion.parameters(), *network.votes.parameters()]
    body = [p for p in network.parameters() if not any(p is head for head in heads)]
    groups = [
        {"params": [p for p in body if p.ndim > 1], "weight_decay": 0.05, "peak": rate},
        {"params": [p for p in body if p.ndim == 1], "weight_decay": 0.0, "peak": rate},
        {"params": heads, "weight_decay": 0.01, "peak": rate * 4},
    ]
    return torch.optim.AdamW(groups, rate, fused=True)


@torch.no_grad()
def _answers(teacher: Teacher, faces: Pictures, rows: Tensor, mirrored: bool) -> Tensor:
    found = []
    for some in rows.split(512):
        with autocast():
            pictures = teacher.see(faces.crops_of(some), Alterations.none(len(some), mirrored))
            found.append(teacher.ask(pictures)[0].softmax(1))
    return torch.cat(found)


class _Asked(nn.Module):
    """What is exported: crops in, probabilities and features out, as ``moodreel train --teacher`` wants them."""

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self.network, self.teacher = teacher.network, teacher

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``(n, 7)`` and ``(n, k)`` for float32 ``(n, 48, 48, 1)`` in 0..1."""
        edge, side = (CROP_SIZE - VIEW) // 2, self.teacher.side
        middle = crops[:, edge:-edge, edge:-edge, 0].unsqueeze(1) * 255
        pictures = functional.interpolate(middle, (side, side), mode="bicubic", align_corners=False)
        features = self.network.features(pictures.clamp(0, 255) - MEAN)
        return functional.softmax(self.network.emotion(features), dim=1), features


def _export(teacher: Teacher, path: Path) -> None:
    torch.onnx.export(
        _Asked(teacher).eval(),
        (torch.zeros(2, CROP_SIZE, CROP_SIZE, 1, device=DEVICE),),
        path,
        input_names=["crop"],
        output_names=["emotion", "features"],
        dynamic_shapes=({0: torch.export.Dim("n")},),
        dynamo=True,
        external_data=False,
    )

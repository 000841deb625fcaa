"""Teachers: networks that are tuned to emotions, and asked."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from bodies import MEAN, MobileNet, folded, read_weights
from pictures import DEVICE, RECIPE, Pictures, autocast
from torch import Tensor
from torch.nn import functional
from views import Alterations, Altered, blurred, erased

VIEW: Final = 44
"""Pixels of a crop that a teacher sees, its middle."""

_LFW: Final = 0.5
"""Part of LFW that an epoch looks at: most of its faces are neutral or happy, and soon learned."""


@dataclass(frozen=True)
class Tuning:
    """How a teacher comes about; it starts from HSE-FaceRes.

    Attributes:
        name: of it.
        side: pixels that a face's middle is enlarged to.
        epochs: of tuning.
        rate: highest learning rate.
    """

    name: str
    side: int
    epochs: int
    rate: float = 1.4e-3


TUNINGS: Final = (
    Tuning("faces-160", 160, 10),
    Tuning("faces-192", 192, 10),
    Tuning("faces-160b", 160, 11),
)


@dataclass(frozen=True)
class Teacher:
    """A network that is asked; ``network`` has ``features``, ``emotion`` and ``votes`` (see ``bodies.py``)."""

    network: Any
    side: int

    def see(self, frames: Tensor, alterations: Alterations) -> Tensor:
        """Return pictures for it of ``(n, 1, 64, 64)`` frames."""
        return alterations.view(frames, VIEW, self.side)

    def ask(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits ``(n, 7)`` and ``(n, 10)``, and features, of pictures."""
        features = self.network.features((pictures - MEAN).contiguous(memory_format=torch.channels_last))
        return self.network.emotion(features).float(), self.network.votes(features).float(), features


def tune(tuning: Tuning, faces: Pictures, start: Path, work: Path) -> None:
    """Tune a teacher to FER2013's labels and to votes, and write its weights down."""
    torch.manual_seed(TUNINGS.index(tuning))
    teacher = untuned(faces, start, tuning.side)
    _train(teacher, faces, tuning)
    state = {key: value.cpu() for key, value in teacher.network.state_dict().items()}
    torch.save(state, work / f"{tuning.name}.pt")


def read_teacher(tuning: Tuning, work: Path) -> Teacher:
    """Read a teacher that was tuned."""
    network = MobileNet()
    network.load_state_dict(torch.load(work / f"{tuning.name}.pt", map_location="cpu"))
    return Teacher(folded(network).to(DEVICE, memory_format=torch.channels_last), tuning.side)


def untuned(faces: Pictures, start: Path, side: int) -> Teacher:
    """Return HSE-FaceRes, which tells people from each other, with heads that know nothing yet."""
    network = MobileNet()
    some = faces.frames_of(torch.arange(0, len(faces), max(1, len(faces) // 192), device=DEVICE))
    pictures = Alterations.none(len(some)).view(some, VIEW, side) - MEAN
    network.start_from(read_weights(start), pictures.cpu())
    return Teacher(network.to(DEVICE, memory_format=torch.channels_last), side)


def _train(teacher: Teacher, faces: Pictures, tuning: Tuning) -> None:
    network, batch, start = teacher.network, RECIPE.batch_size, time.monotonic()
    asked = faces.votes.sum(1) > 0
    labelled = torch.nonzero((faces.labels >= 0) & asked).flatten()
    lfw = torch.nonzero((faces.labels < 0) & asked).flatten()
    count = len(labelled) + int(len(lfw) * _LFW)
    optimizer = _optimizer(network, tuning.rate)
    targets, altered = faces.targets(), Altered()
    network.train()
    per_epoch = count // batch
    for done in range(tuning.epochs * per_epoch):
        place = done % per_epoch
        if not place:
            rows = torch.cat([labelled, lfw[torch.randperm(len(lfw), device=DEVICE)[: count - len(labelled)]]])
            order = rows[torch.randperm(len(rows), device=DEVICE)]
        some = order[place * batch : (place + 1) * batch]
        factor = min(1, (done + 1) / 300) * (1 + np.cos(np.pi * done / (tuning.epochs * per_epoch))) / 2
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        frames = blurred(faces.frames_of(some), altered.blur, 2)
        pictures = erased(teacher.see(frames, Alterations.draw(batch, altered)), 0.2, 255)
        with autocast():
            emotion, votes, _ = teacher.ask(pictures)
        # Rows without a label have targets of 0, which add nothing.
        loss = functional.cross_entropy(emotion, targets[some]) + functional.cross_entropy(votes, faces.votes[some])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    network.eval()
    print(f"{tuning}: {time.monotonic() - start:.0f} s, loss {loss.item():.3f}", flush=True)


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
def answers(teacher: Teacher, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Return probabilities ``(n, 7)`` and ``(n, 10)`` of uint8 frames, the mean of both mirror images."""
    found = []
    for some in frames.split(512):
        with autocast():
            said = [
                teacher.ask(teacher.see(some.unsqueeze(1).float(), Alterations.none(len(some), mirrored)))
                for mirrored in (False, True)
            ]
        found.append([sum(logits[head].softmax(1) for logits in said) / 2 for head in (0, 1)])
    return torch.cat([emotion for emotion, _ in found]), torch.cat([votes for _, votes in found])

"""Teachers: networks that are tuned to emotions, and asked."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from bodies import MEAN, MobileNet, folded, read_weights
from graphs import Adam, captured
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
    """

    name: str
    side: int
    epochs: int


TUNINGS: Final = (
    Tuning("faces-160", 160, 10),
    Tuning("faces-192", 192, 10),
)

_RATE: Final = 1.4e-3
_ERASED: Final = 0.2
"""Highest learning rate, and part of the pictures in which a rectangle is filled with noise."""


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
    """Tune a teacher to FER2013's labels and to votes, and write its weights down.

    Raises:
        ArithmeticError: What it learned is no number.
    """
    began = time.monotonic()
    teacher = untuned(faces, start, tuning.side)
    training = _Training(teacher, TUNINGS.index(tuning), faces, tuning.epochs)
    for _ in range(tuning.epochs):
        training.draw()
        for _ in range(training.steps):
            training.step()
        if not teacher.network.emotion.weight.isfinite().all():
            raise ArithmeticError(f"{tuning.name}: the teacher's weights are no numbers")
    state = {key: value.cpu() for key, value in teacher.network.eval().state_dict().items()}
    torch.save(state, work / f"{tuning.name}.pt")
    print(f"{tuning}: {time.monotonic() - began:.0f} s", flush=True)


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


class _Training:
    """One teacher's, all of whose state lies in tensors that stay where they are, as a CUDA graph wants it."""

    def __init__(self, teacher: Teacher, seed: int, faces: Pictures, epochs: int) -> None:
        torch.manual_seed(seed)
        self._teacher, self._faces, batch = teacher, faces, RECIPE.batch_size
        network = teacher.network.train()
        asked = faces.votes.sum(1) > 0
        self._labelled = torch.nonzero((faces.labels >= 0) & asked).flatten()
        self._lfw = torch.nonzero((faces.labels < 0) & asked).flatten()
        self.steps = (len(self._labelled) + int(len(self._lfw) * _LFW)) // batch
        self._order = torch.zeros(self.steps * batch, dtype=torch.int64, device=DEVICE)
        self._frames = faces.frames.clone()
        self._targets, self._altered = faces.targets(), Altered()
        self._within, self._done = (torch.zeros(1, dtype=torch.int64, device=DEVICE) for _ in range(2))
        self._places = torch.arange(batch, device=DEVICE)
        heads = [*network.emotion.parameters(), *network.votes.parameters()]
        body = [p for p in network.parameters() if not any(p is head for head in heads)]
        groups = [
            ([p for p in body if p.ndim > 1], 0.05, 1.0),
            ([p for p in body if p.ndim == 1], 0.0, 1.0),
            (heads, 0.01, 4.0),
        ]
        total = epochs * self.steps
        done = torch.arange(total + 8, device=DEVICE, dtype=torch.float64)
        rates = _RATE * ((done + 1) / 300).clamp_max(1) * (1 + torch.cos(np.pi * (done / total).clamp_max(1))) / 2
        self._adam = Adam(groups, rates)
        self.draw()
        self.step = captured(self._step, [*self._adam.state, *network.buffers(), self._within, self._done])

    @torch.no_grad()
    def draw(self) -> None:
        """Draw an epoch's order, and what of it is blurred."""
        lfw = self._lfw[torch.randperm(len(self._lfw), device=DEVICE)[: len(self._order) - len(self._labelled)]]
        rows = torch.cat([self._labelled, lfw])
        self._order.copy_(rows[torch.randperm(len(rows), device=DEVICE)[: len(self._order)]])
        for some in torch.arange(len(self._frames), device=DEVICE).split(8192):
            frames = blurred(self._faces.frames_of(some), self._altered.blur, 16)
            self._frames[some] = frames.round().byte().squeeze(1)
        self._within.zero_()

    def _step(self) -> None:
        rows = self._order[self._within * len(self._places) + self._places]
        frames = self._frames[rows].unsqueeze(1).float()
        alterations = Alterations.draw(len(rows), self._altered)
        pictures = erased(self._teacher.see(frames, alterations), _ERASED, 255)
        with autocast():
            emotion, votes, _ = self._teacher.ask(pictures)
        # Rows without a label have targets of 0, which add nothing.
        targets, voted = self._targets[rows], self._faces.votes[rows]
        loss = functional.cross_entropy(emotion, targets) + functional.cross_entropy(votes, voted)
        self._adam.step(torch.autograd.grad(loss, self._adam.parameters), self._done)
        self._within.add_(1)
        self._done.add_(1)


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

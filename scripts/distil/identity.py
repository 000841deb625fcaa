"""A small network that tells people's faces from each other, taught by HSE-FaceRes and by LFW's persons."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from bodies import folded
from film import Film
from graphs import Adam, captured, wait
from lessons import Directions
from numpy.typing import NDArray
from pictures import DEVICE, WINDOW, Pictures, autocast
from teachers import VIEW, Teacher, untuned
from torch import Tensor, nn
from torch.nn import functional
from views import Alterations, Altered

HELD_OUT: Final = 5
"""Of LFW's persons, those whose number divides by this are not learned from."""

_SIDE: Final = 160
_BATCH: Final = 256


class IdentityNet(nn.Module):
    """48x48 grey crop in, of which it sees the middle 40x40; a direction in 128 dimensions out. 29 MMAC."""

    SHAPE = ((1, 24, 3), (24, 48, 3), (48, 96, 3), (96, 96, 3), (96, 192, 3), (192, 192, 3), (192, 64, 1))

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False) for before, after, kernel in self.SHAPE
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(after, eps=1e-3, momentum=0.1) for _, after, _ in self.SHAPE)
        self.last = nn.Linear(64 * (WINDOW // 8) ** 2, width, bias=False)
        self.last_norm = nn.BatchNorm1d(width, affine=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return vectors ``(n, 128)``, whose direction counts, for ``(n, 1, 40, 40)`` in 0..1."""
        x = functional.relu(self.norms[0](functional.max_pool2d(self.convolutions[0](pictures), 2)))
        x = functional.relu(self.norms[1](functional.max_pool2d(self.convolutions[1](x), 2)))
        x = self._convolved(2, x)
        x = functional.max_pool2d(x + self._convolved(3, x), 2)
        x = self._convolved(4, x)
        x = x + self._convolved(5, x)
        return self.last_norm(self.last(self._convolved(6, x).flatten(1)).float())

    def _convolved(self, place: int, x: Tensor) -> Tensor:
        return functional.relu(self.norms[place](self.convolutions[place](x)))


@dataclass(frozen=True)
class Lecture:
    """What HSE-FaceRes sees in views: uint8 ``(v, n, 40, 40)``, and float16 ``(v, n, 256)`` main directions."""

    views: Tensor
    directions: Tensor


@torch.no_grad()
def lecture(faces: Pictures, start: Path, count: int) -> Lecture:
    """Ask HSE-FaceRes as it is about so many views of each picture."""
    teacher = untuned(faces, start, _SIDE)
    teacher = Teacher(folded(teacher.network), _SIDE)
    every, found, kept = torch.arange(len(faces), device=DEVICE), None, []
    altered = Altered(light=0.2, blur=0.0)
    for _ in range(count):
        parts = []
        for some in every.split(1024):
            frames, alterations = faces.frames_of(some), Alterations.draw(len(some), altered)
            with autocast():
                features = teacher.ask(alterations.view(frames, VIEW, _SIDE))[2]
            parts.append((alterations.view(frames, WINDOW, WINDOW).round().byte().squeeze(1), features.half()))
        views, features = (torch.cat(part) for part in zip(*parts, strict=True))
        found = found or Directions.of(features[faces.persons >= 0].float(), 256)
        kept.append((views, found.along(features)))
    return Lecture(*(torch.stack(arrays) for arrays in zip(*kept, strict=True)))


@dataclass(frozen=True)
class IdentityCourse:
    """How an :class:`IdentityNet` learns.

    Attributes:
        epochs: of training.
        directions: weight of HSE-FaceRes's main directions.
        likeness: weight of how alike it finds the faces of a batch.
        persons: weight of naming LFW's persons (additive margin, Wang et al. 2018, arXiv:1801.05599).
        margin: of it.
        rate: highest learning rate.
    """

    epochs: int = 50
    directions: float = 1.0
    likeness: float = 20.0
    persons: float = 0.1
    margin: float = 0.2
    rate: float = 2e-3


def learn_identities(courses: Sequence[IdentityCourse], said: Lecture, faces: Pictures) -> list[IdentityNet]:
    """Train a network for each course, side by side."""
    start = time.monotonic()
    rows = torch.nonzero((faces.persons < 0) | (faces.persons % HELD_OUT != 0)).flatten()
    trainings = [_Training(course, number, said, faces, rows) for number, course in enumerate(courses)]
    film, every = Film(), rows
    for _ in range(courses[0].epochs):
        views = torch.randint(len(said.views), (len(faces),), device=DEVICE)
        for some in every.split(8192):
            pictures = film.shoot(said.views[views[some], some].unsqueeze(1).float())
            trainings[0].pictures[some] = pictures.round().byte().squeeze(1)
        for training in trainings:
            training.views.copy_(views)
            training.order.copy_(rows[torch.randperm(len(rows), device=DEVICE)[: len(training.order)]])
            training.within.zero_()
        wait()
        for _ in range(trainings[0].steps):
            for training in trainings:
                training.step()
        wait()
    print(f"{len(courses)} identity networks: {time.monotonic() - start:.0f} s", flush=True)
    return [training.network.eval() for training in trainings]


class _Training:
    """One network's."""

    _pictures: Tensor | None = None

    def __init__(self, course: IdentityCourse, seed: int, said: Lecture, faces: Pictures, rows: Tensor) -> None:
        torch.manual_seed(100 + seed)
        self.network = IdentityNet().to(DEVICE, memory_format=torch.channels_last).train()
        self._course, self._said, self._persons = course, said, faces.persons
        self.steps = len(rows) // _BATCH
        self._likeness = nn.Linear(128, said.directions.shape[2]).to(DEVICE)
        self._centres = nn.Parameter(torch.randn(int(faces.persons.max()) + 1, 128, device=DEVICE))
        self.views = torch.zeros(len(faces), dtype=torch.int64, device=DEVICE)
        self.order = torch.zeros(self.steps * _BATCH, dtype=torch.int64, device=DEVICE)
        self.within, self._done = (torch.zeros(1, dtype=torch.int64, device=DEVICE) for _ in range(2))
        self._places = torch.arange(_BATCH, device=DEVICE)
        total = course.epochs * self.steps
        steps = torch.arange(total + 8, device=DEVICE)
        rates = course.rate * (steps / 300).clamp_max(1) * (1 + torch.cos(np.pi * (steps / total).clamp_max(1))) / 2
        parameters = [*self.network.parameters(), *self._likeness.parameters(), self._centres]
        kernels, others = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim == 1]
        self._adam = Adam([(kernels, 0.05, 1.0), (others, 0.0, 1.0)], rates, fade=0.99)
        self._stream = torch.cuda.Stream() if DEVICE.type == "cuda" else None
        self._learn = captured(self._step, [*self._adam.state, *self.network.buffers(), self.within, self._done])

    @property
    def pictures(self) -> Tensor:
        """What all of them see in an epoch, uint8 ``(n, 40, 40)``."""
        if _Training._pictures is None:
            _Training._pictures = torch.zeros_like(self._said.views[0])
        return _Training._pictures

    def step(self) -> None:
        """Learn from the next batch; others may do so meanwhile."""
        with torch.cuda.stream(self._stream):
            self._learn()

    def _step(self) -> None:
        rows = self.order[self.within * _BATCH + self._places]
        self._adam.step(torch.autograd.grad(self._loss(rows), self._adam.parameters), self._done)
        self.within.add_(1)
        self._done.add_(1)

    def _loss(self, rows: Tensor) -> Tensor:
        course = self._course
        pictures = self.pictures[rows].unsqueeze(1).float() / 255
        with autocast():
            found = self.network(pictures.contiguous(memory_format=torch.channels_last)).float()
        seen = self._said.directions[self.views[rows], rows].float()
        loss = course.directions * functional.mse_loss(self._likeness(found), seen)
        unit, taught = functional.normalize(found), functional.normalize(seen)
        alike = unit @ unit.T
        loss = loss + course.likeness * functional.mse_loss(alike, taught @ taught.T)
        persons = self._persons[rows]
        known = (persons >= 0).float()
        named_by = unit @ functional.normalize(self._centres).T
        chosen = torch.zeros_like(named_by).scatter_(1, persons.clamp_min(0).unsqueeze(1), course.margin)
        logits = 24 * (named_by - chosen)
        named = functional.cross_entropy(logits, persons.clamp_min(0), reduction="none")
        return loss + course.persons * (named * known).sum() / known.sum().clamp_min(1)


@torch.no_grad()
def state_of(network: IdentityNet) -> dict[str, NDArray[np.float32]]:
    """Return the weights by name, for :func:`numpy.savez`."""
    return {name: value.float().cpu().numpy() for name, value in network.state_dict().items()}

"""Pupils: networks of the shape that ships, and how they learn."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from film import Film
from graphs import captured, wait
from lessons import Lessons
from numpy.typing import NDArray
from pictures import DEVICE, RECIPE, WINDOW, Pictures, autocast
from torch import Tensor, nn
from torch.nn import functional
from views import erased

from jobs.run.progress import Progress
from models.data.faces import CROP_SIZE, FERPLUS_OF_EMOTION


class Pupil(nn.Module):
    """The shape of :func:`models.networks.default.build`, layer by layer, for its middle window."""

    SHAPE = ((1, 32, 3), (32, 64, 3), (64, 128, 3), (128, 128, 3), (128, 256, 3), (256, 256, 3), (256, 512, 1))

    def __init__(self, hints: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False) for before, after, kernel in self.SHAPE
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(after, eps=1e-3, momentum=0.1) for _, after, _ in self.SHAPE)
        self.emotion, self.votes, self.hints = (nn.Linear(512, k) for k in (7, 10, hints))
        for part in self.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):  # as Keras begins
                nn.init.xavier_uniform_(part.weight)
                if part.bias is not None:
                    nn.init.zeros_(part.bias)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits ``(n, 7)`` and ``(n, 10)``, and hints, for ``(n, 1, 40, 40)`` in 0..1."""
        x = self.features(pictures)
        told = functional.dropout(x, 0.3, self.training)
        return self.emotion(told).float(), self.votes(told).float(), self.hints(x).float()

    def features(self, pictures: Tensor) -> Tensor:
        """Return what the heads see, ``(n, 512)``."""
        x = functional.relu(self.norms[0](functional.max_pool2d(self.convolutions[0](pictures), 2)))
        x = functional.relu(self.norms[1](functional.max_pool2d(self.convolutions[1](x), 2)))
        x = self._convolved(2, x)
        x = functional.max_pool2d(x + self._convolved(3, x), 2)
        x = self._convolved(4, x)
        x = x + self._convolved(5, x)
        return self._convolved(6, x).mean((2, 3))

    def _convolved(self, place: int, x: Tensor) -> Tensor:
        return functional.relu(self.norms[place](self.convolutions[place](x)))

    def keras_weights(self) -> list[NDArray[np.float32]]:
        """Return the weights of each layer that has some, in the order of ``models.networks.default.build``."""
        found = []
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            found += [
                convolution.weight.permute(2, 3, 1, 0),
                norm.weight,
                norm.bias,
                norm.running_mean,
                norm.running_var,
            ]
        for head in (self.emotion, self.votes):
            found += [head.weight.T, head.bias]
        return [array.detach().float().cpu().numpy() for array in found]


@dataclass(frozen=True)
class Course:
    """How a pupil learns.

    Attributes:
        epochs: of training.
        share: of the teachers in the targets of emotion; FER2013's label has the rest. Blends have no labels.
        votes: the same for FER+'s votes.
        weight: of the hints.
        decay: of kernels, a step, in units of the learning rate.
        rate: highest learning rate; it goes as the recipe's does.
        rarity: pictures are drawn in proportion to their emotions' frequencies to minus this power.
    """

    epochs: int = 150
    share: float = 0.7
    votes: float = 0.5
    weight: float = 40.0
    decay: float = RECIPE.weight_decay
    rate: float = RECIPE.rate
    rarity: float = 0.0


def learn(courses: Sequence[tuple[Course, int]], lessons: Lessons, faces: Pictures, film: Film) -> list[Pupil]:
    """Train a pupil for each course and seed, side by side, for one is too small to keep a GPU busy.

    All courses have the same number of epochs. In each, every picture is seen in a view drawn at random, filmed anew.

    Raises:
        ArithmeticError: What a pupil learned is no number.
    """
    start = time.monotonic()
    screen = _Screen(lessons, film)
    trainings = [_Training(course, seed, lessons, faces, screen) for course, seed in courses]
    for _ in range(courses[0][0].epochs):
        screen.draw()
        for training in trainings:
            training.draw()
        wait()
        for _ in range(trainings[0].steps):
            for training in trainings:
                training.step()
        wait()
    pupils = [training.pupil.eval() for training in trainings]
    for (course, seed), pupil in zip(courses, pupils, strict=True):
        if not pupil.emotion.weight.isfinite().all():
            raise ArithmeticError(f"{course}, seed {seed}: a pupil's weights are no numbers")
    print(f"{len(courses)} pupils, {courses[0][0].epochs} epochs: {time.monotonic() - start:.0f} s", flush=True)
    return pupils


class _Screen:
    """What all pupils see in an epoch: a view of each picture, filmed."""

    def __init__(self, lessons: Lessons, film: Film) -> None:
        self._lessons, self._film = lessons, film
        count, self._every = lessons.views.shape[1], torch.arange(lessons.views.shape[1], device=DEVICE)
        self.views = torch.zeros(count, dtype=torch.int64, device=DEVICE)
        self.pictures = torch.zeros(lessons.views.shape[1:], dtype=torch.uint8, device=DEVICE)
        self.draw()

    @torch.no_grad()
    def draw(self) -> None:
        """Draw the next epoch's."""
        self.views.random_(len(self._lessons.views))
        for some in self._every.split(8192):
            pictures = self._lessons.views[self.views[some], some].unsqueeze(1).float()
            mirrored = (torch.rand(len(some), 1, 1, 1, device=DEVICE) < 0.5).expand_as(pictures)
            pictures = self._film.shoot(torch.where(mirrored, pictures.flip(3), pictures))
            self.pictures[some] = pictures.round().byte().squeeze(1)


def sampling(faces: Pictures, power: float) -> tuple[Tensor, Tensor]:
    """Return how likely each picture is to be drawn, ``(n,)``, and the part of each emotion in what is drawn, ``(7,)``.

    A picture's emotions are its label and its votes, half of each where it has both.
    """
    folded = faces.votes[:, list(FERPLUS_OF_EMOTION)]
    labels = functional.one_hot(faces.labels.clamp_min(0), 7) * (faces.labels >= 0).unsqueeze(1)
    shown = folded / folded.sum(1, keepdim=True).clamp_min(1e-9) + labels
    shown = shown / shown.sum(1, keepdim=True).clamp_min(1e-9)
    shown[shown.sum(1) == 0] = shown.mean(0)
    weights = (shown * shown.mean(0) ** -power).sum(1)
    weights = weights / weights.sum()
    return weights, (weights.unsqueeze(1) * shown).sum(0)


class _Training:
    """One pupil's, all of whose state lies in tensors that stay where they are, as a CUDA graph wants it."""

    def __init__(self, course: Course, seed: int, lessons: Lessons, faces: Pictures, screen: _Screen) -> None:
        torch.manual_seed(seed)
        pupil = Pupil(lessons.hints.shape[2])
        self.pupil = pupil.to(DEVICE, memory_format=torch.channels_last).train()
        batch = RECIPE.batch_size
        self._course, self._lessons, self._faces, self._screen = course, lessons, faces, screen
        self.steps = len(faces) // batch
        # Steps before the capture of the first one want a rate, too.
        moments = [Progress(course.epochs, done / self.steps, ()) for done in range(course.epochs * self.steps + 8)]
        rates = [RECIPE.schedule.rate(course.rate, moment) for moment in moments]
        self._rates = torch.tensor(rates, device=DEVICE)
        self._parameters = list(self.pupil.parameters())
        self._kernels = [p for p in self._parameters if p.ndim > 1]
        self._velocities = [torch.zeros_like(p) for p in self._parameters]
        self._labels = faces.targets()
        # The teachers' part of each target, of views that are no blends: all of it where nobody was asked.
        self._share = torch.where(faces.labels >= 0, course.share, 1.0).unsqueeze(1)
        self._votes = torch.where(faces.votes.sum(1) > 0, course.votes, 1.0).unsqueeze(1)
        self._first_blend = len(lessons.views) - lessons.blends
        self._likely = sampling(faces, course.rarity)[0]
        self._order = torch.zeros(self.steps * batch, dtype=torch.int64, device=DEVICE)
        self._within, self._done = (torch.zeros(1, dtype=torch.int64, device=DEVICE) for _ in range(2))
        self._places = torch.arange(batch, device=DEVICE)
        self._stream = torch.cuda.Stream() if DEVICE.type == "cuda" else None
        self.draw()
        state = [*self._parameters, *self.pupil.buffers(), *self._velocities, self._within, self._done]
        wait()
        self._learn = captured(self._step, state)

    def draw(self) -> None:
        """Draw an epoch's order."""
        if self._course.rarity:
            self._order.copy_(torch.multinomial(self._likely, len(self._order), replacement=True))
        else:
            self._order.copy_(torch.randperm(len(self._faces), device=DEVICE)[: len(self._order)])
        self._within.zero_()

    def step(self) -> None:
        """Learn from the next batch; others may do so meanwhile."""
        with torch.cuda.stream(self._stream):
            self._learn()

    def _step(self) -> None:
        places = self._within * len(self._places) + self._places
        gradients = torch.autograd.grad(self._loss(self._order[places]), self._parameters)
        with torch.no_grad():
            # Keras' SGD with Nesterov's momentum and decoupled weight decay.
            rate = self._rates[self._done].squeeze(0)
            torch._foreach_mul_(self._kernels, 1 - self._course.decay * rate)
            torch._foreach_mul_(self._velocities, 0.9)
            torch._foreach_sub_(self._velocities, torch._foreach_mul(gradients, rate))
            torch._foreach_add_(self._parameters, torch._foreach_mul(self._velocities, 0.9))
            torch._foreach_sub_(self._parameters, torch._foreach_mul(gradients, rate))
            self._within.add_(1)
            self._done.add_(1)

    def _loss(self, rows: Tensor) -> Tensor:
        lessons, views = self._lessons, self._screen.views[rows]
        pictures = self._screen.pictures[rows].unsqueeze(1).float()
        pictures = erased(pictures, RECIPE.augmentation.erase, 255) / 255
        with autocast():
            emotions, votes, hints = self.pupil(pictures.contiguous(memory_format=torch.channels_last))
        plain = (views < self._first_blend).float().unsqueeze(1)
        labelled, voted = (1 - self._share[rows]) * plain, (1 - self._votes[rows]) * plain
        emotion_targets = torch.lerp(lessons.emotions[views, rows].float(), self._labels[rows], labelled)
        vote_targets = torch.lerp(lessons.votes[views, rows].float(), self._faces.votes[rows], voted)
        return (
            functional.cross_entropy(emotions, emotion_targets)
            + functional.cross_entropy(votes, vote_targets)
            + self._course.weight * functional.mse_loss(hints, lessons.hints[views, rows].float())
        )


@torch.no_grad()
def probabilities_of(pupil: Pupil, crops: Tensor) -> tuple[Tensor, Tensor]:
    """Return probabilities ``(n, 7)`` and ``(n, 10)`` of uint8 ``(n, 48, 48)`` crops, in full precision."""
    edge = (CROP_SIZE - WINDOW) // 2
    inside = crops[:, edge:-edge, edge:-edge].unsqueeze(1).float() / 255
    said = [pupil(some)[:2] for some in inside.split(1024)]
    return torch.cat([emotion.softmax(1) for emotion, _ in said]), torch.cat([votes.softmax(1) for _, votes in said])

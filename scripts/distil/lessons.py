"""Lessons: what teachers say of many views of each picture."""

from dataclasses import dataclass

import torch
from pictures import DEVICE, WINDOW, Pictures, autocast
from teachers import VIEW, Teacher
from torch import Tensor
from views import Alterations, Altered, blurred


@dataclass(frozen=True)
class Lessons:
    """What teachers say of ``v`` views of each of ``n`` pictures.

    Attributes:
        views: uint8 ``(v, n, 40, 40)``, as a pupil sees them.
        emotions: float16 ``(v, n, 7)``, the mean of their probabilities.
        votes: float16 ``(v, n, 10)``, likewise.
        hints: float16 ``(v, n, 256)``, where a view lies along the main directions of their features.
        blends: how many of the views, the last ones, are blends of two pictures.
    """

    views: Tensor
    emotions: Tensor
    votes: Tensor
    hints: Tensor
    blends: int


@torch.no_grad()
def ask_all(teachers: list[Teacher], faces: Pictures, count: int, hints: int = 256) -> Lessons:
    """Ask teachers about so many views of all pictures; every fourth view is a blend of two pictures.

    The directions of the features are those of the first view.
    """
    every = torch.arange(len(faces), device=DEVICE)
    directions, kept = None, []
    for number in range(count):
        blend = number % 4 == 3
        parts = [_ask(teachers, faces.frames_of(some), blend) for some in every.split(1024)]
        views, emotions, votes, features = (torch.cat(part) for part in zip(*parts, strict=True))
        if directions is None:
            directions = Directions.of(features.float(), hints)
        kept.append((blend, views, emotions.half(), votes.half(), directions.along(features)))
    kept.sort(key=lambda view: view[0])
    stacked = [torch.stack(arrays) for arrays in list(zip(*kept, strict=True))[1:]]
    return Lessons(*stacked, blends=sum(blend for blend, *_ in kept))


def _ask(teachers: list[Teacher], frames: Tensor, blend: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    altered = Altered()
    frames, alterations = blurred(frames, altered.blur, 8), Alterations.draw(len(frames), altered)
    partners, share = torch.randperm(len(frames), device=DEVICE), torch.rand(len(frames), 1, 1, 1, device=DEVICE)

    def blended(pictures: Tensor) -> Tensor:
        return pictures * share + pictures[partners] * (1 - share) if blend else pictures

    seen = {side: blended(alterations.view(frames, VIEW, side)) for side in {teacher.side for teacher in teachers}}
    with autocast():
        said = [teacher.ask(seen[teacher.side]) for teacher in teachers]
    emotions = torch.stack([emotion.softmax(1) for emotion, _, _ in said]).mean(0)
    votes = torch.stack([votes.softmax(1) for _, votes, _ in said]).mean(0)
    features = torch.cat([features.half() for _, _, features in said], 1)
    return blended(alterations.view(frames, WINDOW, WINDOW)).round().byte().squeeze(1), emotions, votes, features


@dataclass(frozen=True)
class Directions:
    """Principal components of standardized features; see :func:`models.training.teaching.main_directions`."""

    means: Tensor
    projection: Tensor

    @classmethod
    def of(cls, features: Tensor, count: int) -> "Directions":
        """Find them in float32 features ``(n, k)``."""
        means, deviations = features.mean(0), features.std(0) + 1e-3
        standard = (features - means) / deviations
        _, vectors = torch.linalg.eigh(standard.T @ standard)
        chosen = vectors.flip(1)[:, :count].float()
        return cls(means, chosen / deviations.unsqueeze(1) / (standard @ chosen).std())

    def along(self, features: Tensor) -> Tensor:
        """Return float16 ``(n, count)`` for features ``(n, k)``."""
        return torch.cat([((some.float() - self.means) @ self.projection).half() for some in features.split(8192)])

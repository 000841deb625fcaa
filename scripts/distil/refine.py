"""Refine a trained network on a CPU, in minutes: faces as films show them, natural ones, and votes as the main target.

First its two heads alone learn, on features that are computed once; then, for a given time, all of it. Half of the
target is what the network itself said of a plain view before: so it forgets nothing, and learns to say the same of a
face that is dark, blurred, compressed or half-hidden.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from film import Film
from pictures import WINDOW, Pictures, autocast
from pupil import Pupil
from torch import Tensor
from torch.nn import functional
from views import Alterations, Altered

from models.data.faces import FERPLUS_OF_EMOTION

_PLAIN: Final = Altered(rotation=8, scale=0.1, squeeze=0.1, shift=2, light=0.2, blur=0)
_ALTERED: Final = Altered(rotation=20, scale=0.15, squeeze=0.25, blur=0)
_BLOCK: Final = 2048
_BATCH: Final = 128


@dataclass(frozen=True)
class Features:
    """Features ``(n, 512)`` of views, the rows of their pictures, and whether a view was filmed."""

    values: Tensor
    rows: Tensor
    filmed: Tensor


def read_pupil(weights: Path) -> Pupil:
    """Read what ``Pupil.keras_weights`` gave."""
    with np.load(weights) as arrays:
        found = iter([torch.from_numpy(arrays[name]) for name in arrays.files if name.startswith("arr_")])
    pupil = Pupil(1)
    with torch.no_grad():
        for convolution, norm in zip(pupil.convolutions, pupil.norms, strict=True):
            convolution.weight.copy_(next(found).permute(3, 2, 0, 1))
            for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                tensor.copy_(next(found))
            norm.momentum = 0.02
        for head in (pupil.emotion, pupil.votes):
            head.weight.copy_(next(found).T)
            head.bias.copy_(next(found))
    return pupil.eval()


@torch.no_grad()
def features_of(pupil: Pupil, faces: Pictures, views: int) -> Features:
    """Return the features of so many views of each picture, half of them filmed."""
    film, order, found = Film(part=1.0), torch.randperm(len(faces)), []
    for number in range(views):
        for place, rows in enumerate(order.split(_BLOCK)):
            plain = (place + number) % 2 == 0
            drawn = Alterations.draw(len(rows), _PLAIN if plain else Altered())
            seen = drawn.view(faces.frames_of(rows), WINDOW, WINDOW)
            seen = (seen if plain else film.shoot(seen)).round() / 255
            with autocast():
                parts = [pupil.features(some.contiguous(memory_format=torch.channels_last)) for some in seen.split(64)]
            values = torch.cat(parts).float()
            found.append((values, rows, torch.full((len(rows),), not plain)))
    return Features(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def refit_heads(pupil: Pupil, features: Features, faces: Pictures, steps: int = 250) -> None:
    """Let both heads learn, close to what they were; pictures of rare emotions count more, LFW's twice as much."""
    heads = [pupil.emotion.weight, pupil.emotion.bias, pupil.votes.weight, pupil.votes.bias]
    before = [tensor.detach().clone() for tensor in heads]
    x, rows = features.values, features.rows
    own = (x @ before[2].T + before[3]).softmax(1)
    votes, lfw = faces.votes[rows], faces.labels[rows] < 0
    voted = torch.where(lfw.unsqueeze(1), (votes + own) / 2, votes)
    voted = torch.where(votes.any(1, keepdim=True), voted, own)
    labels, labelled = faces.targets()[rows], (~lfw).float()
    emotions = votes[:, list(FERPLUS_OF_EMOTION)]
    emotions = emotions / emotions.sum(1, keepdim=True).clamp_min(1e-9)
    weights = torch.where(lfw, 2.0, 1.0) * (emotions * emotions.mean(0) ** -0.5).sum(1).clamp_min(0.3)
    weights = weights / weights.mean()
    optimizer = torch.optim.Adam(heads, 3e-3)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 + np.cos(np.pi * step / steps)) / 2 + 1e-5
        some = torch.randint(len(x), (4096,))
        of_votes = -(voted[some] * pupil.votes(x[some]).log_softmax(1)).sum(1)
        of_labels = -(labels[some] * pupil.emotion(x[some]).log_softmax(1)).sum(1)
        loss = (weights[some] * of_votes).mean() + (labelled[some] * of_labels).mean()
        loss = loss + 0.03 * sum(((heads[k] - before[k]) ** 2).sum() for k in (0, 2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def refine(pupil: Pupil, before: Pupil, features: Features, faces: Pictures, seconds: float, rate: float = 0.01) -> int:
    """Let all of a network learn for some time; return the number of pictures that it saw.

    Args:
        pupil: what learns; its heads have been through :func:`refit_heads`.
        before: the network as it was.
        features: of that one; each picture has a plain view among them.
        faces: what is learned from.
        seconds: that it takes.
        rate: highest learning rate.
    """
    start, step, order = time.monotonic(), 0, torch.zeros(0, dtype=torch.int64)
    plain = ~features.filmed
    hints = torch.zeros(len(faces), features.values.shape[1])
    hints[features.rows[plain]] = features.values[plain]
    with torch.no_grad():
        own_emotions, own_votes = before.emotion(hints).softmax(1), before.votes(hints).softmax(1)
    asked, lfw = faces.votes.any(1, keepdim=True), (faces.labels < 0).unsqueeze(1)
    voted = torch.where(asked, (faces.votes + own_votes) / 2, own_votes)
    told = torch.where(lfw, own_emotions, 0.7 * own_emotions + 0.3 * faces.targets())
    spread, film = hints.std(0) + 0.05, Film()
    kernels = [p for p in pupil.parameters() if p.ndim > 1]
    others = [p for p in pupil.parameters() if p.ndim == 1]
    groups = [{"params": kernels, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, rate, momentum=0.9, nesterov=True)
    pupil.train()
    while (passed := time.monotonic() - start) < seconds:
        if len(order) < 2 * _BLOCK:
            order = torch.randperm(len(faces))
        block, order = order[:_BLOCK], order[_BLOCK:]
        with torch.no_grad():
            drawn = Alterations.draw(len(block), _ALTERED).view(faces.frames_of(block), WINDOW, WINDOW)
            seen = film.shoot(drawn).round() / 255
        for rows, pictures in zip(block.split(_BATCH), seen.split(_BATCH), strict=True):
            passed = min(1.0, (time.monotonic() - start) / seconds)
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1, (step + 1) / 50) * (1 + np.cos(np.pi * passed)) / 2 + 1e-6
            with torch.autocast("cpu", torch.bfloat16):
                found = pupil.features(pictures.contiguous(memory_format=torch.channels_last)).float()
            dropped = functional.dropout(found, 0.2)
            loss = (
                functional.cross_entropy(pupil.emotion(dropped), told[rows])
                + functional.cross_entropy(pupil.votes(dropped), voted[rows])
                + 0.5 * (((found - hints[rows]) / spread) ** 2).mean()
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    pupil.eval()
    return step * _BATCH

"""What cameras, lights, codecs and hands do to a face in a film, at random.

People see through most of it, or answer less surely. So teachers are asked about a view before this is done to it, and
the pupil, who sees it afterwards, learns how likely each answer still is.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

_CHUNKS: Final = 8
"""Blurs of one kind in a batch: each is one convolution for many pictures."""

_BLOCK: Final = 8

# The luminance table of JPEG (ITU-T T.81, annex K).
_JPEG: Final = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


@dataclass(frozen=True)
class Film:
    """Probabilities, for each picture; ``part`` of all pictures is filmed at all.

    Attributes:
        part: of the pictures that any of this is done to.
        gradient: light from one side.
        gamma: dark or bright midtones.
        flat: low contrast, mostly dark.
        harsh: high contrast, burnt out.
        hidden: a strip from one side: hair, a hand, a shoulder, the edge of the picture.
        motion: blur along a line.
        defocus: Gaussian blur.
        small: scaled down to 10 to 34 of 40 px and back.
        grain: of film, of sensors.
        blocks: of codecs.
    """

    part: float = 0.6
    gradient: float = 0.25
    gamma: float = 0.3
    flat: float = 0.4
    harsh: float = 0.1
    hidden: float = 0.15
    motion: float = 0.12
    defocus: float = 0.12
    small: float = 0.3
    grain: float = 0.3
    blocks: float = 0.35

    def shoot(self, pictures: Tensor) -> Tensor:
        """Return altered float32 ``(n, 1, side, side)``, 0..255."""
        count = len(pictures)
        whole = pictures
        filmed = _rand(pictures, count) < self.part

        def chosen(probability: float) -> Tensor:
            return filmed & (_rand(pictures, count) < probability)

        pictures = _lit_from_a_side(pictures, chosen(self.gradient))
        pictures = _curved(pictures, chosen(self.gamma))
        pictures = _flattened(pictures, chosen(self.flat))
        pictures = _harsh(pictures, chosen(self.harsh))
        pictures = _hidden(pictures, whole, chosen(self.hidden))
        pictures = _convolved(pictures, chosen(self.motion), _line)
        pictures = _convolved(pictures, chosen(self.defocus), _bell)
        pictures = _small(pictures, chosen(self.small))
        pictures = _grained(pictures, chosen(self.grain))
        return _in_blocks(pictures, chosen(self.blocks)).clamp(0, 255)


def _rand(like: Tensor, *shape: int) -> Tensor:
    return torch.rand(*shape, device=like.device)


def _each(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


def _lit_from_a_side(pictures: Tensor, chosen: Tensor) -> Tensor:
    count, side = len(pictures), pictures.shape[-1]
    angles, slopes = _rand(pictures, count) * 2 * np.pi, _rand(pictures, count) * 0.8 * chosen
    places = torch.linspace(-1, 1, side, device=pictures.device)
    along = _each(angles.cos()) * places.view(1, 1, 1, side) + _each(angles.sin()) * places.view(1, 1, side, 1)
    return (pictures * (1 + _each(slopes) * along)).clamp(0, 255)


def _curved(pictures: Tensor, chosen: Tensor) -> Tensor:
    exponents = torch.where(chosen, torch.exp(_rand(pictures, len(pictures)) * 1.6 - 0.7), 1.0)
    return (pictures / 255).clamp_min(1e-4) ** _each(exponents) * 255


def _flattened(pictures: Tensor, chosen: Tensor) -> Tensor:
    contrast = torch.where(chosen, 0.2 + 0.7 * _rand(pictures, len(pictures)), 1.0)
    veil = (1 - contrast) * 160 * _rand(pictures, len(pictures)) ** 2
    return (pictures * _each(contrast) + _each(veil)).round()  # what is lost in the dark is lost


def _harsh(pictures: Tensor, chosen: Tensor) -> Tensor:
    factors = torch.where(chosen, 1.2 + 0.8 * _rand(pictures, len(pictures)), 1.0)
    pivots = 60 + 120 * _rand(pictures, len(pictures))
    return ((pictures - _each(pivots)) * _each(factors) + _each(pivots)).clamp(0, 255)


def _hidden(pictures: Tensor, others: Tensor, chosen: Tensor) -> Tensor:
    """Cover a strip from one side with a flat grey, with a part of another picture, or with the edge repeated."""
    count, side = len(pictures), pictures.shape[-1]
    depths = (0.08 + 0.37 * _rand(pictures, count)) * side
    slants = (_rand(pictures, count) - 0.5) * 0.8
    places = torch.arange(side, device=pictures.device, dtype=torch.float32)
    edges = depths.view(-1, 1) + slants.view(-1, 1) * (places - side / 2)
    across = places.view(1, 1, side) < edges.unsqueeze(2)  # n, side, side: from the left
    kinds, sides = (
        torch.randint(3, (count,), device=pictures.device),
        torch.randint(4, (count,), device=pictures.device),
    )
    repeated = torch.maximum(places.view(1, 1, side), edges.unsqueeze(2)).long().clamp(0, side - 1)
    turned = pictures.squeeze(1)
    # Each side is made the left one, and back.
    turned = torch.where((sides == 1).view(-1, 1, 1), turned.flip(2), turned)
    turned = torch.where((sides >= 2).view(-1, 1, 1), turned.transpose(1, 2), turned)
    turned = torch.where((sides == 3).view(-1, 1, 1), turned.flip(2), turned)
    flat = (_rand(pictures, count) * 220).view(-1, 1, 1).expand_as(turned)
    other = others[torch.randperm(count, device=pictures.device)].squeeze(1)
    cover = torch.where((kinds == 0).view(-1, 1, 1), flat, turned.gather(2, repeated))
    cover = torch.where((kinds == 1).view(-1, 1, 1), other, cover)
    turned = torch.where(across & chosen.view(-1, 1, 1), cover, turned)
    turned = torch.where((sides == 3).view(-1, 1, 1), turned.flip(2), turned)
    turned = torch.where((sides >= 2).view(-1, 1, 1), turned.transpose(1, 2), turned)
    return torch.where((sides == 1).view(-1, 1, 1), turned.flip(2), turned).unsqueeze(1)


def _line() -> Tensor:
    length, angle = 1 + 6 * torch.rand(()), torch.rand(()) * np.pi
    steps = torch.linspace(-0.5, 0.5, 41) * length
    kernel = torch.zeros(9, 9)
    x, y = 4 + steps * angle.cos(), 4 + steps * angle.sin()
    for left, right in ((0, 1 - (x - x.floor())), (1, x - x.floor())):
        for top, bottom in ((0, 1 - (y - y.floor())), (1, y - y.floor())):
            kernel.index_put_((y.floor().long() + top, x.floor().long() + left), right * bottom, accumulate=True)
    return kernel / kernel.sum()


def _bell() -> Tensor:
    distance = (torch.arange(9) - 4) / (0.5 + 1.7 * torch.rand(()))
    along = torch.exp(-(distance**2) / 2)
    kernel = along.view(1, -1) * along.view(-1, 1)
    return kernel / kernel.sum()


def _convolved(pictures: Tensor, chosen: Tensor, kernel: object) -> Tensor:
    found = pictures.clone()
    for k in range(_CHUNKS):
        some = pictures[k::_CHUNKS]
        weights = kernel().to(pictures.device).view(1, 1, 9, 9)  # type: ignore[operator]
        smooth = functional.conv2d(functional.pad(some, (4, 4, 4, 4), mode="replicate"), weights)
        found[k::_CHUNKS] = torch.where(_each(chosen[k::_CHUNKS]), smooth, some)
    return found


def _small(pictures: Tensor, chosen: Tensor) -> Tensor:
    found, side = pictures.clone(), pictures.shape[-1]
    for k in range(2 * _CHUNKS):
        some = pictures[k :: 2 * _CHUNKS]
        few = round(float(torch.exp(np.log(10) + torch.rand(()) * np.log(34 / 10))))
        small = functional.interpolate(some, (few, few), mode="area")
        large = functional.interpolate(small, (side, side), mode="bilinear", align_corners=False)
        found[k :: 2 * _CHUNKS] = torch.where(_each(chosen[k :: 2 * _CHUNKS]), large, some)
    return found


def _grained(pictures: Tensor, chosen: Tensor) -> Tensor:
    count = len(pictures)
    noise = torch.randn_like(pictures)
    coarse = functional.avg_pool2d(noise, 3, 1, 1) * 2.2
    noise = torch.where(_each(_rand(pictures, count) < 0.5), coarse, noise)
    contrasts = (pictures.std((1, 2, 3)) / 45).clamp(0.15, 1)  # what is developed or lifted brighter has more of it
    return pictures + noise * _each(14 * _rand(pictures, count) ** 2 * contrasts * chosen)


def _in_blocks(pictures: Tensor, chosen: Tensor) -> Tensor:
    """Quantize the cosine transforms of blocks of 8x8 px, which begin anywhere."""
    count, side = len(pictures), pictures.shape[-1]
    down, right = (int(torch.randint(_BLOCK, ())) for _ in range(2))
    more = -(side + _BLOCK) % _BLOCK
    padded = functional.pad(
        pictures, (right, _BLOCK - right + more, down, _BLOCK - down + more), mode="replicate"
    ).squeeze(1)
    across = padded.shape[-1] // _BLOCK
    blocks = padded.view(count, across, _BLOCK, across, _BLOCK).transpose(2, 3) - 128
    frequencies = torch.arange(_BLOCK, device=pictures.device, dtype=torch.float32)
    cosines = torch.cos((2 * frequencies.view(1, -1) + 1) * frequencies.view(-1, 1) * np.pi / (2 * _BLOCK)) / 2
    cosines[0] /= np.sqrt(2)
    table = torch.tensor(_JPEG, device=pictures.device, dtype=torch.float32)
    coarseness = torch.exp(_rand(pictures, count) * 2.1 - 1.0).view(-1, 1, 1, 1, 1)  # qualities of about 80 to 17
    steps = (table * coarseness).clamp_min(1)
    coded = ((cosines @ blocks @ cosines.T) / steps).round() * steps
    decoded = (cosines.T @ coded @ cosines + 128).transpose(2, 3).reshape(count, *padded.shape[1:])
    decoded = decoded[:, down : down + side, right : right + side].unsqueeze(1)
    return torch.where(_each(chosen), decoded, pictures)

"""Views: altered crops, the same face for all who look at it, drawn where the networks compute.

Tensors of pictures are float32 ``(n, 1, side, side)``, grey 0..255.
"""

from dataclasses import dataclass

import numpy as np
import torch
from pictures import DEVICE
from torch import Tensor
from torch.nn import functional

from models.data.augment import Augmentation
from models.data.faces import CROP_SIZE


@dataclass(frozen=True)
class Alterations:
    """How each of ``n`` crops is altered: what :class:`models.data.augment.Augmentation` draws, but for erasing.

    Attributes:
        matrices: ``(n, 2, 2)``, from places in a view to places in the crop, both from the middle.
        shifts: ``(n, 2)``, pixels.
        contrasts: ``(n,)``.
        brightnesses: ``(n,)``, grey values.
    """

    matrices: Tensor
    shifts: Tensor
    contrasts: Tensor
    brightnesses: Tensor

    @classmethod
    def draw(cls, count: int, altered: Augmentation) -> "Alterations":
        """Draw alterations at random."""

        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, device=DEVICE) * 2 - 1

        angles, factors = torch.deg2rad(uniform(count) * altered.rotation), (1 + altered.scale) ** uniform(count)
        mirrored = torch.where(torch.rand(count, device=DEVICE) < 0.5, -1.0, 1.0)
        cosines, sines = torch.cos(angles) / factors, torch.sin(angles) / factors
        across = torch.stack([cosines * mirrored, -sines * mirrored], 1)
        matrices = torch.stack([across, torch.stack([sines, cosines], 1)], 1)
        contrasts, brightnesses = (1 + altered.light) ** uniform(count), uniform(count) * altered.light / 2 * 255
        return cls(matrices, uniform(count, 2) * altered.shift, contrasts, brightnesses)

    @classmethod
    def none(cls, count: int, mirrored: bool = False) -> "Alterations":
        """Return those that leave a crop as it is, or mirror it."""
        matrix = torch.tensor([[-1.0 if mirrored else 1.0, 0.0], [0.0, 1.0]], device=DEVICE)
        zeros = torch.zeros(count, device=DEVICE)
        return cls(matrix.expand(count, 2, 2), torch.zeros(count, 2, device=DEVICE), zeros + 1, zeros)

    def view(self, crops: Tensor, window: int, side: int) -> Tensor:
        """Return the window around the middle of float32 ``(n, 1, 48, 48)`` crops as ``(n, 1, side, side)``, 0..255."""
        half = CROP_SIZE / 2
        offsets = -(self.matrices @ self.shifts.unsqueeze(2)) / half
        theta = torch.cat([self.matrices * (window / CROP_SIZE), offsets], 2)
        grid = functional.affine_grid(theta, [len(crops), 1, side, side], align_corners=False)
        # Larger pictures are to be smooth; smaller ones are drawn as in the training of a CPU.
        mode = "bicubic" if side > window else "bilinear"
        seen = functional.grid_sample(crops, grid, mode=mode, padding_mode="border", align_corners=False)
        means = crops.mean((1, 2, 3), keepdim=True)
        contrasts, brightnesses = self.contrasts.view(-1, 1, 1, 1), self.brightnesses.view(-1, 1, 1, 1)
        return ((seen - means) * contrasts + means + brightnesses).clamp(0, 255)


def blurred(crops: Tensor, part: float, groups: int) -> Tensor:
    """Return the crops, a random part of them scaled down to 16 to 40 px and back."""
    crops = crops.clone()
    places = torch.randperm(len(crops), device=DEVICE)[: round(len(crops) * part)]
    for some in places.chunk(groups):
        side = int(torch.randint(16, 41, ()))  # drawn on the CPU: nothing waits for the GPU
        small = functional.interpolate(crops[some], (side, side), mode="area")
        crops[some] = functional.interpolate(small, crops.shape[2:], mode="bilinear", align_corners=False)
    return crops


def erased(pictures: Tensor, part: float, white: float) -> Tensor:
    """Return pictures ``(n, 1, side, side)``, in a random part of them a rectangle filled with noise, 0..white."""
    count, side = len(pictures), pictures.shape[-1]

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, device=pictures.device)

    areas, aspects = (0.02 + 0.18 * rand(count)) * side * side, torch.exp((rand(count) * 2 - 1) * np.log(1 / 0.3))
    height, width = (areas * aspects).sqrt().clamp(1, side), (areas / aspects).sqrt().clamp(1, side)
    top, left = rand(count) * (side - height), rand(count) * (side - width)
    places = torch.arange(side, device=pictures.device) + 0.5
    rows = (places >= top.unsqueeze(1)) & (places < (top + height).unsqueeze(1))
    columns = (places >= left.unsqueeze(1)) & (places < (left + width).unsqueeze(1))
    chosen = (rand(count) < part).view(-1, 1, 1, 1)
    hidden = rows.view(count, 1, side, 1) & columns.view(count, 1, 1, side) & chosen
    return torch.where(hidden, rand(*pictures.shape).to(pictures.dtype) * white, pictures)

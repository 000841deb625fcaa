"""Views: altered frames, the same face for all who look at it, drawn where the networks compute.

Tensors of pictures are float32 ``(n, 1, side, side)``, grey 0..255.
"""

from dataclasses import dataclass

import numpy as np
import torch
from frames import FRAME
from pictures import DEVICE
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Altered:
    """How far a view is altered at random; every second one is mirrored.

    Attributes:
        rotation: degrees to either side; a third of it is the median.
        scale: the face is drawn larger or smaller by up to this factor, less 1.
        squeeze: a quarter of the faces is narrowed by up to this part, as if turned aside.
        shift: px of a crop to either side, in both directions.
        light: contrast is changed by up to this factor, less 1, and brightness by up to half of it, of the full range.
        blur: part that is scaled down to 16 to 40 px of a crop and back.
    """

    rotation: float = 30.0
    scale: float = 0.18
    squeeze: float = 0.3
    shift: float = 3.0
    light: float = 0.3
    blur: float = 0.1


@dataclass(frozen=True)
class Alterations:
    """How each of ``n`` frames is altered.

    Attributes:
        matrices: ``(n, 2, 2)``, from places in a view to places in the frame, both from the middle.
        shifts: ``(n, 2)``, pixels.
        contrasts: ``(n,)``.
        brightnesses: ``(n,)``, grey values.
    """

    matrices: Tensor
    shifts: Tensor
    contrasts: Tensor
    brightnesses: Tensor

    @classmethod
    def draw(cls, count: int, altered: Altered) -> "Alterations":
        """Draw alterations at random."""

        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, device=DEVICE) * 2 - 1

        angles, factors = torch.deg2rad(uniform(count) ** 3 * altered.rotation), (1 + altered.scale) ** uniform(count)
        turned = (torch.rand(count, device=DEVICE) < 0.25) * torch.rand(count, device=DEVICE) * altered.squeeze
        mirrored = torch.where(torch.rand(count, device=DEVICE) < 0.5, -1.0, 1.0) / (1 - turned)
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

    def view(self, frames: Tensor, window: int, side: int) -> Tensor:
        """Return the middle window of float32 ``(n, 1, 64, 64)`` frames as ``(n, 1, side, side)``, 0..255."""
        offsets = -(self.matrices @ self.shifts.unsqueeze(2)) / (FRAME / 2)
        theta = torch.cat([self.matrices * (window / FRAME), offsets], 2)
        grid = functional.affine_grid(theta, [len(frames), 1, side, side], align_corners=False)
        # Larger pictures are to be smooth; smaller ones are drawn as in the training of a CPU.
        mode = "bicubic" if side > window else "bilinear"
        seen = functional.grid_sample(frames, grid, mode=mode, padding_mode="border", align_corners=False)
        means = seen.mean((1, 2, 3), keepdim=True)
        contrasts, brightnesses = self.contrasts.view(-1, 1, 1, 1), self.brightnesses.view(-1, 1, 1, 1)
        return ((seen - means) * contrasts + means + brightnesses).clamp(0, 255)


def blurred(frames: Tensor, part: float, groups: int) -> Tensor:
    """Return the frames, a random part of them scaled down to 16 to 40 px of a crop and back."""
    frames = frames.clone()
    places = torch.randperm(len(frames), device=DEVICE)[: round(len(frames) * part)]
    for some in places.chunk(groups):
        side = int(torch.randint(21, 54, ()))  # drawn on the CPU: nothing waits for the GPU
        small = functional.interpolate(frames[some], (side, side), mode="area")
        frames[some] = functional.interpolate(small, frames.shape[2:], mode="bilinear", align_corners=False)
    return frames


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

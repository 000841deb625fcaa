"""How boxes lie to each other. Boxes are float32 ``(n, 4)``: x1, y1, x2, y2 in px."""

import numpy as np
from numpy.typing import NDArray


def iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the intersections over unions ``(n, m)`` of boxes ``(n, 4)`` with boxes ``(m, 4)``; 0 for empty ones.

    >>> iou(np.array([[0, 0, 2, 2]], np.float32), np.array([[1, 0, 3, 2]], np.float32)).round(3).tolist()
    [[0.3330000042915344]]
    """
    intersection, areas, others = _areas(a, b)
    return _ratio(intersection, areas[:, None] + others[None, :] - intersection)


def covered(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the intersections over the smaller one ``(n, m)`` of boxes ``(n, 4)`` with boxes ``(m, 4)``.

    >>> covered(np.array([[0, 0, 4, 4]], np.float32), np.array([[1, 1, 3, 3]], np.float32)).tolist()
    [[1.0]]
    """
    intersection, areas, others = _areas(a, b)
    return _ratio(intersection, np.minimum(areas[:, None], others[None, :]))


def _areas(a: NDArray[np.float32], b: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Return the areas of all intersections ``(n, m)``, of ``a`` ``(n,)`` and of ``b`` ``(m,)``."""
    corners = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1) for boxes in (a, b)]
    return np.clip(corners, 0, None).prod(axis=2), areas[0], areas[1]


def _ratio(part: NDArray[np.float32], whole: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def match(before: NDArray[np.float32], now: NDArray[np.float32], min_iou: float) -> list[tuple[int, int]]:
    """Pair boxes with later boxes of the same faces, each at most once, largest overlap first.

    Args:
        before: float32 ``(n, 4)``: x1, y1, x2, y2 in px.
        now: float32 ``(m, 4)``, likewise.
        min_iou: overlap (intersection over union) that a pair must have.

    Returns:
        Pairs of rows of ``before`` and ``now``.
    """
    overlap = iou(before, now)
    return best_pairs(np.where(overlap >= min_iou, overlap, -np.inf))


def best_pairs(affinity: NDArray[np.floating]) -> list[tuple[int, int]]:
    """Pair rows with columns of ``(n, m)``, each at most once, largest value first; -inf never pairs.

    >>> best_pairs(np.array([[3, 2], [2, -np.inf]]))
    [(0, 0)]
    """
    left = affinity.astype(np.float64)
    pairs = []
    while left.size and left.max() > -np.inf:
        row, column = np.unravel_index(left.argmax(), left.shape)
        pairs.append((int(row), int(column)))
        left[row, :] = left[:, column] = -np.inf
    return pairs


def leaps(before: NDArray[np.float32], now: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the distances of centres ``(n, m)`` in units of the boxes' size."""
    centres = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (before, now)]
    sizes = [size_of(boxes) for boxes in (before, now)]
    distance = np.linalg.norm(centres[0][:, None] - centres[1][None, :], axis=2)
    return np.asarray(distance / np.sqrt(sizes[0][:, None] * sizes[1][None, :]), np.float64)


def distances(before: NDArray[np.float32], now: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the distances of centres ``(n,)``, row by row, in units of the boxes' size; see :func:`leaps`."""
    a, b = ((boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (before, now))
    return np.asarray(np.linalg.norm(a - b, axis=1) / np.sqrt(size_of(before) * size_of(now)), np.float64)


def size_of(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the geometric means of boxes' sides ``(n,)``, px, at least 1."""
    return np.asarray(np.sqrt(np.maximum(boxes[:, 2:] - boxes[:, :2], 1).prod(axis=1)), np.float32)

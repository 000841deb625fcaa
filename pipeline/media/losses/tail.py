"""What lies in a transport stream behind the last packet that was read."""

from collections.abc import Collection
from pathlib import Path
from typing import Final

import numpy as np

_SIZES: Final = (188, 192, 204)
"""Bytes of a packet: plain, with a time in front, with error correction behind (ISO/IEC 13818-1; ETSI TS 101 154)."""

_SYNC: Final = 0x47
_NULL: Final = 0x1FFF
"""The PID of packets that are there to keep the rate."""

_TABLES: Final = 0x20
"""PIDs below this one hold tables of the whole stream."""

_MOST_BYTES: Final = 1 << 26


def holds_other_streams(path: Path, begins: int, known: Collection[int]) -> bool:
    """Return whether there are other streams, or what belongs to no transport stream, from a byte on.

    Args:
        path: the file.
        begins: the byte.
        known: PIDs of the streams that were read; padding and tables are none either.

    Raises:
        OSError: the file cannot be read.
    """
    data = np.fromfile(path, np.uint8, count=_MOST_BYTES, offset=begins)
    for size in _SIZES:
        for start in range(min(size, len(data))):
            packets = data[start : start + (len(data) - start) // size * size].reshape(-1, size)
            if len(packets) and (packets[:, 0] == _SYNC).all():
                pid = (packets[:, 1].astype(np.int64) & 0x1F) << 8 | packets[:, 2]
                return bool(((pid >= _TABLES) & ~np.isin(pid, [_NULL, *known])).any())
    return True

"""Which cameras this machine has, for messages; known on Linux alone."""

import sys
from pathlib import Path
from typing import Final

DEVICES: Final = Path("/dev")
NAMES: Final = Path("/sys/class/video4linux")


def cameras(devices: Path = DEVICES, names: Path = NAMES) -> dict[int, str]:
    """Return the names of the video devices by their index, ascending.

    A camera may have several devices of the same name, of which only the first gives pictures.

    Args:
        devices: folder of the devices.
        names: folder in which Linux describes each device.
    """
    found: dict[int, str] = {}
    for device in devices.glob("video*"):
        index = device.name.removeprefix("video")
        if index.isdecimal():
            try:
                found[int(index)] = (names / device.name / "name").read_text(errors="replace", encoding="utf-8").strip()
            except OSError:
                found[int(index)] = "unnamed"
    return dict(sorted(found.items()))


def describe_cameras(found: dict[int, str]) -> str:
    """Return a clause that names the cameras."""
    if found:
        return "cameras here: " + ", ".join(f"{index} ({name})" for index, name in found.items())
    if sys.platform == "linux":
        return f"this machine has no camera ({DEVICES}/video*); in a container it must be passed in"
    return "this system does not list its cameras"

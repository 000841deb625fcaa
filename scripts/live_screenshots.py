"""Renews the pictures of the live page in ``docs/screenshots``: light and dark, on a laptop and on a phone.

Plays the sample movie; needs what tests need.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg
from playwright.sync_api import Browser
from screenshots import FOLDER, LOOKS, save

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import Visit, chromium, until  # noqa: E402

from jobs.sample import make_sample  # noqa: E402

CAMERA = "sample.mp4"
TWO_FACES = "document.querySelectorAll('#faces li').length === 2"
A_MINUTE_SEEN_S = 62


def main() -> None:
    """Play the sample for a minute, then take a picture in every look while both people are visible."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        once, movie = Path(folder) / "once.mp4", Path(folder) / CAMERA
        make_sample(once)
        again = ["-stream_loop", "30", "-i", str(once), "-c", "copy", "-an", str(movie)]
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *again], check=True)
        command = [Path(sys.executable).with_name("moodreel"), "live", movie, "--port", "0", "--record", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().split(": ", 1)[1].split()[0]
            try:
                with chromium() as browser:
                    take(browser, url)
            finally:
                process.terminate()
                process.communicate(timeout=60)


def take(browser: Browser, url: str) -> None:
    """Save a picture in every look."""
    for look, (width, height) in LOOKS.items():
        for theme in ("light", "dark"):
            with Visit(browser, width, height, theme) as visit:
                visit.page.goto(url, wait_until="domcontentloaded")
                if (look, theme) == ("laptop", "light"):
                    visit.page.wait_for_timeout(1000 * A_MINUTE_SEEN_S)
                until(visit.page, TWO_FACES, 40)
                visit.page.wait_for_timeout(700)
                save(visit.page, FOLDER / f"live-{look}-{theme}.png", whole=look == "laptop")


if __name__ == "__main__":
    main()

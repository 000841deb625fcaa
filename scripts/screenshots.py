"""Renews ``docs/screenshots``: every page, light and dark, on a laptop and on a phone, over the sample movie.

Needs what the tests need: ``make screenshots``. With a folder as its argument, the pictures go there instead.
"""

import io
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import imageio_ffmpeg
from PIL import Image
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import Visit, chromium, file_url, until  # noqa: E402

from jobs.review.app import make_review  # noqa: E402
from jobs.sample import make_sample  # noqa: E402
from jobs.web.address import Address  # noqa: E402
from jobs.web.colours import GROUNDS, edge_of  # noqa: E402
from jobs.web.server import Server  # noqa: E402
from pipeline.palette import EMOTION_COLOURS  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
PIECES = (
    ("portraits/hopper.mp4", 0, 3),
    ("portraits/collins.mp4", 3, 3),
    ("launch/shuttle.mp4", 6, 2.5),
    ("launch/both.mp4", 8.5, 3),
)
"""Name, start and length in s."""

LOOKS = {"laptop": (1440, 900), "phone": (390, 844)}
MOST_BYTES = 300_000
RATE, FIRST_FRAME, STEPS = 24, 204, 12
"""The sample's frames a second, the first one of the shot with two people, and how far into it the player goes."""

SETTLE_MS = 500
"""For the last paint after all requests; nothing in the page says that it has happened."""

HIDE_PATHS = """() => {
    for (const place of document.querySelectorAll('dd')) {
        place.textContent = place.textContent.replace(/^[/].*[/]films[/]/, '~/films/');
    }
}"""
"""The sample lies in a temporary folder, whose name no reader needs."""


def main(to: Path) -> None:
    """Make the sample, open every page in every look, and save a picture of each in ``to``."""
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        films, out = Path(folder) / "films", Path(folder) / "outputs"
        make_films(films)
        subprocess.run([Path(sys.executable).with_name("moodreel"), "run", films, "--out", out], check=False)
        with served(out) as url, chromium() as browser:
            for page, (address, ready) in pages(out, url).items():
                for look, (width, height) in LOOKS.items():
                    for theme in ("light", "dark"):
                        with Visit(browser, width, height, theme) as visit:
                            visit.page.goto(address)
                            ready(visit.page)
                            whole = look == "laptop" and page != "download"
                            save(visit.page, to / f"{page}-{look}-{theme}.png", whole=whole)


def make_films(films: Path) -> None:
    """Make the sample movie, some pieces of it, and a file that is not a movie."""
    sample = films / "sample.mp4"
    make_sample(sample)
    for name, start, length in PIECES:
        piece = films / name
        piece.parent.mkdir(exist_ok=True)
        cut = ["-ss", str(start), "-t", str(length), "-i", str(sample), "-c:v", "libx264", "-c:a", "aac", str(piece)]
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *cut], check=True)
    (films / "broken.mp4").write_text("This is no movie.\n" * 40, encoding="utf-8")


def pages(out: Path, url: str) -> dict[str, tuple[str, Callable[[Page], None]]]:
    """Return each page's address and what waits until it is complete, by the name of its pictures."""
    return {
        "library": (url, wait_for_pictures),
        "movie": (f"{url}movie/sample.mp4?t={FIRST_FRAME / RATE}", wait_for_movie),
        "download": (f"{url}movie/sample.mp4?t={FIRST_FRAME / RATE}", wait_for_menu),
        "report": (file_url(out / "sample.mp4" / "report.html"), wait_for_chart),
        "index": (file_url(out / "index.html"), wait_for_pictures),
    }


@contextmanager
def served(out: Path) -> Iterator[str]:
    """Serve the review of a folder on a free port."""
    address = Address("127.0.0.1", 0, None)
    server = Server(make_review(out, address), address)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.url
    finally:
        server.close()
        thread.join()


def wait_for_pictures(page: Page) -> None:
    """Wait until every picture is loaded, also those farther down, which a page leaves for later."""
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.wait_for_load_state("networkidle")
    until(page, "[...document.images].every(image => image.complete)")


def wait_for_movie(page: Page) -> None:
    """Go a few frames into the shot with two people, where the page opens, and wait for the picture."""
    page.locator("#chart[data-ready='1']").wait_for()
    until(page, "document.getElementById('video').readyState >= 2")
    until(page, f"document.getElementById('frame').textContent === 'frame {FIRST_FRAME}'")
    for step in range(1, STEPS + 1):
        page.keyboard.press("ArrowRight")
        until(page, f"document.getElementById('frame').textContent === 'frame {FIRST_FRAME + step}'")
    until(page, "!document.getElementById('video').seeking")
    page.evaluate("document.activeElement.blur()")
    wait_for_pictures(page)
    page.wait_for_timeout(SETTLE_MS)


def wait_for_menu(page: Page) -> None:
    """Open the Download menu of a movie's page."""
    page.locator("#chart[data-ready='1']").wait_for()
    wait_for_pictures(page)
    page.locator(".download summary").click()
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(SETTLE_MS)


def wait_for_chart(page: Page) -> None:
    """Wait until the report has drawn its chart."""
    page.locator("#plot[data-ready='1']").wait_for()
    wait_for_pictures(page)


def save(page: Page, path: Path, whole: bool) -> None:
    """Save a picture of the page with 256 colours: they suffice, and take a third of the bytes.

    Args:
        page: to take the picture of.
        path: of the picture.
        whole: whether to show the whole page, not just what fits into the window.
    """
    if whole:
        height = min(int(page.evaluate("document.documentElement.scrollHeight")), 1800)
        page.set_viewport_size({"width": LOOKS["laptop"][0], "height": height})
        page.wait_for_timeout(SETTLE_MS)
    page.evaluate(HIDE_PATHS)
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    picture.quantize(palette=palette_of(picture), dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{path}: expected {MOST_BYTES} bytes at most, found {size}")
    print(f"{path}  {size / 1000:.0f} KB")


def palette_of(picture: Image.Image) -> Image.Image:
    """Return 256 colours: the emotions' own, which cover too few pixels to be chosen, and the picture's most common."""
    ours = [*EMOTION_COLOURS.values()]
    ours += [edge_of(colour, ground) for colour in EMOTION_COLOURS.values() for ground in GROUNDS.values()]
    wanted = [int(colour[k : k + 2], 16) for colour in dict.fromkeys(ours) for k in (1, 3, 5)]
    found = picture.quantize(256 - len(wanted) // 3, method=Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette((wanted + found)[: 3 * 256])
    return palette


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)

"""Takes the pictures of docs/use/tour.md: a real browser looks at a real workspace with the delivery of the demo.

python docs/make_tour.py [--workspace /srv/vidlib]
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from vidlib import demo
from vidlib.api import library
from vidlib.settings import load

WORKSPACE = Path("/srv/vidlib")
"""The pictures show its path: one that reads well, and tells nothing about the machine."""

STRICT = ("--variant", "strict", "--set", "scenes.threshold=0.95", "--set", "audio.threshold=1.2")
"""Options of the second run: its results differ from those of the first."""

FOLDER = Path(__file__).parent / "tour"
QUALITY = 70
"""Of WebP, 0 to 100: text stays sharp, and a picture takes some ten kilobytes."""

START_S = 60
DESKTOP, PHONE = (1280, 720), (390, 844)


@dataclass(frozen=True)
class Picture:
    """One picture: its name, the page with its query, and how the browser looks at it.

    ``shows`` is an element that the page has once it is ready, and ``presses`` a button to press before, if any.
    """

    name: str
    address: str
    shows: str
    size: tuple[int, int] = DESKTOP
    colors: str = "light"
    language: str = "en-GB"
    presses: str | None = None
    whole: bool = False


PICTURES = (
    Picture("work", "#work", ".run .video"),
    Picture("library", "#library?text=SPEAKER_00", ".places"),
    Picture("glance", "#library?video={video}", ".stills img", whole=True),
    Picture(
        "compare", "#library?video={video}", ".changes", presses=".comparison button", colors="dark", language="fr-FR"
    ),
    Picture("player", "#video?sha256={video}&frame=160", ".page-video video"),
    Picture("machine", "#machine", ".page-machine:has(svg) details summary"),
    Picture("work-dark", "#work", ".run .video", colors="dark"),
    Picture("phone", "#library?video={video}", ".stills img", size=PHONE),
)


def prepare(workspace: Path) -> None:
    """Process the delivery of the demo twice, and a damaged file, where the workspace has no inbox yet."""
    if (workspace / "inbox").exists():
        return
    archive = demo.build_archive(workspace / "inbox" / demo.ARCHIVE, demo.source_folder())
    damaged = archive.with_name("interview (damaged).mp4")
    damaged.write_bytes(bytes(3000))
    for file, *options in ((archive,), (damaged,), (archive, *STRICT)):
        command = [sys.executable, "-m", "vidlib", "run", str(file), "--workspace", str(workspace), *options]
        subprocess.run(command, check=file == archive)


@contextmanager
def dashboard(workspace: Path) -> Iterator[str]:
    """The address of a dashboard of ``workspace`` that runs meanwhile."""
    command = [sys.executable, "-m", "vidlib", "dashboard", "--workspace", str(workspace), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = iter(process.stdout or ())
            yield next(match[0] for line in lines if (match := re.search(r"http://\S+token=\S+", line)))
        finally:
            process.terminate()


def take(browser: Browser, entrance: str, picture: Picture, video: str) -> bytes:
    """The picture as PNG."""
    width, height = picture.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if picture.colors == "dark" else "light",
        locale=picture.language,
    )
    page = context.new_page()
    page.set_default_timeout(START_S * 1000)
    page.goto(
        entrance + picture.address.format(video=video)
    )  # the browser keeps the part after # when it is redirected
    if picture.presses:
        page.locator(picture.presses).click()
    shown = page.locator(picture.shows).first
    shown.wait_for()
    if picture.presses:
        shown.scroll_into_view_if_needed()
    _settle(page)
    data = page.screenshot(full_page=picture.whole)
    context.close()
    return data


def _settle(page: Page) -> None:
    page.wait_for_function("[...document.images].every(picture => picture.complete)")
    page.wait_for_selector(".meters")
    time.sleep(1)  # for the frame of the player


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--workspace",
        type=Path,
        default=WORKSPACE,
        help="the first finished video by name is shown; a new workspace gets the demo first",
    )
    options = parser.parse_args()
    prepare(options.workspace)
    videos = library.Library(load(workspace=options.workspace))
    (chosen,) = videos.search(state="done", sort="name", limit=1, update=True).videos
    FOLDER.mkdir(exist_ok=True)
    arguments = {"executable_path": shutil.which("chromium"), "args": ["--no-sandbox", "--disable-gpu"]}
    with (
        dashboard(options.workspace) as entrance,
        sync_playwright() as playwright,
        playwright.chromium.launch(**arguments) as browser,
    ):
        for picture in PICTURES:
            file = FOLDER / f"{picture.name}.webp"
            Image.open(io.BytesIO(take(browser, entrance, picture, chosen.sha256))).save(
                file, quality=QUALITY, method=6
            )
            print(f"{file}: {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()

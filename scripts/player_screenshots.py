"""Take the pictures of docs/player.md, of a video that is analysed: ``python scripts/player_screenshots.py VIDEO``.

The pictures in the documents show a video of the demo:

    make demo
    VIDLIB_WORKSPACE=workspace-demo .venv/bin/python scripts/player_screenshots.py "01 Rue du Marché.mov"
"""

import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from vidlib import api
from vidlib.api import playing
from vidlib.player import page as player_page
from vidlib.settings import REPOSITORY

DOCS = REPOSITORY / "docs"
FRAME = 160
"""The frame that the pictures show."""


def main(name: str) -> int:
    """Write docs/player-*.webp."""
    video = api.open(name)
    results = video.results(*playing.STEPS)
    chromium = shutil.which("chromium")
    with tempfile.TemporaryDirectory(prefix="vidlib-player-") as folder, sync_playwright() as playwright:
        shutil.copy(results.needed_file("convert", "video"), Path(folder) / "video.mp4")
        html = player_page.write(Path(folder) / "player.html", playing.material(video.preview()), "video.mp4")
        html.write_text(html.read_text().replace('"can_correct": false', '"can_correct": true'))
        with playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser:
            page = browser.new_page(device_scale_factor=1.5)
            for scheme in ("light", "dark"):
                take(page, html, scheme, (1160, 900), DOCS / f"player-{scheme}.webp")
            take(page, html, "dark", (390, 900), DOCS / "player-phone.webp")
    return 0


def take(page: Page, html: Path, scheme: str, size: tuple[int, int], picture: Path) -> None:
    """The player at `FRAME` with a face selected, as a picture."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(html.as_uri())
    page.wait_for_selector(".vp[data-frame]")
    page.evaluate(f"document.querySelector('#player').player.go({FRAME})")
    page.wait_for_selector(f".vp[data-frame='{FRAME}']")
    page.evaluate("document.querySelector('#player').player.nextFace()")
    png = page.locator(".vp").screenshot(animations="disabled")
    Image.open(BytesIO(png)).convert("RGB").save(picture, quality=88, method=6)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

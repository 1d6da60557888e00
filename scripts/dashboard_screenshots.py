"""Take the pictures of docs/use/dashboard.md, of a workspace with a run: ``python scripts/dashboard_screenshots.py``.

make demo
VIDLIB_WORKSPACE=workspace-demo .venv/bin/python scripts/dashboard_screenshots.py
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from vidlib.machine.interpreter import vidlib_command
from vidlib.settings import REPOSITORY, settings

DOCS = REPOSITORY / "docs" / "use"
LIMIT_MS = 120_000


def main() -> int:
    """Write docs/use/dashboard-*.webp."""
    chromium = shutil.which("chromium")
    with (
        served() as (address, token),
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        work = open_page(browser, address, token, 1280, 720)
        work.get_by_label("all that are shown").check()
        work.get_by_role("button", name="Plan", exact=True).click()
        work.locator(".plan").wait_for()
        save(work, "light")
        save(open_page(browser, address, token, 1280, 720, color_scheme="dark", locale="fr-FR"), "french-dark")
        save(open_page(browser, address, token, 390, 844), "phone")
        video = open_page(browser, address, token, 1280, 900)
        video.get_by_role("link", name="Open player").first.click()
        video.locator(".vp[data-frame]").wait_for()
        save(video, "video")
    return 0


@contextmanager
def served() -> Iterator[tuple[str, str]]:
    """The dashboard of the workspace: its address and its token."""
    command = vidlib_command("dashboard", "--workspace", str(settings().workspace), "--port", "0")
    env = {name: value for name, value in os.environ.items() if not name.startswith("VIDLIB_DASHBOARD")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as server:
        line = next(line for line in server.stdout or () if "token=" in line)
        address, _, token = line.split()[0].partition("?token=")
        yield address, token
        server.terminate()


def open_page(browser: Browser, address: str, token: str, width: int, height: int, **options: str) -> Page:
    """The page *Work* in a browser of this size."""
    page = browser.new_page(viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
    page.set_default_timeout(LIMIT_MS)
    page.goto(f"{address}?token={token}", timeout=LIMIT_MS)
    page.locator(".run-title").wait_for()
    return page


def save(page: Page, name: str) -> None:
    """What is in sight, as a picture."""
    png = page.screenshot(animations="disabled")
    Image.open(BytesIO(png)).convert("RGB").save(DOCS / f"dashboard-{name}.webp", quality=80, method=6)


if __name__ == "__main__":
    sys.exit(main())

"""Results made by hand, in a workspace and as material, and somebody's browser."""

import shutil
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import psutil
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests import finished, sample_media
from tests.waiting import wait_until
from vidlib import Workspace
from vidlib.api import playing
from vidlib.files import sha256
from vidlib.player.material import Material
from vidlib.settings import Settings, load

CHROMIUM = shutil.which("chromium")
CUES = [(0.0, 0.8, "Guten Abend."), (0.85, 1.1, "Ja & nein.")]
DOUBTS = [
    {"message": "is this a cut?", "frame": 41, "confidence": 0.4, "kind": "boundary"},
    {"message": "is there a cut?", "frame": 10, "confidence": 0.5, "kind": "missed boundary"},
]
PAGE_MS = 60_000


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of a workspace in which all steps of one video, ``talk.mp4`` beside it, are done."""
    root = tmp_path_factory.mktemp("player")
    chosen = load(workspace=root / "workspace")
    talk = sample_media.clip(root / "talk.mp4")
    folders = finished.all_steps(chosen.work / sha256(talk)[:16], video=talk, cues=CUES)
    finished.finish(folders["scenes"], shots="shots.json", csv="shots.csv", n_shots=3, doubts=DOUBTS)
    finished.register(chosen, folders, talk)
    return chosen


@pytest.fixture(scope="package")
def material(home: Settings) -> Material:
    """What the player shows of ``talk.mp4``."""
    return playing.material(Workspace(home.workspace).open("talk").preview())


@pytest.fixture(scope="package")
def browser() -> Iterator[BrowserContext]:
    """One Chromium for all pages; it is gone afterwards."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--autoplay-policy=no-user-gesture-required",
    ]
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=arguments) as chromium,
        chromium.new_context(viewport={"width": 1200, "height": 900}) as context,
    ):
        context.set_default_timeout(PAGE_MS)
        expect.set_options(timeout=PAGE_MS)
        yield context
    wait_until(lambda: not [child for child in psutil.Process().children() if "chrom" in child.name()])


class Viewer:
    """Somebody before the player on ``page``."""

    def __init__(self, page: Page):
        self.page = page
        self.root = page.locator(".vp")
        expect(self.root).to_have_attribute("data-frame", "0")
        self.root.focus()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def sees(self, frame: int) -> None:
        """The player says ``frame``, in three ways, and the picture on the screen is the one with this number."""
        expect(self.root).to_have_attribute("data-frame", str(frame))
        expect(self.page.locator(".vp-number")).to_have_text(f"{frame} / {sample_media.N_FRAMES}")
        expect(self.page.locator(".vp-clock")).to_have_text(f"00:00:{frame // 25:02}:{frame % 25:02}")
        wait_until(lambda: self.burnt_in() == frame)

    def burnt_in(self) -> int:
        """The number in the picture on the screen."""
        png = self.page.locator(".vp-picture").screenshot()
        return sample_media.frame_number(np.asarray(Image.open(BytesIO(png)).convert("RGB")))

    def click_frame(self, frame: int, lane: str) -> None:
        """Click the middle of ``frame`` in the lane with this name."""
        canvas = self.page.locator(".vp-space canvas").bounding_box()
        label = self.page.locator(".vp-label", has_text=lane).first.bounding_box()
        assert canvas and label
        x = canvas["x"] + (frame + 0.5) / sample_media.N_FRAMES * canvas["width"]
        self.page.mouse.click(x, label["y"] + label["height"] / 2)

    @property
    def status(self):
        return self.page.locator(".vp-status")


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A new page, on which no script fails."""
    opened, errors = browser.new_page(), []
    opened.on("pageerror", lambda error: errors.append(error))
    yield opened
    opened.close()
    assert errors == []

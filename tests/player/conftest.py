"""Results made by hand, in a workspace and as material, and somebody's browser."""

import shutil
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests import finished, sample_media
from tests.player.viewer import finished_talk
from tests.waiting import wait_until
from vidlib import Workspace
from vidlib.api import playing
from vidlib.files import sha256
from vidlib.player.material import Material
from vidlib.settings import Settings, load

CHROMIUM = shutil.which("chromium")
PAGE_MS = 60_000


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of a workspace in which all steps of one video, ``talk.mp4`` beside it, are done."""
    root = tmp_path_factory.mktemp("player")
    chosen = load(workspace=root / "workspace")
    talk = sample_media.clip(root / "talk.mp4")
    finished.register(chosen, finished_talk(chosen.work / sha256(talk)[:16], talk), talk)
    return chosen


@pytest.fixture(scope="package")
def material(home: Settings) -> Material:
    """What the player shows of ``talk.mp4``."""
    return playing.material(Workspace(home.workspace).open("talk").preview())


@pytest.fixture(scope="module")
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


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A new page, on which no script fails."""
    opened, errors = browser.new_page(), []
    opened.on("pageerror", lambda error: errors.append(error))
    yield opened
    opened.close()
    assert errors == []

"""The dashboard as an operator uses it: in a real browser, from signing in to the report of a run."""

import shutil
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests import sample_media
from tests.waiting import wait_until
from vidlib.ingest.webhook import DownloadOffer
from vidlib.runner.downloads import store
from vidlib.runner.store.runs import History

CHROMIUM = shutil.which("chromium")
NAME = '-<img src=x onerror=alert(1)> "it\'s" & 🎬\nnew.mp4'
BY_HAND = "https://mega.nz/file/1?a='1'&b=2#key"
SHOWN = NAME.replace("\n", "\N{REPLACEMENT CHARACTER}")
PAGE_MS, RUN_MS = 60_000, 200_000
"""How long a page and a run of a two-second clip may take where other programs are busy as well."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"),
]


@pytest.fixture
def browser() -> Iterator[BrowserContext]:
    """Somebody's browser; it is gone afterwards."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=arguments) as chromium,
        chromium.new_context() as context,
    ):
        context.set_default_timeout(PAGE_MS)
        yield context
    wait_until(lambda: not [child for child in psutil.Process().children() if "chrom" in child.name()])


def open_from(page: Page, link: str) -> Page:
    """Click a link of ``page`` that opens another, and wait for that one."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=link).click()
    opened.value.wait_for_load_state()
    return opened.value


def test_an_operator_signs_in_runs_a_clip_and_reads_its_report(dashboard, browser):
    sample_media.silent(dashboard.settings.inbox / NAME)
    with History(dashboard.settings.database) as history:
        store.add_offers(history, [(DownloadOffer(BY_HAND, 0.0, name=NAME), "manual")])
    dialogs, answers = [], []
    browser.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    browser.on("response", lambda response: answers.append(response.url))

    page = browser.new_page()
    page.goto(dashboard.url)
    page.get_by_label("Token").fill(dashboard.token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".download b")).to_have_text(SHOWN, timeout=PAGE_MS)
    expect(page.locator(".download a")).to_have_attribute("href", BY_HAND)
    page.get_by_role("checkbox", name=SHOWN).check()
    page.get_by_label("Profile").select_option("fast")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".badge.starting")).to_be_visible(timeout=PAGE_MS)
    expect(page.locator(".run-title .badge")).to_have_text("running", timeout=PAGE_MS)
    expect(page.locator(".step.running b")).to_have_text("convert", timeout=PAGE_MS)

    page.close()  # the run goes on, and the next page finds it
    page = browser.new_page()
    page.goto(dashboard.url)
    expect(page.get_by_role("button", name="Cancel run")).to_be_visible(timeout=PAGE_MS)
    expect(page.locator(".run-title .badge")).to_have_text("done", timeout=RUN_MS)
    expect(page.locator(".video .title b")).to_have_text(SHOWN)
    expect(page.locator(".step.done")).to_have_count(7)

    report = open_from(page, "Open report")
    expect(report.locator("h1")).to_contain_text("onerror=alert(1)")
    pictures = report.evaluate("[...document.images].map(picture => picture.naturalWidth)")
    assert pictures
    assert all(pictures)
    report.get_by_role("link", name="scenes", exact=True).click()
    expect(report.locator("h1")).to_contain_text("Scenes")
    assert open_from(page, "tracking").url.endswith("06_tracking.ipynb")

    page.get_by_role("link", name="Library").click()
    page.get_by_role("searchbox", name="Search").fill("new.mp4 state:done")
    page.get_by_role("button", name=SHOWN).press("Enter")
    expect(page.get_by_role("heading", name=SHOWN)).to_be_focused()
    expect(page.locator(".glance .stills img").first).to_be_visible()
    page.get_by_role("button", name="Close").press("Enter")
    expect(page.locator(".glance")).to_have_count(0)

    assert dialogs == []
    assert [url for url in answers if not url.startswith((dashboard.url, "data:", "blob:"))] == []

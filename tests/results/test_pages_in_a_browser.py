"""The report and the shelf in a real browser: for every reader, on a phone, in the dark and on paper."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests import browsers, finished, sample_media
from tests.browsers import NEEDS_CHROMIUM, axe_script, serious_problems
from tests.results import pages
from vidlib.results.report_html import served_page
from vidlib.results.shelf_html import Entry, write_shelf

PHONE_PX = 390

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    NEEDS_CHROMIUM,
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages: the report of a whole video, of one with a failed step as the dashboard serves it, and the shelf."""
    home = tmp_path_factory.mktemp("pages")
    clip = sample_media.clip(home / "clip.mp4")
    folders = finished.all_steps(home / "work", video=clip)
    whole = pages.report_page(home / "whole", finished.evidence(home / "whole.json", folders))
    failed = {"status": "failed", "folder": None, "error": "no sound", "remedy": "Ask for the file again."}
    skipped = {"status": "skipped", "folder": None, "notebook": None}
    evidence = finished.evidence(home / "failed.json", folders, audio=failed, tracking=skipped, reduce=skipped)
    served = pages.report_page(home / "failed", evidence)
    served.write_text(served_page(served.read_text(encoding="utf-8")), encoding="utf-8")
    entries = [
        Entry(f"Été {n}.mp4", f"Project {n // 100}", f"{n:064x}", 1.79e9 + n, "done", "", "x.html", 60.0, 30.0, 3, 2, 2)
        for n in range(300)
    ]
    entries.append(Entry("bad.mp4", "Project 9", "f" * 64, 1.7e9, "failed", "no sound", None, 60.0, 0.0, doubts=3))
    shelf = write_shelf(home / "index.html", entries, at=1.79e9)
    return {"report": whole, "failed report": served, "shelf": shelf}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_script(tmp_path_factory.mktemp("axe"))


@pytest.fixture
def opened(chromium: Browser, made: dict[str, Path]) -> Iterator[object]:
    """``opened(name, ...)``: the page, in a browser with these properties; nothing was logged or fetched at the end."""
    contexts, problems = [], []

    def open_page(name: str, width: int = 1280, **properties: object) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 844}, **properties)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: problems.extend([request.url] if request.url.startswith("http") else []))
        page.goto(made[name].as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


NAMES = ("report", "failed report", "shelf")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_serious(opened, axe, name, scheme):
    page = opened(name, color_scheme=scheme, bypass_csp=True)
    assert serious_problems(page, axe) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_phone_shows_the_whole_width(opened, name):
    page = opened(name, width=PHONE_PX)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_PX


def test_a_dark_page_is_dark_and_paper_stays_white(opened):
    page = opened("report", color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(21, 24, 29)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.vr-bar div')).printColorAdjust") == "exact"


def test_links_into_the_player_are_seen_only_where_the_dashboard_serves_the_page(opened):
    assert opened("report").locator(".vr-player").first.is_hidden()
    assert opened("failed report").locator(".vr-player").first.is_visible()


def test_the_shelf_finds_words_without_accents_and_draws_a_part_of_many_videos(opened):
    page = opened("shelf")
    count, rows = page.locator("#count"), page.locator("#list tbody tr")
    assert (count.inner_text(), rows.count()) == ("200 of 301 videos", 200)
    page.get_by_label("Search").fill("ete 299.mp4")
    assert count.inner_text() == "1 of 1 videos"
    page.get_by_label("Search").fill("ffff")
    assert rows.locator("th").all_inner_texts() == ["bad.mp4"]
    page.get_by_label("Search").fill("")
    page.get_by_label("State").select_option("failed")
    assert "no sound" in rows.inner_text()

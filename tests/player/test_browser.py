"""The player in a real browser: on a page of its own and in JupyterLab; `tests/dashboard` has the dashboard."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pyarrow as pa
import pytest
from playwright.sync_api import Page, expect

from tests.player.conftest import CHROMIUM
from tests.player.viewer import Viewer, corrects_by_keyboard, moves_frame_by_frame
from tests.waiting import LIMIT_S, wait_until
from vidlib.player import page as plain_page
from vidlib.player.material import Material
from vidlib.results import frames
from vidlib.settings import Settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"),
]


@pytest.fixture
def look(page: Page, home: Settings, material: Material) -> Callable[..., Viewer]:
    """``look(width, scheme)``: somebody before the player on a page of its own."""
    file = plain_page.write(home.workspace.parent / "talk.html", material, "talk.mp4")

    def opened(width: int = 1200, scheme: str = "light") -> Viewer:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(file.as_uri())
        return Viewer(page)

    return opened


def test_the_player_speaks_french(page, home, material):
    messages = pa.array(["is there really a dissolve?", "was a fade missed?"])
    column = material.review.schema.get_field_index("message")
    french = replace(material, review=material.review.set_column(column, "message", messages), language="fr")
    page.goto(plain_page.write(home.workspace.parent / "french.html", french, "talk.mp4").as_uri())
    viewer = Viewer(page)
    viewer.press("n")
    expect(viewer.status).to_have_text("1 sur 2\xa0: y a-t-il vraiment un fondu enchaîné\xa0? (scenes, confiance 0,40)")
    expect(page.locator(".vp-here")).to_contain_text("Plan 3 sur 3fondu enchaîné à 41, 0,40")
    viewer.press("?")
    expect(page.get_by_role("dialog", name="Touches")).to_contain_text("sélectionner le visage suivant")


def test_every_frame_is_the_one_that_is_named(look):
    viewer = look()
    moves_frame_by_frame(viewer)
    viewer.press("End")
    viewer.sees(49)
    viewer.press("ArrowRight")  # there is no later frame
    viewer.sees(49)
    viewer.press("Home")
    viewer.sees(0)
    viewer.press("Shift+ArrowRight", *["ArrowRight"] * 6)  # pressed faster than a picture arrives
    viewer.sees(31)
    assert viewer.burnt_in() == 31


def test_an_address_names_the_frame_that_is_shown_first(look):
    page = look().page
    page.goto(f"{page.url}#frame=30")
    page.reload()
    expect(page.locator(".vp")).to_have_attribute("data-frame", "30")


def test_playing_stops_at_the_frame_that_is_shown(look):
    viewer = look()
    viewer.press("l")
    wait_until(lambda: int(viewer.root.get_attribute("data-frame")) > 3)
    viewer.press("k")
    stopped = int(viewer.page.locator(".vp-number").text_content().split(" / ")[0])
    wait_until(lambda: viewer.burnt_in() == int(viewer.root.get_attribute("data-frame")) >= stopped)
    viewer.press("End")
    viewer.sees(49)
    viewer.press("j", "j")
    expect(viewer.page.locator(".vp-number")).to_contain_text("-2×")
    viewer.sees(0)


def test_names_who_is_seen_and_who_speaks(look):
    viewer = look()
    here = viewer.page.locator(".vp-here")
    viewer.press(*["ArrowRight"] * 5)
    viewer.sees(5)
    expect(here).to_contain_text("Shot 1 of 3")
    expect(here).to_contain_text("SPEAKER_00speaks 0:00–0:00")
    expect(here).to_contain_text("Person 1face 1, speaks")
    expect(here).to_contain_text("Person 2face 2, silent")
    viewer.press("s", *["ArrowRight"] * 12)
    viewer.sees(32)
    expect(here).to_contain_text("Nobody speaks")
    lanes = viewer.page.locator(".vp-label").all_text_contents()
    assert lanes == ["To check", "Shots", "SPEAKER_00", "SPEAKER_01", "Words", "Person 1", "Person 2"]


def test_zooms_on_the_frame_that_is_shown(look):
    viewer = look()
    viewer.press("n", "+")
    viewer.sees(41)
    start, stop = viewer.page.evaluate("(({view}) => [view.from, view.to])(document.querySelector('#player').player)")
    assert 20 < stop - start < 30
    assert start <= 41 < stop
    viewer.press("0")
    assert viewer.page.evaluate("document.querySelector('#player').player.view.from") == 0


def test_help_lists_the_keys_and_closes(look):
    viewer = look()
    viewer.press("?")
    help_ = viewer.page.get_by_role("dialog", name="Keys")
    expect(help_).to_contain_text("next item to check")
    viewer.press("Escape")
    expect(help_).to_be_hidden()
    viewer.press("ArrowRight")
    viewer.sees(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_readable_in_both_themes(look, scheme):
    """All text has the contrast of WCAG AA against what is behind it."""
    viewer = look(scheme=scheme)
    viewer.press("n", "?")
    assert viewer.page.evaluate(LOW_CONTRAST) == []


def test_fits_on_a_phone(look):
    viewer = look(width=390)
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= 390
    outside = """[...document.querySelectorAll(".vp *")].filter(
        (element) => element.getBoundingClientRect().right > 391).map((element) => element.className)"""
    assert viewer.page.evaluate(outside) == []
    viewer.page.get_by_role("button", name="Next frame").click()
    viewer.sees(1)


def test_controls_have_names_and_roles(look):
    page = look().page
    assert page.evaluate("[...document.querySelectorAll('.vp button')].every((b) => b.textContent || b.ariaLabel)")
    slider = page.get_by_role("slider", name="Time")
    expect(slider).to_have_attribute("aria-valuetext", "00:00:00:00")
    expect(page.get_by_role("toolbar", name="Controls")).to_be_visible()


def test_text_of_a_video_is_never_markup(home, material, page):
    hostile = replace(material, name="<img src=x onerror=alert(1)></script>", names={"SPEAKER_00": "<b>x</b>"})
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto(plain_page.write(home.workspace.parent / "hostile.html", hostile, "talk.mp4").as_uri())
    Viewer(page)
    expect(page.locator(".vp header b")).to_have_text("<img src=x onerror=alert(1)></script>")
    expect(page.locator(".vp-label", has_text="<b>x</b>").first).to_be_visible()


LOW_CONTRAST = """() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if ((color[3] ?? 1) > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const light = (color) => {
    const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = color.slice(0, 3).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  return [...document.querySelectorAll(".vp *")].filter((element) => own(element) && element.offsetParent)
    .map((element) => [element.textContent, ratio(parse(getComputedStyle(element).color), behind(element))])
    .filter(([, contrast]) => contrast < 4.5);
}"""


@contextmanager
def jupyterlab(folder: Path, workspace: Path) -> Iterator[tuple[str, str]]:
    """JupyterLab with our extension, as the wheel configures it; gives its address and token."""
    token, about = secrets.token_hex(16), folder / "runtime"
    homes = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    options = {
        "ServerApp.root_dir": folder,
        "ServerApp.jpserver_extensions": {"jupyterlab": True, "vidlib.player.serving": True},
        "IdentityProvider.token": token,
        "LabApp.news_url": None,
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0"]
    command += [f"--{name}={value}" for name, value in options.items()]
    env = os.environ | homes | {"VIDLIB_WORKSPACE": str(workspace)}
    with running(command, stderr=subprocess.DEVNULL, env=env):
        file = wait_until(lambda: next(about.glob("jpserver-*.json"), None))
        yield json.loads(wait_until(file.read_text))["url"], token


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen]:
    """A server that ends with the block."""
    with subprocess.Popen(command, **options) as server:
        try:
            yield server
        finally:
            server.terminate()
            server.wait(timeout=LIMIT_S)


def test_in_jupyterlab(page, home, tmp_path):
    cells = [nbformat.v4.new_code_cell("import vidlib\nvidlib.show('talk')")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "look.ipynb")
    with jupyterlab(tmp_path, home.workspace) as (url, token):
        page.goto(f"{url}lab/tree/look.ipynb?token={token}")
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.get_by_text("| Idle").wait_for()
        page.keyboard.press("Shift+Enter")
        viewer = Viewer(page)
        moves_frame_by_frame(viewer)
        corrects_by_keyboard(viewer, home)  # in JupyterLab itself these keys would cut, add and undo cells
        expect(page.locator(".jp-CodeCell .vp")).to_be_visible()
        video = page.locator("video").get_attribute("src")
        assert video.startswith("/vidlib/video/")
        assert httpx.get(url.rstrip("/") + video).status_code in (302, 403)


def test_lists_ten_items_and_what_is_alike_on_request(home, material, page):
    asked = [{"message": f"item {n}", "frame": n, "confidence": n / 50, "kind": "boundary"} for n in range(13)]
    asked[1] |= {"about": "shot 1"}
    asked[12] |= {"about": "shot 1"}
    many = replace(material, review=frames.review({"scenes": asked}, material.frames))
    page.goto(plain_page.write(home.workspace.parent / "many.html", many, "talk.mp4").as_uri())
    viewer, listed = Viewer(page), page.locator(".vp-items button:visible")
    expect(listed).to_contain_text(["1 more like it", *(f"item {n}" for n in (0, *range(2, 10))), "2 more items"])
    viewer.press("n", "n")
    expect(viewer.status).to_contain_text("1 of 12: item 12")
    expect(listed.nth(1)).to_contain_text("item 12")
    page.get_by_role("button", name="2 more items").click()
    expect(page.get_by_role("button", name="item 11")).to_be_visible()

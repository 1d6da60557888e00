"""The page as it lives in a kernel, without one: clicks on its widgets, real runs, a real history."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests import sample_media
from tests.dashboard.processes import processes_of
from tests.ingest import faulty_server
from tests.waiting import wait_until
from vidlib.dashboard.control import Control
from vidlib.ingest.webhook import DownloadOffer
from vidlib.runner.downloads import store
from vidlib.settings import Settings, settings


@asynccontextmanager
async def opened(workspace: Settings) -> AsyncIterator[Control]:
    """A page that is kept true while the block runs, and closed after it."""
    control = Control(workspace)
    following = asyncio.create_task(control.follow(every_s=0.1))
    following.add_done_callback(control.report_stop)
    try:
        yield control
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError, RuntimeError):
            await following


async def until(condition: Callable[[], object]) -> object:
    return await asyncio.to_thread(wait_until, condition)


async def tick_and_start(control: Control) -> None:
    """Tick the first file of the inbox and press Run."""
    await until(lambda: control.page.inbox.children)
    control.page.inbox.children[0].children[0].value = True
    control.page.start.click()


def test_running_nothing_asks_for_files(workspace):
    async def scenario():
        async with opened(workspace) as control:
            control.page.start.click()
            assert await until(lambda: "Select one or more files" in control.page.problem.value)

    asyncio.run(scenario())


def test_a_viewer_sees_the_page_and_starts_nothing(workspace, monkeypatch):
    monkeypatch.setenv("REMOTE_ROLE", "viewer")
    workspace.inbox.mkdir(parents=True)
    (workspace.inbox / "clip.mp4").write_bytes(b"")

    async def scenario():
        async with opened(workspace) as control:
            await tick_and_start(control)  # a browser may send what the page does not show
            assert await until(lambda: "Sign in with the token of an operator" in control.page.problem.value)
            assert "vl-viewer" in control.page.widget._dom_classes
            assert control._started is None

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_run_that_cannot_begin_says_why(workspace, tmp_path, monkeypatch):
    (tmp_path / "wrong.yaml").write_text("scenes:\n  treshold: 0.4\n")
    monkeypatch.setenv("VIDLIB_PARAMS_DIR", str(tmp_path))
    settings.cache_clear()
    workspace.inbox.mkdir(parents=True)
    (workspace.inbox / "clip.mp4").touch()

    async def scenario():
        async with opened(settings()) as control:
            await tick_and_start(control)
            await until(lambda: "starting" in control.page.run.value)
            await until(lambda: "did you mean &#39;threshold&#39;" in control.page.problem.value)
            assert "No runs yet" in control.page.run.value

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_run_survives_its_page_is_cancelled_from_another_and_goes_on_when_asked(workspace):
    workspace.inbox.mkdir(parents=True)
    sample_media.silent(workspace.inbox / "clip.mp4")

    async def scenario():
        async with opened(workspace) as control:
            await tick_and_start(control)
            await until(lambda: control.page.cancel.layout.visibility == "visible")
        async with opened(workspace) as control:
            await until(lambda: control.page.cancel.layout.visibility == "visible")
            control.page.cancel.click()
            assert await until(lambda: ">cancelled<" in control.page.run.value)
            control.page.resume.click()
            assert await until(lambda: control.page.cancel.layout.visibility == "visible")
            control.page.cancel.click()
            assert await until(lambda: ">cancelled<" in control.page.run.value)
            assert len(control.page.runs.options) == 1

    asyncio.run(scenario())
    wait_until(lambda: not processes_of(workspace.workspace))


def test_an_unreadable_history_is_a_problem_until_it_is_mended(workspace):
    database = Path(workspace.database.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True)
    database.write_text("this is no database" * 100)

    async def scenario():
        async with opened(workspace) as control:
            await until(lambda: "cannot be used" in control.page.problem.value)
            database.unlink()
            assert await until(lambda: "cannot be used" not in control.page.problem.value)

    asyncio.run(scenario())


def test_a_page_that_breaks_says_so(workspace, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("a bug <here>")

    monkeypatch.setattr("vidlib.dashboard.control.page_view", broken)

    async def scenario():
        async with opened(workspace) as control:
            await until(lambda: "This page stopped" in control.page.problem.value)
            assert "a bug &lt;here&gt;" in control.page.problem.value

    asyncio.run(scenario())


def test_the_run_that_is_chosen_is_shown(workspace, planned):
    older, _ = planned("older.mp4")
    planned("newer.mp4")

    async def scenario():
        async with opened(workspace) as control:
            await until(lambda: "<b>newer.mp4</b>" in control.page.run.value)
            control.page.runs.value = older.id
            assert await until(lambda: "<b>older.mp4</b>" in control.page.run.value)

    asyncio.run(scenario())


FILM = b"\0\0\0\x18ftypmp42" + os.urandom(50_000)


def row_of(control: Control, number: int = 0) -> str:
    """What is drawn of one download."""
    rows = control.page.downloads.rows.children
    return rows[number].children[0].value if len(rows) > number else ""


def send(control: Control, link: str) -> None:
    """Paste a link and press Download."""
    control.page.downloads.link.value = link
    control.page.downloads.start.click()


@pytest.mark.slow
def test_a_link_that_is_pasted_becomes_a_file_of_the_inbox(allowed):
    async def scenario(url: str):
        async with opened(allowed) as control:
            send(control, f" {url} ")
            await until(lambda: ">starting<" in row_of(control))
            await until(lambda: ">done<" in row_of(control))
            assert "<b>film.mp4</b>" in row_of(control)
            assert (allowed.inbox / "film.mp4").read_bytes() == FILM
            send(control, url)
            assert await until(lambda: "was downloaded before" in control.page.problem.value)

    with faulty_server.running() as server:
        asyncio.run(scenario(server.page("/film.mp4", lambda request: request.file(FILM))))


@pytest.mark.slow
def test_a_download_that_failed_says_why_and_is_begun_again(allowed):
    answers = [lambda request: request.file(FILM), lambda request: request.answer("404 Not Found")]

    async def scenario(url: str):
        async with opened(allowed) as control:
            send(control, url)
            await until(lambda: ">failed<" in row_of(control))
            assert "answered 404" in row_of(control)
            await until(lambda: "answered 404" in control.page.problem.value)
            control.page.downloads.rows.children[0].children[1].click()
            assert await until(lambda: ">done<" in row_of(control))

    with faulty_server.running() as server:
        asyncio.run(scenario(server.page("/film.mp4", lambda request: answers.pop()(request))))


@pytest.mark.parametrize(("link", "says"), [("", "Paste a link first"), ("javascript:alert(1)", "expected a link")])
def test_what_is_no_link_starts_nothing(workspace, link, says):
    async def scenario():
        async with opened(workspace) as control:
            send(control, link)
            await until(lambda: says in control.page.problem.value)
            assert control.page.downloads.rows.children == ()

    asyncio.run(scenario())


def test_what_a_person_has_downloaded_is_closed(workspace, history):
    store.add_offers(history, [(DownloadOffer("https://we.tl/t-1", time.time()), "manual")])

    async def scenario():
        async with opened(workspace) as control:
            await until(lambda: ">manual<" in row_of(control))
            control.page.downloads.rows.children[0].children[1].click()
            assert await until(lambda: ">known<" in row_of(control))

    asyncio.run(scenario())

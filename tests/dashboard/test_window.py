"""A window as it lives in a kernel, without one: messages of its browser, real runs, a real history."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests import sample_media
from tests.dashboard.processes import processes_of
from tests.ingest import faulty_server
from tests.waiting import LIMIT_S, wait_until
from vidlib.dashboard import actions
from vidlib.dashboard.window import Window
from vidlib.ingest.offers import DownloadOffer
from vidlib.runner.downloads import store
from vidlib.settings import Settings, settings


@pytest.fixture(autouse=True)
def started(monkeypatch) -> Iterator[None]:
    """What a test starts outlives its window, and is waited for."""
    processes, launch = [], actions._launch

    def recorded(*args: Any) -> actions.StartedProcess:
        processes.append(launch(*args))
        return processes[-1]

    monkeypatch.setattr(actions, "_launch", recorded)
    yield
    for one in processes:
        one.process.wait(timeout=LIMIT_S)


class Browser:
    """The other end of the widget of a window: it keeps the newest of each part, and what the window told."""

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {}
        self.told: list[str] = []
        self.answers: dict[int, dict[str, Any]] = {}
        self.sent: list[dict[str, Any]] = []

    def send(self, data: dict[str, Any]) -> None:
        self.sent.append(data)
        self.parts |= data.get("parts", {})
        self.told += [data[kind] for kind in ("problem", "notice") if kind in data]
        if "id" in data:
            self.answers[data["id"]] = data

    def on_msg(self, callback: Callable[["Browser", dict[str, Any], list[bytes]], None]) -> None:
        self.post = lambda **data: callback(self, data, [])

    async def ask(self, action: str, **fields: Any) -> str | None:
        """Press a button, and return the error that it gives."""
        number = len(self.answers) + 1
        self.post(id=number, page="work", action=action, fields=fields)
        await until(lambda: number in self.answers)
        return self.answers[number]["error"]


@asynccontextmanager
async def opened(workspace: Settings, **query: str) -> AsyncIterator[Browser]:
    """A browser on the page *Work* that is kept true while the block runs, and closed after it."""
    window = Window(workspace, browser := Browser())
    following = asyncio.create_task(window.follow(every_s=0.1))
    following.add_done_callback(window.report_stop)
    browser.post(connect=True)
    browser.post(show="work", query=query, language="en")
    try:
        yield browser
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError, RuntimeError):
            await following


async def until(condition: Callable[[], object]) -> object:
    return await asyncio.to_thread(wait_until, condition)


async def tick_and_start(browser: Browser) -> str | None:
    """Tick the first file of the inbox and press Run."""
    await until(lambda: browser.parts)
    return await browser.ask("start", files=[browser.parts["inbox"]["files"][0]["key"]], profile="default")


def status(browser: Browser) -> str | None:
    run = browser.parts.get("run")
    return run and run["status"]


def test_running_nothing_asks_for_files(workspace):
    async def scenario():
        async with opened(workspace) as browser:
            assert "Select one or more files" in await browser.ask("start", files=[])
            browser.post(show="work", query={}, language="fr")
            assert "Sélectionnez" in await browser.ask("start", files=[])

    asyncio.run(scenario())


def test_a_viewer_sees_the_page_and_starts_nothing(workspace, monkeypatch):
    monkeypatch.setenv("REMOTE_ROLE", "viewer")
    workspace.inbox.mkdir(parents=True)
    (workspace.inbox / "clip.mp4").write_bytes(b"")

    async def scenario():
        async with opened(workspace) as browser:
            error = await tick_and_start(browser)  # a browser may send what the page does not show
            assert "Sign in with the token of an operator" in error
            assert browser.sent[0]["person"]["may_change"] is False
            assert browser.parts["starting"] is None

    asyncio.run(scenario())


def test_an_action_that_there_is_not_is_refused_and_a_bug_is_told(workspace, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("vidlib.runner.store.runs.History.request_cancel", broken)

    async def scenario():
        async with opened(workspace) as browser:
            assert "has no action 'view'" in await browser.ask("view")
            assert "a bug" in await browser.ask("cancel", run="1")

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_run_that_cannot_begin_says_why(workspace, tmp_path, monkeypatch):
    (tmp_path / "default.yaml").write_text("scenes:\n  treshold: 0.4\n")
    monkeypatch.setenv("VIDLIB_PARAMS_DIR", str(tmp_path))
    settings.cache_clear()
    workspace.inbox.mkdir(parents=True)
    (workspace.inbox / "clip.mp4").touch()

    async def scenario():
        async with opened(settings()) as browser:
            assert await tick_and_start(browser) is None
            await until(lambda: browser.parts["starting"] == ["clip.mp4"])
            await until(lambda: any("did you mean 'threshold'" in told for told in browser.told))
            await until(lambda: browser.parts["starting"] is None)
            assert browser.parts["run"] is None

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_run_survives_its_page_is_cancelled_from_another_and_goes_on_when_asked(workspace):
    workspace.inbox.mkdir(parents=True)
    sample_media.silent(workspace.inbox / "clip.mp4")

    async def scenario():
        async with opened(workspace) as browser:
            await tick_and_start(browser)
            await until(lambda: status(browser) == "running")
        async with opened(workspace) as browser:
            await until(lambda: status(browser) == "running")
            run = browser.parts["run"]["id"]
            assert await browser.ask("cancel", run=run) is None
            await until(lambda: status(browser) == "cancelled")
            assert await browser.ask("resume", run=run) is None
            await until(lambda: status(browser) == "running")
            assert await browser.ask("cancel", run=run) is None
            await until(lambda: status(browser) == "cancelled")
            assert browser.parts["runs"]["total"] == 1

    asyncio.run(scenario())
    wait_until(lambda: not processes_of(workspace.workspace))


def test_an_unreadable_history_is_a_problem_until_it_is_mended(workspace):
    database = Path(workspace.database.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True)
    database.write_text("this is no database" * 100)

    async def scenario():
        async with opened(workspace) as browser:
            await until(lambda: any("cannot be used" in told for told in browser.told))
            assert not browser.parts
            database.unlink()
            await until(lambda: browser.parts)
            assert len(browser.told) == 1  # an alert that comes every second is told once

    asyncio.run(scenario())


def test_a_page_that_breaks_says_so(workspace, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("a bug <here>")

    monkeypatch.setattr("vidlib.dashboard.work.Work.view", broken)

    async def scenario():
        async with opened(workspace) as browser:
            await until(lambda: browser.told)
            assert "This page stopped: RuntimeError('a bug <here>')" in browser.told[0]

    asyncio.run(scenario())


def test_only_what_has_changed_is_sent(workspace, history, planned):
    _, tasks = planned("clip.mp4")

    async def scenario():
        async with opened(workspace) as browser:
            await until(lambda: browser.parts)
            n_sent = len(browser.sent)
            history.update_task(tasks["convert"].id, status="running")
            await until(lambda: len(browser.sent) > n_sent)
            assert {name for data in browser.sent[n_sent:] for name in data.get("parts", {})} <= {"run", "videos"}

    asyncio.run(scenario())


def test_the_end_of_a_run_is_told_once(workspace, history, planned, monkeypatch):
    monkeypatch.setattr("vidlib.dashboard.window.UPKEEP_EVERY_S", 0.1)
    run, _ = planned("clip.mp4")

    async def scenario():
        async with opened(workspace) as browser:
            await until(lambda: status(browser) == "running")
            history.finish_run(run.id, "partial")
            await until(lambda: status(browser) == "partial")
            await until(lambda: browser.told)
            assert browser.told == ["clip.mp4: partial"]

    asyncio.run(scenario())


def test_the_run_that_is_chosen_is_shown(workspace, planned):
    older, _ = planned("older.mp4")
    planned("newer.mp4")

    async def scenario():
        async with opened(workspace) as browser:
            await until(lambda: browser.parts and browser.parts["run"]["title"] == "newer.mp4")
            browser.post(show="work", query={"run": older.id}, language="en")
            assert await until(lambda: browser.parts["run"]["title"] == "older.mp4")

    asyncio.run(scenario())


FILM = b"\0\0\0\x18ftypmp42" + os.urandom(50_000)


def state_of(browser: Browser) -> str | None:
    """The state of the first download."""
    rows = browser.parts.get("downloads")
    return rows[0]["state"] if rows else None


@pytest.mark.slow
def test_a_link_that_is_pasted_becomes_a_file_of_the_inbox(allowed):
    async def scenario(url: str):
        async with opened(allowed) as browser:
            assert await browser.ask("download", link=f" {url} ") is None
            await until(lambda: state_of(browser) == "starting")
            await until(lambda: state_of(browser) == "done")
            assert browser.parts["downloads"][0]["name"] == "film.mp4"
            assert (allowed.inbox / "film.mp4").read_bytes() == FILM
            assert "was downloaded before" in await browser.ask("download", link=url)

    with faulty_server.running() as server:
        asyncio.run(scenario(server.page("/film.mp4", lambda request: request.file(FILM))))


@pytest.mark.slow
def test_a_download_that_failed_says_why_and_is_begun_again(allowed):
    answers = [lambda request: request.file(FILM), lambda request: request.answer("404 Not Found")]

    async def scenario(url: str):
        async with opened(allowed) as browser:
            await browser.ask("download", link=url)
            await until(lambda: state_of(browser) == "failed")
            (row,) = browser.parts["downloads"]
            assert "answered 404" in row["note"]
            assert row["action"] == "Again"
            await until(lambda: any("answered 404" in told for told in browser.told))
            assert await browser.ask("download_again", key=row["key"]) is None
            await until(lambda: state_of(browser) == "done")

    with faulty_server.running() as server:
        asyncio.run(scenario(server.page("/film.mp4", lambda request: answers.pop()(request))))


@pytest.mark.parametrize(("link", "says"), [("", "Paste a link first"), ("javascript:alert(1)", "expected a link")])
def test_what_is_no_link_starts_nothing(workspace, link, says):
    async def scenario():
        async with opened(workspace) as browser:
            assert says in await browser.ask("download", link=link)
            await until(lambda: browser.parts)
            assert browser.parts["downloads"] == []

    asyncio.run(scenario())


def test_what_a_person_has_downloaded_is_closed(workspace, history):
    store.add_offers(history, [(DownloadOffer("https://we.tl/t-1", time.time()), "manual")])

    async def scenario():
        async with opened(workspace) as browser:
            await until(lambda: state_of(browser) == "manual")
            assert browser.parts["downloads"][0]["url"] == "https://we.tl/t-1"
            await browser.ask("close_download", key=browser.parts["downloads"][0]["key"])
            await until(lambda: state_of(browser) == "known")

    asyncio.run(scenario())

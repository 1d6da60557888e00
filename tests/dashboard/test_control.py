"""The page as it lives in a kernel, without one: clicks on its widgets, real runs, a real history."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests import media
from tests.dashboard.processes import processes_of
from tests.waiting import wait_until
from vidlib.dashboard.control import Control
from vidlib.settings import Settings, settings


@asynccontextmanager
async def opened(workspace: Settings) -> AsyncIterator[Control]:
    """A page that is kept true while the block runs, and closed after it."""
    control = Control(workspace)
    following = asyncio.create_task(control.follow(every_s=0.1))
    following.add_done_callback(control.stopped)
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
            assert await until(lambda: "Tick one or more files" in control.page.head.value)

    asyncio.run(scenario())


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
            await until(lambda: "did you mean &#39;threshold&#39;" in control.page.head.value)
            assert "Nothing has run yet" in control.page.run.value

    asyncio.run(scenario())


def test_a_run_survives_its_page_is_cancelled_from_another_and_goes_on_when_asked(workspace):
    workspace.inbox.mkdir(parents=True)
    media.silent(workspace.inbox / "clip.mp4")

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
            await until(lambda: "cannot be used" in control.page.head.value)
            database.unlink()
            assert await until(lambda: "cannot be used" not in control.page.head.value)

    asyncio.run(scenario())


def test_a_page_that_breaks_says_so(workspace, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("a bug <here>")

    monkeypatch.setattr("vidlib.dashboard.control.page_view", broken)

    async def scenario():
        async with opened(workspace) as control:
            await until(lambda: "This page stopped" in control.page.head.value)
            assert "a bug &lt;here&gt;" in control.page.head.value

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

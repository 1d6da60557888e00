"""Links among the paths of a run: what is behind them becomes a project."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import sample_media
from tests.ingest import faulty_server
from vidlib.errors import RefusedInput
from vidlib.ingest.urls import normalized
from vidlib.params import read_params
from vidlib.runner import notifications
from vidlib.runner.downloads import store
from vidlib.runner.dry_run import plan
from vidlib.runner.execution import task
from vidlib.runner.pipeline import RunOptions, run
from vidlib.runner.request import Request
from vidlib.runner.run_result import RunResult
from vidlib.runner.sources import Link
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import PARAMS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("lasting_kernels", "plain_step_notebooks")]


@pytest.fixture
def server() -> Iterator[faulty_server.Server]:
    with faulty_server.running() as found:
        yield found


def process(allowed: Settings, *links: str, **asked) -> RunResult:
    asked_for = Request([Link(link) for link in links], read_params(PARAMS), frozenset({"convert"}), **asked)
    return run(asked_for, allowed, RunOptions(jobs=1))


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    """A ZIP with a clip of two seconds."""
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        packed.write(sample_media.clip(tmp_path / "a clip.mp4"), "Job/a clip.mp4")
    return (tmp_path / "packed.zip").read_bytes()


def test_an_archive_behind_a_link_becomes_a_project_once(server, allowed, archive):
    url = server.page("/Sendung%2012.zip", lambda request: request.file(archive)) + "?key=x&b=1"
    result = process(allowed, url)
    (video,) = result.videos
    assert (result.status, list(video.steps)) == ("done", ["download", "extract", "convert", "report"])
    assert (allowed.projects / "Sendung 12" / "docs" / "a clip.mp4").is_file()
    again = process(allowed, f" {url}#again".replace("key=x&b=1", "b=1&amp;key=x"))
    assert (again.status, again.executed, len(server.asked)) == ("done", 0, 1)
    with History(allowed.database) as history:
        ((row, project),) = store.search(history)
        assert (row.state, project, Path(row.file).name) == ("done", "Sendung 12", "Sendung 12.zip")


def test_a_video_behind_a_link_is_a_project_of_its_own(server, allowed, tmp_path):
    clip = sample_media.clip(tmp_path / "clip.mp4").read_bytes()
    result = process(allowed, server.page("/film.mp4", lambda request: request.file(clip)))
    assert [list(video.steps) for video in result.videos] == [["download", "convert", "report"]]
    assert result.status == "done"


def test_failed_links_are_named_with_the_reason_and_do_not_stop_the_others(server, allowed, archive):
    page = server.page("/page.zip", lambda request: request.answer(body=b"<!doctype html>"))
    good = server.page("/good.zip", lambda request: request.file(archive))
    result = process(allowed, page, "https://we.tl/t-1", good)
    found = {video.path: video for video in result.videos}
    assert (result.status, found[page].status, found["https://we.tl/t-1"].status) == ("partial", "refused", "refused")
    assert "a web page came instead of a file" in found[page].error
    with History(allowed.database) as history:
        states = {row.url: row.state for row, _ in store.search(history)}
    assert states == {page: "failed", "https://we.tl/t-1": "manual", good: "done"}


def text_of_everything(folder: Path) -> str:
    """All files below a folder but the database of the history and the downloaded file itself."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("vidlib.sqlite")]
    return "".join(path.read_text(errors="replace") for path in files) + "".join(map(str, folder.rglob("*")))


def test_a_link_stays_in_the_history_alone(server, allowed, archive):
    good = server.page("/folder-hush/film.zip", lambda request: request.file(archive)) + "?rlkey=hush&dl=0"
    bad = server.page("/token-hush", lambda request: request.answer("404 Not Found")) + "?rlkey=hush"
    result = process(allowed, good, bad)
    assert (result.status, [video.status for video in result.videos]) == ("partial", ["done", "failed"])
    assert "hush" not in json.dumps(result.as_json()) + notifications.message.text(result.as_json())
    assert result.as_json()["videos"][1]["path"] == Link(bad).handle
    assert list(allowed.work.rglob("01_download.ipynb"))
    assert "hush" not in text_of_everything(allowed.workspace)


def test_a_file_that_an_earlier_version_downloaded_is_not_downloaded_again(server, allowed, archive, monkeypatch):
    url = server.page("/film.zip", lambda request: request.file(archive))
    with monkeypatch.context() as earlier:
        earlier.setattr(task, "handle", normalized)
        assert process(allowed, url).status == "done"
    assert (process(allowed, url).status, len(server.asked)) == ("done", 1)


def test_a_downloaded_file_is_used_where_it_is(server, allowed, archive):
    allowed.inbox.mkdir(parents=True)
    (allowed.inbox / "here.zip").write_bytes(archive)
    url = f"{server.base}/gone.zip"
    with History(allowed.database) as history:
        store.add_offers(history, [(store.DownloadOffer(url, 1.0), "known")])
        store.record_outcome(history, url, "done", file=str(allowed.inbox / "here.zip"))
    result = process(allowed, url)
    assert (result.status, list(result.videos[0].steps), server.asked) == ("done", ["extract", "convert", "report"], [])


def test_an_invalid_link_is_refused_before_anything_runs(allowed):
    with pytest.raises(RefusedInput, match="without user, password"):
        process(allowed, "https://me:hush@h.example/a.zip")


def test_a_dry_run_sends_no_request(server, allowed):
    found = plan(Request([Link(f"{server.base}/film.zip?key=x")], read_params(PARAMS)), allowed)
    assert [(row.video, row.step, row.does) for row in found.rows] == [("film.zip", "download", "run")]
    assert server.asked == []

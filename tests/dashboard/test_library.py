"""What the page *Library* shows: all videos, one of them at a glance, and two of its results compared."""

from typing import Any

import pytest

from benchmarks.composing import history as composed
from tests import finished, sample_media
from tests.results import pages
from tests.results.finding.conftest import write_entry
from vidlib.dashboard.library import ROWS, Library
from vidlib.dashboard.pages import Context
from vidlib.errors import UsageError
from vidlib.files import sha256, sha256_text
from vidlib.localization import Localization
from vidlib.runner.store.runs import History
from vidlib.settings import Settings, load
from vidlib.timeline import Shot, Span

MOVED = [Shot(Span(0, 22), "start"), Shot(Span(22, 50), "cut")]


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> tuple[Settings, str, list[str]]:
    """60 videos in the history, one in the archive, and one with two results; the SHA-256 and the runs of the last."""
    folder = tmp_path_factory.mktemp("library")
    settings = load(workspace=folder / "workspace")
    clip = sample_media.clip(folder / "talk.mp4")
    runs = []
    for number, changed in enumerate(({}, {"shots": MOVED})):
        folders = finished.all_steps(settings.work / f"{number}", video=clip, **changed)
        report = pages.report_folder(folder / f"report {number}", finished.evidence(folder / f"{number}.json", folders))
        runs.append(finished.register(settings, folders | {"report": report}, clip))
    page = settings.runs / runs[1] / "talk" / "report.html"
    page.parent.mkdir(parents=True)
    page.touch()
    with History(settings.database) as history:
        composed.compose(history, 60)
    write_entry(settings.archive)
    return settings, sha256(clip), runs


@pytest.fixture
def library(given) -> Library:
    return Library(Context(given[0], words=Localization("en")))


def shown(library: Library, given: tuple[Settings, str, list[str]], **query: str) -> dict[str, Any]:
    """The parts of the page, with the index of the archive up to date."""
    with History(given[0].database) as history:
        library.view(history, query)
        library.wait_for_index()
        return library.view(history, query)


def test_the_list_has_pages_and_counts_each_state(library, given):
    first = shown(library, given)["list"]
    assert (first["total"], len(first["rows"])) == (62, ROWS)
    assert first["states"]["archived"] == 1
    assert sum(first["states"].values()) == 62
    second = shown(library, given, **{"from": str(ROWS)})["list"]
    assert len(second["rows"]) == 12
    refused = shown(library, given, state="refused")["list"]
    assert {row["state"] for row in refused["rows"]} == {"refused"}
    assert refused["total"] == refused["states"]["refused"] == len(refused["rows"])
    assert all("did not finish" in row["problem"] for row in refused["rows"])


def test_a_row_has_figures_and_links(library, given):
    (row,) = shown(library, given, text="talk.mp4")["list"]["rows"]
    assert (row["state"], row["player"], row["figures"]["people"]) == ("done", True, 2)
    assert row["report"] == f"results/runs/{given[2][1]}/talk/report.html"
    (archived,) = shown(library, given, text="says:wetter")["list"]["rows"]
    assert (archived["state"], archived["player"], archived["report"]) == ("archived", False, None)
    assert archived["places"] == [{"frame": 20, "time": "00:00:00:20", "text": "“das Wetter”"}]


def test_a_search_that_cannot_be_read_is_told_in_its_place(library, given):
    parts = shown(library, given, text="stat:done")["list"]
    assert parts["rows"] == []
    assert "did you mean 'state'" in parts["problem"]


def test_a_video_at_a_glance_has_people_shots_and_items_with_pictures(library, given):
    video = shown(library, given, video=given[1])["video"]
    assert [person["name"] for person in video["people"]] == ["SPEAKER_00", None]
    assert [shot["frame"] for shot in video["shots"]] == [0, 22]
    assert video["shots"][1]["time"] == "00:00:00:22"
    assert video["shots"][0]["still"].startswith("data:image/jpeg;base64,")
    assert video["items"][0]["text"]
    assert [result["run"] for result in video["results"]] == given[2][::-1]
    unknown = shown(library, given, video="f" * 64)["video"]
    assert unknown == {"sha256": "f" * 64, "unknown": True}
    archived = shown(library, given, video=sha256_text("source Été talk"))["video"]
    assert (archived["state"], archived["results"]) == ("archived", [])


def test_two_results_are_compared(library, given):
    _, content, (before, after) = given
    changes = {kind["kind"]: kind for kind in library.compare(content, before, after)["kinds"]}
    assert [row["change"] for row in changes["shots"]["rows"]] == ["moved", "removed"]
    moved = changes["shots"]["rows"][0]
    assert (moved["a"]["frame"], moved["b"]["frame"], moved["b"]["time"]) == (20, 22, "00:00:00:22")
    assert changes["shots"]["rows"][1]["b"] is None
    assert changes["turns"]["total"] == 0
    with pytest.raises(UsageError, match="has no results of this video"):
        library.compare("f" * 64, before, after)

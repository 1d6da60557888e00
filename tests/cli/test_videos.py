"""The library of all videos: ``vidlib videos`` and ``Workspace.library``, from the history and the archive."""

import json

import pytest

from benchmarks.composing import history as composed
from tests.results.finding.conftest import write_entry
from vidlib import Workspace
from vidlib.api import library
from vidlib.errors import UsageError
from vidlib.files import sha256_text
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings, load

TALK = sha256_text("source Été talk")


@pytest.fixture(scope="module")
def chosen(tmp_path_factory) -> Settings:
    """40 videos in two runs; the archive knows one of them, and another one that no run knows."""
    settings = load(workspace=tmp_path_factory.mktemp("library"))
    with History(settings.database) as history:
        composed.compose(history, 40)
        about = {"label": "Été talk.mov", "stem": "Été talk", "sha256": TALK, "source": "/in/Été talk.mov"}
        run = history.start_run([], {})
        again = history.start_run([], {}, {"variant": "fast"})
        done = {"status": "done", "project": "Spring", "finished_at": 1_790_000_000.0}
        history.add_tasks([Task(run_id=run.id, step="report", **about, **done)])
        history.add_tasks([Task(run_id=again.id, step="report", **about, **done | {"status": "failed"})])
        history.finish_run(run.id, "done")
        history.finish_run(again.id, "failed")
    write_entry(settings.archive)
    write_entry(settings.archive, "lost", "Autumn", day=2)
    return settings


def names(settings: Settings, text: str = "", **how: object) -> list[str]:
    return [video.name for video in library.Library(settings).search(text, update=True, **how).videos]


def test_every_video_of_the_history_and_the_archive_is_listed_once(chosen):
    answer = library.Library(chosen).search(update=True)
    assert answer.total == len({video.sha256 for video in answer.videos}) == 42
    states = {video.name: video.state for video in answer.videos}
    assert (states["Été talk.mov"], states["lost.mov"]) == ("done", "archived")
    assert set(states.values()) >= {"done", "archived", "refused"}
    assert sum(answer.states.values()) == 42


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ete TALK", ["Été talk.mov"]),
        ("name:ete project:spring", ["Été talk.mov"]),
        (TALK[:12], ["Été talk.mov"]),
        ("clip state:archived", []),
        ("state:archived", ["lost.mov"]),
        ("date:2026-09-21", ["Été talk.mov"]),
        ("date>=2026-09 -lost", ["Été talk.mov"]),
        ("says:budget", ["lost.mov", "Été talk.mov"]),
        ("person:SPEAKER_00 says:budget project:autumn", ["lost.mov"]),
        ("person:SPEAKER_01", []),
        ("speaker:SPEAKER_01 project:autumn", ["lost.mov"]),
        ("SPEAKER_01", ["lost.mov", "Été talk.mov"]),
        ("wetter", ["lost.mov", "Été talk.mov"]),
        ("clip -name:clip", []),
        ("says:nothing", []),
    ],
)
def test_a_search_looks_into_names_dates_states_people_and_words(chosen, text, found):
    assert names(chosen, text) == found


def test_a_search_names_the_first_places_with_their_frames(chosen):
    (video,) = library.Library(chosen).search("project:spring says:wetter").videos
    assert [(place.frame, place.text) for place in video.places] == [(20, "“das Wetter”")]
    (video,) = library.Library(chosen).search("project:spring person:SPEAKER_00").videos
    assert [(place.frame, place.text) for place in video.places] == [(0, "SPEAKER_00"), (41, "SPEAKER_00")]
    (video,) = library.Library(chosen).search("project:spring speaker:SPEAKER_01").videos
    assert [(place.frame, place.text) for place in video.places] == [(20, "SPEAKER_01")]


def test_pages_follow_each_other_in_any_order(chosen):
    whole = names(chosen, "clip", sort="name")
    assert whole == sorted(whole)
    assert names(chosen, "clip", sort="-name") == whole[::-1]
    parts = [names(chosen, "clip", sort="name", start=start, limit=15) for start in (0, 15, 30)]
    assert [len(part) for part in parts] == [15, 15, 10]
    assert [name for part in parts for name in part] == whole


@pytest.mark.parametrize(
    ("text", "sort", "message"),
    [
        ("stat:done", "date", "'stat' in 'stat:done' is not known; did you mean 'state'"),
        ("state:fine", "date", "'fine' is no state of a video; expected one of done, failed"),
        ("date:soon", "date", "'date:soon' cannot be read; expected date:2026-11"),
        ("name>clip", "date", "'name>clip' cannot be read"),
        ("", "size", "'size' is no order; expected one of date, name, project, state"),
    ],
)
def test_a_search_that_cannot_be_read_is_refused(chosen, text, sort, message):
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        library.Library(chosen).search(text, sort=sort)


def test_the_command_lists_a_part_and_says_so(vidlib, chosen):
    code, out, err = vidlib("videos", "clip", "--limit", "3", "--workspace", chosen.workspace)
    assert (code, out.count("clip 00")) == (0, 3)
    assert "3 of 40 videos" in err
    code, out, _ = vidlib("videos", "name:lost", "--json", "--workspace", chosen.workspace)
    (video,) = json.loads(out)["videos"]
    assert (video["video"], video["state"], video["run"], video["archived"]) == ("lost.mov", "archived", None, True)
    code, out, _ = vidlib("videos", "nowhere", "--workspace", chosen.workspace)
    assert (code, "fulfils: nowhere" in out) == (1, True)


def test_the_api_gives_a_table(chosen):
    rows = Workspace(chosen.workspace).library("project:spring")
    assert rows[["video", "state", "archived"]].to_dict("records") == [
        {"video": "Été talk.mov", "state": "done", "archived": True}
    ]
    assert str(rows["at"][0]) == "2026-09-21 14:13:20+00:00"

"""What the cast keeps of people is shown, exported and erased, and nothing of it is left."""

import json
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cast import invented
from tests.cast.invented import PICTURE
from vidlib import Workspace
from vidlib.api import casting_erasure
from vidlib.api.video import Video
from vidlib.cast import erasure, store
from vidlib.cast.search import spellings
from vidlib.cli import app
from vidlib.corrections.anchors import TrackAnchor
from vidlib.errors import UsageError
from vidlib.files import sha256
from vidlib.results import archive
from vidlib.settings import settings


@pytest.fixture
def ws(cast_ws: Workspace) -> Workspace:
    """A workspace with a cast."""
    return cast_ws


def names(ws: Workspace, video: str) -> dict[str, str]:
    return ws.open(video).preview().names


def traces(ws: Workspace, person: str) -> list[bytes]:
    """All that could betray a person: embeddings, plain and encrypted, pictures, and spellings of the name."""
    with store.opened(ws.settings) as opened:
        cast, known = opened.cast(), opened.appearances()
        number = next(number for number in cast.people() if cast.name(number) == person)
        shown = cast.people()[number]
    found = [PICTURE, *spellings(person), *(known[one].face.values.encode() for one in shown)]
    found += [known[one].face.vector.tobytes() for one in shown]
    found += [known[one].voice.vector.tobytes() for one in shown if known[one].voice]
    with closing(sqlite3.connect(ws.settings.cast / store.FILE)) as file:
        rows = file.execute(
            f"SELECT data, picture FROM appearance WHERE id IN ({', '.join(map(str, shown))})"
        ).fetchall()
        rows += file.execute("SELECT data FROM log WHERE action IN ('add', 'name', 'confirm')").fetchall()
    return found + [token for row in rows for token in row]


def holding(ws: Workspace, traces: list[bytes]) -> list[str]:
    """The files of the workspace that hold a trace."""
    files = [path for path in ws.path.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(trace in path.read_bytes() for trace in traces)]


def name_anna(ws: Workspace) -> list[bytes]:
    """Anna is in both videos, under two names; returns her traces."""
    ws.cast.name("A1", "Anna Wéber")
    ws.cast.confirm("A3", "Anna Wéber")
    ws.cast.name("Anna Wéber", "Anna Meier")
    ws.cast.name("A1", "Anna Wéber")
    return traces(ws, "Anna Wéber")


def test_an_erased_person_leaves_no_byte_in_the_workspace(ws):
    anna = name_anna(ws)
    assert len(holding(ws, anna)) >= 3  # the cast, and the corrections of two videos
    receipt = ws.cast.erase("Anna Wéber")
    assert holding(ws, [*anna, *spellings("Anna Meier")]) == []
    assert receipt["erased"] == {
        "appearances": 2,
        "faces": 2,
        "pictures": 2,
        "voices": 2,
        "log_entries": 5,
        "corrections": 6,
    }
    assert receipt["still_named_in"] == []
    assert json.loads((ws.settings.cast / "receipts" / f"{receipt['receipt']}.json").read_text()) == receipt
    assert list(ws.cast.appearances()["appearance"]) == ["A2"]
    assert set(ws.cast.log()["state"]) == {"erased", ""}
    assert names(ws, "talk.mp4") == names(ws, "street.mp4") == {}


def test_an_erased_person_is_not_collected_again_and_others_stay(ws):
    ws.cast.name("A2", "Bert Klein")
    name_anna(ws)
    with store.opened(ws.settings) as opened, opened.writing() as connection:
        seen = TrackAnchor(start=0, stop=20, boxes=((0, 10, 8, 30, 28), (15, 10, 8, 30, 28)))  # in the results
        opened.replace(connection, 1, opened.appearances()[1].model_copy(update={"tracks": (seen,)}))
    ws.cast.erase("Anna Wéber")
    rows = ws.cast.collect(["talk.mp4"])
    assert sorted(row["result"] for row in rows) == [
        "erased; not collected again",
        "seen for 0.00 s at 80 pixels or more; 4 s needed",
    ]
    assert list(ws.cast.appearances()["name"]) == ["Bert Klein"]
    assert ws.cast.status()["not_found"] == ["A2"]


@pytest.mark.parametrize(
    "moment", ["_remove_corrections", "search", "remove_rows", "note", "compact", "write_json", "close"]
)
def test_a_killed_erasure_is_completed_by_the_next_use(ws, moment):
    anna = name_anna(ws)
    if (child := os.fork()) == 0:
        place = {"remove_rows": erasure, "close": erasure, "note": store.Store, "compact": store.Store}
        setattr(place.get(moment, casting_erasure), moment, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        ws.cast.erase("Anna Wéber")
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert ws.cast.status()["appearances"] == 1
    assert holding(ws, [*anna, *spellings("Anna Meier")]) == []
    (receipt,) = (ws.settings.cast / "receipts").iterdir()
    assert json.loads(receipt.read_text())["erased"]["appearances"] == 2


def test_results_that_still_have_the_name_are_listed_without_it(ws):
    name_anna(ws)
    report = ws.settings.runs / "20260101-120000-ab12" / "Anna Wéber" / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("nothing")
    receipt = ws.cast.erase("Anna Wéber")
    assert receipt["still_named_in"] == [str(report).replace("Anna Wéber", "…")]
    shutil.rmtree(report.parent)


def test_older_results_with_the_name_are_removed_if_asked(ws, cast_folder, monkeypatch):
    name_anna(ws)
    monkeypatch.setattr(Video, "apply_corrections", lambda video: [])  # as if the steps had run
    talk, root = cast_folder / "talk.mp4", ws.settings.archive
    old, new = (_archived(root, cast_folder, talk, text, day) for text, day in (("Anna_Wéber", 1), ("SPEAKER_00", 2)))
    stale = ws.settings.work / sha256(talk)[:16] / "tracking-ffffffffffff" / "people.json"
    page = ws.settings.runs / "20260101-120000-ab12" / "talk" / "report.html"
    previous = ws.settings.delivery / "news.previous-2026-11-01T000000Z" / "talk.srt"
    (ws.settings.delivery / "news").mkdir(parents=True)
    for file in (stale, page, previous):
        file.parent.mkdir(parents=True)
        file.write_text("Anna W\\u00e9ber")
    beside = ws.settings.projects / "news" / "talk.rttm"
    beside.parent.mkdir(parents=True)
    beside.write_text("Anna_Wéber")
    receipt = ws.cast.erase("Anna Wéber", results=True)
    assert receipt["problems"] == []
    assert receipt["still_named_in"] == [str(beside)]
    assert [path.exists() for path in (old, new, stale.parent, page.parent)] == [False, True, False, False]
    assert [path.name for path in ws.settings.delivery.iterdir()] == ["news"]
    assert ws.open("talk.mp4").results_at_hand() is not None
    for folder in (root, ws.settings.projects, ws.settings.runs, ws.settings.delivery):
        shutil.rmtree(folder)


def _archived(root: Path, folder: Path, video: Path, speaker: str, day: int) -> Path:
    people = folder / "people.json"
    people.write_text(json.dumps({"people": speaker}, ensure_ascii=False))
    results = archive.ResultSet.from_video(video, video, "talk", {"people": people})
    return archive.put(root, "news", results, datetime(2026, 11, day, tzinfo=UTC)).folder


def test_what_is_kept_about_a_person_is_shown_and_exported(ws, tmp_path):
    name_anna(ws)
    shown = ws.cast.show("Anna Wéber")
    assert (shown["purpose"], shown["retention_days"]) == ("finding our presenters", 365)
    assert list(shown["appearances"]) == ["A1", "A3"]
    assert [one["video"] for one in shown["corrections"]] == [
        ws.open(name).sha256 for name in ("talk.mp4", "street.mp4")
    ]
    files = ws.cast.export("P1", tmp_path / "anna")
    assert [file.name for file in files] == ["person.json", "A1.jpg", "A3.jpg"]
    assert len(json.loads(files[0].read_text())["appearances"]["A1"]["face"]) == 128
    assert files[1].read_bytes() == PICTURE
    with pytest.raises(UsageError, match="exists; expected a new folder"):
        ws.cast.export("P1", tmp_path / "anna")
    assert ws.cast.erase("P1")["exported_to"] == [str(tmp_path / "anna")]


def test_what_is_kept_for_too_long_is_erased(ws, monkeypatch):
    anna = name_anna(ws)
    ws.cast.name("A2", "Bert Klein")
    assert ws.cast.retain() is None
    with store.opened(ws.settings) as opened, opened.writing() as connection:
        for number in (1, 3):
            one = opened.appearances()[number]
            opened.replace(
                connection, number, one.model_copy(update={"collected_at": invented.NOW - timedelta(days=900)})
            )
    monkeypatch.delenv("VIDLIB_CAST_PURPOSE")  # the cast may be off by now
    settings.cache_clear()
    ws = Workspace()
    receipt = ws.cast.retain()
    assert receipt["appearances"] == ["A1", "A3"]
    assert list(ws.cast.appearances()["name"]) == ["Bert Klein"]
    left = holding(ws, anna)
    assert {Path(path).parent.name for path in left} == {"corrections"}  # a name in results is a decision about a video


def test_the_commands_show_before_they_erase(ws, capsys):
    name_anna(ws)
    app(["cast", "erase", "P1"], standalone_mode=False)
    assert "add --yes" in capsys.readouterr().err
    assert len(ws.cast.appearances()) == 3
    app(["cast", "erase", "P1", "--yes"], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "erased 2 appearances, 2 faces, 2 pictures, 2 voices" in printed
    assert "Anna" not in printed
    app(["cast", "retain"], standalone_mode=False)
    assert capsys.readouterr().out == "nothing is kept for too long\n"


def test_somebody_without_a_name_is_shown_and_erased_too(ws, tmp_path):
    assert list(ws.cast.show("A2")["appearances"]) == ["A2"]
    assert [file.name for file in ws.cast.export("A2", tmp_path / "somebody")] == ["person.json", "A2.jpg"]
    receipt = ws.cast.erase("A2")
    assert receipt["appearances"] == ["A2"]
    assert receipt["exported_to"] == [str(tmp_path / "somebody")]
    assert list(ws.cast.appearances()["appearance"]) == ["A1", "A3"]
    ws.cast.name("A1", "Anna Weber")
    with pytest.raises(UsageError, match=r"A1 is P\d+; erase P\d+, or split A1 before"):
        ws.cast.erase("A1")
    with pytest.raises(UsageError, match="'A2' is not anybody in the cast"):
        ws.cast.show("A2")


def test_a_merged_person_is_shown_and_erased_with_all_names(ws):
    ws.cast.name("A1", "Anna Weber")
    ws.cast.name("A3", "Grete Hermann")
    ws.cast.merge("Anna Weber", "Grete Hermann")
    shown = json.dumps(ws.cast.show("Anna Weber")["decisions"])
    assert "Grete Hermann" in shown
    grete = traces(ws, "Anna Weber") + list(spellings("Grete Hermann"))
    assert ws.cast.erase("Anna Weber")["appearances"] == ["A1", "A3"]
    assert holding(ws, grete) == []


def test_a_wrong_link_that_was_taken_back_leaves_no_name_either(ws):
    ws.cast.name("A1", "Anna Weber")
    ws.cast.confirm("A3", "Anna Weber")
    ws.cast.split("A3")
    ws.open("street.mp4").correct("name", speaker="SPEAKER_01", name="Bert Klein")
    assert ws.cast.erase("Anna Weber")["appearances"] == ["A1"]
    assert holding(ws, list(spellings("Anna Weber"))) == []
    assert ws.open("street.mp4").preview().names == {"SPEAKER_01": "Bert Klein"}


def test_somebody_else_of_the_name_keeps_it_and_is_listed(ws):
    ws.cast.name("A1", "Anna Weber")
    ws.open("street.mp4").correct("name", speaker="SPEAKER_01", name="Anna Weber")
    (left,) = ws.cast.erase("Anna Weber")["still_named_in"]
    assert Path(left).stem == ws.open("street.mp4").sha256
    assert ws.open("street.mp4").preview().names == {"SPEAKER_01": "Anna Weber"}

"""The cast of a workspace: what people decide, and what becomes of it in the results."""

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests import finished, sample_media
from tests.cast import invented
from vidlib import Workspace
from vidlib.api import casting_erasure, casting_likeness
from vidlib.api.video import Video
from vidlib.cast import erasure, store
from vidlib.cast.search import spellings
from vidlib.cli import app
from vidlib.corrections.anchors import TrackAnchor
from vidlib.errors import UsageError
from vidlib.files import sha256
from vidlib.results import archive
from vidlib.settings import load, settings

ANNA, BERT = 1, 2


def jpeg() -> bytes:
    """A small picture that stands for a face."""
    file = BytesIO()
    Image.fromarray(sample_media.picture(7)).save(file, "JPEG")
    return file.getvalue()


PICTURE = jpeg()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    """Two finished videos; in each, person 1 is seen and heard as SPEAKER_00, and person 2 is seen."""
    folder = tmp_path_factory.mktemp("cast")
    chosen = load(workspace=folder / "workspace")
    for name in ("talk.mp4", "street.mp4"):
        video = sample_media.clip(folder / name, options=["-metadata", f"title={name}"])
        folders = finished.all_steps(chosen.work / sha256(video)[:16], video=video)
        finished.register(chosen, folders, video, project="news")
    return folder


@pytest.fixture
def ws(workspace, monkeypatch) -> Iterator[Workspace]:
    """The workspace, whose cast is on and has collected the people of both videos; nothing is decided yet.

    A1 is Anna and A2 is Bert in talk.mp4; A3 is Anna in street.mp4, a little changed.
    """
    values = {
        "WORKSPACE": str(workspace / "workspace"),
        "CAST_PURPOSE": "finding our presenters",
        "CAST_LEGAL_BASIS": "consent",
        "CAST_RETENTION_DAYS": "365",
        "CAST_KEY_FILE": str(workspace / "cast.key"),
        "OPERATOR": "Ada",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"VIDLIB_{name}", value)
    settings.cache_clear()
    ws = Workspace()
    for folder in (ws.settings.cast, ws.settings.corrections):
        shutil.rmtree(folder, ignore_errors=True)
    talk, street = workspace / "talk.mp4", workspace / "street.mp4"
    with store.opened(ws.settings) as opened, opened.writing() as connection:
        for one, video in (
            (invented.appearance(ANNA, heard=ANNA, project="news"), talk),
            (invented.appearance(BERT, number=2, project="news"), talk),
            (invented.appearance(ANNA, aside=0.2, heard=ANNA, project="news"), street),
        ):
            opened.add(connection, one.model_copy(update={"video": sha256(video), "name": video.name}), PICTURE)
    yield ws
    settings.cache_clear()


def names(ws: Workspace, video: str) -> dict[str, str]:
    return ws.open(video).preview().names


def test_a_person_is_named_suggested_and_confirmed_and_the_results_get_the_name(ws):
    ws.cast.name("A1", "Anna Weber")
    ws.cast.name("A2", "Bert Klein")
    (found,) = ws.cast.suggest().itertuples()
    assert (found.appearance, found.name, found.video) == ("A3", "Anna Weber", "street.mp4")
    assert names(ws, "street.mp4") == {}
    change = ws.cast.confirm(found.appearance, found.person)
    assert change.videos == ("street.mp4",)
    assert names(ws, "street.mp4") == names(ws, "talk.mp4") == {"SPEAKER_00": "Anna Weber"}
    assert list(ws.cast.appearances()["name"]) == ["Anna Weber", "Bert Klein", "Anna Weber"]
    assert len(ws.cast.suggest()) == 0


def test_somebody_who_is_never_heard_has_a_name_in_the_cast_only(ws):
    change = ws.cast.name("A2", "Bert Klein")
    assert change.videos == ()
    assert change.unnamed == ("A2 in talk.mp4: the person is not heard, so the results cannot have the name",)


def test_another_name_and_an_undo_reach_the_results(ws):
    ws.cast.name("A1", "Anna Weber")
    ws.cast.confirm("A3", "Anna Weber")
    ws.cast.name("P1", "Anna Meier")
    assert names(ws, "street.mp4") == names(ws, "talk.mp4") == {"SPEAKER_00": "Anna Meier"}
    ws.cast.undo()
    assert names(ws, "street.mp4") == {"SPEAKER_00": "Anna Weber"}
    ws.cast.undo()
    assert (names(ws, "street.mp4"), names(ws, "talk.mp4")) == ({}, {"SPEAKER_00": "Anna Weber"})


def test_not_the_same_takes_the_name_out_of_the_results(ws):
    ws.cast.name("A1", "Anna Weber")
    ws.cast.confirm("A3", "P1")
    assert ws.cast.not_same("A3", "P1").videos == ("street.mp4",)
    assert names(ws, "street.mp4") == {}
    with pytest.raises(UsageError, match="A3 and P1 are not the same"):
        ws.cast.confirm("A3", "P1")


def test_merged_and_split_people(ws):
    ws.cast.name("A1", "Anna Weber")
    ws.cast.name("A3", "Anna W.")
    ws.cast.merge("Anna Weber", "Anna W.")
    assert set(ws.cast.appearances()["person"].dropna()) == {"P1"}
    assert names(ws, "street.mp4") == {"SPEAKER_00": "Anna Weber"}
    ws.cast.split("A3")
    assert names(ws, "street.mp4") == {}


def test_the_log_says_who_did_what(ws):
    ws.cast.name("A1", "Anna Weber")
    ws.cast.undo()
    rows = ws.cast.log()
    assert list(rows["about"]) == ["A1", "P1 Anna Weber", "2"]
    assert list(rows["state"]) == ["", "undone", ""]
    assert set(rows["by"]) == {"Ada"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("confirm", "A9", "P1"), "A9 is no appearance of the cast"),
        (("confirm", "A1", "Zoe"), "'Zoe' is not a person of the cast"),
        (("confirm", "Anna", "P1"), "'Anna' is no appearance; expected one such as A12"),
        (("name", "A1", "SPEAKER_01"), "expected the name of a person"),
        (("undo", 7), "'7' is not a decision about the cast that counts"),
    ],
)
def test_a_wrong_name_is_refused_and_changes_nothing(ws, arguments, message):
    ws.cast.name("A1", "Anna Weber")
    before = len(ws.cast.log())
    with pytest.raises(UsageError, match=message):
        getattr(ws.cast, arguments[0])(*arguments[1:])
    assert len(ws.cast.log()) == before


def test_without_a_purpose_nothing_is_collected_compared_or_decided(ws, monkeypatch):
    monkeypatch.delenv("VIDLIB_CAST_PURPOSE")
    settings.cache_clear()
    off = Workspace().cast
    for refused in (lambda: off.collect(["talk.mp4"]), off.suggest, lambda: off.name("A1", "Anna"), off.undo):
        with pytest.raises(UsageError, match=r"the cast is off.*VIDLIB_CAST_PURPOSE"):
            refused()
    assert off.status()["on"] is False
    assert off.status()["appearances"] == 3


def test_the_commands_decide_the_same(ws, capsys):
    def vidlib(*words: str) -> str:
        app(["cast", *words], standalone_mode=False)
        return capsys.readouterr().out

    assert "people: 0, appearances: 3" in vidlib("status")
    assert vidlib("name", "A1", "Anna Weber").splitlines() == [
        "2  name P1 Anna Weber",
        "the name is recorded; to get it into the results: vidlib correct apply talk.mp4",
    ]
    (suggested,) = json.loads(vidlib("suggest", "--json"))["suggestions"]
    assert (suggested["appearance"], suggested["person"], suggested["same_project"]) == ("A3", "P1", True)
    vidlib("confirm", "A3", "Anna Weber")
    listed = json.loads(vidlib("list", "--json"))["appearances"]
    assert [row["person"] for row in listed] == ["P1", None, "P1"]
    assert "confirm" in vidlib("log")


def test_a_workspace_without_a_cast_has_nobody_and_makes_no_file(ws, tmp_path, monkeypatch):
    other = Workspace(tmp_path / "other")
    assert other.cast.status()["people"] == 0
    assert len(other.cast.appearances()) == len(other.cast.log()) == 0
    assert not other.settings.cast.exists()


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


def test_older_results_with_the_name_are_removed_if_asked(ws, workspace, monkeypatch):
    name_anna(ws)
    monkeypatch.setattr(Video, "apply_corrections", lambda video: [])  # as if the steps had run
    talk, root = workspace / "talk.mp4", ws.settings.archive
    old, new = (_archived(root, workspace, talk, text, day) for text, day in (("Anna_Wéber", 1), ("SPEAKER_00", 2)))
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


@pytest.fixture
def archived(ws, workspace) -> Iterator[None]:
    """The results of talk.mp4 are in the archive; in the cast, Anna is where they show person 1: in shots 1 and 3."""
    talk = ws.open("talk.mp4")
    folders, files = talk.results_at_hand().folders, dict[str, Path]()
    for step, names in ENTRY.items():
        files |= {name: folders[step] / file for name, file in names.items()}
    results = archive.ResultSet.from_video(workspace / "talk.mp4", workspace / "talk.mp4", "talk", files)
    archive.put(ws.settings.archive, "news", results, datetime(2026, 11, 1, tzinfo=UTC))
    with store.opened(ws.settings) as opened, opened.writing() as connection:
        seen = TrackAnchor(start=0, stop=20, boxes=((0, 10, 8, 30, 28), (15, 10, 8, 30, 28)))
        opened.replace(connection, 1, opened.appearances()[1].model_copy(update={"tracks": (seen,)}))
    yield
    shutil.rmtree(ws.settings.archive)


ENTRY = {
    "scenes": {"shots_csv": "shots.csv", "shots_json": "shots.json"},
    "tracking": {"tracking_parquet": "tracking.parquet", "people": "people.json", "rttm": "speech.rttm"},
}


def test_shots_of_somebody_like_an_example_are_found(ws, archived, monkeypatch, capsys):
    monkeypatch.setattr(casting_likeness, "face_of", lambda *_: invented.face(ANNA, aside=0.1))
    found = ws.find(like="anna.jpg")
    assert list(found["shot"]) == [1, 3]
    assert list(found["why"]) == [["face at 0.10"]] * 2
    assert list(ws.find("len<0.5s", like="anna.jpg")["shot"]) == [3]
    assert app(["find", "--like", "anna.jpg", "--json"], standalone_mode=False) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 2
    assert list(ws.cast.log()["about"])[-1] == "look A1 A3 anna.jpg"
    monkeypatch.setattr(casting_likeness, "face_of", lambda *_: invented.face(77))
    assert len(ws.find(like="stranger.jpg")) == 0


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ("face.jpg", r"there is no picture 'face.jpg'; expected a picture, or a moment as film"),
        ("talk.mp4@23:00:00:00", r"23:00:00:00 is not in talk.mp4, which has 50 frames from 0 on"),
        ("talk.mp4@now", r"talk.mp4@now.*is no time code; expected HH:MM:SS:FF"),
    ],
)
def test_an_example_that_does_not_exist_is_refused(ws, example, message):
    with pytest.raises(UsageError, match=message):
        ws.find(like=example)


def test_a_file_that_is_no_picture_is_refused(ws, tmp_path):
    (tmp_path / "face.jpg").write_text("no picture")
    with pytest.raises(UsageError, match="is no picture that can be read"):
        ws.find(like=tmp_path / "face.jpg")


def test_nobody_is_found_by_an_example_while_the_cast_is_off(ws, monkeypatch):
    monkeypatch.delenv("VIDLIB_CAST_LEGAL_BASIS")
    settings.cache_clear()
    with pytest.raises(UsageError, match="the cast is off"):
        Workspace().find(like="face.jpg")


def test_the_faces_of_suggestions_lie_side_by_side(ws, tmp_path):
    ws.cast.name("A1", "Anna Weber")
    assert len(ws.cast.suggest(tmp_path / "faces.jpg")) == 1
    with Image.open(tmp_path / "faces.jpg") as picture:
        assert picture.width > 4 * 160
        assert picture.height > 160
    assert (tmp_path / "faces.jpg").stat().st_mode & 0o077 == 0
    assert ws.cast.erase("P1")["exported_to"] == [str(tmp_path / "faces.jpg")]
    with pytest.raises(UsageError, match=r"has the suffix '.pdf'; expected .jpg or .png"):
        ws.cast.suggest(tmp_path / "faces.pdf")


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

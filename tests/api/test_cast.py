"""The cast of a workspace: what people decide, and what becomes of it in the results."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from tests.cast import invented
from tests.cast.invented import ANNA
from vidlib import Workspace
from vidlib.api import casting_likeness
from vidlib.cast import store
from vidlib.cli import app
from vidlib.corrections.anchors import TrackAnchor
from vidlib.errors import UsageError
from vidlib.results import archive
from vidlib.settings import settings


@pytest.fixture
def ws(cast_ws: Workspace) -> Workspace:
    """A workspace with a cast."""
    return cast_ws


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
        "names have changed; to get them into the results: vidlib correct apply talk.mp4",
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


@pytest.fixture
def archived(ws, cast_folder) -> Iterator[None]:
    """The results of talk.mp4 are in the archive; in the cast, Anna is where they show person 1: in shots 1 and 3."""
    talk = ws.open("talk.mp4")
    folders, files = talk.results_at_hand().folders, dict[str, Path]()
    for step, names in ENTRY.items():
        files |= {name: folders[step] / file for name, file in names.items()}
    results = archive.ResultSet.from_video(cast_folder / "talk.mp4", cast_folder / "talk.mp4", "talk", files)
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

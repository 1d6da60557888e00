"""The cast of a workspace: what people decide, and what becomes of it in the results."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import finished, sample_media
from tests.cast import invented
from vidlib import Workspace
from vidlib.cast import store
from vidlib.cli import app
from vidlib.errors import UsageError
from vidlib.files import sha256
from vidlib.settings import load, settings

ANNA, BERT = 1, 2
PICTURE = b"\xff\xd8 a face, as JPEG"


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

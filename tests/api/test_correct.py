"""Corrections by Python: recorded with the moment that they are about, previewed, listed, taken back."""

from pathlib import Path

import pytest

import vidlib
from vidlib import Workspace
from vidlib.api.correcting import how_often_wrong
from vidlib.api.video import Video
from vidlib.errors import UnknownName, UsageError


@pytest.fixture
def video(ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Video:
    """A finished video, with corrections of this test only."""
    opened = ws.open("talk")
    monkeypatch.setattr(opened, "settings", opened.settings.model_copy(update={"corrections_dir": tmp_path}))
    return opened


def test_a_correction_is_pending_and_shows_in_the_preview(video: Video):
    entry = video.correct("add_cut", frame=10, kind="dissolve")
    (row,) = video.corrections.itertuples()
    assert (row.id, row.action, row.fields, row.state) == (entry.id, "add-cut", "frame=10 kind=dissolve", "pending")
    assert [shot.span.start for shot in video.preview().shots] == [0, 10, 20, 41]
    assert list(video.shots.start) == [0, 20, 41]


def test_later_decisions_build_on_earlier_ones(video: Video):
    video.correct("set_speaker", start=40, stop=50, speaker="new")
    video.correct("name", speaker="SPEAKER_50", name="Anna Weber")
    video.correct("name", speaker="SPEAKER_01", name="Ben")
    video.correct("set_speaker", start=0, stop=10, speaker="Ben")
    preview = video.preview()
    assert preview.turns.speakers == ["Anna Weber", "Ben", "SPEAKER_00"]
    assert [(turn.start_s, turn.speaker) for turn in preview.turns] == [
        (0.0, "Ben"),
        (0.4, "SPEAKER_00"),
        (0.8, "Ben"),
        (1.6, "Anna Weber"),
    ]
    assert not preview.unfit


def test_faces_are_split_joined_and_removed(video: Video):
    video.correct("split", track=1, frame=8)
    video.correct("merge", track=2, other=5)
    video.correct("not_a_face", track=4)
    video.correct("speaking", track=1, start=0, stop=5, speaks=False)
    faces = video.preview().faces
    assert faces.people() == {1: 1, 2: 2, 5: 2}
    assert faces.speaking == [(1, 0, 5, False)]
    video.undo()
    assert not video.preview().faces.speaking
    assert list(video.corrections.state) == ["pending", "pending", "pending", "undone", "applied"]


@pytest.mark.parametrize(
    ("action", "fields", "message"),
    [
        ("add_cut", {"frame": 50}, "which has 50 frames"),
        ("add_cut", {"frame": 20}, "already; to change how: set-kind 20"),
        ("remove_cut", {"frame": 30}, "the nearest one begins at 20"),
        ("move_cut", {"frame": 20, "to": 45}, "another shot begins"),
        ("set_speaker", {"start": 31, "stop": 39, "speaker": "SPEAKER_00"}, "nobody speaks"),
        ("split", {"track": 1, "frame": 30}, "not seen before and after"),
        ("speaking", {"track": 1, "start": 30, "stop": 40, "speaks": True}, "not seen between"),
        ("confirm", {"frame": 99}, "99"),
    ],
)
def test_a_decision_about_nothing_is_refused(video: Video, action: str, fields: dict, message: str):
    with pytest.raises(UsageError, match=message):
        video.correct(action, **fields)
    assert video.corrections.empty


def test_unknown_names_are_listed(video: Video):
    with pytest.raises(UnknownName, match=r"SPEAKER_00, SPEAKER_01"):
        video.correct("name", speaker="Anna", name="Anna")
    with pytest.raises(UnknownName, match=r"known: 1, 2, 4"):
        video.correct("not_a_face", track=3)
    with pytest.raises(UnknownName, match="add-cut"):
        video.correct("cut", frame=3)


def test_a_video_without_results_has_nothing_to_correct(ws: Workspace, tmp_path: Path):
    file = tmp_path / "other.mp4"
    file.write_bytes(b"no video")
    with pytest.raises(UsageError, match="vidlib run"):
        vidlib.open(file).correct("add_cut", frame=3)


ITEM = {"message": "is this a cut?", "frame": 41, "confidence": 0.4, "kind": "boundary", "frames": 9}


def test_an_item_of_an_earlier_version_can_be_confirmed_too(video: Video):
    assert len(video.review) == 1
    video.correct("confirm", frame=41)
    assert video.review.empty
    assert how_often_wrong(video.settings)[0]["kind"] == "other"


def test_what_was_checked_is_no_longer_to_check(video: Video, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(video.results("scenes").manifests["scenes"].outputs, "doubts", [ITEM])
    (row,) = video.review.itertuples()
    assert (row.kind, row.frames, row.frame) == ("boundary", 9, 41)
    entry = video.correct("confirm", frame=41)
    assert [item.kind for item in entry.items] == ["boundary"]
    assert video.review.empty
    assert how_often_wrong(video.settings)[0] == {
        "kind": "boundary",
        "checked": 1,
        "wrong": 0,
        "share": 0.0,
        "expected": 0.6,
    }
    video.undo()
    assert len(video.review) == 1

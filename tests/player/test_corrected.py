"""The player shows what people decided before any run applies it."""

import shutil
from collections.abc import Iterator

import pytest

from tests.player.decoding import decode, decode_boxes
from vidlib import Video, Workspace
from vidlib.api import playing


@pytest.fixture
def video(home) -> Iterator[Video]:
    """``talk.mp4``, without corrections before and after."""
    yield Workspace(home.workspace).open("talk")
    shutil.rmtree(home.corrections, ignore_errors=True)


def shown(video: Video) -> dict:
    return playing.material(video.preview()).state()


def faces(video: Video) -> dict[int, tuple[int, int, int]]:
    """Person, first frame and frame after the last one, of each track that is shown."""
    columns = [decode(shown(video)["faces"][name]).tolist() for name in ("track", "person", "start", "stop")]
    return {track: rest for track, *rest in zip(*columns, strict=True)}


def test_a_track_that_is_split_is_two_people(video):
    video.correct("split", track=1, frame=12)
    assert faces(video) == {1: [1, 0, 12], 2: [2, 0, 20], 3: [-1, 20, 41], 5: [3, 12, 20], 4: [1, 41, 50]}


def test_what_is_no_face_is_not_shown(video):
    boxes = len(decode_boxes(shown(video)["boxes"]))
    video.correct("not_a_face", track=2)
    assert 2 not in faces(video)
    assert len(decode_boxes(shown(video)["boxes"])) == boxes - 20


def test_two_faces_that_are_one_person_share_the_voice(video):
    video.correct("merge", track=1, other=2)
    state = shown(video)
    assert state["info"]["people"] == [{"person": 1, "speaker": "SPEAKER_00"}]
    assert {person for person, *_ in faces(video).values()} == {1, -1}


def test_a_face_that_speaks_by_decision_has_a_span(video):
    video.correct("speaking", track=2, start=3, stop=9, speaks=True)
    speaking = shown(video)["speaking"]
    assert (1, 3, 9) in zip(*(decode(speaking[name]).tolist() for name in ("face", "start", "stop")), strict=True)


def test_without_corrections_everything_is_as_before(video):
    before = shown(video)
    video.correct("merge", track=1, other=2)
    video.correct("add_cut", frame=30)
    assert shown(video) != before
    video.undo()
    video.undo()
    assert shown(video) == before


def test_a_french_player_refuses_in_french(video, monkeypatch):
    player, sent = playing.player(video, language="fr"), []
    monkeypatch.setattr(player, "send", lambda message, _=(): sent.append(message["error"]))
    player._receive(None, {"do": "undo", "id": 1}, [])
    player._receive(None, {"do": "correct", "id": 2, "action": "confirm", "fields": {"frame": 41}}, [])
    assert sent == ["il n’y a aucune correction à annuler", None]
    assert player.info["language"] == "fr"


def test_the_player_of_a_viewer_takes_no_corrections(video):
    player = playing.player(video, may_correct=False)
    assert not player.can_correct
    player._receive(None, {"do": "correct", "id": 1, "action": "merge", "fields": {"track": 1, "other": 2}}, [])
    assert len(video.corrections) == 0

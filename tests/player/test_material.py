"""What the browser gets of the results of a video."""

from dataclasses import replace

import pyarrow as pa
import pytest

from tests import finished
from tests.player.decoding import decode, decode_boxes
from vidlib.player.material import NOBODY, TRACK_COLUMNS, runs_of


@pytest.fixture
def state(material):
    return material.state()


def rows(columns: dict[str, bytes], *names: str) -> list[tuple[int, ...]]:
    return list(zip(*(decode(columns[name]).tolist() for name in names), strict=True))


def test_shots_have_their_kind_and_the_frames_of_their_transition(state):
    kinds = [state["info"]["kinds"][kind] for (kind,) in rows(state["shots"], "kind")]
    assert kinds == ["start", "cut", "dissolve"]
    assert rows(state["shots"], "start", "stop", "percent") == [(0, 20, 100), (20, 41, 90), (41, 50, 40)]


def test_turns_point_to_their_speakers(state):
    assert state["info"]["speakers"] == ["SPEAKER_00", "SPEAKER_01"]
    assert rows(state["turns"], "start", "stop", "speaker") == [(0, 20, 0), (20, 30, 1), (40, 50, 0)]


def test_faces_have_their_person_and_objects_have_none(state):
    labels = [state["info"]["labels"][label] for (label,) in rows(state["faces"], "label")]
    assert labels == ["face", "face", "chair", "face"]
    assert rows(state["faces"], "track", "person") == [(1, 1), (2, 2), (3, NOBODY), (4, 1)]
    assert rows(state["faces"], "start", "stop") == [(0, 20), (0, 20), (20, 41), (41, 50)]


def test_a_face_speaks_in_spans_of_frames(state):
    assert rows(state["speaking"], "face", "start", "stop") == [(0, 2, 18), (3, 43, 49)]


def test_each_frame_of_a_track_has_its_box(state):
    boxes = decode_boxes(state["boxes"])
    assert len(boxes) == sum(len(track.boxes) for track in finished.TRACKS)
    assert (boxes == [10, 8, 30, 28]).all()


def test_words_and_items_to_check_keep_their_texts(state):
    assert state["info"]["words"] == ["Guten Abend.", "Ja & nein."]
    assert rows(state["words"], "start", "stop", "speaker") == [(0, 20, 0), (21, 28, 1)]
    assert state["info"]["messages"] == ["is this a cut?", "is there a cut?"]
    assert rows(state["review"], "frame", "percent", "number") == [(41, 40, 1), (10, 50, 2)]


def test_a_track_with_a_gap_has_two_runs():
    table = pa.table({"track_id": [2, 1, 1, 1, 2], "frame": [7, 9, 3, 4, 8]})
    runs = runs_of(table["track_id"].to_numpy(), table["frame"].to_numpy())
    assert [(run.track, run.start, run.rows.tolist()) for run in runs] == [(1, 3, [2, 3]), (2, 7, [0, 4]), (1, 9, [1])]


def test_a_video_without_faces_and_speech_is_shown(material):
    empty = {name: getattr(material, name).slice(0, 0) for name in ("tracks", "words", "review")}
    state = replace(material, turns=[], people=[], **empty).state()
    assert state["info"]["speakers"] == []
    assert rows(state["faces"], "start") == rows(state["turns"], "start") == []
    assert len(decode_boxes(state["boxes"])) == 0
    assert set(TRACK_COLUMNS) <= set(material.tracks.column_names)

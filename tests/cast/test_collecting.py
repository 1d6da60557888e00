"""Faces and voices of a drawn video, read by the real models."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests import drawn, finished
from tests.cast.invented import NOW
from vidlib.cast import likeness
from vidlib.cast.collecting import Collected, Skipped, collect
from vidlib.cast.finished import FinishedVideo
from vidlib.cast.likeness import embed_largest, similar
from vidlib.errors import UsageError
from vidlib.results.exports.people_json import Person
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.timeline import Shot, Span, Turn

N_FRAMES = 300
ANNA = np.array([62.0, 64.0, 138.0, 162.0])
BERT = np.array([262.0, 64.0, 338.0, 162.0])
PEOPLE = [
    Person(1, {1: 0.9}, N_FRAMES, 200, "SPEAKER_00", 0.9),
    Person(2, {2: 0.9}, N_FRAMES, 0, None, None),
    Person(3, {3: 0.9}, 50, 0, None, None),
    Person(4, {4: 0.9}, N_FRAMES, 0, None, None),
]


def rows(track_id: int, n_frames: int, box: np.ndarray) -> TrackRows:
    values = vars(finished.track(track_id, range(n_frames), 1))
    return TrackRows(**values | {"boxes": np.tile(box, (n_frames, 1))})


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> FinishedVideo:
    """Twelve seconds with Anna, who speaks, and Bert; somebody is seen shortly, and somebody is far away."""
    folder = tmp_path_factory.mktemp("drawn")
    picture = drawn.add_face(drawn.backdrop(400, 240), 100, 110, 50)
    picture = drawn.add_face(picture, 300, 110, 50, looks=drawn.BERT)
    file = drawn.clip(folder / "talk.mp4", N_FRAMES, lambda _: picture, lambda frame: frame < 290)
    tracks = [rows(1, N_FRAMES, ANNA), rows(2, N_FRAMES, BERT), rows(3, 50, ANNA), rows(4, N_FRAMES, BERT / 4)]
    shots, turns = [Shot(Span(0, N_FRAMES), "start", 1.0)], [Turn(0.0, 11.6, "SPEAKER_00")]
    folders = finished.all_steps(folder / "work", video=file, shots=shots, turns=turns, tracks=tracks, people=PEOPLE)
    files = (
        folders["tracking"] / name for name in ("tracking.parquet", "people.json", "speech.rttm", "speech.parquet")
    )
    return FinishedVideo("0" * 64, "talk.mp4", "Spring", folders["tracking"].name, file, *files)


@pytest.fixture(scope="module")
def found(video) -> Iterator[list[Collected | Skipped]]:
    return list(collect(video, PEOPLE, NOW))


@pytest.mark.slow
def test_people_who_are_large_and_long_enough_are_collected(found):
    assert [type(one) for one in found] == [Collected, Collected, Skipped, Skipped]
    assert [one.reason for one in found[2:]] == [
        "seen for 2.00 s at 80 pixels or more; 4 s needed",
        "seen for 0.00 s at 80 pixels or more; 4 s needed",
    ]


@pytest.mark.slow
def test_a_collected_person_has_face_voice_picture_and_place(found):
    anna, bert = (one.appearance for one in found[:2])
    assert anna.face.n == 12
    assert (anna.seen_s, anna.heard_s, anna.face_px) == (12.0, 11.6, 98)
    assert anna.voice is not None
    assert anna.voice.vector.shape == (192,)
    assert bert.voice is None
    assert np.linalg.norm(anna.face.vector - bert.face.vector) > 0.6
    assert found[0].picture.startswith(b"\xff\xd8")
    assert (anna.tracks[0].start, anna.tracks[0].stop, anna.tracks[0].boxes[0]) == (0, 300, (0, 62, 64, 138, 162))


@pytest.mark.slow
def test_an_example_is_near_the_person_whom_it_shows(found):
    picture = drawn.add_face(drawn.backdrop(640, 480), 320, 200, 60)
    people = {number: one.appearance for number, one in enumerate(found[:2], 1)}
    ((number, _, distance),) = similar(embed_largest(picture, "face.png"), people)
    assert number == 1
    assert distance < 0.35


def test_an_example_without_a_face_or_with_a_small_one_is_refused(monkeypatch):
    with pytest.raises(UsageError, match=r"no face is found in face\.png; expected one of at least 80 pixels"):
        embed_largest(drawn.backdrop(640, 480), "face.png")
    monkeypatch.setattr(likeness, "MIN_FACE_PX", 200)
    with pytest.raises(UsageError, match=r"in face\.png is 111 pixels high; expected at least 200"):
        embed_largest(drawn.add_face(drawn.backdrop(640, 480), 320, 200, 60), "face.png")

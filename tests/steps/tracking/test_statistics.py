import re

import numpy as np
import pytest

from vidlib.results.exports.tracking_table import TrackRows
from vidlib.steps.tracking.statistics import SeenShot, Tally
from vidlib.timeline import Shot, Span
from vidlib.tracking.speaker_assignment import Face, Spoken
from vidlib.tracking.speaking import Sound, Voice

N = 40
SOUND = Sound(100, np.full(N, True), [["SPEAKER_00"]] * N, np.zeros(0, np.float32))


def doubts(unclear: tuple[int, ...] = (), **changed: object) -> list[tuple[str, int, float]]:
    """What is doubted of face 7, which is seen and speaks in all of a shot from frame 100 on."""
    face = Face(7, 100, np.full(N, 2.0), None)
    one = {"person": 2, "person_confidence": 0.9, "sure": np.full(N, 0.9), "voice": Voice("SPEAKER_00", 0.9)}
    tally = Tally()
    tally.heard(SOUND, [Spoken(face, **one | changed)], unclear)
    return [(doubt.message.split("?")[0], doubt.frame, doubt.confidence) for doubt in tally.doubts]


def test_what_is_sure_is_not_doubted():
    assert doubts() == []


@pytest.mark.parametrize(
    ("changed", "doubt"),
    [
        ({"person_confidence": 0.5}, ("is face 7 person 3", 100, 0.5)),
        ({"voice": Voice("SPEAKER_00", 0.6)}, ("does SPEAKER_00 belong to face 7", 100, 0.6)),
    ],
    ids=["who it is", "whose voice"],
)
def test_what_is_not_sure_is_doubted_unless_the_shot_is_mixed_with_another(changed, doubt):
    assert doubts(**changed) == [doubt]
    assert doubts((7,), **changed) == []


def test_speech_that_no_face_to_be_seen_speaks_is_doubted_from_its_first_frame():
    silent = np.where(np.arange(N) < 10, 0.9, 0.1)
    (found,) = doubts(sure=silent)
    assert found == ("somebody speaks for 1.2 s, but no face to be seen does", 110, 0.25)


def face(track_id: int, start: int, stop: int) -> TrackRows:
    n = stop - start
    return TrackRows(
        track_id=track_id,
        source="face_landmarker",
        label="face",
        speaker=None,
        shot=1,
        start=start,
        boxes=np.tile([10.0, 10, 60, 60], (n, 1)),
        confidence=np.full(n, 0.9),
        is_speaking=np.zeros(n, bool),
        speaking_confidence=np.zeros(n),
        blendshapes=np.zeros((n, 52)),
    )


@pytest.mark.parametrize(
    ("faces", "doubt"),
    [
        ([(100, 200)], None),
        ([(100, 140), (140, 200)], ("face 1 becomes somebody else's, face 2", 140, 0.2)),
        ([(100, 140), (141, 200)], ("face 1 is gone before the shot ends", 139, 0.5)),
        ([(100, 190)], None),
    ],
    ids=["to the end", "parted", "another one later", "left at the end"],
)
def test_a_face_that_ends_within_its_shot_is_doubted(faces, doubt):
    tally = Tally()
    tally.saw(SeenShot(Shot(Span(100, 200), "cut"), [face(n, *span) for n, span in enumerate(faces, 1)], []))
    found = [(re.split(", from|:", one.message)[0], one.frame, one.confidence) for one in tally.doubts]
    assert found == ([doubt] if doubt else [])

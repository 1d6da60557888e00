"""Which row is which true face."""

import pandas as pd

from tests import evaluated
from vidlib.evaluation import faces, matching


def paired(*extra: dict, drop: int | None = None) -> matching.FaceMatches:
    rows = [row for row in evaluated.rows() if row["frame"] != drop]
    return matching.match_faces(evaluated.TRUTH, pd.DataFrame([*rows, *extra]))


def test_of_two_rows_in_a_panel_the_larger_is_the_face_and_the_other_none():
    small = evaluated.rows()[0] | {"track_id": 0, "bbox_width": 5.0, "bbox_height": 5.0}
    found = paired(small)
    assert found.matches[0].row.track_id == 1
    assert found.n_false == 1


def test_things_are_no_faces():
    thing = evaluated.rows()[0] | {"track_id": 9, "source": "object_detector", "label": "chair"}
    assert paired(thing).n_false == 0


def test_frames_of_transitions_and_flashes_do_not_count():
    found = paired()
    assert found.n_frames == evaluated.FRAMES - len(evaluated.TRUTH.unclear())
    assert not {pair.frame for pair in found.matches} & evaluated.TRUTH.unclear()


def test_a_frame_without_rows_has_a_face_that_was_missed():
    assert [pair.frame for pair in paired(drop=8).matches if pair.row is None] == [7]


def test_bands_of_height_meet():
    assert [faces.band(height) for height in (1, 48, 95.9, 96, 192, 2000)] == [
        *("under 48 px", "48 to 95 px", "48 to 95 px", "96 to 191 px", "192 px and more", "192 px and more"),
    ]

import numpy as np
import pytest

from tests import finished
from tests.cast.invented import appearance
from vidlib.cast.attaching import attach
from vidlib.cast.finished import FinishedVideo
from vidlib.results.exports import people_json, rttm, tracking_table
from vidlib.results.exports.people_json import Person
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.timeline import Turn

LEFT, RIGHT = [100.0, 50.0, 190.0, 150.0], [200.0, 50.0, 290.0, 150.0]


@pytest.fixture
def analysed(tmp_path):
    """Make the results of an analysis: a track for each (id, frames, box), and the tracks of each person."""

    def make(tracks, people) -> FinishedVideo:
        with tracking_table.writing(tmp_path / "t.parquet", total_frames=400, width=640, height=360) as write_shot:
            write_shot([_rows(*track) for track in tracks])
        listed = [
            Person(number, dict.fromkeys(own, 0.9), 100, 0, f"SPEAKER_0{number}", 0.8)
            for number, own in enumerate(people, 1)
        ]
        people_json.write(tmp_path / "people.json", listed)
        rttm.write(tmp_path / "speech.rttm", [Turn(0, 4, "SPEAKER_01"), Turn(4, 8, "SPEAKER_02")])
        files = (tmp_path / name for name in ("v.mp4", "t.parquet", "people.json", "speech.rttm", "speech.parquet"))
        return FinishedVideo("0" * 64, "talk.mp4", "Spring", "tracking-another", *files)

    return make


def _rows(track_id, frames, box) -> TrackRows:
    return TrackRows(**vars(finished.track(track_id, frames, 1)) | {"boxes": np.tile(box, (len(frames), 1))})


KNOWN = {1: appearance(1, number=1), 2: appearance(2, number=2)}


def test_people_are_found_under_other_numbers(analysed):
    source = analysed([(7, range(200), RIGHT), (9, range(10, 200), LEFT)], [[7], [9]])
    found = attach(KNOWN, source)
    assert {number: one.person for number, one in found.items()} == {1: 2, 2: 1}
    assert {one.analysis for one in found.values()} == {"tracking-another"}
    assert found[1].speaker == "SPEAKER_02"
    assert found[1].speaker_at.spans == ((100, 200),)
    assert found[1].face == KNOWN[1].face


def test_somebody_who_is_elsewhere_now_is_listed_and_not_dropped(analysed):
    source = analysed([(7, range(200), LEFT), (9, range(150, 400), RIGHT)], [[7], [9]])
    found = attach(KNOWN, source)
    assert {number: one.person for number, one in found.items()} == {1: 1, 2: None}
    assert found[2].tracks == KNOWN[2].tracks  # so that a later analysis may show the person again


def test_an_analysis_without_faces_finds_nobody(analysed):
    assert [one.person for one in attach(KNOWN, analysed([], [])).values()] == [None, None]

"""The tracking file for After Effects, byte for byte, and older ones."""

import json

import pytest

from vidlib.errors import BrokenOutput
from vidlib.results.exports import tracking_json
from vidlib.results.exports.tracking_json import TrackedFrame, TrackedObject

FACE = TrackedObject(
    id=3,
    centroid_x=640,
    source="face_landmarker",
    label="face",
    confidence=0.912,
    active_speakers=("SPEAKER_00",),
    bbox_width=200,
    bbox_height=260,
)
FRAMES = [TrackedFrame(frame=1, tracked_objects=(FACE,)), TrackedFrame(frame=2, tracked_objects=())]


def test_its_bytes_are_those_that_scripts_know(tmp_path):
    path = tracking_json.write(tmp_path / "tracking.json", iter(FRAMES), 2)
    assert path.read_bytes() == (
        b'{"fps":25,"total_frames":2,"frames_analysis":[\n'
        b'{"frame":1,"tracked_objects":[{"id":3,"centroid_x":640,"source":"face_landmarker","label":"face",'
        b'"confidence":0.912,"active_speakers":["SPEAKER_00"],"bbox_width":200,"bbox_height":260}]},\n'
        b'{"frame":2,"tracked_objects":[]}\n'
        b"]}\n"
    )


def test_what_is_written_is_read_at_once_and_frame_by_frame(tmp_path):
    path = tracking_json.write(tmp_path / "tracking.json", iter(FRAMES), 2)
    whole = tracking_json.read(path)
    assert (whole.fps, whole.total_frames, list(whole.frames_analysis)) == (25, 2, FRAMES)
    assert list(tracking_json.stream(path)) == FRAMES


def test_an_older_file_is_read(tmp_path):
    old = {"id": 1, "centroid_x": 400, "source": "object_detector", "label": "dog", "active_speakers": []}
    path = tmp_path / "old_tracking.json"
    path.write_text(json.dumps({"frames_analysis": [{"frame": 1, "tracked_objects": [old]}]}, indent=4))
    whole = tracking_json.read(path)
    assert (whole.fps, whole.total_frames) == (None, None)
    (seen,) = whole.frames_analysis[0].tracked_objects
    assert (seen.label, seen.confidence, seen.bbox_width) == ("dog", None, None)


@pytest.mark.parametrize("frames", [FRAMES[:1], FRAMES[1:], [*FRAMES, FRAMES[1]], FRAMES[::-1]])
def test_a_frame_too_few_or_too_many_leaves_no_file(tmp_path, frames):
    with pytest.raises(BrokenOutput, match="expected"):
        tracking_json.write(tmp_path / "tracking.json", frames, 2)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_cut_short_anywhere_is_noticed(tmp_path):
    path = tracking_json.write(tmp_path / "tracking.json", FRAMES, 2)
    content = path.read_bytes()
    for length in range(len(content) - 1):  # without its last newline it is still whole
        path.write_bytes(content[:length])
        with pytest.raises(BrokenOutput):
            list(tracking_json.stream(path))
        with pytest.raises(BrokenOutput):
            tracking_json.read(path)

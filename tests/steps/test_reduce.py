"""Reduce: the two files say what the tables say, for every frame of the video."""

import tracemalloc
from itertools import chain
from operator import itemgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidlib.errors import BrokenOutput
from vidlib.results.exports import audio_json, tracking_json, tracking_table, words_table
from vidlib.steps import reduce
from vidlib.steps.base import Manifest, Step
from vidlib.timeline import Word

RTTM = """\
SPEAKER clip 1 0.080 0.160 <NA> <NA> SPEAKER_00 <NA> <NA>
SPEAKER clip 1 0.200 0.040 <NA> <NA> SPEAKER_01 <NA> <NA>
"""


def track(track_id: int, start: int, speaking: list[bool], *, speaker: str | None = None, shot: int = 1) -> list[dict]:
    """The rows of a face from frame ``start`` (from 1) on that stands at 100.6 pixels and is 40 wide."""
    known = {"track_id": track_id, "source": "face_landmarker", "label": "face", "speaker": speaker, "shot": shot}
    place = {"centroid_x": 100.6, "centroid_y": 75, "bbox_xmin": 80.6, "bbox_ymin": 50}
    size = {"bbox_width": 40, "bbox_height": 49.7, "confidence": 0.9}
    return [
        {"frame": frame, "is_speaking": speaks, "speaking_confidence": 0.5, **known, **place, **size}
        for frame, speaks in enumerate(speaking, start)
    ]


def inputs(folder: Path, shots: list[list[list[dict]]], speakers: list[list[str] | None]) -> reduce.Inputs:
    """The files that the steps before leave; ``speakers`` of each frame, None where there is no speech."""
    folder.mkdir(parents=True, exist_ok=True)
    schema = tracking_table.schema()
    with pq.ParquetWriter(folder / "tracking.parquet", schema) as file:
        for shot in shots:
            rows = sorted(chain(*shot), key=itemgetter("frame", "track_id"))
            file.write_table(pa.Table.from_pylist(rows, schema=schema))
    table = {
        "frame": pa.array(range(1, len(speakers) + 1), pa.int32()),
        "is_speech": [names is not None for names in speakers],
        "speakers": pa.array([names or [] for names in speakers], pa.list_(pa.string())),
    }
    pq.write_table(pa.table(table), folder / "speech.parquet")
    (folder / "speech.rttm").write_text(RTTM)
    return reduce.Inputs(
        frames=len(speakers),
        tracks=folder / "tracking.parquet",
        speech=folder / "speech.parquet",
        turns=folder / "speech.rttm",
        out_dir=folder / "reduced",
    )


SHOTS = [
    [track(1, 2, [False, True, True], speaker="SPEAKER_00"), track(2, 3, [True])],
    [track(3, 6, [True], speaker="SPEAKER_01", shot=2)],
]
SPEAKERS = [None, [], ["SPEAKER_00"], ["SPEAKER_00"], None, ["SPEAKER_01"], None]


@pytest.fixture
def outputs(tmp_path) -> reduce.Outputs:
    return reduce.run(inputs(tmp_path, SHOTS, SPEAKERS), reduce.Params())


def test_every_frame_is_there_and_has_what_is_seen_in_it(outputs):
    seen = tracking_json.read(outputs.tracking_json)
    ids = [[thing.id for thing in frame.tracked_objects] for frame in seen.frames_analysis]
    assert ids == [[], [1], [1, 2], [1], [], [3], []]
    assert (seen.fps, seen.total_frames) == (25, 7)


def test_positions_and_sizes_are_whole_pixels(outputs):
    thing = tracking_json.read(outputs.tracking_json).frames_analysis[1].tracked_objects[0]
    assert (thing.centroid_x, thing.bbox_width, thing.bbox_height, thing.confidence) == (101, 40, 50, 0.9)


def test_a_face_has_its_own_voice_and_only_while_it_speaks(outputs):
    """Face 2 speaks with a voice that nobody knows: it has none, though SPEAKER_00 is heard."""
    frames = tracking_json.read(outputs.tracking_json).frames_analysis
    voices = [{thing.id: thing.active_speakers for thing in frame.tracked_objects} for frame in frames]
    assert voices[1:4] == [{1: ()}, {1: ("SPEAKER_00",), 2: ()}, {1: ("SPEAKER_00",)}]
    assert voices[5] == {3: ("SPEAKER_01",)}


def test_speech_of_nobody_known_keeps_an_empty_list(outputs):
    heard = [frame.audio_info for frame in audio_json.read(outputs.audio_json).frames_analysis]
    assert [info.is_speech_present for info in heard] == [names is not None for names in SPEAKERS]
    assert [list(info.active_speaker_labels) for info in heard] == [names or [] for names in SPEAKERS]
    assert [info.timecode_sec for info in heard] == [0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.24]


def test_speaker_stats_come_from_the_turns(outputs):
    stats = audio_json.read(outputs.audio_json).speaker_stats
    assert {label: (said.total_sec, said.share, said.turns) for label, said in stats.items()} == {
        "SPEAKER_00": (0.16, 0.8, 1),
        "SPEAKER_01": (0.04, 0.2, 1),
    }


def test_a_video_without_faces_and_without_speech_has_complete_files(tmp_path):
    outputs = reduce.run(inputs(tmp_path, [], [None] * 3), reduce.Params())
    assert [len(frame.tracked_objects) for frame in tracking_json.stream(outputs.tracking_json)] == [0, 0, 0]
    assert len(audio_json.read(outputs.audio_json).frames_analysis) == 3


def test_progress_ends_at_the_end(tmp_path):
    said = []
    reduce.run(
        inputs(tmp_path, SHOTS, SPEAKERS), reduce.Params(), report=lambda done, total: said.append((done, total))
    )
    assert said[-1] == (14, 14)
    assert said == sorted(said)


def test_a_track_past_the_end_of_the_video_is_an_error(tmp_path):
    with pytest.raises(BrokenOutput, match="frame 8 is out of order, or past the video's 7 frames"):
        reduce.run(inputs(tmp_path, [[track(1, 8, [False])]], SPEAKERS), reduce.Params())


def test_a_table_of_another_length_is_an_error(tmp_path):
    given = inputs(tmp_path, SHOTS, SPEAKERS)
    with pytest.raises(BrokenOutput, match="expected 8 frames, not 7"):
        reduce.run(given.model_copy(update={"frames": 8}), reduce.Params())


def test_a_file_that_lost_a_face_is_an_error(tmp_path):
    given = inputs(tmp_path, SHOTS, SPEAKERS)
    outputs = reduce.run(given, reduce.Params())
    frames = [frame.model_copy(update={"tracked_objects": ()}) for frame in tracking_json.stream(outputs.tracking_json)]
    tracking_json.write(outputs.tracking_json, frames, 7)
    with pytest.raises(BrokenOutput, match=r"tracking\.json has 7 frames with 0 findings, expected 7 frames with 5"):
        reduce.verify(given, outputs)


tracks = st.builds(
    track, st.integers(1, 9), st.integers(1, 10), st.lists(st.booleans(), min_size=1, max_size=10), speaker=st.none()
)


@settings(max_examples=20, deadline=None)
@given(shot=st.lists(tracks, max_size=4, unique_by=lambda rows: rows[0]["track_id"]))
def test_reducing_twice_gives_the_same_bytes(tmp_path_factory, shot):
    given = inputs(tmp_path_factory.mktemp("reduce"), [shot], [None] * 20)
    again = given.model_copy(update={"out_dir": given.out_dir.with_name("again")})
    for each in (given, again):
        reduce.run(each, reduce.Params())
    assert Manifest.read(given.out_dir).files == Manifest.read(again.out_dir).files


@pytest.mark.slow
def test_memory_does_not_grow_with_the_video(tmp_path):
    """Forty shots of 500 frames need little more than five."""

    def peak(n_shots: int) -> int:
        shots = [[track(n, n * 500 + 1, [True] * 500, shot=n + 1)] for n in range(n_shots)]
        given = inputs(tmp_path / str(n_shots), shots, [["SPEAKER_00"]] * (n_shots * 500))
        tracemalloc.start()
        reduce.run(given, reduce.Params())
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(1)  # what is loaded once and kept
    assert peak(40) < 1.3 * peak(5)


def test_the_text_has_the_speakers_of_the_corrected_turns(tmp_path):
    given = inputs(tmp_path, SHOTS, SPEAKERS)
    said = [Word(0.08, 0.16, "Oui,", "SPEAKER_01", 0.9), Word(0.2, 0.24, "non.", "SPEAKER_01", 0.8)]
    words = words_table.write(tmp_path / "words.parquet", said, "fr")
    outputs = reduce.run(given.model_copy(update={"words": words}), reduce.Params())
    assert [word.speaker for word in words_table.read(outputs.words)] == ["SPEAKER_00", "SPEAKER_01"]
    assert words_table.read_language(outputs.words) == "fr"
    assert "<v SPEAKER_00>Oui," in outputs.captions.read_text()
    assert "SPEAKER_01: non." in outputs.subtitles.read_text()


def test_without_words_the_fingerprint_is_that_of_before(tmp_path):
    without = Step(reduce).ingredients(inputs(tmp_path, SHOTS, SPEAKERS), reduce.Params())
    assert without["inputs"].keys() == {"frames", "tracks", "speech", "turns"}

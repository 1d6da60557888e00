"""What is read from one entry of the archive, also from entries of other tools."""

import json

import pytest

from tests.results.finding.conftest import write_entry
from vidlib.errors import BrokenOutput
from vidlib.results.exports import audio_json, shots_csv, shots_json, tracking_json, words_table
from vidlib.results.exports.tracking_json import TrackedFrame, TrackedObject
from vidlib.results.finding import facts
from vidlib.results.finding.facts import Person
from vidlib.timeline import Shot, Span, Word


def test_an_entry_tells_what_is_seen_and_heard_in_each_shot(root):
    known = facts.read(write_entry(root))
    first, second, third = known.shots
    assert known.people == [Person(1, "SPEAKER_00"), Person(2, None)]
    assert (first.start, first.stop, first.boundary, third.boundary) == (0, 20, "start", "dissolve")
    assert [shot.faces for shot in known.shots] == [2, 0, 1]
    assert [shot.people for shot in known.shots] == [{0, 1}, set(), {0}]
    assert (first.face_height, second.face_height) == (417, None)  # 20 of 48 pixels
    assert (first.smile, second.smile, first.blendshapes) == (700, None, (700,) * 52)
    assert [shot.speech for shot in known.shots] == [20, 11, 9]  # speech from 0 to 30 and from 40 to 50
    assert [shot.speakers for shot in known.shots] == [{"SPEAKER_00"}, {"SPEAKER_00", "SPEAKER_01"}, {"SPEAKER_00"}]
    assert second.objects == {"chair"}


def test_faces_in_a_dissolve_belong_to_the_other_shot(root):
    entry = write_entry(root)
    shots = [Shot(Span(0, 15), "start"), Shot(Span(15, 50), "dissolve", 0.9, Span(12, 20))]
    shots_json.write(entry.results["shots_json"], shots, engine="by hand")
    first, second = facts.read(entry).shots
    assert (first.faces, second.faces) == (2, 1)  # both faces are seen until frame 20
    all_dissolve = [Shot(Span(0, 15), "start"), Shot(Span(15, 50), "dissolve", 0.9, Span(0, 50))]
    shots_json.write(entry.results["shots_json"], all_dissolve, engine="by hand")
    assert [shot.faces for shot in facts.read(entry).shots] == [2, 2]


def test_neighbouring_captions_of_one_speaker_are_one_utterance(root):
    texts = [[cue[2] for cue in utterance.cues] for utterance in facts.read(write_entry(root)).utterances]
    assert texts == [["Das Büdget, heute", "und morgen:"], ["das Wetter"], ["Guten Abend"]]


def test_words_with_times_count_before_captions(root):
    entry = write_entry(root)
    times = [(0.0, 0.2, "Das"), (0.78, 0.9, "Büdget,"), (0.9, 1.2, "heute")]
    speakers = ["SPEAKER_00", "SPEAKER_00", "SPEAKER_01"]
    said = [Word(*time, speaker) for time, speaker in zip(times, speakers, strict=True)]
    words_table.write(entry.folder / f"{entry.metadata.video_stem}_words.parquet", said)
    first, second = facts.read(entry).utterances
    assert (first.speaker, first.cues) == ("SPEAKER_00", [(0, 5, "Das"), (20, 23, "Büdget,")])
    assert (second.speaker, second.cues) == ("SPEAKER_01", [(23, 30, "heute")])


def test_without_people_those_who_speak_are_known(root):
    known = facts.read(write_entry(root, people=None))
    assert known.people == [Person(None, "SPEAKER_00")]
    assert [shot.people for shot in known.shots] == [{0}, set(), {0}]


def test_an_older_entry_tells_less_but_nothing_else(root):
    names = ("shots_json", "people", "rttm", "captions", "tracking_parquet")
    entry = write_entry(root, media=None, **dict.fromkeys(names))
    shots_csv.write(entry.folder / f"{entry.metadata.video_stem}_scenes.csv", [Span(0, 20), Span(20, 50)])
    face = TrackedObject(id=1, centroid_x=5, source="face_landmarker", label="face", active_speakers=("SPEAKER_00",))
    frames = [TrackedFrame(frame=n, tracked_objects=(face,) if n <= 20 else ()) for n in range(1, 51)]
    path = tracking_json.write(entry.folder / f"{entry.metadata.video_stem}_tracking.json", frames, 50)
    older = {"frames_analysis": json.loads(path.read_text())["frames_analysis"]}
    path.write_text(json.dumps(older))
    known = facts.read(entry)
    first, second = known.shots
    assert (first.faces, first.face_height, first.smile, second.faces) == (1, None, None, 0)
    assert (known.people, first.people) == ([Person(None, "SPEAKER_00")], {0})
    assert (first.speech, first.boundary) == (20, None)


def test_an_entry_without_tracking_and_sound_has_shots_only(root):
    entry = write_entry(root, **dict.fromkeys(("tracking_parquet", "audio_json", "captions", "rttm", "people")))
    assert [(shot.faces, shot.speech, shot.people) for shot in facts.read(entry).shots] == [(None, None, set())] * 3


@pytest.mark.parametrize("result", ["shots_json", "audio_json", "tracking_parquet", "people", "captions", "rttm"])
def test_a_damaged_file_is_named(root, result):
    entry = write_entry(root)
    path = entry.results[result]
    path.write_bytes(b"SPEAKER \xff" if result == "rttm" else b"\xff" + path.read_bytes()[:40])
    with pytest.raises(BrokenOutput, match=r"talk|captions are not in UTF-8"):
        facts.read(entry)


def test_the_speech_of_each_frame_is_read_as_by_the_model(random_archive, tmp_path):
    path = next(random_archive.glob("*/*/*_audio.json"))
    expected: dict[tuple[str, ...], list[int]] = {}
    for frame in audio_json.read(path).frames_analysis:
        if frame.audio_info.is_speech_present:
            expected.setdefault(frame.audio_info.active_speaker_labels, []).append(frame.frame)
    assert audio_json.spoken_frames(path) == expected
    loose = tmp_path / "loose.json"
    loose.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    assert audio_json.spoken_frames(loose) == expected
    lines = path.read_bytes().splitlines(keepends=True)
    loose.write_bytes(b"".join(lines[:40]))
    with pytest.raises(BrokenOutput, match="truncated"):
        audio_json.spoken_frames(loose)

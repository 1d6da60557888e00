"""OpenTimelineIO, read by its own library."""

import json
import re
from pathlib import Path

import pytest

from tests.results.exports.random_timelines import STARTS, Cut, cuts, one_timeline, random_timelines
from vidlib.results.exports import otio_json
from vidlib.results.exports.edit_timeline import Media, assemble
from vidlib.timeline import Shot, Span


def read_track(track) -> list[Cut]:
    found = []
    for clip in track:
        at, used = clip.range_in_parent(), clip.source_range
        first = used.start_time.to_frames() - clip.available_range().start_time.to_frames()
        length = used.duration.to_frames()
        found.append(Cut(first, first + length, at.start_time.to_frames(), at.end_time_exclusive().to_frames()))
    return found


def read(path: Path) -> list[Cut]:
    """The clips of the picture, one after the other, from the JSON."""
    tracks = json.loads(path.read_text())["tracks"]["children"]
    found, at = [], 0.0
    for clip in tracks[0]["children"]:
        available = clip["media_references"][clip["active_media_reference_key"]]["available_range"]
        used = clip["source_range"]
        first = used["start_time"]["value"] - available["start_time"]["value"]
        length = used["duration"]["value"]
        assert {value["rate"] for span in (used, available) for value in span.values() if isinstance(value, dict)} == {
            25
        }
        found.append(Cut(int(first), int(first + length), int(at), int(at + length)))
        at += length
    return found


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_no_frame_is_off(tmp_path, start):
    for timeline in random_timelines(start):
        assert read(otio_json.write(tmp_path / "a.otio", [timeline], "project")) == cuts(timeline)


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_opentimelineio_finds_the_same_frames(otio, tmp_path, start):
    for timeline in random_timelines(start):
        path = otio_json.write(tmp_path / "a.otio", [timeline], "project")
        document = otio.adapters.read_from_file(str(path))
        picture = document.video_tracks()[0]
        assert read_track(picture) == cuts(timeline)
        assert document.name == timeline.name
        assert document.global_start_time.to_frames() == timeline.start
        for clip, wanted in zip(picture, timeline.clips, strict=True):
            reference = clip.media_reference
            assert (clip.name, reference.name) == (wanted.name, wanted.media.name)
            assert reference.target_url == wanted.media.path
            assert reference.available_range.start_time.to_frames() == start
            assert reference.available_range.duration.to_frames() == wanted.media.frames
        for track in document.audio_tracks():
            assert track.duration() == picture.duration()


def test_only_schemas_of_opentimelineio_itself_are_used(otio, tmp_path):
    """An unknown schema stops Resolve."""
    known = {f"{name}.{version}" for name, version in otio.core.type_version_map().items()}
    known |= {"RationalTime.1", "TimeRange.1"}
    for timelines in ([one_timeline()], [one_timeline(), one_timeline(channels=())]):
        text = otio_json.write(tmp_path / "a.otio", timelines, "project").read_text()
        assert set(re.findall(r'"OTIO_SCHEMA": "([^"]+)"', text)) <= known


def test_resolve_gets_a_path_and_premiere_a_url(otio, tmp_path):
    urls = {}
    for editor in ("resolve", "premiere"):
        document = otio.adapters.read_from_file(
            str(otio_json.write(tmp_path / "a.otio", [one_timeline()], "project", editor))
        )
        urls[editor] = document.video_tracks()[0][0].media_reference.target_url
    assert urls["resolve"] == "/média/Été & 100% #1 <fin>.mp4"
    assert urls["premiere"] == "file:///m%C3%A9dia/%C3%89t%C3%A9%20%26%20100%25%20%231%20%3Cfin%3E.mp4"


def test_a_dissolve_is_a_cut_with_a_marker_inside_its_clip(otio, tmp_path):
    """Resolve drops a marker outside the clip."""
    document = otio.adapters.read_from_file(str(otio_json.write(tmp_path / "a.otio", [one_timeline()], "project")))
    picture = document.video_tracks()[0]
    assert [len(clip.markers) for clip in picture] == [0, 0, 1]
    (marker,) = picture[2].markers
    assert (marker.name, marker.color, marker.comment) == (
        "Shot 003",
        "YELLOW",
        "dissolve of 10 frames, confidence 0.40",
    )
    used = marker.marked_range
    assert (used.start_time.to_frames(), used.duration.to_frames()) == (900_070, 5)
    whole = picture[2].source_range
    assert whole.start_time <= used.start_time < used.end_time_exclusive() <= whole.end_time_exclusive()


def test_several_timelines_are_a_collection(otio, tmp_path):
    path = otio_json.write(tmp_path / "a.otio", [one_timeline(), one_timeline()], "Émission & co")
    collection = otio.adapters.read_from_file(str(path))
    assert isinstance(collection, otio.schema.SerializableCollection)
    assert (collection.name, [timeline.name for timeline in collection]) == ("Émission & co", ["Été <1>", "Été <1>"])


def test_a_video_without_sound_leaves_a_gap_in_the_sound_of_a_timeline(otio, tmp_path):
    videos = [
        (Media(name, f"/{name}", 10, 0, 64, 48, channels), [Shot(Span(0, 10), "start")])
        for name, channels in (("a.mp4", ()), ("b.mp4", (2,)))
    ]
    path = otio_json.write(tmp_path / "a.otio", [assemble("both", videos)], "project")
    (sound,) = otio.adapters.read_from_file(str(path)).audio_tracks()
    assert [type(item).__name__ for item in sound] == ["Gap", "Clip"]
    assert sound[1].range_in_parent().start_time.to_frames() == 10

"""OpenTimelineIO, read by its own library."""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.results.exports.random_timelines import STARTS, Cut, cuts, one_timeline, random_timelines
from vidlib.results.exports import otio_json
from vidlib.results.exports.edit_timeline import Media, assemble
from vidlib.results.reframing import sequence
from vidlib.results.reframing.framing import Area, Framing, Reframed, Segment
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
        (
            Media(name=name, path=f"/{name}", frames=10, start=0, width=64, height=48, channels=channels),
            [Shot(Span(0, 10), "start")],
        )
        for name, channels in (("a.mp4", ()), ("b.mp4", (2,)))
    ]
    path = otio_json.write(tmp_path / "a.otio", [assemble("both", videos)], "project")
    (sound,) = otio.adapters.read_from_file(str(path)).audio_tracks()
    assert [type(item).__name__ for item in sound] == ["Gap", "Clip"]
    assert sound[1].range_in_parent().start_time.to_frames() == 10


def test_premiere_gets_a_sequence_of_another_shape_with_the_motion_of_each_clip(otio, tmp_path):
    """The window of each frame fills the sequence, by the arithmetic of Premiere's Motion."""
    shots = (Shot(Span(0, 40), "start"), Shot(Span(40, 100), "dissolve", 0.4, Span(35, 45)), Shot(Span(100, 120)))
    picture, size = Area(0, 90, 1280, 540), (304, 540)
    framings = (
        Framing("switch", "speaker", picture, size, 90, (Segment(0, 25, ((0, 200),)), Segment(25, 40, ((25, 900),)))),
        Framing("pan", "speaker", picture, size, 90, (Segment(40, 100, ((40, 300), (70, 420))),)),
        Framing("fit", "person", picture, size, 90, (Segment(100, 120, ((100, 640),)),)),
    )
    media = Media(name="a.mp4", path="/a.mp4", frames=120, start=900_000, width=1280, height=720, channels=(2,))
    timeline = sequence.assemble("a", [(media, Reframed((9, 16), (1280, 720), shots, framings))])
    document = otio.adapters.read_from_file(
        str(otio_json.write(tmp_path / "a.otio", [timeline], "project", "premiere"))
    )
    assert read_track(document.video_tracks()[0]) == [
        Cut(0, 25, 0, 25), Cut(25, 40, 25, 40), Cut(40, 100, 40, 100), Cut(100, 120, 100, 120),
    ]  # fmt: skip
    assert [len(clip.markers) for clip in document.video_tracks()[0]] == [0, 0, 1, 0]
    assert document.tracks.metadata["PremierePro_OTIO"]["VideoResolution"] == {"width": 1080, "height": 1920}
    first, second, glides, whole = (motion(clip) for clip in document.video_tracks()[0])
    for found, centre in ((first, 200), (second, 900)):
        assert found.scale == pytest.approx(1920 / 540 * 100)
        assert found.shown(centre, 360) == pytest.approx((540, 960), abs=1)
    assert [time for time, _, _ in glides.keys] == [900_040, 900_070]
    assert glides.shown(420, 360, key=1) == pytest.approx((540, 960), abs=1)
    assert whole.shown(0, 360) == pytest.approx((0, 960), abs=1)
    assert whole.shown(1280, 360) == pytest.approx((1080, 960), abs=1)


class Moved(NamedTuple):
    """Premiere's Motion: the scale in percent, and the centre of the picture as shares of 1080x1920."""

    scale: float
    keys: list[tuple[int, float, float]]

    def shown(self, x: float, y: float, key: int = 0) -> tuple[float, float]:
        """Where a point of the 1280x720 picture lies in the sequence."""
        _, left, top = self.keys[key]
        return left * 1080 + (x - 640) * self.scale / 100, top * 1920 + (y - 360) * self.scale / 100


def motion(clip) -> Moved:
    assert [effect.effect_name for effect in clip.effects] == ["Opacity", "Motion"]  # a time effect would drop it
    parameters = {p["DisplayName"]: p for p in clip.effects[1].metadata["PremierePro_OTIO"]["Parameters"]}
    position = parameters["Position"]
    keys = position.get("Keyframes") or [position["StartValue"]]
    found = [(key["Position"].to_frames(), key["Value"]["X"], key["Value"]["Y"]) for key in keys]
    return Moved(parameters["Scale"]["StartValue"]["Value"], found)

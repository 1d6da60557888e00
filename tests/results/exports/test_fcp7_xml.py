"""Final Cut Pro 7 XML: what Premiere reads of it."""

import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.results.exports.random_timelines import NAMES, STARTS, Cut, cuts, one_timeline, random_timelines
from vidlib.results.exports import fcp7_xml


def read(path: Path) -> list[Cut]:
    """The clips of the first track of the only sequence."""
    (sequence,) = ET.parse(path).getroot().findall("project/children/sequence")
    items = sequence.findall("media/video/track/clipitem")
    return [Cut(*(int(item.findtext(name)) for name in ("in", "out", "start", "end"))) for item in items]


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_no_frame_is_off(tmp_path, start):
    for timeline in random_timelines(start):
        path = fcp7_xml.write(tmp_path / "a.xml", [timeline], "project")
        assert read(path) == cuts(timeline)
        root = ET.parse(path).getroot()
        for media in timeline.media:
            (file,) = (file for file in root.iter("file") if file.findtext("name") == media.name)
            assert unquote(urlsplit(file.findtext("pathurl")).path) == media.path
            assert int(file.findtext("timecode/frame")) == start
            assert {*STARTS} >= {file.findtext("timecode/string")}
            assert STARTS[file.findtext("timecode/string")] == start
            assert int(file.findtext("duration")) == media.frames


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_opentimelineio_finds_the_same_frames(otio, tmp_path, start):
    """It counts in and out points from the time code of the file, which it reads right."""
    for timeline in random_timelines(start):
        path = fcp7_xml.write(tmp_path / "a.xml", [timeline], "project")
        track = otio.adapters.read_from_file(str(path), "fcp_xml").video_tracks()[0]
        clips = track.find_clips()
        found = []
        for clip in clips:
            at, used = clip.range_in_parent(), clip.source_range
            first = used.start_time.to_frames() - clip.available_range().start_time.to_frames()
            found.append(
                Cut(
                    first,
                    first + used.duration.to_frames(),
                    at.start_time.to_frames(),
                    at.end_time_exclusive().to_frames(),
                )
            )
        assert found == cuts(timeline)
        assert [clip.name for clip in clips] == [clip.name for clip in timeline.clips]


def test_a_sequence_begins_at_its_time_code_in_the_size_of_the_video(tmp_path):
    path = fcp7_xml.write(tmp_path / "a.xml", [one_timeline(own_start=90_000)], "project")
    sequence = ET.parse(path).getroot().find(".//sequence")
    assert sequence.findtext("timecode/string") == "01:00:00:00"
    assert sequence.findtext("timecode/frame") == "90000"
    assert {rate.findtext("timebase") + rate.findtext("ntsc") for rate in sequence.iter("rate")} == {"25FALSE"}
    form = sequence.find("media/video/format/samplecharacteristics")
    assert [form.findtext(name) for name in ("width", "height", "pixelaspectratio")] == ["1280", "720", "square"]


def test_a_file_is_described_once_and_then_named_by_its_id(tmp_path):
    path = fcp7_xml.write(tmp_path / "a.xml", [one_timeline()], "project")
    files = [*ET.parse(path).getroot().iter("file")]
    assert [len(file) > 0 for file in files] == [True] + [False] * (len(files) - 1)
    assert {file.get("id") for file in files} == {"file-1"}


def test_picture_and_each_channel_of_sound_are_linked(tmp_path):
    path = fcp7_xml.write(tmp_path / "a.xml", [one_timeline(channels=(2, 1))], "project")
    root = ET.parse(path).getroot()
    assert len(root.findall(".//media/audio/track")) == 3
    ids = {item.get("id") for item in root.iter("clipitem")}
    assert len(ids) == 3 * 4
    for item in root.iter("clipitem"):
        links = [link.findtext("linkclipref") for link in item.findall("link")]
        assert len(links) == 4
        assert set(links) <= ids
    channels = [item.findtext("sourcetrack/trackindex") for item in root.findall(".//media/audio/track/clipitem")]
    assert channels == ["1"] * 3 + ["2"] * 3 + ["3"] * 3


def test_a_video_without_sound_has_no_audio_track(tmp_path):
    path = fcp7_xml.write(tmp_path / "a.xml", [one_timeline(channels=())], "project")
    assert ET.parse(path).getroot().find(".//audio") is None


def test_a_dissolve_is_a_cut_in_its_middle_and_a_marker_over_all_of_it(tmp_path):
    path = fcp7_xml.write(tmp_path / "a.xml", [one_timeline()], "project")
    assert read(path)[2].at == 70
    (marker,) = ET.parse(path).getroot().iter("marker")
    assert [marker.findtext(name) for name in ("in", "out", "name")] == ["65", "75", "Shot 003"]
    assert marker.findtext("comment") == "dissolve of 10 frames, confidence 0.40"
    assert ET.parse(path).getroot().find(".//transitionitem") is None


def test_a_bin_has_a_sequence_for_each_timeline_and_describes_each_file_once(tmp_path):
    path = fcp7_xml.write(tmp_path / "a.xml", [one_timeline(), one_timeline()], "Émission & co")
    root = ET.parse(path).getroot()
    assert root.findtext("project/name") == "Émission & co"
    assert [*{element.get("id") for element in root.iter("sequence")}] != []
    assert len(root.findall("project/children/sequence")) == 2
    assert sum(len(file) > 0 for file in root.iter("file")) == 1
    ids = [item.get("id") for item in root.iter("clipitem")]
    assert len(ids) == len(set(ids))
    assert NAMES[0] in path.read_text().replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")

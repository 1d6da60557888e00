"""Clips and markers on a timeline, and names and paths of any machine."""

import xml.etree.ElementTree as ET

import pytest

from tests.results.exports.random_timelines import STARTS, random_timelines
from vidlib.results.exports import avid_markers, cmx_edl, fcp7_xml, fcpxml, resolve_markers
from vidlib.results.exports.edit_timeline import Media, assemble, file_url, place_under
from vidlib.timeline import Shot, Span

SHOTS = [Shot(Span(0, 40), "start"), Shot(Span(40, 100), "dissolve", 0.5, Span(36, 44))]


def media(name: str = "a.mp4", start: int = 0) -> Media:
    return Media(name=name, path=f"/{name}", frames=100, start=start, width=64, height=48)


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_clips_lie_side_by_side_and_stay_within_their_video(start):
    for timeline in random_timelines(start):
        edges = [0, *(clip.stop for clip in timeline.clips)]
        assert [clip.at for clip in timeline.clips] == edges[:-1]
        assert timeline.frames == edges[-1]
        for clip in timeline.clips:
            assert 0 <= clip.span.start <= clip.shot.span.start
            assert clip.shot.span.stop <= clip.span.stop <= clip.media.frames


def test_handles_end_where_the_video_does():
    timeline = assemble("a", [(media(), SHOTS)], handles=12)
    assert [clip.span for clip in timeline.clips] == [Span(0, 52), Span(28, 100)]
    assert [(clip.at, clip.stop) for clip in timeline.clips] == [(0, 52), (52, 124)]
    assert (timeline.clips[1].marker.frame, timeline.clips[1].marker.length) == (60, 8)


def test_a_timeline_begins_with_its_first_video_unless_told_otherwise():
    videos = [(media("a.mp4", 900_000), SHOTS), (media("b.mp4", 0), SHOTS)]
    assert assemble("a", videos).start == 900_000
    assert assemble("a", videos, start=0).start == 0


def test_a_marker_before_the_timeline_begins_with_it():
    (clip,) = assemble("a", [(media(), [Shot(Span(40, 100), "fade", 0.5, Span(30, 40))])]).clips
    assert (clip.marker.frame, clip.marker.length) == (0, 1)


def test_a_line_break_in_a_name_makes_no_line(tmp_path):
    name = "a\n002  AX       V     C        00:00:00:00 ... | \x1b.mp4"
    timeline = assemble(name, [(media(), SHOTS)])
    files = [
        module.write(tmp_path / "a", timeline).read_bytes().splitlines()
        for module in (cmx_edl, resolve_markers, avid_markers)
    ]
    assert [len(lines) for lines in files] == [8, 8, 2]
    for module in (fcp7_xml, fcpxml):
        ET.parse(module.write(tmp_path / "a", [timeline], name))


def test_a_narrow_space_in_a_name_stays(tmp_path):
    name = "Bonsoir\u202f! \u00ab\u00a0oui\u00a0\u00bb.mp4"
    timeline = assemble("a", [(media(name), SHOTS)])
    root = ET.parse(fcp7_xml.write(tmp_path / "a.xml", [timeline], "a")).getroot()
    assert root.find(".//file").findtext("name") == name
    assert f"* FROM CLIP NAME: {name}\r\n" in cmx_edl.write(tmp_path / "a.edl", timeline).read_bytes().decode()


@pytest.mark.parametrize(
    ("root", "path", "url"),
    [
        ("/Volumes/Été", "/Volumes/Été/a#1.mp4", "file:///Volumes/%C3%89t%C3%A9/a%231.mp4"),
        ("/", "/a#1.mp4", "file:///a%231.mp4"),
        ("D:\\Média\\", "D:/Média/a#1.mp4", "file:///D:/M%C3%A9dia/a%231.mp4"),
        ("\\\\server\\edit", "//server/edit/a#1.mp4", "file://server/edit/a%231.mp4"),
        (".", "a#1.mp4", "a%231.mp4"),
    ],
)
def test_the_folder_of_the_media_may_be_one_of_any_machine(root, path, url):
    assert place_under(root, "a#1.mp4") == path
    assert file_url(path) == url

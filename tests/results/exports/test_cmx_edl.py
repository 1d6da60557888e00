"""CMX 3600: what editing programs read of it."""

import re
from pathlib import Path

import pytest

from tests.results.exports.random_timelines import NAMES, STARTS, Cut, cuts, one_timeline, random_timelines
from vidlib.results.exports import cmx_edl
from vidlib.results.exports.edit_timeline import Timeline

DAY = 24 * 3600 * 25
EVENT = re.compile(r"(\d{3,})  AX       (V|AA/V) +C        (\S+) (\S+) (\S+) (\S+)")


def frames(timecode: str) -> int:
    """A time code in frames after midnight; each field has two digits."""
    hours, minutes, whole_s, rest = re.fullmatch(r"(\d\d):(\d\d):(\d\d):(\d\d)", timecode).groups()
    assert int(rest) < 25
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole_s)) * 25 + int(rest)


def read(path: Path, timeline: Timeline) -> list[Cut]:
    """The events, in frames of the file and of the timeline; the clock has 24 hours."""
    events = [match.groups() for line in path.read_text().splitlines() if (match := EVENT.fullmatch(line))]
    found = []
    for clip, (_, _, *times) in zip(timeline.clips, events, strict=True):
        first, stop, at, end = (frames(time) for time in times)
        start = clip.media.start
        found.append(
            Cut(
                (first - start) % DAY,
                (first - start) % DAY + (stop - first) % DAY,
                (at - timeline.start) % DAY,
                (at - timeline.start) % DAY + (end - at) % DAY,
            )
        )
    return found


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_no_frame_is_off(tmp_path, start):
    for timeline in random_timelines(start):
        path = cmx_edl.write(tmp_path / "a.edl", timeline)
        assert read(path, timeline) == cuts(timeline)
        names = re.findall(r"^\* FROM CLIP NAME: (.*)\r$", path.read_bytes().decode(), re.MULTILINE)
        assert names == [clip.media.name for clip in timeline.clips]


@pytest.mark.parametrize("start", [0, 900_000])
def test_opentimelineio_finds_the_same_frames(otio, tmp_path, start):
    """Where the timeline begins later than 0, only ``range_in_parent`` works: its track then has a negative range."""
    for timeline in random_timelines(start):
        path = cmx_edl.write(tmp_path / "a.edl", timeline)
        picture = otio.adapters.read_from_file(str(path), "cmx_3600", rate=25).tracks[0]
        found = []
        for clip, wanted in zip(picture.find_clips(), timeline.clips, strict=True):
            at, used = clip.range_in_parent(), clip.source_range
            first = used.start_time.to_frames() - wanted.media.start
            found.append(
                Cut(
                    first,
                    first + used.duration.to_frames(),
                    at.start_time.to_frames(),
                    at.end_time_exclusive().to_frames(),
                )
            )
        assert found == cuts(timeline)


def test_opentimelineio_refuses_a_time_code_that_passes_midnight(otio, tmp_path):
    """Its adapter subtracts time codes without a clock: from 23:59:59:24 to 00:00:01:14 is a negative length."""
    path = cmx_edl.write(tmp_path / "a.edl", one_timeline(start=2_159_999, own_start=0))
    assert read(path, one_timeline(start=2_159_999, own_start=0))[0] == Cut(0, 40, 0, 40)
    with pytest.raises(otio.exceptions.OTIOError):
        otio.adapters.read_from_file(str(path), "cmx_3600", rate=25)


def test_the_list_is_the_one_that_editors_know(tmp_path):
    text = cmx_edl.write(tmp_path / "a.edl", one_timeline(own_start=90_000)).read_bytes().decode()
    assert text.split("\r\n") == [
        "TITLE: Été <1>",
        "FCM: NON-DROP FRAME",
        "",
        "001  AX       AA/V  C        10:00:00:00 10:00:01:15 01:00:00:00 01:00:01:15",
        f"* FROM CLIP NAME: {NAMES[0]}",
        "002  AX       AA/V  C        10:00:01:15 10:00:02:20 01:00:01:15 01:00:02:20",
        f"* FROM CLIP NAME: {NAMES[0]}",
        "003  AX       AA/V  C        10:00:02:20 10:00:04:00 01:00:02:20 01:00:04:00",
        f"* FROM CLIP NAME: {NAMES[0]}",
        "* LOC: 01:00:02:15 YELLOW  Shot 003: dissolve of 10 frames, confidence 0.40",
        "",
    ]


def test_a_video_without_sound_has_picture_only(tmp_path):
    text = cmx_edl.write(tmp_path / "a.edl", one_timeline(channels=())).read_text()
    assert "AA/V" not in text
    assert text.count(" V     C ") == 3

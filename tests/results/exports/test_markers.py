"""Markers for Resolve and Avid: one for each shot, at time codes of the timeline."""

import re

import pytest

from tests.results.exports.random_timelines import STARTS, one_timeline, random_timelines
from tests.results.exports.test_cmx_edl import DAY, frames
from vidlib.results.exports import avid_markers, resolve_markers
from vidlib.results.exports.edit_timeline import Timeline

EVENT = re.compile(
    r"(\d{3,})  001      V     C        (\S+) (\S+) (\S+) (\S+)  \r\n"
    r"([^|\r\n]*) \|C:ResolveColor(Blue|Yellow|Pink) \|M:([^|\r\n]*) \|D:(\d+)\r\n"
)


def expected(timeline: Timeline) -> list[tuple[int, int]]:
    """The first frame and the length of each marker: the transition, as far as the timeline has it."""
    found = []
    for clip in timeline.clips:
        transition = clip.shot.transition
        first, stop = (transition.start, transition.stop) if transition else (clip.shot.span.start,) * 2
        first, stop = (frame - clip.span.start + clip.at for frame in (first, stop))
        found.append((max(0, first), max(1, stop - max(0, first))))
    return found


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_no_marker_of_resolve_is_off(tmp_path, start):
    for timeline in random_timelines(start):
        text = resolve_markers.write(tmp_path / "a.edl", timeline).read_bytes().decode()
        events = EVENT.findall(text)
        assert len(events) == text.count("|C:")
        found = [((frames(event[1]) - timeline.start) % DAY, int(event[8])) for event in events]
        by_frame = dict(reversed(expected(timeline)))
        assert dict(found) == by_frame
        assert len(found) == len(by_frame)  # Resolve keeps one marker a frame
        for _, first, following, *again in (event[:5] for event in events):
            assert [first, following] == again
            assert (frames(following) - frames(first)) % DAY == 1


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_no_marker_of_avid_is_off(tmp_path, start):
    for timeline in random_timelines(start):
        lines = avid_markers.write(tmp_path / "a.txt", timeline).read_bytes().decode().split("\r\n")
        assert lines.pop() == ""
        fields = [line.split("\t") for line in lines]
        assert {(len(line), line[0], line[2]) for line in fields} == {(6, "vidlib", "V1")}
        assert {line[3] for line in fields} <= {"blue", "yellow", "magenta"}
        found = [((frames(line[1]) - timeline.start) % DAY, int(line[5])) for line in fields]
        assert found == expected(timeline)


def test_markers_say_how_the_shot_begins(tmp_path):
    timeline = one_timeline(own_start=90_000)
    text = resolve_markers.write(tmp_path / "a.edl", timeline).read_bytes().decode()
    assert text.endswith(
        "003  001      V     C        01:00:02:15 01:00:02:16 01:00:02:15 01:00:02:16  \r\n"
        "dissolve of 10 frames, confidence 0.40 |C:ResolveColorYellow |M:Shot 003 |D:10\r\n"
    )
    last = avid_markers.write(tmp_path / "a.txt", timeline).read_text().splitlines()[-1]
    assert last == "vidlib\t01:00:02:15\tV1\tyellow\tShot 003: dissolve of 10 frames, confidence 0.40\t10"

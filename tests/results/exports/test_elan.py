"""ELAN: what its schema demands, and the times of all tiers."""

import random
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.results.exports.random_timelines import STARTS, one_timeline, random_timelines
from vidlib.results.exports import elan
from vidlib.results.exports.webvtt import Caption
from vidlib.timeline import Turn, Turns

MADE_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def write(path: Path, turns: Turns | None = None, captions: tuple[Caption, ...] = ()) -> ET.Element:
    timeline = one_timeline()
    shots = [clip.shot for clip in timeline.clips]
    file = elan.write(path, timeline.media[0], shots, turns or Turns(), captions, MADE_AT)
    return ET.parse(file).getroot()


def read(root: ET.Element) -> dict[str, list[tuple[int, int, str]]]:
    """Start and stop in milliseconds and the text of each annotation, by tier."""
    times = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root.find("TIME_ORDER")}
    return {
        tier.get("TIER_ID"): [
            (times[a.get("TIME_SLOT_REF1")], times[a.get("TIME_SLOT_REF2")], a.findtext("ANNOTATION_VALUE"))
            for a in tier.iter("ALIGNABLE_ANNOTATION")
        ]
        for tier in root.iter("TIER")
    }


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_no_time_is_off(tmp_path, start):
    for timeline in random_timelines(start):
        chance = random.Random(timeline.frames)
        media = timeline.media[0]
        shots = [clip.shot for clip in timeline.clips if clip.media == media]
        edges = sorted(round(chance.random() * media.frames / 25, 3) for _ in range(8))
        turns = Turns(Turn(*edges[n : n + 2], f"SPEAKER_{n % 4:02}") for n in range(0, 8, 2) if edges[n] < edges[n + 1])
        root = ET.parse(elan.write(tmp_path / "a.eaf", media, shots, turns, (), MADE_AT)).getroot()
        tiers = read(root)
        assert [span[:2] for span in tiers.pop("shots")] == [(s.span.start * 40, s.span.stop * 40) for s in shots]
        found = sorted((*span[:2], speaker) for speaker, spans in tiers.items() for span in spans)
        assert found == sorted((round(t.start_s * 1000), round(t.stop_s * 1000), t.speaker) for t in turns)


def test_the_order_and_the_ids_are_those_of_the_schema(tmp_path):
    captions = (Caption(0.0, 1.0, "été & <b>", None),)
    root = write(tmp_path / "a.eaf", Turns([Turn(0.0, 0.8, "SPEAKER_00")]), captions)
    assert [child.tag for child in root] == ["HEADER", "TIME_ORDER", "TIER", "TIER", "TIER", "LINGUISTIC_TYPE"]
    types = {element.get("LINGUISTIC_TYPE_ID") for element in root.iter("LINGUISTIC_TYPE")}
    assert {tier.get("LINGUISTIC_TYPE_REF") for tier in root.iter("TIER")} == types
    values = [int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")]
    assert values == sorted(values)
    ids = [element.get("ANNOTATION_ID") for element in root.iter("ALIGNABLE_ANNOTATION")]
    assert len(ids) == len(set(ids)) == 5
    assert root.get("DATE") == "2026-11-23T12:00:00+00:00"


def test_the_tiers_are_shots_captions_and_speakers(tmp_path):
    turns = Turns([Turn(0.0, 0.8, "SPEAKER_00"), Turn(0.5, 1.2, "SPEAKER_01")])
    tiers = read(write(tmp_path / "a.eaf", turns, (Caption(0.0, 1.0, "été & <b>", None),)))
    assert tiers == {
        "shots": [(0, 1600, "001 start"), (1600, 2800, "002 cut"), (2800, 4000, "003 dissolve")],
        "captions": [(0, 1000, "été & <b>")],
        "SPEAKER_00": [(0, 800, "SPEAKER_00")],
        "SPEAKER_01": [(500, 1200, "SPEAKER_01")],
    }


def test_annotations_of_a_tier_never_overlap(tmp_path):
    captions = (Caption(0.0, 2.0, "a", None), Caption(1.0, 3.0, "b", None), Caption(1.5, 2.5, "c", None))
    turns = Turns([Turn(0.0, 1.0, "A"), Turn(0.5, 2.0, "A")])
    tiers = read(write(tmp_path / "a.eaf", turns, captions))
    assert tiers["captions"] == [(0, 2000, "a"), (2000, 3000, "b")]
    assert tiers["A"] == [(0, 2000, "A")]


def test_the_video_is_found_by_its_url_or_beside_the_file(tmp_path):
    (media,) = write(tmp_path / "a.eaf").iter("MEDIA_DESCRIPTOR")
    assert unquote(media.get("MEDIA_URL")) == "file:///média/Été & 100% #1 <fin>.mp4"
    assert unquote(media.get("RELATIVE_MEDIA_URL")) == "./Été & 100% #1 <fin>.mp4"

"""Boxes for annotation tools and benchmarks: CVAT, MOTChallenge and COCO say the same as the tracking table."""

import csv
import json
import random
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from vidlib.results.exports import boxes, coco_json, cvat_xml, mot, tracking_table
from vidlib.results.exports.edit_timeline import Media
from vidlib.results.exports.tracking_table import TrackRows

MEDIA = Media(name="Été & 100% #1 <fin>.mp4", path="/a.mp4", frames=120, start=0, width=640, height=360)

Found = dict[tuple[int, int], tuple[str, float, float, float, float]]
"""Label and x, y, width, height of each box, by frame from 0 and track."""


def make_table(path: Path, seed: int) -> Found:
    """A tracking table of four shots of 30 frames, with gaps in its tracks."""
    chance, found, track_id = random.Random(seed), {}, 0
    with tracking_table.writing(path, total_frames=MEDIA.frames, width=640, height=360) as write_shot:
        for shot in range(1, 5):
            tracks = []
            for label in chance.sample(["face", "face", "chair", "dining table"], chance.randint(0, 4)):
                track_id += 1
                first = chance.randint(30 * shot - 30, 30 * shot - 1)
                n = chance.randint(1, 30 * shot - first)
                corners = np.sort([[chance.uniform(0, 360) for _ in range(4)] for _ in range(n)], axis=1)
                tracks.append(rows(track_id, label, shot, first, corners))
                for number, (x, y, right, bottom) in enumerate(corners, first):
                    found[number, track_id] = (label, x, y, right - x, bottom - y)
            write_shot(tracks)
    return found


def rows(track_id: int, label: str, shot: int, start: int, corners: np.ndarray) -> TrackRows:
    n, is_face = len(corners), label == "face"
    return TrackRows(
        track_id=track_id,
        source="face_landmarker" if is_face else "object_detector",
        label=label,
        speaker="SPEAKER_00" if is_face else None,
        shot=shot,
        start=start,
        boxes=corners,
        confidence=np.full(n, 0.75),
        is_speaking=np.full(n, is_face),
        speaking_confidence=np.full(n, 0.5),
        blendshapes=np.full((n, 52), np.nan),
    )


@pytest.fixture(params=range(10))
def table(request, tmp_path: Path) -> tuple[Path, Found]:
    path = tmp_path / "tracking.parquet"
    return path, make_table(path, request.param)


def same(found: Found, expected: Found) -> bool:
    assert found.keys() == expected.keys()
    return all(
        value[0] == expected[key][0] and np.allclose(value[1:], expected[key][1:], atol=0.0151)
        for key, value in found.items()
    )


def test_cvat_has_each_box_and_ends_each_track(table, tmp_path):
    path, expected = table
    root = ET.parse(cvat_xml.write(tmp_path / "a.xml", boxes.read_shots(path), boxes.labels(path), MEDIA)).getroot()
    assert root.findtext("version") == "1.1"
    assert root.findtext("meta/task/size") == "120"
    assert root.findtext("meta/source") == MEDIA.name
    known = {label.findtext("name") for label in root.findall("meta/task/labels/label")}
    found: Found = {}
    for track in root.iter("track"):
        assert track.get("label") in known
        frames = [int(box.get("frame")) for box in track]
        assert frames == sorted(set(frames))
        # CVAT shows the last box until the end of the video unless an outside one follows
        assert frames[-1] == 119 or track[-1].get("outside") == "1"
        for box in (box for box in track if box.get("outside") == "0"):
            left, top, right, bottom = (float(box.get(name)) for name in ("xtl", "ytl", "xbr", "ybr"))
            key = int(box.get("frame")), int(track.get("id"))
            found[key] = (track.get("label"), left, top, right - left, bottom - top)
    assert same(found, expected)


def test_a_box_of_cvat_has_its_speaker(tmp_path):
    path = tmp_path / "tracking.parquet"
    with tracking_table.writing(path, total_frames=120, width=640, height=360) as write_shot:
        write_shot([rows(1, "face", 1, 0, np.array([[0.0, 1.0, 10.0, 21.0]]))])
    root = ET.parse(cvat_xml.write(tmp_path / "a.xml", boxes.read_shots(path), ["face"], MEDIA)).getroot()
    first, last = root.find("track")
    assert {a.get("name"): a.text for a in first} == {
        "confidence": "0.7500",
        "is_speaking": "true",
        "speaker": "SPEAKER_00",
    }
    assert (last.get("frame"), last.get("outside")) == ("1", "1")
    declared = {a.findtext("name") for a in root.findall("meta/task/labels/label/attributes/attribute")}
    assert declared == {"confidence", "is_speaking", "speaker"}


def test_a_gap_in_a_track_of_cvat_is_outside(tmp_path):
    path = tmp_path / "tracking.parquet"
    corners = np.array([[0.0, 1.0, 10.0, 21.0]])
    with tracking_table.writing(path, total_frames=120, width=640, height=360) as write_shot:
        write_shot([rows(1, "face", 1, 0, corners), rows(1, "face", 1, 9, corners)])
    root = ET.parse(cvat_xml.write(tmp_path / "a.xml", boxes.read_shots(path), ["face"], MEDIA)).getroot()
    (track,) = root.iter("track")
    assert [(box.get("frame"), box.get("outside")) for box in track] == [
        ("0", "0"),
        ("1", "1"),
        ("9", "0"),
        ("10", "1"),
    ]


def test_mot_has_each_box(table, tmp_path):
    path, expected = table
    file = mot.write(tmp_path / "a_mot.txt", boxes.read(path), boxes.labels(path))
    labels = (tmp_path / "a_mot_labels.txt").read_text().splitlines()
    with open(file, newline="") as lines:
        read = [list(map(float, row)) for row in csv.reader(lines)]
    assert all(len(row) == 10 for row in read)
    assert [row[0] for row in read] == sorted(row[0] for row in read)
    found = {(int(row[0]) - 1, int(row[1])): (labels[int(row[7]) - 1], *row[2:6]) for row in read}
    assert same(found, expected)


def test_coco_has_each_box_and_an_image_for_each_frame(table, tmp_path):
    path, expected = table
    document = json.loads(coco_json.write(tmp_path / "a.json", boxes.read(path), boxes.labels(path), MEDIA).read_text())
    images = {image["id"]: image for image in document["images"]}
    assert len(images) == 120
    assert images[1]["file_name"] == "frame_000001.jpg"
    names = {category["id"]: category["name"] for category in document["categories"]}
    annotations = document["annotations"]
    assert [annotation["id"] for annotation in annotations] == list(range(1, len(expected) + 1))
    found = {
        (a["image_id"] - 1, a["attributes"]["track_id"]): (names[a["category_id"]], *a["bbox"]) for a in annotations
    }
    assert {a["image_id"] for a in annotations} <= images.keys()
    assert same(found, expected)


def test_faces_come_first_among_the_labels(tmp_path):
    path = tmp_path / "tracking.parquet"
    corners = np.array([[0.0, 1.0, 10.0, 21.0]])
    with tracking_table.writing(path, total_frames=120, width=640, height=360) as write_shot:
        write_shot([rows(n, label, 1, 0, corners) for n, label in enumerate(["tie", "face", "chair"])])
    assert boxes.labels(path) == ["face", "chair", "tie"]

"""The faces in the result of *tracking*, in the form that corrections change."""

from pathlib import Path

import numpy as np

from vidlib.corrections.anchors import TrackBoxes
from vidlib.corrections.tracks import FaceTracks
from vidlib.results.exports import people_json, tracking_table

COLUMNS = ("frame", "track_id", "source", "bbox_xmin", "bbox_ymin", "bbox_width", "bbox_height")


def read(tracks: Path, people: Path) -> FaceTracks:
    """The boxes and the person of each face; raises BrokenOutput where a file is damaged."""
    boxes: dict[int, TrackBoxes] = {}
    highest = 0
    for table in tracking_table.read_shots(tracks, COLUMNS):
        frame, track, source, *sides = (table[name].to_numpy(zero_copy_only=False) for name in COLUMNS)
        xmin, ymin, width, height = sides
        corners = np.column_stack([xmin, ymin, xmin + width, ymin + height])
        highest = max(highest, int(track.max()))
        for number in np.unique(track[source == "face_landmarker"]).tolist():
            rows = track == number
            boxes[number] = TrackBoxes(frame[rows] - 1, corners[rows])
    person = {track: one.person for one in people_json.read(people) for track in one.tracks}
    alone = 1 + max(person.values(), default=0)
    missing = {track: alone + index for index, track in enumerate(boxes.keys() - person.keys())}
    return FaceTracks.of(boxes, missing | {track: person[track] for track in boxes if track in person}, highest + 1)

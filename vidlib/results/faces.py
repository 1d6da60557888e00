"""The faces in the result of *tracking*, in the form that corrections change."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidlib.corrections.anchors import TrackBoxes
from vidlib.corrections.tracks import FaceTracks
from vidlib.results.exports import people_json, tracking_table

if TYPE_CHECKING:
    import pyarrow as pa

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
    return FaceTracks.from_boxes(
        boxes, missing | {track: person[track] for track in boxes if track in person}, highest + 1
    )


def change_rows(shot: "pa.Table", corrected: FaceTracks) -> "pa.Table":
    """Rows of the tracking table without removed faces, with new ids, and with what people say about speaking.

    Needed are the columns frame (from 1), track_id and is_speaking.
    """
    frame, track = shot["frame"].to_numpy() - 1, _corrected_ids(shot, corrected)
    speaks = shot["is_speaking"].to_numpy(zero_copy_only=False).copy()
    decided = np.full(len(track), np.nan, np.float32)
    for number, start, stop, yes in corrected.speaking:
        rows = (track == number) & (frame >= start) & (frame < stop)
        speaks[rows], decided[rows] = yes, yes
    shot = replace_columns(shot, {"track_id": track, "is_speaking": speaks})
    if "speaking_confidence" in shot.column_names:
        confidence = shot["speaking_confidence"].to_numpy()
        shot = replace_columns(shot, {"speaking_confidence": np.where(np.isnan(decided), confidence, decided)})
    order = np.lexsort((track, frame))
    return shot.take(order[~np.isin(track, list(corrected.removed))[order]])


def _corrected_ids(shot: "pa.Table", corrected: FaceTracks) -> np.ndarray:
    """The track id of each row: that of the part of a track that was split."""
    frame, track = shot["frame"].to_numpy() - 1, shot["track_id"].to_numpy().copy()
    for source, parts in corrected.parts().items():
        if (rows := track == source).any():
            starts = [int(corrected.boxes[part].frames[0]) for part in parts]
            track[rows] = np.array(parts)[np.searchsorted(starts, frame[rows], "right") - 1]
    return track


def replace_columns(table: "pa.Table", columns: Mapping[str, Any]) -> "pa.Table":
    """The table with other values in some columns, of the same types."""
    import pyarrow as pa

    for name, values in columns.items():
        field = table.schema.field(name)
        table = table.set_column(table.schema.get_field_index(name), field, pa.array(values, field.type))
    return table

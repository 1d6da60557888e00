"""``_cvat.xml``: CVAT for video 1.1. A track is a face or an object in one shot, with a box in each of its frames.

Frames count from 0. A box that is *outside* ends a track, and each gap in it. CVAT creates the task with the labels and
attributes in ``meta``, or imports the tracks into a task that has them.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element

from vidlib.files import atomic_write
from vidlib.results.exports import xml_text
from vidlib.results.exports.boxes import Box
from vidlib.results.exports.edit_timeline import Media
from vidlib.results.exports.xml_text import add

ATTRIBUTES = {"confidence": ("number", "0;1;0.0001"), "is_speaking": ("checkbox", "false"), "speaker": ("text", "")}
"""The attributes of a box: how CVAT enters each, and the values that it offers."""


def write(path: Path, shots: Iterable[Sequence[Box]], labels: Sequence[str], media: Media) -> Path:
    """Write the boxes of each shot of the video ``media`` to ``path``."""
    with atomic_write(path) as file:
        file.write(f"{xml_text.head()}<annotations>\n<version>1.1</version>\n{xml_text.lines(_meta(labels, media))}\n")
        for boxes in shots:
            by_track = sorted(boxes, key=lambda box: (box.track_id, box.frame))
            for track_id, track in groupby(by_track, key=lambda box: box.track_id):
                file.write(xml_text.lines(_track(track_id, list(track), media.frames)) + "\n")
        file.write("</annotations>\n")
    return path


def _meta(labels: Sequence[str], media: Media) -> Element:
    meta = Element("meta")
    task = add(meta, "task")
    add(task, "name", media.name)
    add(task, "size", media.frames)
    add(task, "mode", "interpolation")
    add(task, "start_frame", 0)
    add(task, "stop_frame", media.frames - 1)
    names = add(task, "labels")
    for label in labels:
        element = add(names, "label")
        add(element, "name", label)
        attributes = add(element, "attributes")
        for name, (kind, values) in ATTRIBUTES.items():
            attribute = add(attributes, "attribute")
            add(attribute, "name", name)
            add(attribute, "mutable", "True")
            add(attribute, "input_type", kind)
            add(attribute, "default_value", "0" if kind == "number" else values)
            add(attribute, "values", values)
    size = add(task, "original_size")
    add(size, "width", media.width)
    add(size, "height", media.height)
    add(meta, "source", media.name)
    return meta


def _track(track_id: int, boxes: Sequence[Box], n_frames: int) -> Element:
    track = Element("track", xml_text.to_strings({"id": track_id, "label": boxes[0].label, "source": "auto"}))
    for box, following in zip(boxes, [*boxes[1:], None], strict=True):
        _add_box(track, box)
        # CVAT would show the last box until the end of the video
        if (following is None or following.frame > box.frame + 1) and box.frame + 1 < n_frames:
            _add_box(track, box._replace(frame=box.frame + 1, is_speaking=False), is_outside=True)
    return track


def _add_box(track: Element, box: Box, *, is_outside: bool = False) -> None:
    edges = {"xtl": box.x, "ytl": box.y, "xbr": box.x + box.width, "ybr": box.y + box.height}
    attributes = {
        "frame": box.frame,
        "keyframe": 1,
        "outside": int(is_outside),
        "occluded": 0,
        **{name: f"{value:.2f}" for name, value in edges.items()},
        "z_order": 0,
    }
    element = add(track, "box", attributes=attributes)
    values = {
        "confidence": f"{box.confidence:.4f}",
        "is_speaking": str(box.is_speaking).lower(),
        "speaker": box.speaker or "",
    }
    for name, value in values.items():
        add(element, "attribute", value, {"name": name})

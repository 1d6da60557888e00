"""``_mot.txt``: MOTChallenge, a line for each box: frame, track, left, top, width, height, confidence, class, 1, -1.

Frames and classes count from 1. ``_mot_labels.txt`` names the classes, a line each, as CVAT expects them. Positions are
pixels from the left and top edges, counted from 0.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from vidlib.files import atomic_write, write_text
from vidlib.results.exports.boxes import Box


def write(path: Path, boxes: Iterable[Box], labels: Sequence[str]) -> Path:
    """Write ``boxes`` to ``path``, and the ``labels`` of the classes to a file beside it."""
    classes = {label: number for number, label in enumerate(labels, 1)}
    with atomic_write(path) as file:
        file.writelines(_line(box, classes[box.label]) for box in boxes)
    write_text(path.with_name(f"{path.stem}_labels.txt"), "".join(f"{label}\n" for label in labels))
    return path


def _line(box: Box, class_id: int) -> str:
    place = f"{box.x:.2f},{box.y:.2f},{box.width:.2f},{box.height:.2f}"
    return f"{box.frame + 1},{box.track_id},{place},{box.confidence:.4f},{class_id},1,-1\n"

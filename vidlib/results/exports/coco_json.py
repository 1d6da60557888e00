"""``_coco.json``: COCO object detection. An image is a frame, named as FFmpeg's ``frame_%06d.jpg`` names it, from 1.

An annotation has its track, and the speaker of a face, as ``attributes``; ``score`` is its confidence.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vidlib.files import atomic_write
from vidlib.results.exports.boxes import Box
from vidlib.results.exports.edit_timeline import Media


def write(path: Path, boxes: Iterable[Box], labels: Sequence[str], media: Media) -> Path:
    """Write ``boxes`` of the video ``media`` to ``path``; every frame is an image, also one without boxes."""
    categories = {label: number for number, label in enumerate(labels, 1)}
    size = {"width": media.width, "height": media.height}
    head = {
        "info": {"description": media.name},
        "licenses": [],
        "images": [{"id": n, "file_name": f"frame_{n:06}.jpg", **size} for n in range(1, media.frames + 1)],
        "categories": [{"id": number, "name": label, "supercategory": ""} for label, number in categories.items()],
    }
    with atomic_write(path) as file:
        file.write(json.dumps(head, ensure_ascii=False).removesuffix("}") + ', "annotations": [')
        # one by one: an hour with two faces has 180,000
        for number, box in enumerate(boxes, 1):
            annotation = json.dumps(_annotation(number, box, categories[box.label]), ensure_ascii=False)
            file.write(f"{',' if number > 1 else ''}\n{annotation}")
        file.write("\n]}\n")
    return path


def _annotation(number: int, box: Box, category: int) -> dict[str, Any]:
    place = [round(value, 2) for value in (box.x, box.y, box.width, box.height)]
    return {
        "id": number,
        "image_id": box.frame + 1,
        "category_id": category,
        "bbox": place,
        "area": round(place[2] * place[3], 2),
        "iscrowd": 0,
        "score": round(box.confidence, 4),
        "attributes": {"track_id": box.track_id, "is_speaking": box.is_speaking, "speaker": box.speaker},
    }

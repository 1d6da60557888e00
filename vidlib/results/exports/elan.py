"""``.eaf``: ELAN (EAF 3.0), with the tiers *shots*, *captions* where there are any, and one tier for each speaker.

Times are whole milliseconds from the beginning of the video: a frame has 40 of them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

from vidlib.results.exports import xml_text
from vidlib.results.exports.edit_timeline import Media, file_url
from vidlib.results.exports.webvtt import Caption
from vidlib.results.exports.xml_text import add
from vidlib.timeline import Shot, Turns, seconds

SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
TIER_TYPE = "default-lt"


class Annotation(NamedTuple):
    """A stretch of a tier, in milliseconds, and its text."""

    start_ms: int
    stop_ms: int
    text: str


def write(
    path: Path, media: Media, shots: Sequence[Shot], turns: Turns, captions: Sequence[Caption], made_at: datetime
) -> Path:
    """Write the annotations of the video ``media`` to ``path``; ``made_at`` is when the results were finished."""
    tiers = {"shots": [_shot(number, shot) for number, shot in enumerate(shots, 1)]}
    if captions:
        tiers["captions"] = [Annotation(_ms(c.start_s), _ms(c.stop_s), c.text) for c in captions]
    for speaker, spoken in turns.by_speaker().items():
        tiers[speaker] = [Annotation(_ms(turn.start_s), _ms(turn.stop_s), speaker) for turn in spoken.support()]
    tiers = {name: list(_without_overlap(annotations)) for name, annotations in tiers.items()}
    return xml_text.write(path, _document(media, tiers, made_at))


def _without_overlap(annotations: Sequence[Annotation]) -> Iterator[Annotation]:
    """``annotations``, in order of time, as one tier may hold them: each begins after the one before has ended."""
    reached_ms = 0
    for annotation in annotations:
        start_ms = max(annotation.start_ms, reached_ms)
        if start_ms < annotation.stop_ms:
            yield annotation._replace(start_ms=start_ms)
            reached_ms = annotation.stop_ms


def _document(media: Media, tiers: dict[str, list[Annotation]], made_at: datetime) -> Element:
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": SCHEMA,
            "AUTHOR": "vidlib",
            "DATE": made_at.isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
        },
    )
    header = add(root, "HEADER", attributes={"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    urls = {"MEDIA_URL": file_url(media.path), "RELATIVE_MEDIA_URL": f"./{file_url(media.name)}"}
    add(header, "MEDIA_DESCRIPTOR", attributes={**urls, "MIME_TYPE": "video/mp4"})
    times = add(root, "TIME_ORDER")
    slots = _add_times(times, tiers)
    number = 0
    for name, annotations in tiers.items():
        tier = add(root, "TIER", attributes={"LINGUISTIC_TYPE_REF": TIER_TYPE, "TIER_ID": name})
        for annotation in annotations:
            number += 1
            _add_annotation(tier, annotation, f"a{number}", slots)
    tier_type = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": TIER_TYPE, "TIME_ALIGNABLE": "true"}
    add(root, "LINGUISTIC_TYPE", attributes=tier_type)
    return root


def _add_times(parent: Element, tiers: dict[str, list[Annotation]]) -> dict[int, str]:
    """Add a slot for each time, in order, and return the ids of the slots by time."""
    times = sorted({time for spans in tiers.values() for span in spans for time in (span.start_ms, span.stop_ms)})
    slots = {time: f"ts{number}" for number, time in enumerate(times, 1)}
    for time, slot in slots.items():
        add(parent, "TIME_SLOT", attributes={"TIME_SLOT_ID": slot, "TIME_VALUE": time})
    return slots


def _add_annotation(tier: Element, annotation: Annotation, name: str, slots: dict[int, str]) -> None:
    attributes = {
        "ANNOTATION_ID": name,
        "TIME_SLOT_REF1": slots[annotation.start_ms],
        "TIME_SLOT_REF2": slots[annotation.stop_ms],
    }
    aligned = add(add(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION", attributes=attributes)
    add(aligned, "ANNOTATION_VALUE", annotation.text)


def _shot(number: int, shot: Shot) -> Annotation:
    start_ms, stop_ms = (int(seconds(frame) * 1000) for frame in (shot.span.start, shot.span.stop))
    return Annotation(start_ms, stop_ms, f"{number:03} {shot.boundary}")


def _ms(time_s: float) -> int:
    return round(time_s * 1000)

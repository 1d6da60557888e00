"""``.fcpxml``: FCPXML 1.10, which Final Cut Pro (10.6 and later) and Resolve import.

All times are whole frames of 1/25 s, as Final Cut refuses others. A clip starts at the time code of its file plus its
in point. Its offset is the time code of the timeline plus its place in it. Dissolves and fades are cuts with a marker.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from vidlib.results.exports import xml_text
from vidlib.results.exports.edit_timeline import Clip, Media, Timeline, file_url
from vidlib.results.exports.xml_text import add
from vidlib.timeline import FPS

VERSION = "1.10"
SAMPLE_RATES = {32_000: "32k", 44_100: "44.1k", 48_000: "48k", 88_200: "88.2k", 96_000: "96k"}
"""The sample rates that a sequence may have, and how FCPXML spells them."""

Size = tuple[int, int]


def write(path: Path, timelines: Sequence[Timeline], project: str) -> Path:
    """Write ``timelines`` as the projects of one event, which is named ``project``."""
    root = Element("fcpxml", version=VERSION)
    resources = add(root, "resources")
    media = list(dict.fromkeys(media for timeline in timelines for media in timeline.media))
    formats = _add_formats(resources, media)
    assets = {video: _add_asset(resources, video, f"a{n}", formats) for n, video in enumerate(media, 1)}
    event = add(add(root, "library"), "event", attributes={"name": project})
    for timeline in timelines:
        _add_project(event, timeline, formats, assets)
    return xml_text.write(path, root, "fcpxml")


def _add_formats(resources: Element, media: Iterable[Media]) -> dict[Size, str]:
    sizes = dict.fromkeys((video.width, video.height) for video in media)
    formats = {size: f"f{number}" for number, size in enumerate(sizes, 1)}
    for (width, height), name in formats.items():
        size = {"width": width, "height": height}
        add(resources, "format", attributes={"id": name, "frameDuration": _time(1), **size})
    return formats


def _add_asset(resources: Element, media: Media, name: str, formats: Mapping[Size, str]) -> str:
    """Describe a file; its id."""
    sound = {
        "hasAudio": 1,
        "audioSources": len(media.channels),
        "audioChannels": sum(media.channels),
        "audioRate": media.sample_rate,
    }
    attributes = {
        "id": name,
        "name": media.name,
        "start": _time(media.start),
        "duration": _time(media.frames),
        "hasVideo": 1,
        "format": formats[media.width, media.height],
        "videoSources": 1,
        **(sound if media.channels else {}),
    }
    asset = add(resources, "asset", attributes=attributes)
    add(asset, "media-rep", attributes={"kind": "original-media", "src": file_url(media.path)})
    return name


def _add_project(event: Element, timeline: Timeline, formats: Mapping[Size, str], assets: Mapping[Media, str]) -> None:
    first = timeline.media[0]
    attributes = {
        "format": formats[first.width, first.height],
        "duration": _time(timeline.frames),
        "tcStart": _time(timeline.start),
        "tcFormat": "NDF",
        "audioLayout": "stereo",
        "audioRate": SAMPLE_RATES.get(first.sample_rate, "48k"),
    }
    project = add(event, "project", attributes={"name": timeline.name})
    spine = add(add(project, "sequence", attributes=attributes), "spine")
    for clip in timeline.clips:
        _add_clip(spine, clip, timeline.start, formats, assets)


def _add_clip(spine: Element, clip: Clip, start: int, formats: Mapping[Size, str], assets: Mapping[Media, str]) -> None:
    attributes = {
        "ref": assets[clip.media],
        "offset": _time(start + clip.at),
        "name": clip.name,
        "start": _time(clip.media.start + clip.span.start),
        "duration": _time(len(clip.span)),
        "format": formats[clip.media.width, clip.media.height],
        "tcFormat": "NDF",
        **({"audioRole": "dialogue"} if clip.media.channels else {}),
    }
    element = add(spine, "asset-clip", attributes=attributes)
    if clip.is_marked:
        marker = clip.marker_inside
        times = {"start": _time(clip.media.start + marker.frame), "duration": _time(marker.length)}
        add(element, "marker", attributes={**times, "value": f"{marker.name}: {marker.comment}"})


def _time(frame: int) -> str:
    """
    >>> _time(30), _time(50)
    ('30/25s', '2s')
    """
    return f"{frame}/{FPS}s" if frame % FPS else f"{frame // FPS}s"

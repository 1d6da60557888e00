"""``.otio``: OpenTimelineIO, which Resolve (18.5 and later), Premiere (25.6 and later) and Kdenlive (25.04) open.

Only the schemas of OpenTimelineIO itself are used, because an unknown one stops Resolve. Resolve wants the path of a
file, Premiere its URL. Markers lie on the clips of the picture, in time of the file: Resolve drops all others.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from vidlib.files import write_json
from vidlib.results.exports.edit_timeline import Clip, Marker, Media, Timeline, file_url
from vidlib.timeline import FPS, Span

Editor = Literal["resolve", "premiere"]
"""The program that a file is for."""


def write(path: Path, timelines: Sequence[Timeline], project: str, editor: Editor = "resolve") -> Path:
    """Write one timeline, or several as the collection ``project``."""
    documents = [_timeline(timeline, editor) for timeline in timelines]
    if len(documents) == 1:
        return write_json(path, documents[0])
    return write_json(path, _schema("SerializableCollection.1", name=project, children=documents))


def _timeline(timeline: Timeline, editor: Editor) -> dict[str, Any]:
    tracks = [_track("Video", "V1", [_clip(clip, editor, with_markers=True) for clip in timeline.clips])]
    if any(media.channels for media in timeline.media):
        sounds = [_clip(clip, editor) if clip.media.channels else _gap(clip) for clip in timeline.clips]
        tracks.append(_track("Audio", "A1", sounds))
    stack = _item("Stack.1", "tracks", source_range=None, children=tracks)
    return _schema("Timeline.1", name=timeline.name, global_start_time=_time(timeline.start), tracks=stack)


def _track(kind: str, name: str, children: list[dict[str, Any]]) -> dict[str, Any]:
    return _item("Track.1", name, source_range=None, children=children, kind=kind)


def _clip(clip: Clip, editor: Editor, *, with_markers: bool = False) -> dict[str, Any]:
    start = clip.media.start
    markers = [_marker(clip.marker_inside, start)] if with_markers and clip.is_marked else []
    return _item(
        "Clip.2",
        clip.name,
        markers=markers,
        source_range=_range(clip.span, start),
        media_references={"DEFAULT_MEDIA": _reference(clip.media, editor)},
        active_media_reference_key="DEFAULT_MEDIA",
    )


def _gap(clip: Clip) -> dict[str, Any]:
    return _item("Gap.1", "", source_range=_range(Span(0, len(clip.span)), 0))


def _reference(media: Media, editor: Editor) -> dict[str, Any]:
    return _schema(
        "ExternalReference.1",
        name=media.name,
        available_range=_range(Span(0, media.frames), media.start),
        available_image_bounds=None,
        target_url=media.path if editor == "resolve" else file_url(media.path),
    )


def _marker(marker: Marker, start: int) -> dict[str, Any]:
    return _schema(
        "Marker.2",
        name=marker.name,
        comment=marker.comment,
        color=marker.colour.upper(),
        marked_range=_range(Span(marker.frame, marker.frame + marker.length), start),
    )


def _item(schema: str, name: str, **fields: Any) -> dict[str, Any]:
    return _schema(schema, name=name, **{"effects": [], "markers": [], "enabled": True} | fields)


def _schema(schema: str, **fields: Any) -> dict[str, Any]:
    return {"OTIO_SCHEMA": schema, "metadata": {}} | fields


def _range(span: Span, start: int) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(start + span.start),
        "duration": _time(len(span)),
    }


def _time(frame: int) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(FPS), "value": float(frame)}

"""``.otio``: OpenTimelineIO, which Resolve (18.5 and later), Premiere (25.6 and later) and Kdenlive (25.04) open.

Only the schemas of OpenTimelineIO itself are used, because an unknown one stops Resolve. Resolve wants the path of a
file, Premiere its URL. Markers lie on the clips of the picture, in time of the file: Resolve drops all others.

A sequence of another shape has its size, and the Motion of each clip, in Premiere's own metadata. They are those that
other programs write for Premiere (auto-editor): positions as shares of the sequence, the scale in percent, key frames
in time of the file. A time effect would make Premiere drop them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from vidlib.files import write_json
from vidlib.results.exports.edit_timeline import Clip, Marker, Media, Motion, Timeline, file_url
from vidlib.timeline import FPS, Span

Editor = Literal["resolve", "premiere"]
"""The program that a file is for."""

PREMIERE = "PremierePro_OTIO"
"""The key of Premiere's own metadata."""

START_OF_TIME = -10_800_000
"""The time, in frames, that Premiere writes for a value without key frames."""


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
    stack = _item("Stack.1", "tracks", source_range=None, children=tracks, metadata=_sequence(timeline))
    about = {PREMIERE: {"MetadataVersion": "1.0"}} if timeline.size else {}
    start = _time(timeline.start)
    return _schema("Timeline.1", name=timeline.name, global_start_time=start, tracks=stack, metadata=about)


def _sequence(timeline: Timeline) -> dict[str, Any]:
    """The settings of a sequence of another shape, for Premiere."""
    if timeline.size is None:
        return {}
    square = {"numerator": 1.0, "denominator": 1.0}
    size = {"width": timeline.size[0], "height": timeline.size[1]}
    rates = {"VideoFrameRate": float(FPS), "AudioFrameRate": float(timeline.media[0].sample_rate)}
    return {PREMIERE: {"VideoResolution": size, "PixelAspectRatio": square, **rates}}


def _track(kind: str, name: str, children: list[dict[str, Any]]) -> dict[str, Any]:
    return _item("Track.1", name, source_range=None, children=children, kind=kind)


def _clip(clip: Clip, editor: Editor, *, with_markers: bool = False) -> dict[str, Any]:
    start = clip.media.start
    markers = [_marker(clip.marker_inside, start)] if with_markers and clip.is_marked else []
    return _item(
        "Clip.2",
        clip.name,
        markers=markers,
        effects=_effects(clip.motion, start) if clip.motion and with_markers else [],
        source_range=_range(clip.span, start),
        media_references={"DEFAULT_MEDIA": _reference(clip.media, editor)},
        active_media_reference_key="DEFAULT_MEDIA",
    )


def _effects(motion: Motion, start: int) -> list[dict[str, Any]]:
    """Premiere's fixed effects of a clip, Opacity and Motion, with all their parameters in its order."""
    centre, percent = {"X": 0.5, "Y": 0.5}, 100 * motion.scale
    opacity = [_fixed("Opacity", 1, 100.0), _fixed("Blend Mode", 2, 18), _fixed("Blend Mode", 3, 0)]
    crop = [_fixed(f"Crop {side}", 8 + index, 0.0) for index, side in enumerate(("Left", "Top", "Right", "Bottom"))]
    moved = [
        _position(motion, start),
        *(_fixed("Scale", 2, percent), _fixed("Scale Width", 3, percent), _fixed(" ", 4, True)),
        *(_fixed("Rotation", 5, 0.0), _fixed("Anchor Point", 6, centre), _fixed("Anti-flicker Filter", 7, 0.0)),
        *crop,
    ]
    return [_effect("Opacity", opacity), _effect("Motion", moved)]


def _effect(name: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    about = {"IsIntrinsic": True, "MatchName": f"AE.ADBE {name}", "Parameters": parameters}
    return _schema("Effect.1", name="", effect_name=name, enabled=True, metadata={PREMIERE: about})


def _position(motion: Motion, start: int) -> dict[str, Any]:
    keys = [{"Position": _time(start + frame), "Value": {"X": x, "Y": y}} for frame, x, y in motion.keys]
    if len(keys) == 1:
        return _fixed("Position", 1, keys[0]["Value"])
    return {"DisplayName": "Position", "ID": 1, "Keyframes": keys}


def _fixed(name: str, id: int, value: Any) -> dict[str, Any]:
    """A parameter without key frames."""
    return {"DisplayName": name, "ID": id, "StartValue": {"Position": _time(START_OF_TIME), "Value": value}}


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

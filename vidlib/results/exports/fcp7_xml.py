"""``.xml``: Final Cut Pro 7 XML ("xmeml", version 5), which Premiere imports.

Premiere reads in and out points as frames from the beginning of the file, whatever its time code. The first clip of a
file describes it; later ones only name its id. Dissolves and fades are cuts with a marker.
"""

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from vidlib.results.exports import xml_text
from vidlib.results.exports.edit_timeline import Clip, Marker, Media, Timeline, file_url
from vidlib.results.exports.xml_text import add
from vidlib.timeline import FPS, smpte


def write(path: Path, timelines: Sequence[Timeline], project: str) -> Path:
    """Write ``timelines`` as the sequences of one ``project``."""
    root = Element("xmeml", version="5")
    content = add(root, "project")
    add(content, "name", project)
    children = add(content, "children")
    files: dict[Media, str] = {}
    for number, timeline in enumerate(timelines, 1):
        _add_sequence(children, timeline, number, files)
    return xml_text.write(path, root, "xmeml")


def _add_sequence(parent: Element, timeline: Timeline, number: int, files: dict[Media, str]) -> None:
    sequence = add(parent, "sequence", attributes={"id": f"sequence-{number}"})
    add(sequence, "name", timeline.name)
    add(sequence, "duration", timeline.frames)
    _add_rate(sequence)
    _add_timecode(sequence, timeline.start)
    media = add(sequence, "media")
    video = add(media, "video")
    _add_picture_format(add(video, "format"), timeline.media[0])
    tracks = [("video", 1, add(video, "track"))]
    if channels := max(sum(media.channels) for media in timeline.media):
        audio = add(media, "audio")
        add(audio, "numOutputChannels", min(channels, 2))
        _add_sound_format(add(audio, "format"), timeline.media[0])
        tracks += [("audio", channel, add(audio, "track")) for channel in range(1, channels + 1)]
    for index, clip in enumerate(timeline.clips, 1):
        _add_clip(tracks, clip, f"clipitem-{number}-{index}", index, files)
    for marker in timeline.needed_markers:
        _add_marker(sequence, marker)


def _add_clip(
    tracks: Sequence[tuple[str, int, Element]], clip: Clip, name: str, index: int, files: dict[Media, str]
) -> None:
    """Add the picture and each channel of sound of a clip, linked to each other."""
    used = [track for track in tracks if track[0] == "video" or track[1] <= sum(clip.media.channels)]
    for kind, channel, track in used:
        item = add(track, "clipitem", attributes={"id": _item(name, kind, channel)})
        add(item, "name", clip.name)
        add(item, "enabled", "TRUE")
        add(item, "duration", clip.media.frames)
        _add_rate(item)
        add(item, "start", clip.at)
        add(item, "end", clip.stop)
        add(item, "in", clip.span.start)
        add(item, "out", clip.span.stop)
        _add_file(item, clip.media, files)
        if kind == "audio":
            source = add(item, "sourcetrack")
            add(source, "mediatype", kind)
            add(source, "trackindex", channel)
        for other_kind, other_channel, _ in used:
            link = add(item, "link")
            add(link, "linkclipref", _item(name, other_kind, other_channel))
            add(link, "mediatype", other_kind)
            add(link, "trackindex", other_channel)
            add(link, "clipindex", index)


def _item(name: str, kind: str, channel: int) -> str:
    return name if kind == "video" else f"{name}-a{channel}"


def _add_file(item: Element, media: Media, files: dict[Media, str]) -> None:
    """Describe a file where it occurs first, and name it by its id from then on."""
    is_new = media not in files
    file = add(item, "file", attributes={"id": files.setdefault(media, f"file-{len(files) + 1}")})
    if not is_new:
        return
    add(file, "name", media.name)
    add(file, "pathurl", file_url(media.path, "localhost"))
    _add_rate(file)
    add(file, "duration", media.frames)
    _add_timecode(file, media.start)
    content = add(file, "media")
    picture = add(content, "video")
    add(picture, "duration", media.frames)
    _add_picture_format(picture, media)
    for channels in media.channels:
        sound = add(content, "audio")
        _add_sound_format(sound, media)
        add(sound, "channelcount", channels)


def _add_marker(sequence: Element, marker: Marker) -> None:
    element = add(sequence, "marker")
    add(element, "name", marker.name)
    add(element, "comment", marker.comment)
    add(element, "in", marker.frame)
    add(element, "out", marker.frame + marker.length if marker.length > 1 else -1)


def _add_picture_format(parent: Element, media: Media) -> None:
    form = add(parent, "samplecharacteristics")
    _add_rate(form)
    add(form, "width", media.width)
    add(form, "height", media.height)
    add(form, "anamorphic", "FALSE")
    add(form, "pixelaspectratio", "square")
    add(form, "fielddominance", "none")


def _add_sound_format(parent: Element, media: Media) -> None:
    form = add(parent, "samplecharacteristics")
    add(form, "depth", 16)
    add(form, "samplerate", media.sample_rate)


def _add_timecode(parent: Element, frame: int) -> None:
    element = add(parent, "timecode")
    _add_rate(element)
    add(element, "string", smpte(frame))
    add(element, "frame", frame)
    add(element, "displayformat", "NDF")


def _add_rate(parent: Element) -> None:
    rate = add(parent, "rate")
    add(rate, "timebase", FPS)
    add(rate, "ntsc", "FALSE")

"""The timeline that editing programs open: the shots of delivered videos as clips on one track, one after the other.

The writers of this package that make a timeline start from a `Timeline`. Frames count from 0 at 25 frames per second,
non-drop. Times stay whole frames until a writer prints them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from vidlib.text import printable
from vidlib.timeline import Shot, Span

COLOURS = {"start": "blue", "cut": "blue", "dissolve": "yellow", "fade": "magenta"}
"""The colour of a marker, by how the shot begins. All editing programs have these three."""

SPACES = "\u00a0\u2009\u202f"
"""Spaces that names of files in French and German contain; a name keeps them, so that the file is found."""


class MediaProperties(BaseModel):
    """What a timeline needs to know of a delivered video, wherever its file is.

    ``start`` is the time code of the first frame, in frames after 00:00:00:00. ``channels`` has the number of channels
    of each audio track.
    """

    model_config = ConfigDict(frozen=True)

    frames: int
    start: int
    width: int
    height: int
    channels: tuple[int, ...] = ()
    sample_rate: int = 48_000


class Media(MediaProperties):
    """A delivered video, as the editor's machine finds it.

    ``path`` is an absolute path, a Windows path, or a name beside the exported file.
    """

    name: str
    path: str


@dataclass(frozen=True)
class Marker:
    """A mark on a timeline: ``length`` frames from ``frame`` on."""

    frame: int
    length: int
    name: str
    comment: str
    colour: str


@dataclass(frozen=True)
class Motion:
    """Where the picture of a clip lies in a sequence of another shape: ``scale`` in its pixels by pixel of the video.

    ``keys`` are (frame of the video, x, y): the centre of the picture as shares of the width and height of the
    sequence. It moves in a straight line from one to the next.
    """

    scale: float
    keys: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True)
class Clip:
    """A stretch of a video on a timeline: the frames ``span`` of ``media`` from frame ``at`` of the timeline on.

    ``span`` has the frames of ``shot``, and of its handles. ``number`` counts the shots of the video from 1. ``note``
    is a text for the marker of the shot, in place of how it begins. A shot may have several clips in a sequence of
    another shape: the first has the marker, and each its ``motion``.
    """

    number: int
    media: Media
    shot: Shot
    span: Span
    at: int
    note: str = ""
    motion: Motion | None = None
    is_first: bool = True

    def moved_to(self, at: int) -> "Clip":
        """The clip at frame ``at`` of the timeline."""
        return replace(self, at=at)

    @property
    def name(self) -> str:
        """The name of the video, without its suffix, and the number of the shot."""
        return f"{PurePosixPath(self.media.name).stem} {self.number:03}"

    @property
    def stop(self) -> int:
        """The frame of the timeline after the last one of the clip."""
        return self.at + len(self.span)

    @property
    def is_gradual(self) -> bool:
        """Whether the shot begins with a dissolve or a fade."""
        return self.shot.boundary in ("dissolve", "fade")

    @property
    def is_marked(self) -> bool:
        """Whether a program shows a marker for the shot although it begins with a cut on the track."""
        return self.is_first and (self.is_gradual or bool(self.note))

    @property
    def transition(self) -> Span:
        """The frames of the video in which the shot begins; one frame for a cut, and for a shot with a note."""
        gradual = None if self.note else self.shot.transition
        return gradual or Span(self.shot.span.start, self.shot.span.start + 1)

    @property
    def marker(self) -> Marker:
        """Where the shot begins on the timeline: the whole transition, also what precedes the clip."""
        to_timeline = self.at - self.span.start
        first = max(0, self.transition.start + to_timeline)
        return self._marker(first, max(1, self.transition.stop + to_timeline - first))

    @property
    def marker_inside(self) -> Marker:
        """As `marker`, cut to the frames of the clip, and in frames of the video."""
        inside = self.transition & self.span or Span(self.span.start, self.span.start + 1)
        return self._marker(inside.start, len(inside))

    def _marker(self, frame: int, length: int) -> Marker:
        boundary, confidence = self.shot.boundary, f"confidence {self.shot.confidence:.2f}"
        if self.note:
            comment = self.note
        elif self.is_gradual and self.shot.transition:
            comment = f"{boundary} of {len(self.transition)} frames, {confidence}"
        else:
            comment = f"{boundary}, {confidence}"
        return Marker(frame, length, f"Shot {self.number:03}", comment, COLOURS[boundary])


@dataclass(frozen=True)
class Timeline:
    """Clips without gaps. ``start`` is the time code of the first frame, in frames after 00:00:00:00.

    ``size`` is (width, height) of the sequence where it is not that of the videos.
    """

    name: str
    start: int
    clips: tuple[Clip, ...]
    size: tuple[int, int] | None = None

    @property
    def frames(self) -> int:
        """The length of the timeline."""
        return self.clips[-1].stop

    @property
    def media(self) -> list[Media]:
        """Each video, in order of its first clip."""
        return list(dict.fromkeys(clip.media for clip in self.clips))

    @property
    def markers(self) -> list[Marker]:
        """A marker for each shot."""
        return [clip.marker for clip in self.clips]

    @property
    def needed_markers(self) -> list[Marker]:
        """A marker for each dissolve and fade, which are cuts on the track, and for each note."""
        return [clip.marker for clip in self.clips if clip.is_marked]


def assemble(
    name: str, videos: Iterable[tuple[Media, Sequence[Shot]]], *, start: int | None = None, handles: int = 0
) -> Timeline:
    """A timeline of all shots of ``videos``, in order; each clip has up to ``handles`` more frames on both sides.

    ``start`` is the time code of its first frame, in frames after 00:00:00:00; by default that of the first video.
    """
    clips: list[Clip] = []
    for media, shots in videos:
        for number, shot in enumerate(shots, 1):
            span = Span(max(0, shot.span.start - handles), min(media.frames, shot.span.stop + handles))
            clips.append(Clip(number, media, shot, span, clips[-1].stop if clips else 0))
    return Timeline(printable(name, keep=SPACES), clips[0].media.start if start is None else start, tuple(clips))


def place_under(root: str, name: str) -> str:
    """The path of the file ``name`` in the folder ``root`` of any machine; ``.`` is the folder of the exported file.

    >>> place_under("D:\\\\Media\\\\", "a.mp4"), place_under("/Volumes/Edit", "a.mp4"), place_under(".", "a.mp4")
    ('D:/Media/a.mp4', '/Volumes/Edit/a.mp4', 'a.mp4')
    """
    folder = root.replace("\\", "/") if _is_windows(root) else root
    return name if folder in ("", ".", "./") else f"{folder.rstrip('/')}/{name}"


def file_url(path: str, host: str = "") -> str:
    """The URL of a path of any machine; a name alone stays relative.

    >>> file_url("/media/Été & 100% #1.mp4")
    'file:///media/%C3%89t%C3%A9%20%26%20100%25%20%231.mp4'
    >>> file_url("D:/a.mp4", "localhost"), file_url("//server/edit/a.mp4"), file_url("a b.mp4")
    ('file://localhost/D%3A/a.mp4', 'file://server/edit/a.mp4', 'a%20b.mp4')
    """
    if path.startswith("//"):
        return f"file:{quote(path)}"
    if _is_windows(path):
        return f"file://{host}/{quote(path, safe='/' if host else '/:')}"
    return f"file://{host}{quote(path)}" if path.startswith("/") else quote(path)


def _is_windows(path: str) -> bool:
    return re.match(r"[A-Za-z]:[\\/]|\\\\", path) is not None

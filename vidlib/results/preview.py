"""A small copy of a video with its results drawn in, and a contact sheet of its shots: to look at, without a player."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidlib.media.frames import Frame, read_frames
from vidlib.plots import style
from vidlib.plots.pictures import MIN_FONT_PX, draw_boxes, load_font
from vidlib.plots.pictures import Box as DrawnBox
from vidlib.progress import Report, quiet
from vidlib.results.contact_sheet import Still
from vidlib.results.exports.boxes import Box
from vidlib.results.exports.webvtt import Caption
from vidlib.text import one_line
from vidlib.timeline import FPS, Shot, Turn, nearest_frame, smpte

if TYPE_CHECKING:
    from PIL.Image import Image

SHORT_SIDE = 360
"""The shorter side of the copy in pixels."""

MARK_FRAMES = 25
"""Frames for which the beginning of a shot is marked."""

MARK_PX = 6
"""Width of the frame around the picture that marks the beginning of a shot."""

TEXT_SHARE = 38
"""Heights of the text in the width of the picture."""

MAX_STILLS = 200
"""Shots on a contact sheet at most, evenly chosen: 50 rows of 4."""


@dataclass(frozen=True)
class Results:
    """What is drawn. ``start`` is the time code of the first frame, in frames after 00:00:00:00.

    ``boxes`` come in order of frame, and are read once; turns and captions are in order of time.
    """

    shots: Sequence[Shot]
    boxes: Iterable[Box]
    turns: Sequence[Turn]
    captions: Sequence[Caption]
    start: int

    @cached_property
    def colours(self) -> dict[str, str]:
        """The colour of each speaker."""
        return style.speaker_colors(sorted({turn.speaker for turn in self.turns}))


def copy_size(width: int, height: int) -> tuple[int, int]:
    """The size of the copy of a video of this size, both even.

    >>> copy_size(1920, 1080), copy_size(1080, 1920), copy_size(320, 240)
    ((640, 360), (360, 640), (480, 360))
    """
    scale = SHORT_SIDE / min(width, height)
    return 2 * round(width * scale / 2), 2 * round(height * scale / 2)


def pictures(video: Path, source: tuple[int, int], results: Results, report: Report = quiet) -> Iterator[Frame]:
    """The frames of ``video``, of ``source`` (width, height), in the size of the copy, with ``results`` drawn in."""
    from PIL import Image

    size = copy_size(*source)
    boxes = _by_frame(results.boxes)
    shots = iter(enumerate(results.shots, 1))
    number, shot = next(shots)
    captions_at, turns_at = _Spans(results.captions).at, _Spans(results.turns).at
    for frame, pixels in enumerate(read_frames(video, *size)):
        if frame >= shot.span.stop:
            number, shot = next(shots, (number, shot))
        picture = Image.fromarray(pixels)
        draw_boxes(picture, [_drawn(box, results.colours) for box in next(boxes, ())], size[0] / source[0])
        turns, captions = turns_at(frame), captions_at(frame)
        about = f"{smpte(results.start + frame)}  shot {number} of {len(results.shots)}"
        _draw_text(picture, about, [turn.speaker for turn in turns], captions)
        if frame - shot.span.start < MARK_FRAMES:
            _draw_mark(picture, f"{shot.boundary} {shot.confidence:.2f}", style.BOUNDARIES[shot.boundary])
        report(frame + 1, results.shots[-1].span.stop)
        yield np.asarray(picture)


def stills(video: Path, results: Results, name: str) -> list[Still]:
    """The middle frame of each shot, with its speakers and its captions; evenly chosen where there are many shots."""
    step = -(-len(results.shots) // MAX_STILLS)
    chosen = list(enumerate(results.shots, 1))[::step]
    return [
        Still(video, shot.span.middle, f"{smpte(results.start + shot.span.start)}  {name} {n:03}", _line(shot, results))
        for n, shot in chosen
    ]


def _line(shot: Shot, results: Results) -> str:
    """How a shot begins, its speakers, and its captions."""
    start_s, stop_s = (float(frame / FPS) for frame in (shot.span.start, shot.span.stop))
    inside = [turn for turn in results.turns if turn.start_s < stop_s and turn.stop_s > start_s]
    text = " ".join(line.text for line in results.captions if start_s <= line.start_s < stop_s)
    speakers = ", ".join(dict.fromkeys(turn.speaker for turn in inside))
    return ": ".join(filter(None, [" · ".join(filter(None, [shot.boundary, speakers])), text]))


class _Spans:
    """Spans with ``start_s`` and ``stop_s``, in order of time, which are asked for frame after frame."""

    def __init__(self, spans: Sequence):
        frames = [(nearest_frame(span.start_s), nearest_frame(span.stop_s), span) for span in reversed(spans)]
        self._waiting = [(start, max(start + 1, stop), span) for start, stop, span in frames]
        self._open: list = []

    def at(self, frame: int) -> list:
        """Those at ``frame``, which is not before the last one that was asked for."""
        while self._waiting and self._waiting[-1][0] <= frame:
            self._open.append(self._waiting.pop())
        self._open = [row for row in self._open if row[1] > frame]
        return [span for _, _, span in self._open]


def _by_frame(boxes: Iterable[Box]) -> Iterator[list[Box]]:
    """The boxes of each frame, from frame 0 on without a gap."""
    found: list[Box] = []
    frame = 0
    for box in boxes:
        while box.frame > frame:
            yield found
            found, frame = [], frame + 1
        found.append(box)
    yield found


def _drawn(box: Box, colours: Mapping[str, str]) -> DrawnBox:
    colour = colours.get(box.speaker or "", style.MUTED)
    label = f"{box.speaker or box.label}{' speaks' * box.is_speaking}"
    return DrawnBox(box.x, box.y, box.width, box.height, label, colour, box.is_speaking)


def _draw_text(picture: "Image", about: str, speakers: Sequence[str], captions: Sequence[Caption]) -> None:
    """Where we are, in the upper left corner; the captions, or else the speakers, at the bottom."""
    pen = _Pen(picture)
    pen.plate(about, 0, 0)
    heard = [f"{line.speaker or ''}: {line.text}".removeprefix(": ") for line in captions]
    lines = heard or [f"({', '.join(speakers)})"] * bool(speakers)
    wrapped = [part for line in lines[-2:] for part in pen.wrapped(line)]
    for index, line in enumerate(wrapped):
        top = picture.height - pen.line_px * (len(wrapped) - index) - pen.line_px // 4
        pen.plate(line, (picture.width - pen.width(line)) / 2, top)


def _draw_mark(picture: "Image", text: str, colour: str) -> None:
    """A frame around the picture, and how the shot begins."""
    pen = _Pen(picture)
    pen.draw.rectangle((0, 0, picture.width - 1, picture.height - 1), outline=colour, width=MARK_PX)
    pen.plate(text, picture.width - pen.width(text), 0, colour)


class _Pen:
    """Text on plates, in a size that suits the picture."""

    def __init__(self, picture: "Image"):
        from PIL import ImageDraw

        font_px = max(MIN_FONT_PX, picture.width // TEXT_SHARE)
        self.draw, self.font = ImageDraw.Draw(picture), load_font(font_px)
        self.line_px, self.picture_px = round(1.45 * font_px), picture.width

    def width(self, text: str) -> float:
        """The width of the plate of a text, in pixels."""
        return self.draw.textlength(text, font=self.font) + 10

    def plate(self, text: str, left: float, top: float, colour: str = "#101218") -> None:
        """Draw a text on a plate with this upper left corner."""
        self.draw.rectangle((left, top, left + self.width(text), top + self.line_px), fill=colour)
        self.draw.text((left + 5, top + self.line_px * 0.08), text, fill="white", font=self.font)

    def wrapped(self, text: str) -> list[str]:
        """The words of a text on lines that fit into the picture."""
        lines: list[str] = []
        for word in one_line(text, 300).split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width(longer) <= self.picture_px:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

"""WebVTT, captions for players (W3C, "WebVTT: The Web Video Text Tracks Format")."""

import html
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from vidlib.errors import BrokenOutput
from vidlib.files import write_text
from vidlib.timeline import Segment, Turns

Cue = tuple[float, float, str]
"""Start and stop in seconds, and the text: one line, not empty."""

CLOCK = r"((?:\d+:)?\d\d:\d\d\.\d{3})"
"""Hours, which may be missing, minutes and seconds of a cue."""


class Caption(NamedTuple):
    """A cue with the label of its speaker, None where nobody is known to speak."""

    start_s: float
    stop_s: float
    text: str
    speaker: str | None


def write(path: Path, cues: Iterable[Cue]) -> Path:
    """Write ``cues``, in order of time, to ``path``, times to the millisecond."""
    return write_captions(path, (Caption(*cue, None) for cue in cues))


def write_captions(path: Path, captions: Iterable[Caption]) -> Path:
    """As `write`, with the speaker as the voice of a cue (``<v SPEAKER_00>``)."""
    return write_text(path, "\n".join(["WEBVTT\n", *map(_block, captions)]))


def _block(caption: Caption) -> str:
    voice = f"<v {html.escape(caption.speaker, quote=False)}>" if caption.speaker else ""
    text = html.escape(caption.text, quote=False)
    return f"{time(caption.start_s)} --> {time(caption.stop_s)}\n{voice}{text}\n"


def with_speakers(cues: Iterable[Cue], turns: Turns) -> list[Caption]:
    """Each cue with the speaker who speaks longest during it."""
    return [Caption(*cue, turns.dominant_speaker(Segment(*cue[:2]))) for cue in cues]


def read(path: Path) -> list[Cue]:
    """The cues in ``path``, in its order, without tags; raises BrokenOutput where it is no such file."""
    head, *blocks = re.split(r"\n{2,}", path.read_text(encoding="utf-8").replace("\r\n", "\n").strip())
    if not head.startswith("WEBVTT"):
        raise BrokenOutput(f"{path} is no WebVTT file: expected the first line to be WEBVTT")
    return [cue for block in blocks if (cue := _cue(block))]


def _cue(block: str) -> Cue | None:
    """The cue that a block of lines holds; None where it is a note or a style."""
    times = re.search(rf"^{CLOCK} --> {CLOCK}.*\n?", block, re.MULTILINE)
    if not times:
        return None
    text = html.unescape(re.sub("<[^>]*>", "", block[times.end() :]))
    return _seconds(times[1]), _seconds(times[2]), " ".join(text.split())


def _seconds(clock: str) -> float:
    """
    >>> _seconds("01:01:01.500"), _seconds("01:01.500")
    (3661.5, 61.5)
    """
    *larger, last = clock.split(":")
    minutes = 0
    for part in larger:
        minutes = minutes * 60 + int(part)
    return round(minutes * 60 + float(last), 3)


def time(time_s: float) -> str:
    """``HH:MM:SS.mmm``, to the nearest millisecond.

    >>> time(3661.5)
    '01:01:01.500'
    """
    ms = round(time_s * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"

"""WebVTT, the text of a film with its times, as players show it (W3C, "WebVTT: The Web Video Text Tracks Format")."""

import html
from collections.abc import Iterable
from pathlib import Path

from vidlib.files import write_text

Cue = tuple[float, float, str]
"""From when to when, in seconds, and what is said: one line that is not empty."""


def write(path: Path, cues: Iterable[Cue]) -> Path:
    """Write ``cues``, in order of time, to ``path``, times to the millisecond."""
    blocks = [
        f"{_time(start_s)} --> {_time(stop_s)}\n{html.escape(text, quote=False)}\n" for start_s, stop_s, text in cues
    ]
    return write_text(path, "\n".join(["WEBVTT\n", *blocks]))


def _time(time_s: float) -> str:
    """
    >>> _time(3661.5)
    '01:01:01.500'
    """
    ms = round(time_s * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"

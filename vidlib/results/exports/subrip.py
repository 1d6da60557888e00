"""``.srt``: SubRip, the captions that editing programs and players read. The name of the speaker precedes the text."""

from collections.abc import Iterable
from pathlib import Path

from vidlib.files import write_text
from vidlib.results.exports import webvtt
from vidlib.results.exports.webvtt import Caption


def write(path: Path, captions: Iterable[Caption]) -> Path:
    """Write ``captions``, in order of time, to ``path``."""
    return write_text(path, "\n".join(_block(number, caption) for number, caption in enumerate(captions, 1)))


def _block(number: int, caption: Caption) -> str:
    name = f"{caption.speaker}: " if caption.speaker else ""
    return f"{number}\n{_time(caption.start_s)} --> {_time(caption.stop_s)}\n{name}{caption.text}\n"


def _time(time_s: float) -> str:
    """
    >>> _time(3661.5)
    '01:01:01,500'
    """
    return webvtt.time(time_s).replace(".", ",")

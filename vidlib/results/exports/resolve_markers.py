"""``_resolve_markers.edl``: timeline markers for Resolve, one for each shot.

Resolve reads them with *Import > Timeline Markers from EDL*, at time codes of its timeline: that must start where this
one does. It keeps one marker a frame, and ``|`` separates the fields.
"""

from pathlib import Path

from vidlib.files import write_text
from vidlib.results.exports.edit_timeline import Marker, Timeline
from vidlib.timeline import smpte

COLOURS = {"blue": "Blue", "yellow": "Yellow", "magenta": "Pink"}
"""Resolve's names of the colours of markers."""


def write(path: Path, timeline: Timeline) -> Path:
    """Write the markers of ``timeline``; those on one frame become one."""
    by_frame: dict[int, Marker] = {}
    for marker in timeline.markers:
        by_frame.setdefault(marker.frame, marker)
    events = [_event(number, marker, timeline.start) for number, marker in enumerate(by_frame.values(), 1)]
    head = f"TITLE: {timeline.name}\r\nFCM: NON-DROP FRAME\r\n\r\n"
    return write_text(path, head + "\r\n".join(events))


def _event(number: int, marker: Marker, start: int) -> str:
    first, following = smpte(start + marker.frame), smpte(start + marker.frame + 1)
    times = f"{first} {following} {first} {following}"
    fields = f"|C:ResolveColor{COLOURS[marker.colour]} |M:{_field(marker.name)} |D:{marker.length}"
    return f"{number:03}  001      V     C        {times}  \r\n{_field(marker.comment)} {fields}\r\n"


def _field(text: str) -> str:
    return text.replace("|", "/")

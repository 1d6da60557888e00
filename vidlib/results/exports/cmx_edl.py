"""``.edl``: CMX 3600, the edit decision list that every editing program reads.

The format has no frame rate: a reader must know that it is 25, non-drop. Time codes start again at midnight. The reel
is ``AX``, because names of files do not fit. Premiere, Resolve and Avid all understand ``FROM CLIP NAME``, and no other
comment. ``LOC`` is Avid's locator, here for dissolves and fades.
"""

from collections.abc import Iterator
from pathlib import Path

from vidlib.files import write_text
from vidlib.results.exports.edit_timeline import Clip, Timeline
from vidlib.timeline import smpte

LINE_END = "\r\n"


def write(path: Path, timeline: Timeline) -> Path:
    """Write ``timeline`` as one list, an event for each clip."""
    lines = [f"TITLE: {timeline.name}", "FCM: NON-DROP FRAME", ""]
    for number, clip in enumerate(timeline.clips, 1):
        lines += _event(number, clip, timeline.start)
    return write_text(path, LINE_END.join([*lines, ""]))


def _event(number: int, clip: Clip, start: int) -> Iterator[str]:
    first = clip.media.start + clip.span.start
    times = (first, first + len(clip.span), start + clip.at, start + clip.stop)
    channels = "AA/V" if clip.media.channels else "V"
    yield f"{number:03}  AX       {channels:<5} C        {' '.join(map(smpte, times))}"
    yield f"* FROM CLIP NAME: {clip.media.name}"
    if clip.is_marked:
        marker = clip.marker
        yield f"* LOC: {smpte(start + marker.frame)} {marker.colour.upper():<7} {marker.name}: {marker.comment}"

"""``_avid_markers.txt``: markers for Avid Media Composer, one for each shot: a line of fields with tabs between.

The fields are user, time code, track, colour, comment and length. The time code is one of the sequence, which must
start where this timeline does.
"""

from pathlib import Path

from vidlib.files import write_text
from vidlib.results.exports.edit_timeline import Marker, Timeline
from vidlib.timeline import smpte

USER = "vidlib"


def write(path: Path, timeline: Timeline) -> Path:
    """Write the markers of ``timeline``."""
    return write_text(path, "".join(_line(marker, timeline.start) for marker in timeline.markers))


def _line(marker: Marker, start: int) -> str:
    text = f"{marker.name}: {marker.comment}"
    return "\t".join([USER, smpte(start + marker.frame), "V1", marker.colour, text, str(marker.length)]) + "\r\n"

"""RTTM, the text format for exchanging diarizations: one line per turn; turns may overlap.

``SPEAKER <file> 1 <start> <duration> <NA> <NA> <speaker> <confidence> <NA>``, times in seconds (NIST, "The 2009 Rich
Transcription evaluation plan", appendix A). The file of a video without speech is empty. A field has no spaces: those
in the name of a person are written as ``_``, and read back as spaces. Labels such as ``SPEAKER_00`` stay as they are.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from vidlib.errors import BrokenOutput
from vidlib.files import write_text
from vidlib.timeline import Turn, Turns

UNKNOWN = "<NA>"

LABEL = r"SPEAKER_\d+"
"""A speaker without a name."""


def write(path: Path, turns: Sequence[Turn], file_id: str = "video") -> Path:
    """Write ``turns`` to ``path``, times to the millisecond; ``file_id`` is one word."""
    return write_text(path, "".join(_to_line(turn, file_id) + "\n" for turn in turns))


def read(path: Path) -> Turns:
    """The turns in ``path``, in its order, of all its file ids; a missing confidence is 1.

    Raises BrokenOutput with the number of a line that is malformed.
    """
    turns = Turns()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            if line.startswith("SPEAKER "):
                turns.append(_from_line(line))
        except (ValueError, IndexError) as error:
            raise BrokenOutput(f"{path}, line {number}: {line!r} is not a turn: {error}") from error
    return turns


def _to_line(turn: Turn, file_id: str) -> str:
    speaker = turn.speaker.replace(" ", "_")
    times = f"{turn.start_s:.3f} {turn.duration_s:.3f}"
    return f"SPEAKER {file_id} 1 {times} {UNKNOWN} {UNKNOWN} {speaker} {turn.confidence:.4f} {UNKNOWN}"


def _from_line(line: str) -> Turn:
    fields = line.split()
    start_s, duration_s = float(fields[3]), float(fields[4])
    if start_s < 0 or duration_s <= 0:
        raise ValueError(f"expected a start of 0 or more and a positive duration, not {start_s} and {duration_s}")
    confidence = fields[8] if len(fields) > 8 else UNKNOWN
    speaker = fields[7] if re.fullmatch(LABEL, fields[7]) else fields[7].replace("_", " ")
    return Turn(start_s, round(start_s + duration_s, 3), speaker, 1.0 if confidence == UNKNOWN else float(confidence))

"""``<stem>_shots.tsv``: the shots of a video with the kind and the confidence of their beginnings, for spreadsheets.

The columns are ``frame``, ``seconds``, ``smpte``, ``kind`` and ``confidence``, with tabs between; one row a shot. All
of them are about the first frame of the shot. Frames count from 1, as in the editors' list; ``smpte`` continues the
time code of the delivered file.
"""

from collections.abc import Iterable
from pathlib import Path

from vidlib.files import write_text
from vidlib.timeline import Shot, seconds, smpte

COLUMNS = ("frame", "seconds", "smpte", "kind", "confidence")


def write(path: Path, shots: Iterable[Shot], start: int) -> Path:
    """Write ``shots`` to ``path``; ``start`` is the time code of the first frame, in frames after 00:00:00:00."""
    rows = [COLUMNS, *(_row(shot, start) for shot in shots)]
    return write_text(path, "".join("\t".join(row) + "\n" for row in rows))


def _row(shot: Shot, start: int) -> tuple[str, ...]:
    first = shot.span.start
    at_s, at = f"{float(seconds(first)):.2f}", smpte(start + first)
    return str(first + 1), at_s, at, shot.boundary, f"{shot.confidence:.4f}"

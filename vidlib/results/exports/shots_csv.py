"""``<stem>.csv``: the shot list that editors read.

UTF-8, CRLF, one row per shot. Frames count from 1, and the last one is part of the shot. A timecode is the time at
which its frame begins.
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from vidlib.errors import BrokenOutput
from vidlib.files import write_text
from vidlib.timeline import Span, timecode

COLUMNS = ("No", "Timecode In", "Timecode Out", "Frame In", "Frame Out")


def write(path: Path, spans: Iterable[Span]) -> Path:
    """Write the ``spans`` of all shots, in order, to ``path``."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for number, span in enumerate(spans, 1):
        last = span.stop - 1
        table.writerow([number, timecode(span.start), timecode(last), span.start + 1, last + 1])
    return write_text(path, text.getvalue())


def read(path: Path) -> list[Span]:
    """The spans of the shots in ``path``; raises BrokenOutput with the number of a row that is malformed."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        if tuple(table.fieldnames or ()) != COLUMNS:
            raise BrokenOutput(f"{path}: columns are {table.fieldnames}, expected {', '.join(COLUMNS)}")
        return [_span(path, number, row) for number, row in enumerate(table, 1)]


def _span(path: Path, number: int, row: dict[str, str]) -> Span:
    try:
        span = Span(int(row["Frame In"]) - 1, int(row["Frame Out"]))
    except (TypeError, ValueError) as error:
        raise BrokenOutput(f"{path}: row {number} is not a shot: {row}") from error
    values = [row["No"], row["Timecode In"], row["Timecode Out"]]
    if values != (expected := [str(number), timecode(span.start), timecode(span.stop - 1)]):
        raise BrokenOutput(f"{path}: row {number} has {values}; expected {expected} for its frames")
    return span

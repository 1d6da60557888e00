"""Shots that fulfil conditions, from the index of the archive."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from vidlib.progress import Report, quiet
from vidlib.results.delivered_media import DeliveredMedia
from vidlib.results.finding import index
from vidlib.results.finding.index import Index
from vidlib.results.finding.query import FRAMINGS, PERSON_TEXT, Condition
from vidlib.timeline import Shot, Span, smpte

MARKS = "\x01", "\x02"
"""Around each place of a text where a phrase occurs."""

WORDS_AROUND = 5
"""Words before and after a phrase, in the reason why a shot was found."""

FOUND = f"""
WITH hit AS (
    SELECT shot.video, shot.shot, count(*) OVER () AS total FROM shot JOIN video ON video.id = shot.video
    WHERE {{where}} ORDER BY video.folded_project, video.folded_name, video.id, shot.shot LIMIT ?)
SELECT hit.total, video.folder, video.sha256, video.video_hash, video.name, video.stem, video.project, video.archived,
    video.media, shot.shot, shot.start, shot.stop, shot.boundary, shot.faces, shot.face_height, shot.speech, shot.smile,
    (SELECT json_group_array({PERSON_TEXT}) FROM seen JOIN person USING (video, person)
        WHERE seen.video = shot.video AND seen.shot = shot.shot),
    (SELECT json_group_array(speaker) FROM heard WHERE heard.video = shot.video AND heard.shot = shot.shot){{why}}
FROM hit JOIN shot USING (video, shot) JOIN video ON video.id = shot.video
ORDER BY video.folded_project, video.folded_name, video.id, shot.shot"""


@dataclass(frozen=True)
class FoundShot:
    """A shot of the archive, and a text for each condition that says ``why`` it was found.

    ``folder`` is the entry of the archive. ``sha256`` is that of the file as it arrived, ``video_hash`` that of the
    delivered file. ``number`` counts the shots of the video from 1, ``start`` and ``stop`` frames from 0.
    ``face_height`` and ``smile`` are per mille, ``speech`` is in frames. None means unknown.
    """

    folder: Path
    sha256: str
    video_hash: str
    video: str
    stem: str
    project: str
    archived: str
    media: DeliveredMedia | None
    number: int
    start: int
    stop: int
    boundary: str | None
    faces: int | None
    face_height: int | None
    speech: int | None
    smile: int | None
    people: tuple[str, ...]
    speakers: tuple[str, ...]
    why: tuple[str, ...]

    @property
    def span(self) -> Span:
        """Its frames."""
        return Span(self.start, self.stop)

    @property
    def shot(self) -> Shot:
        """The shot for a timeline."""
        return Shot(self.span, self.boundary or "cut")  # type: ignore[arg-type]

    @property
    def timecode(self) -> str:
        """The time code of its first frame in the delivered file, which is taken to begin at 0 if it is unknown."""
        return smpte(self.start + (self.media.start if self.media else 0))

    @property
    def framing(self) -> str | None:
        """One of `FRAMINGS`; None without a face."""
        height = self.face_height
        if height is None:
            return None
        return next(name for name, (lowest, above) in FRAMINGS.items() if lowest <= height < above)


COLUMNS = [column.name for column in fields(FoundShot) if column.name != "why"]
"""The columns that `FOUND` selects after the number of all shots, in its order."""


@dataclass
class Answer:
    """The first shots that were found, in order of project, video and time, and the number of all.

    ``unreadable`` has a sentence for each entry of the archive that cannot be read. ``is_empty`` says that the archive
    holds no video.
    """

    shots: list[FoundShot]
    total: int
    is_empty: bool = False
    unreadable: list[str] = field(default_factory=list)


def find(root: Path, conditions: Sequence[Condition], limit: int = -1, report: Report = quiet) -> Answer:
    """The shots in the archive ``root`` that fulfil all ``conditions``, at most ``limit`` (-1: all).

    The index is brought to the state of the disk before; ``report`` counts the entries that are read for it.
    """
    answer: Answer = index.ask(root, lambda opened: search(opened, conditions, limit), report)
    return answer


def search(opened: Index, conditions: Sequence[Condition], limit: int = -1) -> Answer:
    """As `find`, in an open index."""
    tables = [f"spoken_{number}" for number in range(len(conditions))]
    for table, condition in zip(tables, conditions, strict=True):
        if condition.phrase:
            _look_up(opened, table, condition.phrase)
    pairs = list(zip(tables, conditions, strict=True))
    where = " AND ".join(f"({condition.where.format(spoken=table)})" for table, condition in pairs)
    why = "".join(f", {condition.why.format(spoken=table)}" for table, condition in pairs)
    values = [value for condition in conditions for value in condition.values]
    why_values = [value for condition in conditions for value in condition.why_values]
    query = FOUND.format(where=where or "1", why=why)
    rows = opened.connection.execute(query, (*values, limit, *why_values)).fetchall()
    shots = [_found(opened.root, row) for row in rows]
    return Answer(shots, rows[0][0] if rows else 0, not rows and opened.is_empty(), opened.unreadable)


def _found(root: Path, row: Sequence[Any]) -> FoundShot:
    values = dict(zip(COLUMNS, row[1:], strict=False))
    why = row[len(values) + 1 :]
    return FoundShot(
        **values
        | {
            "folder": root / os.fsdecode(values["folder"]),
            "media": DeliveredMedia.model_validate_json(values["media"]) if values["media"] else None,
            "people": tuple(json.loads(values["people"])),
            "speakers": tuple(json.loads(values["speakers"])),
        },
        why=tuple(text for text in why if text),
    )


def _look_up(opened: Index, table: str, phrase: str) -> None:
    """Write the stretches of time in which ``phrase`` is spoken to a temporary table."""
    connection = opened.connection
    connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
    connection.execute(f"CREATE TEMP TABLE {table} (video INTEGER, start INTEGER, stop INTEGER, text TEXT)")
    matches = connection.execute(
        "SELECT utterance.video, utterance.times, highlight(transcript, 0, ?, ?) "
        "FROM transcript JOIN utterance ON utterance.id = transcript.rowid WHERE transcript MATCH ?",
        (*MARKS, phrase),
    )
    rows = ((video, *stretch) for video, times, text in matches for stretch in stretches(times, text))
    connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", rows)
    connection.execute(f"CREATE INDEX temp.{table}_time ON {table} (video, start)")


def stretches(cues: str, text: str) -> Iterator[tuple[int, int, str]]:
    """Start, stop and words of each place between `MARKS` in ``text``, which has a line for each of the ``cues``.

    >>> list(stretches("[[0, 10], [10, 30]]", "it is\\n\x01now\x02"))
    [(10, 30, 'it is now')]
    """
    times = json.loads(cues)
    before, *rest = text.split(MARKS[0])
    for part in rest:
        phrase, _, after = part.partition(MARKS[1])
        first = before.count("\n")
        last = first + phrase.count("\n")
        yield times[first][0], times[last][1], _snippet(before, phrase, after)
        before += phrase + after


def _snippet(before: str, phrase: str, after: str) -> str:
    """The phrase with a few words around it, each with its punctuation.

    >>> _snippet("a b c d e f g ", "h", ", i")
    '… c d e f g h, i'
    """
    n_before = len(before.split()) - (before[-1:].strip() != "")
    words = f"{before}{phrase}{after}".split()
    first, last = max(0, n_before - WORDS_AROUND), len(words) - max(0, len(after.split()) - WORDS_AROUND)
    return " ".join([*(["…"] if first else []), *words[first:last], *(["…"] if last < len(words) else [])])

"""Archived videos for a list: which ones show a person or contain words, and where."""

import json
import os
from collections.abc import Collection, Sequence
from typing import NamedTuple

from vidlib.results.finding.folding import fold
from vidlib.results.finding.index import Index
from vidlib.results.finding.query import IS_PERSON, IS_SPEAKER, PERSON_TEXT, person_values
from vidlib.results.finding.search import MARKS, stretches

ASKED = "WITH asked AS (SELECT id, sha256 FROM video WHERE sha256 IN (SELECT value FROM json_each(?)))"

# CROSS JOIN keeps the order of the tables: the few videos that are asked for come first
SHOWN = f"""
{ASKED}
SELECT sha256, shot.start, {PERSON_TEXT} FROM asked CROSS JOIN person ON person.video = asked.id AND {IS_PERSON}
    CROSS JOIN seen USING (video, person) CROSS JOIN shot USING (video, shot) ORDER BY 1, 2"""
"""The shots in which a person is seen."""

HEARD = f"""
{ASKED}
SELECT sha256, shot.start, heard.speaker FROM asked CROSS JOIN heard ON heard.video = asked.id AND {IS_SPEAKER}
    CROSS JOIN shot USING (video, shot) ORDER BY 1, 2"""
"""The shots in which a speaker is heard."""

PHRASE = f"""
{ASKED}
SELECT sha256, utterance.times, highlight(transcript, 0, ?, ?)
    FROM transcript JOIN utterance ON utterance.id = transcript.rowid JOIN asked ON asked.id = utterance.video
    WHERE transcript MATCH ?"""


class ArchivedVideo(NamedTuple):
    """A video of the archive: ``sha256`` is that of the file as it arrived, ``archived`` an ISO time in UTC.

    ``folder`` is its newest entry, as text: thousands of paths take most of the time.
    """

    sha256: str
    name: str
    project: str
    archived: str
    folder: str


class Place(NamedTuple):
    """Where something is in a video: the frame, from 0, and who is seen or heard, or the words with some around."""

    frame: int
    text: str


def archived(index: Index) -> list[ArchivedVideo]:
    """The newest entry of every video, in no order."""
    query = "SELECT sha256, name, project, archived, folder FROM video WHERE sha256 <> ''"
    rows = index.connection.execute(query)
    return [
        ArchivedVideo(sha256, name, project, archived_at, f"{index.root}/{os.fsdecode(folder)}")
        for sha256, name, project, archived_at, folder in rows
    ]


def with_words(index: Index, phrase: str) -> set[str]:
    """The SHA-256 of each video in which ``phrase``, of `query.phrase`, is spoken."""
    spoken = "SELECT video FROM utterance WHERE id IN (SELECT rowid FROM transcript WHERE transcript MATCH ?)"
    return _contents(index, spoken, (phrase,))


def with_person(index: Index, name: str) -> set[str]:
    """The SHA-256 of each video in which the person with this number, label or part of a name is seen."""
    people = f"SELECT video FROM seen JOIN person USING (video, person) WHERE {IS_PERSON}"
    return _contents(index, people, person_values(name))


def with_speaker(index: Index, name: str) -> set[str]:
    """The SHA-256 of each video in which the speaker with this label or part of a name is heard."""
    return _contents(index, f"SELECT video FROM voice AS heard WHERE {IS_SPEAKER}", (name, fold(name)))


def _contents(index: Index, videos: str, values: Sequence[object]) -> set[str]:
    query = f"SELECT sha256 FROM video WHERE id IN ({videos})"
    return {sha256 for (sha256,) in index.connection.execute(query, values)}


def places_of_words(index: Index, phrase: str, contents: Collection[str]) -> dict[str, list[Place]]:
    """Where ``phrase`` is spoken in each of the videos with these SHA-256, in order of time."""
    rows = index.connection.execute(PHRASE, (json.dumps(sorted(contents)), *MARKS, phrase))
    found: dict[str, list[Place]] = {}
    for sha256, times, text in rows:
        found.setdefault(sha256, []).extend(Place(start, f"“{words}”") for start, _, words in stretches(times, text))
    return {sha256: sorted(places) for sha256, places in found.items()}


def places_of_person(index: Index, name: str, contents: Collection[str]) -> dict[str, list[Place]]:
    """The start of each shot in which a person is seen, as in `with_person`, in order of time."""
    return _places(index, SHOWN, contents, person_values(name))


def places_of_speaker(index: Index, name: str, contents: Collection[str]) -> dict[str, list[Place]]:
    """The start of each shot in which a speaker is heard, as in `with_speaker`, in order of time."""
    return _places(index, HEARD, contents, (name, fold(name)))


def _places(index: Index, shots: str, contents: Collection[str], values: Sequence[object]) -> dict[str, list[Place]]:
    rows = index.connection.execute(shots, (json.dumps(sorted(contents)), *values))
    found: dict[str, list[Place]] = {}
    for sha256, frame, text in rows:
        found.setdefault(sha256, []).append(Place(frame, text))
    return found

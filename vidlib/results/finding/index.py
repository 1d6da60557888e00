"""The index of all shots in the archive: it answers questions without reading the results of each video.

The index is the file ``.shots.sqlite`` in the archive. It is a cache: each use compares it with the entries on the
disk, reads those that are new or changed, and forgets those that are gone or superseded. Every `VIDEOS_AT_ONCE`
videos are one transaction, so a process that dies leaves an index that the next one completes.
"""

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidlib.errors import BrokenOutput
from vidlib.progress import Report, quiet
from vidlib.results import archive_entry, archive_index, index_file
from vidlib.results.archive_entry import Entry
from vidlib.results.archive_index import project_of
from vidlib.results.finding.folding import fold, fold_name
from vidlib.text import path_text, printable
from vidlib.tracking.blendshapes import BLENDSHAPES

INDEX = ".shots.sqlite"
FORMAT = 4
"""Raised whenever the tables or their values change; an index of another format is made anew."""

VIDEOS_AT_ONCE = 50
READERS = 4
"""Threads that read entries: decoding a Parquet file does not hold the lock of Python."""

TABLES = f"""
CREATE TABLE video (id INTEGER PRIMARY KEY, folder BLOB UNIQUE, state TEXT, problem TEXT, sha256 TEXT, video_hash TEXT,
    name TEXT, stem TEXT, project TEXT, folded_name TEXT, folded_project TEXT, archived TEXT, media TEXT);
CREATE TABLE shot (video INTEGER, shot INTEGER, start INTEGER, stop INTEGER, boundary TEXT, faces INTEGER,
    face_height INTEGER, speech INTEGER, smile INTEGER, PRIMARY KEY (video, shot)) WITHOUT ROWID;
CREATE TABLE face (video INTEGER, shot INTEGER, {", ".join(f'"{name}" INTEGER' for name in BLENDSHAPES)},
    PRIMARY KEY (video, shot)) WITHOUT ROWID;
CREATE TABLE person (video INTEGER, person INTEGER, number INTEGER, label TEXT, folded TEXT,
    PRIMARY KEY (video, person)) WITHOUT ROWID;
CREATE TABLE seen (video INTEGER, shot INTEGER, person INTEGER, PRIMARY KEY (video, shot, person)) WITHOUT ROWID;
CREATE TABLE heard (video INTEGER, shot INTEGER, speaker TEXT, folded TEXT,
    PRIMARY KEY (video, shot, speaker)) WITHOUT ROWID;
CREATE TABLE voice (video INTEGER, speaker TEXT, folded TEXT, PRIMARY KEY (video, speaker)) WITHOUT ROWID;
CREATE TABLE object (video INTEGER, shot INTEGER, label TEXT, PRIMARY KEY (video, shot, label)) WITHOUT ROWID;
CREATE TABLE utterance (id INTEGER PRIMARY KEY, video INTEGER, speaker TEXT, times TEXT);
CREATE INDEX video_of ON video (sha256);
CREATE INDEX utterance_of ON utterance (video);
CREATE VIRTUAL TABLE transcript USING fts5(text, tokenize = "unicode61 remove_diacritics 2");
"""
"""Shots and people are those of `vidlib.results.finding.facts`. ``text`` of `transcript` has a line for each cue, and
``times`` of the utterance has their frames. `voice` has each speaker of `heard` once."""

PARTS = ("shot", "face", "person", "seen", "heard", "voice", "object", "utterance")
"""The tables with rows of a video, besides `transcript`."""

SCHEMA = index_file.Schema(FORMAT, TABLES, ("video", "transcript", *PARTS))

BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
"""Errors of a sound index that another process writes to."""

if TYPE_CHECKING:
    from vidlib.results.finding.facts import Facts, Shot

log = logging.getLogger(__name__)


class Index:
    """The open index of the archive in ``root``; use `opened`."""

    def __init__(self, root: Path, file: str):
        self.root = root
        self.connection = index_file.connect(file, SCHEMA)
        self.unreadable: list[str] = []
        """A sentence for each entry that cannot be read; its video is not found."""

    def count(self) -> int:
        """The number of shots."""
        return int(self.connection.execute("SELECT count(*) FROM shot").fetchone()[0])

    def is_empty(self) -> bool:
        """Whether it knows no video."""
        return self.connection.execute("SELECT 1 FROM video LIMIT 1").fetchone() is None

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        self.connection.close()

    def update(self, report: Report = quiet) -> None:
        """Bring the index to the state of the disk."""
        with archive_index.opened(self.root, create=True) as entries:
            wanted, damaged = entries.current(), entries.damaged()
        known = self.connection.execute("SELECT folder, state, id FROM video").fetchall()
        gone = [id_ for folder, state, id_ in known if wanted.get(folder) != state]
        unchanged = {folder for folder, state, _ in known if state and wanted.get(folder) == state}
        changed = [folder for folder in wanted if folder not in unchanged]
        if gone:
            with self.connection:
                for id_ in gone:
                    self._forget(id_)
        with ThreadPoolExecutor(READERS) as readers:
            for first in range(0, len(changed), VIDEOS_AT_ONCE):
                part = changed[first : first + VIDEOS_AT_ONCE]
                with self.connection:
                    for done, (folder, read) in enumerate(zip(part, readers.map(self._read, part), strict=True), 1):
                        self._add(folder, wanted[folder], *read)
                        report(first + done, len(changed))
        problems = self.connection.execute("SELECT problem FROM video WHERE problem IS NOT NULL ORDER BY folder")
        self.unreadable = [*filter(None, map(_metadata_problem, damaged)), *(problem for (problem,) in problems)]

    def _read(self, folder: bytes) -> "tuple[Entry | None, Facts | None, str | None]":
        from vidlib.results.finding import facts

        path = self.root / os.fsdecode(folder)
        try:
            entry = archive_entry.read(path)
        except BrokenOutput as error:
            return None, None, str(error)
        try:
            return entry, facts.read(entry), None
        except BrokenOutput as error:
            return entry, None, f"{path_text(path)}: {error}"

    def _forget(self, id_: int) -> None:
        self.connection.execute(
            "DELETE FROM transcript WHERE rowid IN (SELECT id FROM utterance WHERE video = ?)", (id_,)
        )
        for table in PARTS:
            self.connection.execute(f"DELETE FROM {table} WHERE video = ?", (id_,))
        self.connection.execute("DELETE FROM video WHERE id = ?", (id_,))

    def _add(self, folder: bytes, state: str, entry: Entry | None, facts: "Facts | None", problem: str | None) -> None:
        for (id_,) in self.connection.execute("SELECT id FROM video WHERE folder = ?", (folder,)).fetchall():
            self._forget(id_)
        row = (folder, state, problem, *(_about(entry) if entry else [""] * 8 + [None]))
        values = ", ".join("?" * len(row))
        id_ = self.connection.execute(f"INSERT INTO video VALUES (NULL, {values})", row).lastrowid
        if facts and id_ is not None:
            self._add_facts(id_, facts)

    def _add_facts(self, id_: int, facts: "Facts") -> None:
        numbered = list(enumerate(facts.shots, 1))
        self._insert("shot", (_shot_row(id_, number, shot) for number, shot in numbered))
        self._insert("face", ((id_, number, *shot.blendshapes) for number, shot in numbered if shot.blendshapes))
        self._insert("seen", ((id_, number, person) for number, shot in numbered for person in shot.people))
        self._insert("heard", ((id_, n, name, fold_name(name)) for n, shot in numbered for name in shot.speakers))
        voices = {name for shot in facts.shots for name in shot.speakers}
        self._insert("voice", ((id_, name, fold_name(name)) for name in sorted(voices)))
        self._insert("object", ((id_, number, label) for number, shot in numbered for label in shot.objects))
        people = enumerate(facts.people)
        self._insert("person", ((id_, n, p.number, p.label, fold_name(p.label or "")) for n, p in people))
        for utterance in facts.utterances:
            times = json.dumps([cue[:2] for cue in utterance.cues], separators=(",", ":"))
            cursor = self.connection.execute(
                "INSERT INTO utterance VALUES (NULL, ?, ?, ?)", (id_, utterance.speaker, times)
            )
            text = "\n".join(cue[2] for cue in utterance.cues)
            self.connection.execute("INSERT INTO transcript (rowid, text) VALUES (?, ?)", (cursor.lastrowid, text))

    def _insert(self, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
        if every := list(rows):
            self.connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(every[0]))})", every)


def _metadata_problem(folder: Path) -> str | None:
    try:
        archive_entry.read(folder)
    except BrokenOutput as error:
        return str(error)
    return None


def _about(entry: Entry) -> Sequence[str | None]:
    """The columns of a video from ``sha256`` on."""
    metadata = entry.metadata
    name = printable(metadata.video_path.rpartition("/")[2]) or metadata.video_stem
    stem, project = path_text(Path(metadata.video_stem)), path_text(Path(project_of(entry.folder)))
    media = metadata.media.model_dump_json() if metadata.media else None
    source = metadata.source_hash or metadata.video_hash
    folded = fold(f"{name}\n{stem}"), fold(project)
    return source, metadata.video_hash, name, stem, project, *folded, metadata.created_at.isoformat(), media


def _shot_row(id_: int, number: int, shot: "Shot") -> tuple[Any, ...]:
    about = shot.boundary, shot.faces, shot.face_height, shot.speech, shot.smile
    return id_, number, shot.start, shot.stop, *about


@contextmanager
def opened(root: Path, report: Report = quiet, *, anew: bool = False, update: bool = True) -> Iterator[Index]:
    """Open the index of the archive in ``root``, brought to the state of the disk, or made ``anew`` from the entries.

    Without ``update`` it is as the last use left it. If the file cannot be written, the index is in memory only, made
    of every entry.
    """

    def updated(file: str) -> Index:
        index = Index(root, file)
        try:
            if anew:
                SCHEMA.create(index.connection)
            if update or file == index_file.MEMORY:
                index.update(report)
        except BaseException:
            index.close()
            raise
        return index

    with closing(index_file.opened(root / INDEX if root.is_dir() else None, updated)) as index:
        yield index


def refresh(root: Path) -> None:
    """Bring an existing index to the state of the disk, if it can be written now; else the next question does it."""
    if (root / INDEX).is_file():
        with suppress(sqlite3.Error, OSError), closing(Index(root, str(root / INDEX))) as index:
            index.update()


def ask(root: Path, question: Callable[[Index], Any], report: Report = quiet) -> Any:
    """What ``question`` answers for the index; a file that turns out to be damaged is made anew before."""
    try:
        with opened(root, report) as index:
            return question(index)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in BUSY:
            log.warning("%s is damaged, and made anew: %s", root / INDEX, error)
            index_file.remove(root / INDEX)
    with opened(root, report) as index:
        return question(index)

"""Entries of the archive by name, content or date, and by who is seen or heard in them and their transcripts."""

import re
from pathlib import Path

from vidlib.errors import BrokenOutput, UsageError
from vidlib.progress import Report, quiet
from vidlib.results import archive_entry, archive_index
from vidlib.results.archive import newest_first
from vidlib.results.archive_entry import Entry
from vidlib.results.archive_index import Search
from vidlib.results.finding import index, query, videos
from vidlib.results.finding.index import Index

KEYS = ("person", "speaker", "says")
KEYED = re.compile(rf"-?({'|'.join(KEYS)})[:=]", re.IGNORECASE)
"""How a search of results alone begins."""

FORM = 'person:"A. Martin", speaker:SPEAKER_01 or says:"the budget"'


def find(root: Path, text: str, report: Report = quiet) -> Search:
    """The entries that ``text`` names, newest first: as `archive_index.search`, or by people and words.

    A ``text`` such as ``person:"A. Martin" says:budget`` finds the newest entry of each video in which all of it holds.
    Any other text is looked for in names, people and words. Raises UsageError for a text that cannot be read.
    """
    if KEYED.match(text):
        return _results(root, text, report)
    named = archive_index.search(root, text, create=True, report=report)
    if "/" in text or archive_index.names_exactly(text):
        return named
    words = text.replace('"', " ").strip()
    spoken = _results(root, f'"{words}"', report) if words else Search([])
    known = {entry.folder for entry in named.entries}
    entries = [*named.entries, *(entry for entry in spoken.entries if entry.folder not in known)]
    return Search(newest_first(entries), named.unreadable)


def _results(root: Path, text: str, report: Report) -> Search:
    """The newest entry of each video whose results fulfil all terms."""
    terms = list(query.terms(text))

    def ask(opened: Index) -> tuple[set[str], list[str], list[videos.ArchivedVideo]]:
        archived = videos.archived(opened)
        found = {video.sha256 for video in archived}
        for key, operator, value, excluded in terms:
            contents = _contents(opened, key, operator, value)
            found = found - contents if excluded else found & contents
        return found, opened.unreadable, archived

    found, unreadable, archived = index.ask(root, ask, report)
    entries: list[Entry] = []
    for video in archived:
        if video.sha256 in found:
            try:
                entries.append(archive_entry.read(Path(video.folder)))
            except BrokenOutput as error:
                unreadable.append(str(error))
    return Search(newest_first(entries), unreadable)


def _contents(opened: Index, key: str, operator: str, value: str) -> set[str]:
    name, phrase, key_of_term = query.unquoted(value), query.phrase(value), key.lower()
    if key_of_term not in ("", *KEYS) or operator not in ("", ":", "="):
        raise UsageError(f"{key + operator + value!r} cannot be read; expected {FORM}; for shots, see: vidlib find")
    if not name or (key_of_term == "says" and not phrase):
        raise UsageError(f"{key + operator + value!r} has no words; expected {FORM}")
    found: set[str] = set()
    if key_of_term in ("", "person"):
        found |= videos.with_person(opened, name)
    if key_of_term in ("", "speaker"):
        found |= videos.with_speaker(opened, name)
    if key_of_term in ("", "says") and phrase:
        found |= videos.with_words(opened, phrase)
    return found

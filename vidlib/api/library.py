"""The library: every video that the history or the archive knows, searched, sorted and given page by page.

The history says what became of a video in its newest run. The index of the archive knows its people and its
transcript. A video of the archive that the history does not know is in the list as well, in the state *archived*.
"""

import operator
import re
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from vidlib.errors import UsageError, did_you_mean
from vidlib.progress import Report, quiet
from vidlib.results import states
from vidlib.results.finding import index, query, videos
from vidlib.results.finding.folding import fold
from vidlib.results.finding.index import Index
from vidlib.results.finding.videos import Place
from vidlib.runner import queries
from vidlib.runner.store.database import change_marker
from vidlib.runner.store.library import KnownVideo, known_videos
from vidlib.settings import Settings
from vidlib.text import printable, sha256_start

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 200
"""The most videos of one answer."""

KEYS = ("name", "project", "date", "state", "person", "speaker", "says")
FORM = (
    "interview, name:interview, project:spring, date:2026-11, state:failed, person:SPEAKER_01, speaker:SPEAKER_01 or "
    "says:budget"
)
DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")

COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

PLACES = 3
"""Places of a video that an answer names."""


class LibraryVideo(NamedTuple):
    """One video of the library.

    ``sha256`` is that of the file as it arrived, empty for one that could not be read. ``state`` is one of
    `vidlib.results.states.OF_VIDEO`, and ``at`` the POSIX time at which its newest run ended with it, or of its entry
    in the archive. ``known`` is its row in the history, and ``entry`` its newest folder in the archive. ``places`` are
    the first `PLACES` of the ``n_places`` at which persons and words of the search are in it. ``folded_name`` and
    ``folded_project`` are without accents and case.
    """

    sha256: str
    name: str
    project: str
    at: float
    state: str
    known: KnownVideo | None
    entry: str | None
    folded_name: str
    folded_project: str
    places: tuple[Place, ...] = ()
    n_places: int = 0

    @property
    def day(self) -> str:
        """The date of ``at`` in local time, as ``2026-11-22``."""
        return time.strftime("%Y-%m-%d", time.localtime(self.at))


class Answer(NamedTuple):
    """The asked part of the videos that a search found, the number of all, and of those in each state.

    ``unreadable`` has a sentence for each entry of the archive that cannot be read.
    """

    videos: list[LibraryVideo]
    total: int
    states: dict[str, int]
    unreadable: list[str]


SORTS: dict[str, Callable[[LibraryVideo], tuple[object, ...]]] = {
    "date": lambda video: (video.at,),
    "name": lambda video: (video.folded_name, video.folded_project),
    "project": lambda video: (video.folded_project, video.folded_name),
    "state": lambda video: (video.state, -video.at),
}
"""How videos are sorted; a minus before the name reverses it."""


class Library:
    """All videos of a workspace. It reads the history again only after a change, so that a page may search often."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self._known: list[KnownVideo] = []
        self._marker: Hashable = None

    def search(
        self,
        text: str = "",
        *,
        state: str = "",
        sort: str = "-date",
        start: int = 0,
        limit: int | None = MOST_ROWS,
        report: Report = quiet,
        update: bool = False,
    ) -> Answer:
        """The videos that fulfil all terms of ``text``, from number ``start`` on, at most ``limit``.

        A term is a part of a name or project, the start of a SHA-256, or a date. In archived results it may also be a
        person who is seen, a speaker who is heard, or spoken words. A key (`KEYS`) before a term limits it to that, and
        a minus excludes. ``state`` selects the videos in one state. ``update`` brings the index of the archive up to
        date before. Raises UsageError for a term or an order that cannot be read.
        """
        order = sort.removeprefix("-")
        if order not in SORTS:
            raise UsageError(f"{sort!r} is no order;{did_you_mean(order, SORTS)} expected one of {', '.join(SORTS)}")
        terms = [_term(*term) for term in query.terms(text)]
        with index.opened(self.settings.archive, report, update=update) as opened:
            found = list(_merged(self._read(), videos.archived(opened)))
            for term in terms:
                found = _fulfilling(term, opened, found)
            states_of = dict(Counter(video.state for video in found))
            found = [video for video in found if state in ("", video.state)]
            found.sort(key=SORTS[order], reverse=sort != order)
            shown = _with_places(opened, terms, found[start : None if limit is None else start + limit])
            return Answer(shown, len(found), states_of, opened.unreadable)

    def by_content(self, sha256: str) -> LibraryVideo | None:
        """The video with this SHA-256; None if neither the history nor the archive knows it."""
        with index.opened(self.settings.archive, update=False) as opened:
            return next(
                (video for video in _merged(self._read(), videos.archived(opened)) if video.sha256 == sha256), None
            )

    def _read(self) -> list[KnownVideo]:
        """The videos of the history."""
        marker = change_marker(self.settings.database)
        if marker != self._marker:
            with queries.opened(self.settings) as history:
                self._known = known_videos(history)
            self._marker = marker
        return self._known


def row(video: LibraryVideo) -> dict[str, Any]:
    """A video as a row of plain values, for tables and JSON."""
    return {
        "video": printable(video.name),
        "sha256": video.sha256,
        "project": printable(video.project),
        "state": video.state,
        "at": datetime.fromtimestamp(video.at, UTC).isoformat(timespec="seconds"),
        "run": video.known.run if video.known else None,
        "archived": video.entry is not None,
        "places": [{"frame": place.frame, "text": printable(place.text)} for place in video.places],
    }


def table(shown: Iterable[LibraryVideo]) -> "pd.DataFrame":
    """The videos as a table, with ``at`` as a time in UTC."""
    import pandas as pd

    columns = ["video", "sha256", "project", "state", "at", "run", "archived", "places"]
    rows = pd.DataFrame(map(row, shown), columns=columns)
    return rows.assign(at=pd.to_datetime(rows["at"], utc=True))


def _merged(known: Iterable[KnownVideo], archived: Iterable[videos.ArchivedVideo]) -> Iterator[LibraryVideo]:
    entries = {entry.sha256: entry for entry in archived}
    for video in known:
        entry = entries.pop(video.sha256, None)
        folded = fold(video.name), fold(video.project)
        about = video.sha256, video.name, video.project, video.at, video.state
        yield LibraryVideo(*about, video, entry.folder if entry else None, *folded)
    for entry in entries.values():
        at = datetime.fromisoformat(entry.archived).timestamp()
        folded = fold(entry.name), fold(entry.project)
        yield LibraryVideo(entry.sha256, entry.name, entry.project, at, states.ARCHIVED, None, entry.folder, *folded)


Test = Callable[[LibraryVideo], bool]


@dataclass(frozen=True)
class Term:
    """One term of a search: ``value``, in quotation marks or not, of ``key``, or of anything without a key."""

    key: str
    operator: str
    value: str
    excluded: bool = False

    @property
    def person(self) -> str | None:
        """The person to look for, seen, if it may be one."""
        return query.unquoted(self.value) if self.key in ("", "person") else None

    @property
    def speaker(self) -> str | None:
        """The speaker to look for, heard, if it may be one."""
        return query.unquoted(self.value) if self.key in ("", "speaker") else None

    @property
    def phrase(self) -> str | None:
        """The words to look for, if it may be some."""
        return query.phrase(self.value) if self.key in ("", "says") else None


def _term(key: str, operator: str, value: str, excluded: bool) -> Term:
    key, text = key.lower(), f"{key}{operator}{value}"
    if key and key not in KEYS:
        raise UsageError(
            f"{key!r} in {text!r} is not known;{did_you_mean(key, KEYS)} expected {FORM}. Put a text with a colon in "
            "quotation marks; for conditions on shots, see: vidlib find"
        )
    plain = query.unquoted(value)
    if not plain or (operator not in ("", ":", "=") and key != "date"):
        raise UsageError(f"{text!r} cannot be read; expected {FORM}")
    if key == "date" and not DATE.fullmatch(plain):
        raise UsageError(f"{text!r} cannot be read; expected date:2026-11, date>=2026-11-01 or date<2026")
    if key == "state" and plain not in states.OF_VIDEO:
        raise UsageError(f"{plain!r} is no state of a video; expected one of {', '.join(states.OF_VIDEO)}")
    return Term(key, operator, value, excluded)


def _fulfilling(term: Term, opened: Index, every: Iterable[LibraryVideo]) -> list[LibraryVideo]:
    """The videos that fulfil the term."""
    contents, tests = _contents(term, opened), _tests(term)
    return [
        video for video in every if (video.sha256 in contents or any(test(video) for test in tests)) != term.excluded
    ]


def _tests(term: Term) -> list[Test]:
    """What a video may fulfil by itself; one of them is enough."""
    plain = query.unquoted(term.value)
    folded, compare = fold(plain), COMPARISONS.get(term.operator, operator.eq)
    tests: dict[str, Test] = {
        "name": lambda video: folded in video.folded_name,
        "project": lambda video: folded in video.folded_project,
    }
    if DATE.fullmatch(plain):
        tests["date"] = lambda video: compare(video.day[: len(plain)], plain)
    if term.key == "state":
        tests["state"] = lambda video: video.state == plain
    if not term.key and (digits := sha256_start(plain)):
        tests["sha256"] = lambda video: video.sha256.startswith(digits)
    return [test for key, test in tests.items() if term.key in ("", key)]


def _contents(term: Term, opened: Index) -> set[str]:
    """The SHA-256 of the archived videos that show the person, or contain the voice or the words."""
    found = videos.with_person(opened, term.person) if term.person else set()
    found |= videos.with_speaker(opened, term.speaker) if term.speaker else set()
    return found | (videos.with_words(opened, term.phrase) if term.phrase else set())


def _with_places(opened: Index, terms: Sequence[Term], shown: Sequence[LibraryVideo]) -> list[LibraryVideo]:
    """The videos, with the places at which persons and words of the search are in them."""
    contents = {video.sha256 for video in shown if video.entry}
    places: dict[str, set[Place]] = {sha256: set() for sha256 in contents}
    for term in terms:
        if term.excluded:
            continue
        found = [videos.places_of_person(opened, term.person, contents)] if term.person else []
        found += [videos.places_of_speaker(opened, term.speaker, contents)] if term.speaker else []
        found += [videos.places_of_words(opened, term.phrase, contents)] if term.phrase else []
        for by_video in found:
            for sha256, of_video in by_video.items():
                places[sha256].update(of_video)
    return [_with_first(video, sorted(places.get(video.sha256, ()))) for video in shown]


def _with_first(video: LibraryVideo, places: Sequence[Place]) -> LibraryVideo:
    return video._replace(places=tuple(places[:PLACES]), n_places=len(places)) if places else video

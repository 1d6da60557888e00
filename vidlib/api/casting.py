"""The cast by API and command: people across videos, as somebody confirmed them."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from vidlib.api import casting_erasure, casting_export, casting_likeness, casting_names, casting_sheet
from vidlib.api.video import Video
from vidlib.cast import attaching, erasure, likeness, operations, permission, store
from vidlib.cast.finished import FinishedVideo
from vidlib.cast.operations import Add, Confirm, Event, Merge, Name, NotSame, Operation, Split, Undo
from vidlib.cast.store import Store
from vidlib.errors import UnknownName, UsageError, expectation
from vidlib.files import sole_writer
from vidlib.progress import Report, quiet

if TYPE_CHECKING:
    import pandas as pd

    from vidlib.api.workspace import Workspace
    from vidlib.results.finding.query import Condition

APPEARANCES = (
    *("appearance", "person", "name", "video", "sha256", "project", "person_in_video", "speaker"),
    *("seen_s", "heard_s", "face_px", "collected_at"),
)
SUGGESTIONS = ("appearance", "person", "name", "distance", "margin", "voice", "same_project", "video")
LOG = ("entry", "at", "by", "action", "about", "state")


class Cast:
    """People across the videos of a workspace; `vidlib.Workspace.cast`.

    An appearance, such as A12, is a person in one video; a person of the cast has a number such as P3, or a name.
    The cast only suggests, and people decide. Everything but looking and erasing raises UsageError while the cast is
    off (see docs/privacy.md).
    """

    def __init__(self, workspace: "Workspace"):
        self.workspace, self.settings = workspace, workspace.settings

    def status(self) -> dict[str, Any]:
        """Whether the cast is on, why, where it is, and how many people and appearances it has."""
        chosen, missing = self.settings, permission.missing(self.settings)
        about = {name.removeprefix("cast_"): getattr(chosen, name) for name in permission.REQUIRED}
        found = {"on": not missing, "missing": missing, **about, "file": str(chosen.cast / store.FILE)}
        if not store.exists(chosen):
            return found | {"people": 0, "appearances": 0, "not_found": []}
        with self._opened() as opened:
            known = opened.appearances()
            lost = [f"A{number}" for number, one in known.items() if one.person is None]
            return found | {"people": len(opened.cast().people()), "appearances": len(known), "not_found": lost}

    def collect(self, videos: Sequence[Any], report: Report = quiet) -> list[dict[str, Any]]:
        """Read the faces and voices of all people in finished ``videos``; returns a row for each person.

        A row has the ``video``, the ``person_in_video`` and the ``appearance``, or the reason why there is none. People
        who are in the cast are found again by time and place. Raises UsageError for a video without results.
        """
        permission.check(self.settings)
        sources = [finished(self.workspace.open(video)) for video in videos]
        with self._opened() as opened, sole_writer(self.settings.cast):
            casting_erasure.retain(self.workspace, opened)
            return [row for source in sources for row in _collect(opened, source, self.settings.person, report)]

    def appearances(self) -> "pd.DataFrame":
        """A row for each appearance, with the person of the cast whom it shows, if that is known."""
        return _frame(APPEARANCES, self._appearance_rows())

    def _appearance_rows(self) -> Iterator[tuple[Any, ...]]:
        if not store.exists(self.settings):
            return
        with self._opened() as opened:
            cast = opened.cast()
            for number, one in opened.appearances().items():
                person = cast.person(number)
                who = (None, None) if person is None else (f"P{person}", cast.name(person))
                where = one.name, one.video, one.project, one.person, one.speaker
                yield f"A{number}", *who, *where, one.seen_s, one.heard_s, one.face_px, one.collected_at

    def suggest(self, to: str | Path | None = None) -> "pd.DataFrame":
        """A row for each appearance that may show a person of the cast, the nearest first; nothing is decided.

        ``to`` is a JPEG or PNG file that gets the faces side by side. It counts as an export of these people.
        """
        from vidlib.cast.suggestions import suggest

        permission.check(self.settings)
        if to is not None:
            casting_sheet.check(Path(to))
        with self._opened() as opened:
            cast, known = opened.cast(), opened.appearances()
            found = suggest(cast, known)
            if to is not None and found:
                casting_sheet.write(Path(to), opened, found)
                about = {subject for one in found for subject in (f"A{one.appearance}", f"P{one.person}")}
                note = str(Path(to).absolute())
                self._note(opened, Event(event="export", about=tuple(sorted(about)), note=note))
        rows = [
            (
                *(f"A{one.appearance}", f"P{one.person}", cast.name(one.person), one.distance, one.margin),
                *(one.voice, one.same_project, known[one.appearance].name),
            )
            for one in found
        ]
        return _frame(SUGGESTIONS, rows)

    def confirm(self, appearance: str, person: str) -> "casting_names.Change":
        """``appearance`` shows ``person``, who may be given by number or name."""
        return self._decide(lambda cast: [Confirm(appearance=_appearance(appearance), person=_person(cast, person))])

    def name(self, subject: str, name: str) -> "casting_names.Change":
        """The person, or the one whom an appearance shows, is called ``name``; an appearance of nobody is a new person.

        The results of all videos in which the person is heard get the name as a correction.
        """
        permission.check(self.settings)
        with self._opened() as opened:
            cast = opened.cast()
            if not _is_number(subject, "A"):
                return self._change(opened, [_named(_person(cast, subject), name)])
            number = _appearance(subject)
            if (person := cast.person(number)) is not None:
                return self._change(opened, [_named(person, name)])
            _named(1, name)  # a name that cannot be used adds nobody
            (added,) = opened.record(Add(appearance=number), by=self.settings.person)
            return self._change(opened, [_named(added.number, name)])

    def merge(self, person: str, other: str) -> "casting_names.Change":
        """``other`` is the same person as ``person``, whose name stays."""
        return self._decide(lambda cast: [Merge(person=_person(cast, person), other=_person(cast, other))])

    def split(self, appearance: str) -> "casting_names.Change":
        """``appearance`` shows another person than so far, a new one."""
        return self._decide(lambda cast: [Split(appearance=_appearance(appearance))])

    def not_same(self, first: str, second: str) -> "casting_names.Change":
        """Two appearances or people are not the same, for ever; nothing suggests or merges them again."""
        return self._decide(lambda cast: [NotSame(first=_subject(cast, first), second=_subject(cast, second))])

    def undo(self, entry: int | None = None) -> "casting_names.Change":
        """Take back an entry of the log, by default the last decision that counts."""
        permission.check(self.settings)
        with self._opened() as opened:
            counting = [one.number for one in operations.active(opened.log())]
            if entry is None and not counting:
                raise UsageError("there is no decision about the cast to undo")
            if entry is not None and entry not in counting:
                raise UnknownName("a decision about the cast that counts", str(entry), map(str, counting))
            return self._change(opened, [Undo(undoes=entry or counting[-1])])

    def log(self) -> "pd.DataFrame":
        """A row for each entry of the log: who did what, when, and about whom; erased people are not in it."""
        rows: list[tuple[Any, ...]] = []
        if store.exists(self.settings):
            with self._opened() as opened:
                entries = opened.log()
            undone = operations.undone(entries)
            for one in entries:
                state = "erased" if one.operation is None else "undone" if one.number in undone else ""
                rows.append((one.number, one.at, one.by, one.action, one.about(), state))
        return _frame(LOG, rows)

    def picture(self, appearance: str) -> bytes:
        """The face of an appearance, as JPEG."""
        with self._opened() as opened:
            return opened.picture(_appearance(appearance))

    def like(self, example: str) -> "Condition":
        """The condition that somebody who looks like ``example`` is seen: a picture, or a moment as VIDEO@TIMECODE.

        The largest face counts. Raises UsageError where there is none, or where it is lower than 80 pixels.
        """
        permission.check(self.settings)
        face = casting_likeness.face_of(self.workspace, example)
        with self._opened() as opened:
            near = likeness.similar(face, opened.appearances())
            about = tuple(f"A{number}" for number, _, _ in near)
            self._note(opened, Event(event="look", about=about, note=example))
        return casting_likeness.condition(self.settings, example, near)

    def show(self, who: str) -> dict[str, Any]:
        """All that is kept about a person or an appearance, without the numbers of embeddings, to answer a request."""
        with self._opened() as opened:
            subject = _known(opened, who)
            found = casting_export.held(self.settings, opened, subject)
            self._note(opened, Event(event="show", about=(subject,)))
        return found

    def export(self, who: str, folder: str | Path) -> list[Path]:
        """Write all that is kept about a person or an appearance to a new ``folder``: person.json, and the pictures.

        Returns the files. Raises UsageError where the folder exists.
        """
        target = Path(folder).absolute()
        with self._opened() as opened:
            subject = _known(opened, who)
            files = casting_export.write(self.settings, opened, subject, target)
            self._note(opened, Event(event="export", about=(subject,), note=str(target)))
        return files

    def erase(self, who: str, *, results: bool = False) -> dict[str, Any]:
        """Erase all that the cast keeps about a person, and the names in corrections; returns the receipt.

        An appearance of nobody is erased alone. ``results`` also runs the steps that the names changed, and removes
        older results that have them. The receipt says which files still hold the name. A process that dies here leaves
        the erasure to the next use of the cast.
        """
        with self._opened() as opened:
            person = self._person_to_erase(opened, _known(opened, who))
            plan = erasure.plan_person(opened, person, self.settings.person, results=results)
            plan = casting_erasure.begin(self.settings, opened, plan)
            return casting_erasure.erase(self.workspace, opened, plan)

    def _person_to_erase(self, opened: Store, subject: str) -> int:
        """The number of a person; an appearance of nobody becomes one, who is erased as all others."""
        number = int(subject[1:])
        if subject.startswith("P"):
            return number
        if (person := opened.cast().person(number)) is not None:
            raise UsageError(f"{subject} is P{person}; erase P{person}, or split {subject} before")
        return opened.record(Add(appearance=number), by=self.settings.person)[0].number

    def retain(self) -> dict[str, Any] | None:
        """Erase what is kept for longer than VIDLIB_CAST_RETENTION_DAYS; returns the receipt, or None for nothing."""
        if not store.exists(self.settings):
            return None
        with self._opened() as opened:
            return casting_erasure.retain(self.workspace, opened)

    def _note(self, opened: Store, event: Event) -> None:
        with opened.writing() as connection:
            opened.note(connection, event, self.settings.person)

    def _decide(self, decisions: Any) -> "casting_names.Change":
        permission.check(self.settings)
        with self._opened() as opened:
            return self._change(opened, decisions(opened.cast()))

    def _change(self, opened: Store, decisions: Sequence[Operation]) -> "casting_names.Change":
        entries = opened.record(*decisions, by=self.settings.person)
        return casting_names.apply(self.workspace, opened, entries)

    @contextmanager
    def _opened(self) -> Iterator[Store]:
        with store.opened(self.settings) as opened:
            casting_erasure.complete(self.workspace, opened)
            yield opened


def finished(video: Video) -> FinishedVideo:
    """What the cast reads of a finished video; raises UsageError where it has no results."""
    results = video.results_at_hand()
    if results is None or not results.folders.keys() >= {"convert", "tracking"}:
        raise UsageError(f"{video.name} has no results of tracking; run: vidlib run {video.path or video.name}")
    tracks, people, turns, speech = (
        results.needed_file("tracking", name) for name in ("tracks", "people", "turns", "speech")
    )
    return FinishedVideo(
        sha256=video.sha256,
        name=video.name,
        project=results.project,
        analysis=results.folders["tracking"].name,
        video=results.needed_file("convert", "video"),
        tracks=tracks,
        people_file=people,
        turns_file=turns,
        speech=speech,
    )


def _collect(opened: Store, source: FinishedVideo, by: str, report: Report) -> list[dict[str, Any]]:
    from vidlib.cast.collecting import Skipped, collect

    known = attaching.attach(opened.appearances(source.sha256), source)
    seen = {one.person: number for number, one in known.items()}
    erased = {attaching.find_person(anchors, source) for anchors in opened.excluded(source.sha256)}
    new = [person for person in source.people if person.person not in seen.keys() | erased]
    collected = list(collect(source, new, datetime.now(UTC).replace(microsecond=0), report))
    numbers: dict[int, int | str] = {person: f"A{number}" for person, number in seen.items() if person is not None}
    numbers |= dict.fromkeys(filter(None, erased), "erased; not collected again")
    with opened.writing() as connection:
        for number, one in known.items():
            opened.replace(connection, number, one)
        for found in collected:
            if isinstance(found, Skipped):
                numbers[found.person] = found.reason
            elif found.appearance.person is not None:
                numbers[found.appearance.person] = f"A{opened.add(connection, found.appearance, found.picture)}"
        opened.note(connection, Event(event="collect", note=source.name), by)
    return [{"video": source.name, "person_in_video": person, "result": numbers[person]} for person in sorted(numbers)]


def _frame(columns: Sequence[str], rows: Any) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(columns))


def _named(person: int, name: str) -> Name:
    try:
        return Name(person=person, name=name)
    except ValidationError as error:
        raise UsageError(f"{name!r} is no name: {expectation(error.errors()[0]['msg'])}") from error


def _appearance(text: str) -> int:
    if not _is_number(text, "A"):
        raise UsageError(f"{text!r} is no appearance; expected one such as A12, from vidlib cast list")
    return int(text[1:])


def _person(cast: operations.Cast, text: str) -> int:
    """The person of the cast with this number, such as P3, or of this name."""
    if _is_number(text, "P"):
        return cast.resolve(int(text[1:]))
    names = {person: cast.name(person) for person in cast.people()}
    fitting = [person for person, name in names.items() if name and name.casefold() == text.casefold()]
    if len(fitting) > 1:
        raise UsageError(f"{text!r} is the name of {', '.join(f'P{person}' for person in fitting)}; name one of them")
    if not fitting:
        raise UnknownName("a person of the cast", text, [*(f"P{one}" for one in names), *filter(None, names.values())])
    return fitting[0]


def _known(opened: Store, text: str) -> str:
    """A person, or an appearance, of whom the cast keeps anything."""
    cast = opened.cast()
    subject = _subject(cast, text)
    if not set(cast.shown(subject)) & opened.appearances().keys():
        raise UnknownName("anybody in the cast", text, [f"P{person}" for person in cast.people()])
    return subject


def _subject(cast: operations.Cast, text: str) -> str:
    return f"A{_appearance(text)}" if _is_number(text, "A") else f"P{_person(cast, text)}"


def _is_number(text: str, letter: str) -> bool:
    return bool(re.fullmatch(f"{letter}[1-9][0-9]{{0,15}}", text, re.IGNORECASE))

"""The names of the cast in results: corrections of the kind *name*, so that every export and report has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidlib.cast.operations import Entry
from vidlib.cast.records import Appearance
from vidlib.cast.store import Store
from vidlib.corrections import store as corrections
from vidlib.corrections.actions import NameSpeaker, undone
from vidlib.errors import VidlibError

if TYPE_CHECKING:
    from vidlib.api.workspace import Workspace


@dataclass(frozen=True)
class Change:
    """Decisions that were recorded, and the names of videos whose results they change with the next run.

    ``unnamed`` has a sentence for each video that should have a name and cannot.
    """

    entries: list[Entry]
    videos: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()


def apply(workspace: "Workspace", opened: Store, entries: list[Entry]) -> Change:
    """Give the results the names that the cast has now: undo the corrections that are wrong, add those that miss."""
    cast, appearances = opened.cast(), opened.appearances()
    wanted = {number: name for number in appearances if (person := cast.person(number)) and (name := cast.name(person))}
    kept, changed = _take_back(workspace, opened, wanted)
    unnamed: list[str] = []
    for number in sorted(wanted.keys() - kept):
        one = appearances[number]
        try:
            _give(workspace, opened, number, one, wanted[number])
            changed.append(one.video)
        except VidlibError as error:
            unnamed.append(f"A{number} in {one.name}: {error}")
    names = {one.video: one.name for one in appearances.values()}
    return Change(entries, tuple(names.get(sha256, sha256[:12]) for sha256 in dict.fromkeys(changed)), tuple(unnamed))


def _take_back(workspace: "Workspace", opened: Store, wanted: Mapping[int, str]) -> tuple[set[int], list[str]]:
    """Undo the names that are not ``wanted``; returns the appearances that have theirs, and the changed videos."""
    kept, changed = set(), []
    for id_, (sha256, number) in opened.named_corrections().items():
        name = _name(workspace, sha256, id_)
        if name is not None and name == wanted.get(number):
            kept.add(number)
            continue
        if name is not None:
            corrections.undo(workspace.settings.corrections, sha256, workspace.settings.person, id_)
            changed.append(sha256)
        opened.forget_correction(id_)
    return kept, changed


def _give(workspace: "Workspace", opened: Store, number: int, one: Appearance, name: str) -> None:
    """Name the speaker of an appearance in the results of its video; raises VidlibError where that cannot be."""
    if one.person is None:
        raise VidlibError("its results show the person no more; collect the video again")
    if one.speaker is None:
        raise VidlibError("the person is not heard, so the results cannot have the name")
    correction = workspace.open(one.video).correct("name", speaker=one.speaker, name=name)
    opened.add_correction(correction.id, one.video, number)


def _name(workspace: "Workspace", sha256: str, id_: str) -> str | None:
    """The name that a correction gives; None for one that was taken back, or is not there any more."""
    known = corrections.read(workspace.settings.corrections, sha256)
    gone = undone(known)
    for one in known:
        if one.id == id_ and one.id not in gone and isinstance(one.decision, NameSpeaker):
            return one.decision.name
    return None

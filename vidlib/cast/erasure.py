"""Erases people from the cast, so that no byte of them is left in it.

What is to be erased is planned first, in the file of the cast itself. A process that dies leaves the plan, and the next
use of the cast completes it: every part of the work may be done twice.
"""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import Field

from vidlib.cast.operations import Cast, Entry, Event, Name
from vidlib.cast.store import Store
from vidlib.errors import UsageError
from vidlib.params import Frozen


class Plan(Frozen):
    """What an erasure removes. ``person`` is None where only the time of appearances is over.

    ``people`` are the numbers of the person, also those of merged ones. ``names`` are all that the person ever had.
    ``videos`` maps the SHA-256 of each video to its name. ``exports`` are the folders to which data was exported.
    ``results`` asks to put results without the names in the place of those that have them. ``counts`` says how much of
    each kind there was.
    """

    receipt: str
    at: datetime
    by: str
    person: int | None
    people: tuple[int, ...]
    appearances: tuple[int, ...]
    names: tuple[str, ...]
    videos: dict[str, str]
    exports: tuple[str, ...] = ()
    results: bool = False
    counts: dict[str, int] = Field(default_factory=dict)


def plan_person(opened: Store, person: int, by: str, *, results: bool = False) -> Plan:
    """Plan to erase a person of the cast, with all appearances."""
    cast, log = opened.cast(), opened.log()
    if (appearances := cast.people().get(person)) is None:
        raise UsageError(f"P{person} is no person of the cast; vidlib cast list shows those that there are")
    return _plan(opened, cast, log, appearances, [person], person, by).model_copy(update={"results": results})


def plan_expired(opened: Store, before: datetime, by: str) -> Plan | None:
    """Plan to erase the appearances that were collected ``before`` a time, and people who have no other; None for none.

    Names in results stay: they are decisions about a video, and go with its results.
    """
    cast, log = opened.cast(), opened.log()
    expired = [number for number, one in opened.appearances().items() if one.collected_at < before]
    gone = [person for person, numbers in cast.people().items() if set(numbers) <= set(expired)]
    return _plan(opened, cast, log, expired, gone, None, by) if expired else None


def _plan(
    opened: Store, cast: Cast, log: list[Entry], appearances: list[int], gone: list[int], person: int | None, by: str
) -> Plan:
    numbers = [number for one in gone for number in cast.numbers(one)]
    entries = _entries(log, appearances, numbers)
    operations = [entry.operation for entry in entries]
    names = (one.name for one in operations if isinstance(one, Name) and one.person in numbers)
    exports = (one.note for one in operations if isinstance(one, Event) and one.event == "export")
    known = opened.appearances()
    shown = [known[number] for number in appearances if number in known]
    return Plan(
        receipt=secrets.token_hex(6),
        at=datetime.now(UTC).replace(microsecond=0),
        by=by,
        person=person,
        people=tuple(numbers),
        appearances=tuple(appearances),
        names=tuple(dict.fromkeys(names)),
        videos={one.video: one.name for one in shown},
        exports=tuple(dict.fromkeys(exports)),
        counts={
            **dict.fromkeys(("appearances", "faces", "pictures"), len(shown)),
            "voices": sum(one.voice is not None for one in shown),
            "log_entries": len(entries),
        },
    )


def keep(opened: Store, plan: Plan) -> None:
    """Keep a plan until it is done."""
    token = opened.cipher.encrypt(plan.model_dump_json().encode())
    with opened.writing() as connection:
        connection.execute("INSERT INTO erasure VALUES (?, ?, ?)", (plan.receipt, plan.at.isoformat(), token))


def pending(opened: Store) -> list[Plan]:
    """The erasures that a process began and did not complete."""
    return [Plan.model_validate_json(opened.cipher.decrypt(token)) for token in opened.erasures()]


def remove_rows(opened: Store, plan: Plan) -> None:
    """Remove all that the cast has of the people in ``plan``.

    Where they are seen in the videos of an erased person stays, without anything that recognizes them, so that nothing
    collects them again.
    """
    known = opened.appearances()
    removed = [known[number] for number in plan.appearances if number in known]
    entries = _entries(opened.log(), plan.appearances, plan.people)
    with opened.writing() as connection:
        if plan.person is not None:
            opened.exclude(connection, removed)
        for number in plan.appearances:
            connection.execute("DELETE FROM appearance WHERE id = ?", (number,))
            connection.execute("DELETE FROM correction WHERE appearance = ?", (number,))
        for entry in entries:
            connection.execute("UPDATE log SET data = NULL WHERE id = ?", (entry.number,))
        if removed or entries:
            event = Event(event="erase" if plan.person is not None else "expire", note=f"receipt {plan.receipt}")
            opened.note(connection, event, plan.by)
    opened.compact()


def _entries(log: Iterable[Entry], appearances: Iterable[int], people: Iterable[int]) -> list[Entry]:
    """The entries of the log about some appearances and people."""
    subjects = {f"A{number}" for number in appearances} | {f"P{number}" for number in people}
    return [entry for entry in log if entry.subjects() & subjects]


def close(opened: Store, plan: Plan) -> None:
    """Forget a plan that is done, and write the file of the cast anew."""
    with opened.writing() as connection:
        connection.execute("DELETE FROM erasure WHERE id = ?", (plan.receipt,))
    opened.compact()

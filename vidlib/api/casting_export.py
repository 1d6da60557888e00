"""All that is kept about a person of the cast: to show it, and to hand it over."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidlib.cast.operations import Entry
from vidlib.cast.records import Appearance
from vidlib.cast.store import Store
from vidlib.errors import UsageError
from vidlib.files import write_json

if TYPE_CHECKING:
    from vidlib.settings import Settings


def held(settings: "Settings", opened: Store, subject: str, *, embeddings: bool = False) -> dict[str, Any]:
    """What the cast keeps about a person, or about an appearance alone, and why; with the ``embeddings`` if asked."""
    cast, known = opened.cast(), opened.appearances()
    numbers = cast.shown(subject)
    people = cast.numbers(int(subject[1:])) if subject.startswith("P") else []
    subjects = {*(f"P{number}" for number in people), *(f"A{number}" for number in numbers)}
    entries = [entry for entry in opened.log() if entry.subjects() & subjects]
    shown = {f"A{number}": _appearance(known[number], embeddings) for number in numbers}
    corrections = {id_: sha256 for id_, (sha256, number) in opened.named_corrections().items() if number in numbers}
    return {
        "person": subject,
        "name": cast.name(int(subject[1:])) if subject.startswith("P") else None,
        "purpose": settings.cast_purpose,
        "legal_basis": settings.cast_legal_basis,
        "retention_days": settings.cast_retention_days,
        "appearances": shown,
        "decisions": [_decision(entry) for entry in entries],
        "corrections": [{"id": id_, "video": sha256} for id_, sha256 in corrections.items()],
    }


def write(settings: "Settings", opened: Store, subject: str, folder: Path) -> list[Path]:
    """Write all of it to a new folder, readable for this user only; raises UsageError where the folder exists."""
    if folder.exists():
        raise UsageError(f"{folder} exists; expected a new folder")
    document = held(settings, opened, subject, embeddings=True)
    folder.mkdir(parents=True, mode=0o700)
    files = [write_json(folder / "person.json", document, private=True)]
    for name in document["appearances"]:
        file = folder / f"{name}.jpg"
        file.touch(mode=0o600)
        file.write_bytes(opened.picture(int(name[1:])))
        files.append(file)
    return files


def _appearance(one: Appearance, embeddings: bool) -> dict[str, Any]:
    about = one.model_dump(mode="json", exclude={"face", "voice", "tracks", "speaker_at"})
    places = {"seen": [[track.start, track.stop] for track in one.tracks], "heard": list(one.speaker_at.spans)}
    counts = {"faces": one.face.n, "windows_of_voice": one.voice.n if one.voice else 0}
    if not embeddings:
        return about | places | counts
    voice = one.voice.vector.tolist() if one.voice else None
    return about | places | counts | {"face": one.face.vector.tolist(), "voice": voice}


def _decision(entry: Entry) -> dict[str, Any]:
    at = entry.at.isoformat()
    return {"entry": entry.number, "at": at, "by": entry.by, "action": entry.action, "about": entry.about()}

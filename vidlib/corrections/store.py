"""The file of a video's corrections, ``corrections/<SHA-256>.json``: entries are added, and none is ever changed.
Only the erasure of a person removes some.

Each writer holds the lock of the folder, reads the file, and replaces it as a whole. Writers of any number of processes
lose nothing.
"""

import json
import os
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from vidlib.corrections.actions import MAX_ITEMS, Action, CheckedItem, Correction, Undo, active, undone
from vidlib.errors import BrokenOutput, UnknownName, UsageError
from vidlib.files import sole_writer, write_json

VERSION = 1
"""The form of the file."""

MAX_CORRECTIONS = 20_000
"""Entries of one video; a person takes one decision in ten seconds for two days."""

MAX_BYTES = 64 << 20
"""A larger file is refused: all corrections of a video have at most half of that."""

_ENTRIES = TypeAdapter(list[Correction])


def path_of(folder: Path, sha256: str) -> Path:
    """The file of the video with this SHA-256; raises UsageError for text that is none."""
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise UsageError(f"{sha256!r} is no SHA-256; expected 64 hexadecimal digits")
    return folder / f"{sha256}.json"


def read(folder: Path, sha256: str) -> list[Correction]:
    """All corrections of a video, in the order in which they were taken; also undone ones, and what undid them.

    Raises BrokenOutput, with the file, where it is damaged.
    """
    path = path_of(folder, sha256)
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise ValueError(f"it has {size} bytes; expected at most {MAX_BYTES}")
        document = json.loads(path.read_bytes())
        if not isinstance(document, dict) or document.get("version") != VERSION or document.get("video") != sha256:
            raise ValueError(f"expected version {VERSION} of the corrections of video {sha256[:12]}")
        return _ENTRIES.validate_python(document["corrections"])
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, RecursionError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise BrokenOutput(
            f"{path} is damaged: {reason}; restore it from a backup, or move it away to go on without corrections"
        ) from error


def read_active(folder: Path, sha256: str) -> list[Correction]:
    """The corrections of a video that count, as `read`; without those that were undone."""
    return active(read(folder, sha256))


def videos(folder: Path) -> list[str]:
    """The SHA-256 of each video that has corrections."""
    return sorted(path.stem for path in folder.glob("*.json") if re.fullmatch(r"[0-9a-f]{64}", path.stem))


def append(folder: Path, sha256: str, decision: Action, by: str, items: Iterable[CheckedItem] = ()) -> Correction:
    """Add a decision of the person ``by``, which answers these ``items`` to check.

    Raises BrokenOutput where the file is damaged, and leaves it as it is.
    """
    path = path_of(folder, sha256)
    with sole_writer(folder):
        return _write(path, read(folder, sha256), _entry(decision, by, items))


def undo(folder: Path, sha256: str, by: str, id: str | None = None) -> Correction:
    """Take back the correction with this ``id`` (or its beginning), by default the last one that counts.

    Taking back an undo makes its correction count again. Raises UsageError where there is nothing to take back.
    """
    path = path_of(folder, sha256)
    with sole_writer(folder):
        known = read(folder, sha256)
        target = _find(known, id) if id else _last(known)
        return _write(path, known, _entry(Undo(undoes=target.id), by))


def remove(folder: Path, sha256: str, ids: Collection[str]) -> int:
    """Remove corrections as if they had never been taken, with what undid them; returns how many there were.

    Only the erasure of personal data does this: `undo` keeps what was decided.
    """
    path = path_of(folder, sha256)
    with sole_writer(folder):
        known, doomed = read(folder, sha256), set(ids)
        for one in known:  # an undo of an undo as well
            if isinstance(one.decision, Undo) and one.decision.undoes in doomed:
                doomed.add(one.id)
        kept = [one for one in known if one.id not in doomed]
        if kept:
            snapshot(path, sha256, kept)
        else:
            path.unlink(missing_ok=True)
    return len(known) - len(kept)


def _entry(decision: Action, by: str, items: Iterable[CheckedItem] = ()) -> Correction:
    now = datetime.now(UTC).replace(microsecond=0)
    return Correction(id=os.urandom(6).hex(), decision=decision, by=by, at=now, items=tuple(items)[:MAX_ITEMS])


def _write(path: Path, known: list[Correction], new: Correction) -> Correction:
    if len(known) >= MAX_CORRECTIONS:
        raise UsageError(f"{path} has {len(known)} corrections; expected at most {MAX_CORRECTIONS}")
    snapshot(path, path.stem, [*known, new])
    return new


def snapshot(path: Path, sha256: str, corrections: Sequence[Correction]) -> Path:
    """Write ``corrections`` to ``path``, in the form of the file of a video."""
    entries = [entry.model_dump(mode="json", exclude_none=True) for entry in corrections]
    return write_json(path, {"version": VERSION, "video": sha256, "corrections": entries}, indent=None)


def _last(known: Sequence[Correction]) -> Correction:
    counting = active(known)
    if not counting:
        raise UsageError("there is no correction to undo")
    return counting[-1]


def _find(known: Sequence[Correction], id: str) -> Correction:
    found = [entry for entry in known if entry.id.startswith(id)]
    if len(found) != 1:
        raise UnknownName("the id of one correction", id, [entry.id for entry in active(known)])
    if found[0].id in undone(known):
        raise UsageError(f"correction {found[0].id} is undone already")
    return found[0]

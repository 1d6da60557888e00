"""Unpacking of foreign archives: none can do harm, and no damaged or skipped member goes unnoticed.

The members of every format come one by one. Their bytes count against limits while they are written under numbers.
At the end all intact files get their names at once, from `safe_paths`. Folders are created only for files, links and
devices never. The archive itself is only read.
"""

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from vidlib.errors import ArchiveError, UsageError
from vidlib.files import TMP_PREFIX, publish_folder
from vidlib.ingest.content import ARCHIVE_PART
from vidlib.ingest.formats import FORMATS, Format, archive_format
from vidlib.ingest.formats.limits import Limits, Quota
from vidlib.ingest.formats.member import Damaged, Member
from vidlib.ingest.names import decode_name, is_litter, leads_outside, safe_paths, split_name
from vidlib.progress import Report, quiet
from vidlib.text import one_line, printable

STAGING = ".parts"  # no safe name begins with a dot
MAX_NAMES_SHOWN = 5
"""The most names in one message."""

MAX_NAME_CHARS = 100
"""The longest foreign name in a message."""

PARTS = "by its name it is one part of an archive in several parts; ask for it in one part"

NEVER_UNPACKED = "it is a link or a device, which is never unpacked"


Outcome = Literal["ok", "partial", "refused"]


@dataclass(frozen=True)
class Unpacked:
    """The outcome of an archive: all files (``ok``), the intact ones (``partial``), or none (``refused``).

    ``damaged`` lists the missing members with reasons, and ``left_out`` those and the links and devices, as
    ``(name, reason)``; ``message`` is for people.
    """

    outcome: Outcome
    message: str
    files: tuple[Path, ...] = ()
    damaged: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass
class _Extraction:
    """The members so far: intact files under numbers, their names, and descriptions of the others."""

    files: list[Path] = field(default_factory=list)
    names: list[str | bytes] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def extract_to(archive: Path, folder: Path, report: Report = quiet) -> dict[str, Any]:
    """Unpack ``archive`` into ``folder``, which appears complete, or not at all if the archive is ``refused``.

    Returns ``{"outcome", "message", "files"}`` like `Unpacked`, with absolute paths, ready for JSON. Raises UsageError
    if ``folder`` exists and is not empty.
    """
    folder = folder.absolute()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder; name a new one")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=TMP_PREFIX, dir=folder.parent) as tmp:
        target = Path(tmp) / "files"
        unpacked = unpack(archive, target, report=report)
        if unpacked.outcome != "refused":
            publish_folder(target, folder)
    files = [str(folder / path.relative_to(target)) for path in unpacked.files]
    return {"outcome": unpacked.outcome, "message": unpacked.message, "files": files}


def unpack(archive: Path, target: Path, limits: Limits | None = None, report: Report = quiet) -> Unpacked:
    """Unpack ``archive`` into the new folder ``target``; a refused archive leaves no folder.

    ``limits`` default to the settings. ``report`` receives the bytes written and an estimate of their total. Raises
    EngineUnavailable if the program for this format is not installed.
    """
    archive = archive.absolute()  # a program could read a relative name as an option
    target.mkdir(parents=True)
    staging = target / STAGING
    staging.mkdir()
    try:
        extraction = _collect(archive, staging, limits or Limits.from_settings(), report)
        return _publish(extraction, target)
    except BaseException as error:
        shutil.rmtree(target)
        if isinstance(error, ArchiveError):
            return Unpacked("refused", printable(f"{archive.name}: {error}{_part_hint(archive.name)}"))
        if isinstance(error, OSError):
            return Unpacked("refused", printable(f"{archive.name}: {_cannot_write(target, error)}"))
        raise


def _part_hint(name: str) -> str:
    """A hint for a refused file with the suffix of a part, such as ``.001``."""
    return f"; {PARTS}" if ARCHIVE_PART.fullmatch(PurePosixPath(name).suffix) else ""


def _collect(archive: Path, staging: Path, limits: Limits, report: Report) -> _Extraction:
    """Write every intact file of ``archive`` into ``staging`` under a number."""
    known = _format_of(archive)
    quota = Quota(limits, archive.stat().st_size, report)
    extraction = _Extraction()
    with closing(known.members(archive, quota)) as members:
        try:
            for member in members:
                quota.count_member(member.name)
                _extract(member, staging / str(quota.members), quota, extraction)
        except Damaged as error:
            extraction.damaged.append(("the archive", printable(str(error))))
    return extraction


def _format_of(archive: Path) -> Format:
    if not archive.is_file():
        raise ArchiveError("is not a file")
    try:
        known = archive_format(archive)
    except OSError as error:
        raise ArchiveError(f"cannot be read: {error.strerror}") from error
    if known is None:
        raise ArchiveError(f"no archive of a known format; expected {', '.join(f.name for f in FORMATS)}")
    return known


def _extract(member: Member, file: Path, quota: Quota, extraction: _Extraction) -> None:
    if member.kind == "folder" or is_litter(member.name):
        return
    if member.kind != "file":
        extraction.skipped.append(_own_path(member))
        return
    try:
        _write(member, file, quota)
    except Damaged as error:
        file.unlink()
        extraction.damaged.append((_own_path(member), printable(str(error))))
    else:
        extraction.files.append(file)
        extraction.names.append(member.name)


def _write(member: Member, path: Path, quota: Quota) -> None:
    with open(path, "xb") as file:
        for chunk in member.chunks():
            quota.count_bytes(len(chunk))
            file.write(chunk)


def _publish(extraction: _Extraction, target: Path) -> Unpacked:
    """Give the files in staging their names; raises ArchiveError if there is none."""
    if not extraction.files:
        raise ArchiveError(f"it contains no usable file{_remarks(extraction)}")
    safe = safe_paths(extraction.names)
    renamed = [_renaming(name, path) for name, path in zip(extraction.names, safe, strict=True) if leads_outside(name)]
    files = tuple(target / path for path in safe)
    for numbered, path in zip(extraction.files, files, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        numbered.rename(path)
    (target / STAGING).rmdir()
    n_files = "1 file" if len(files) == 1 else f"{len(files)} files"
    return Unpacked(
        "partial" if extraction.damaged else "ok",
        f"{n_files}{_remarks(extraction, renamed)}",
        files,
        tuple(f"{name}: {reason}" for name, reason in extraction.damaged),
        (*extraction.damaged, *((name, NEVER_UNPACKED) for name in extraction.skipped)),
    )


def _renaming(name: str | bytes, safe: PurePosixPath) -> str:
    return f"{one_line(decode_name(name), MAX_NAME_CHARS)} -> {one_line(str(safe), MAX_NAME_CHARS)}"


def _cannot_write(target: Path, error: OSError) -> str:
    free = shutil.disk_usage(target.parent).free
    return (
        f"cannot write to {target.parent}: {error.strerror} ({free} bytes are free); "
        "free some space or choose another disk, then try again"
    )


def _remarks(extraction: _Extraction, renamed: Sequence[str] = ()) -> str:
    remarks = []
    if extraction.damaged:
        damaged = [f"{name}: {reason}" for name, reason in extraction.damaged]
        remarks.append(f"; damaged and skipped: {_first_names(damaged)}")
    if renamed:
        remarks.append(f"; renamed because the names led out of the folder: {_first_names(renamed)}")
    if extraction.skipped:
        remarks.append(f"; skipped links and devices: {_first_names(extraction.skipped)}")
    return "".join(remarks)


def _first_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES_SHOWN} more" if len(names) > MAX_NAMES_SHOWN else ""
    return ", ".join(names[:MAX_NAMES_SHOWN]) + more


def _own_path(member: Member) -> str:
    """Return the stored path of a member for a message."""
    return printable("/".join(split_name(member.name)))

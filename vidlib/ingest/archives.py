"""Archives from outside, unpacked so that none can do harm, and nothing in them is lost without a word.

Whatever the format, members arrive here one by one; their bytes are counted against limits while they are written
under numbers, and only sound files get a name, all at once at the end, from `safe_paths`. Folders are made for files
only; links and devices never. The archive itself is only read.
"""

import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vidlib.errors import ArchiveError, UsageError
from vidlib.files import TMP_PREFIX, publish_folder
from vidlib.ingest.formats import FORMATS, Format, archive_format
from vidlib.ingest.formats.limits import Limits, Quota
from vidlib.ingest.formats.member import Damaged, Member
from vidlib.ingest.names import is_litter, safe_paths, split_name
from vidlib.progress import Report, quiet
from vidlib.text import printable

STAGING = ".parts"  # no safe name begins with a dot
SHOWN = 5  # names in one message

Outcome = Literal["ok", "partial", "refused"]


@dataclass(frozen=True)
class Unpacked:
    """What came of an archive: everything (``ok``), what was sound (``partial``), or nothing (``refused``).

    ``damaged`` are the members that are missing, each with the reason; ``message`` is for people.
    """

    outcome: Outcome
    message: str
    files: tuple[Path, ...] = ()
    damaged: tuple[str, ...] = ()


@dataclass
class _Haul:
    """What was found so far."""

    parts: list[Path] = field(default_factory=list)
    names: list[str | bytes] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def extract_to(archive: Path, folder: Path, report: Report = quiet) -> dict[str, Any]:
    """Unpack ``archive`` so that ``folder`` appears whole, or not at all where the outcome is ``refused``.

    ``{"outcome", "message", "files"}`` as in `Unpacked`, with absolute paths, ready for JSON. Raises UsageError if
    ``folder`` exists and is not empty.
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
    """Unpack ``archive`` into ``target``, a folder that does not exist yet; a refused archive leaves none.

    ``limits`` are this machine's unless given. ``report`` is told bytes written, and about how many there will be.
    Raises EngineUnavailable if a program that this format needs is not installed.
    """
    archive = archive.absolute()  # a program might take its name for an option
    target.mkdir(parents=True)
    staging = target / STAGING
    staging.mkdir()
    try:
        haul = _collect(archive, staging, limits or Limits.from_settings(), report)
        return _name(haul, target)
    except BaseException as error:
        shutil.rmtree(target)
        if isinstance(error, ArchiveError):
            return Unpacked("refused", printable(f"{archive.name}: {error}"))
        if isinstance(error, OSError):
            return Unpacked("refused", printable(f"{archive.name}: {_cannot_write(target, error)}"))
        raise


def _collect(archive: Path, staging: Path, limits: Limits, report: Report) -> _Haul:
    """Write every sound file of ``archive`` into ``staging``, under a number."""
    known = _format_of(archive)
    quota = Quota(limits, archive.stat().st_size, report)
    haul = _Haul()
    with closing(known.members(archive, quota)) as members:
        try:
            for member in members:
                quota.count_member(member.name)
                _take(member, staging / str(quota.members), quota, haul)
        except Damaged as error:
            haul.damaged.append(printable(f"the archive: {error}"))
    return haul


def _format_of(archive: Path) -> Format:
    if not archive.is_file():
        raise ArchiveError("is not a file that exists")
    try:
        known = archive_format(archive)
    except OSError as error:
        raise ArchiveError(f"cannot be read: {error.strerror}") from error
    if known is None:
        raise ArchiveError(f"no archive that can be read: expected {', '.join(f.name for f in FORMATS)}")
    return known


def _take(member: Member, part: Path, quota: Quota, haul: _Haul) -> None:
    if member.kind == "folder" or is_litter(member.name):
        return
    if member.kind != "file":
        haul.skipped.append(_shown(member))
        return
    try:
        _write(member, part, quota)
    except Damaged as error:
        part.unlink()
        haul.damaged.append(printable(f"{_shown(member)}: {error}"))
    else:
        haul.parts.append(part)
        haul.names.append(member.name)


def _write(member: Member, part: Path, quota: Quota) -> None:
    with open(part, "xb") as file:
        for chunk in member.chunks():
            quota.count_bytes(len(chunk))
            file.write(chunk)


def _name(haul: _Haul, target: Path) -> Unpacked:
    """Give the files in staging their names, and say what came of it all."""
    if not haul.parts:
        raise ArchiveError(f"no file in it can be used{_remarks(haul)}")
    files = tuple(target / path for path in safe_paths(haul.names))
    for part, path in zip(haul.parts, files, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.rename(path)
    (target / STAGING).rmdir()
    n_files = "1 file" if len(files) == 1 else f"{len(files)} files"
    return Unpacked("partial" if haul.damaged else "ok", f"{n_files}{_remarks(haul)}", files, tuple(haul.damaged))


def _cannot_write(target: Path, error: OSError) -> str:
    free = shutil.disk_usage(target.parent).free
    return (
        f"cannot be written to {target.parent}: {error.strerror} ({free} bytes are free); "
        "make room there or name another disk, then try again"
    )


def _remarks(haul: _Haul) -> str:
    remarks = []
    if haul.damaged:
        remarks.append(f"; damaged and left out: {_some(haul.damaged)}")
    if haul.skipped:
        remarks.append(f"; links and devices, which are never made: {_some(haul.skipped)}")
    return "".join(remarks)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _shown(member: Member) -> str:
    """A member's own path, for a message."""
    return printable("/".join(split_name(member.name)))

"""RAR, every version, by The Unarchiver's programs `lsar` and `unar`."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vidlib.errors import ArchiveError
from vidlib.ingest.formats import listed
from vidlib.ingest.formats.limits import Quota
from vidlib.ingest.formats.listed import Entry
from vidlib.ingest.formats.member import Damaged, Kind, Member
from vidlib.machine import commands


def members(archive: Path, quota: Quota) -> Iterator[Member]:
    """The members of a RAR that is in one part."""
    unar = commands.find_program("unar", "unar")
    with _called_in_utf8(archive) as path:
        found, entries = _listing(path, quota)

        def command(rest: Sequence[Entry]) -> list[str]:
            indexes = (str(entry.index) for entry in rest if entry.kind == "file")
            return [unar, "-o", "-", "-q", "-nr", "-k", "skip", "-i", str(path), *indexes]

        yield from listed.members(entries, quota, command)
    if "lsarError" in found:
        raise Damaged("its list of members breaks off: more may be lost")


@contextmanager
def _called_in_utf8(archive: Path) -> Iterator[Path]:
    """``archive`` under a name that is UTF-8: The Unarchiver crashes at any other."""
    if str(archive).isprintable():  # what is no UTF-8 is no character that could be printed (PEP 383)
        yield archive
        return
    with TemporaryDirectory() as folder:
        link = Path(folder) / "archive.rar"
        link.symlink_to(archive)
        yield link


def _listing(archive: Path, quota: Quota) -> tuple[dict[str, Any], list[Entry]]:
    """All that `lsar` says, and the members in it."""
    text = listed.listing([commands.find_program("lsar", "unar"), "-ja", "-nr", str(archive)], quota, b'"XADIndex"')
    try:
        found = json.loads(text)
        encrypted = any(fields.get("XADIsEncrypted") for fields in found["lsarContents"])
        n_parts = len(found["lsarProperties"]["XADVolumes"])
        entries = [_entry(fields) for fields in found["lsarContents"]]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        # where the list itself is encrypted, lsar stops in the middle of its JSON
        raise ArchiveError("its list of members is encrypted or unreadable; ask for it without a password") from error
    if encrypted:
        raise ArchiveError("encrypted; ask for it without a password")
    if n_parts > 1:
        raise ArchiveError("one part of an archive in several parts; ask for it in one part")
    return found, entries


def _entry(fields: dict[str, Any]) -> Entry:
    kind = _kind(fields)
    index = fields["XADIndex"]
    return Entry(
        index=index,
        name=fields["XADFileName"],
        kind=kind,
        size=fields.get("XADFileSize", 0) if kind == "file" else 0,
        crc=fields.get("RAR5CRC32", fields.get("RARCRC32")),
        block=str(fields.get("XADSolidObject", index)),
    )


def _kind(fields: dict[str, Any]) -> Kind:
    if fields.get("XADIsDirectory"):
        return "folder"
    # RAR 5 also stores hard links and references to equal files as redirections
    return "link" if fields.get("XADIsLink") or "RAR5RedirectionType" in fields else "file"

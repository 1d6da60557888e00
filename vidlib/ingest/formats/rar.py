"""RAR of every version, read with `lsar` and `unar` of The Unarchiver."""

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vidlib.errors import ArchiveError
from vidlib.ingest.formats import external, rar_volumes
from vidlib.ingest.formats.external import Entry
from vidlib.ingest.formats.limits import Quota
from vidlib.ingest.formats.member import Damaged, Kind, Member
from vidlib.machine import commands

PARTS = "one part of an archive in several parts; ask for it in one part"


def members(archive: Path, quota: Quota) -> Generator[Member, None, None]:
    """Yield the members of a RAR; raises ArchiveError if it has several parts."""
    if rar_volumes.is_incomplete(archive):
        raise ArchiveError(PARTS)
    unar = commands.find_program("unar", "unar")
    with _with_utf8_name(archive) as path:
        document, entries = _listing(path, quota)

        def command(rest: Sequence[Entry]) -> list[str]:
            indexes = (str(entry.index) for entry in rest if entry.kind == "file")
            return [unar, "-o", "-", "-q", "-nr", "-k", "skip", "-i", str(path), *indexes]

        yield from external.members(entries, quota, command)
    if "lsarError" in document:
        raise Damaged("its list of members breaks off, so more members may be lost")


@contextmanager
def _with_utf8_name(archive: Path) -> Iterator[Path]:
    """Yield a path of ``archive`` that is printable UTF-8: The Unarchiver crashes at any other."""
    if str(archive).isprintable():  # bytes that are not UTF-8 are unprintable surrogates (PEP 383)
        yield archive
        return
    with TemporaryDirectory() as folder:
        link = Path(folder) / "archive.rar"
        link.symlink_to(archive)
        yield link


def _listing(archive: Path, quota: Quota) -> tuple[dict[str, Any], list[Entry]]:
    """Return the document of `lsar`, and its members."""
    text = external.listing([commands.find_program("lsar", "unar"), "-ja", "-nr", str(archive)], quota, b'"XADIndex"')
    try:
        document = json.loads(text)
        encrypted = any(fields.get("XADIsEncrypted") for fields in document["lsarContents"])
        n_parts = len(document["lsarProperties"]["XADVolumes"])
        entries = [_entry(fields) for fields in document["lsarContents"]]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        # if the list itself is encrypted, lsar stops in the middle of its JSON
        raise ArchiveError("its list of members is encrypted or unreadable; ask for it without a password") from error
    if encrypted:
        raise ArchiveError("encrypted; ask for it without a password")
    if n_parts > 1:
        raise ArchiveError(PARTS)
    return document, entries


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

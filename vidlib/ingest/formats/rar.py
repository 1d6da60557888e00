"""RAR, every version, by The Unarchiver's programs `lsar` and `unar`."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vidlib import ffmpeg
from vidlib.errors import ArchiveError
from vidlib.ingest.formats import listed
from vidlib.ingest.formats.limits import Meter
from vidlib.ingest.formats.listed import Entry
from vidlib.ingest.formats.member import Damaged, Kind, Member


def members(archive: Path, meter: Meter) -> Iterator[Member]:
    """The members of a RAR that is in one part."""
    unar = ffmpeg.program("unar", "unar")
    found = _listing(archive)
    entries = [_entry(fields) for fields in found["lsarContents"]]

    def command(rest: Sequence[Entry]) -> list[str]:
        indexes = (str(entry.index) for entry in rest if entry.kind == "file")
        return [unar, "-o", "-", "-q", "-nr", "-k", "skip", "-i", str(archive), *indexes]

    yield from listed.members(entries, meter, command)
    if "lsarError" in found:
        raise Damaged("its list of members breaks off: more may be lost")


def _listing(archive: Path) -> dict[str, Any]:
    text = listed.listing(listed.confined(ffmpeg.program("lsar", "unar"), "-ja", "-nr", str(archive)))
    try:
        found = json.loads(text)
    except ValueError as error:
        # where the list itself is encrypted, lsar stops in the middle of its JSON
        raise ArchiveError("its list of members is encrypted or unreadable; ask for it without a password") from error
    if any(fields.get("XADIsEncrypted") for fields in found["lsarContents"]):
        raise ArchiveError("encrypted; ask for it without a password")
    if len(found["lsarProperties"]["XADVolumes"]) > 1:
        raise ArchiveError("one part of an archive in several parts; ask for it in one part")
    return found


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

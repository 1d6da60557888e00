"""7z, and ZIPs that Python cannot read, with the program of 7-Zip."""

from collections.abc import Generator, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile, _TemporaryFileWrapper

from vidlib.errors import ArchiveError
from vidlib.ingest.formats import external
from vidlib.ingest.formats.external import Entry
from vidlib.ingest.formats.limits import Quota
from vidlib.ingest.formats.member import Kind, Member
from vidlib.machine import commands

DEBIAN_13 = "/usr/lib/7zip/7z"
"""The program of the package `7zip` in Debian 13 and newer, which has no `7zz`. A `7z` on PATH may be an old p7zip."""

KINDS: dict[str, Kind] = {"d": "folder", "l": "link", "b": "device", "c": "device", "p": "device", "s": "device"}


def members(archive: Path, quota: Quota, kind: str = "7z") -> Generator[Member, None, None]:
    """Yield the members of ``archive``, read as the format ``kind`` (its name in 7-Zip) and no other."""
    program = commands.find_program("7zz", "7zip", fallback=DEBIAN_13)
    # with an empty password 7-Zip never prompts for one; it cannot read a list that needs one
    options = (f"-t{kind}", "-p-", "-spd", "-bd", str(archive))
    text = external.listing([program, "l", "-slt", "-ba", *options], quota, b"\nPath = ")
    blocks = [_fields(block) for block in text.decode("utf-8", "surrogateescape").split("\n\n") if block.strip()]
    if any(fields.get("Encrypted") == "+" for fields in blocks):
        raise ArchiveError("encrypted; ask for it without a password")
    try:
        entries = [_entry(index, fields) for index, fields in enumerate(blocks)]
    except (LookupError, ValueError) as error:  # a comment may hold lines of any kind
        raise ArchiveError(f"its list of members is malformed: {error!r}") from error
    packed = [entry for entry in entries if entry.kind != "folder"]

    with NamedTemporaryFile("w", encoding="utf-8", errors="surrogateescape", suffix=".txt") as names:

        def command(rest: Sequence[Entry]) -> list[str]:
            everything = len(rest) == len(packed)
            return [program, "x", "-so", *options, *([] if everything else [_include(rest, names)])]

        yield from external.members(packed, quota, command)


def _fields(block: str) -> dict[str, str]:
    """Return the fields of a member, ``{"Path": "a.mov", "Size": "12", ...}``, from its lines."""
    return dict(line.split(" = ", 1) for line in block.split("\n") if " = " in line)


def _entry(index: int, fields: dict[str, str]) -> Entry:
    return Entry(
        index=index,
        name=fields["Path"],
        kind=_kind(fields),
        size=int(fields.get("Size") or 0),
        crc=int(fields["CRC"], 16) if fields.get("CRC") else None,
        block=fields.get("Block") or str(index),
    )


def _kind(fields: dict[str, str]) -> Kind:
    """Return the kind of a member from its attributes: ``D drwxr-xr-x``, ``A -rw-r--r--``, or ``A`` from Windows.

    Windows marks every kind of link (reparse point) with ``L``.
    """
    attributes = fields.get("Attributes", "").split()
    if fields.get("Folder") == "+" or any(word.startswith("D") for word in attributes):
        return "folder"
    if attributes and "L" in attributes[0]:
        return "link"
    mode = attributes[-1] if attributes and len(attributes[-1]) == len("-rw-r--r--") else "-"
    return KINDS.get(mode[0], "file")


def _include(entries: Sequence[Entry], names: "_TemporaryFileWrapper[str]") -> str:
    """Write the names of ``entries`` to the file ``names``; return the option that selects them."""
    names.seek(0)
    names.truncate()
    names.writelines(f"{entry.name}\n" for entry in entries)
    names.flush()
    return f"-i@{names.name}"

"""Whether a RAR lacks other volumes. The headers of RAR 4 and RAR 5 say so (technote.txt of both)."""

import zlib
from pathlib import Path

RAR4, RAR5 = b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"
MAIN_4, END_4 = 0x73, 0x7B
MAIN_5, END_5 = 1, 5
"""The types of the main header and of the block at the end."""

VOLUME, NEXT_VOLUME = 0x1, 0x1
"""Flags of the main header, and of the block at the end."""

FIRST_VOLUME_4, NUMBERED_5 = 0x100, 0x2
"""Flags of the main header: RAR 4 marks the first volume, RAR 5 numbers the others."""

EXTRA_AREA, DATA_AREA = 0x1, 0x2
HEAD_BYTES = 256
END_BYTES = 64


def is_incomplete(archive: Path) -> bool:
    """Return whether this is one of several volumes, even if it is here alone.

    A program that splits an archive may be done after one volume. That is the first one and also the last.
    """
    with open(archive, "rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(max(0, archive.stat().st_size - END_BYTES))
        end = file.read(END_BYTES)
    if head.startswith(RAR5):
        flags = _main_flags_5(head[len(RAR5) + 4 :])  # after the checksum of the header
        return bool(flags & VOLUME) and not (not flags & NUMBERED_5 and _is_last_5(end))
    if head.startswith(RAR4) and len(head) >= 12 and head[9] == MAIN_4:
        flags = int.from_bytes(head[10:12], "little")
        return bool(flags & VOLUME) and not (flags & FIRST_VOLUME_4 and _is_last_4(end))
    return False


def _main_flags_5(header: bytes) -> int:
    """The flags of the archive in a main header; 0 for another header."""
    try:
        _, header = _vint(header)  # its size
        kind, header = _vint(header)
        flags, header = _vint(header)
        for area in (EXTRA_AREA, DATA_AREA):
            if flags & area:
                _, header = _vint(header)
        return _vint(header)[0] if kind == MAIN_5 else 0
    except IndexError:
        return 0


def _is_last_5(end: bytes) -> bool:
    """Whether a file that ends so closes with an intact block that announces no further volume."""
    for start in range(len(end) - 4):
        header = end[start + 4 :]
        if zlib.crc32(header) == int.from_bytes(end[start : start + 4], "little"):
            try:
                _, header = _vint(header)
                kind, header = _vint(header)
                _, header = _vint(header)
                return kind == END_5 and not _vint(header)[0] & NEXT_VOLUME
            except IndexError:
                return False
    return False


def _is_last_4(end: bytes) -> bool:
    """As `_is_last_5`."""
    for start in range(len(end) - 6):
        header = end[start + 2 :]
        checksum = int.from_bytes(end[start : start + 2], "little")
        if header[0] == END_4 and zlib.crc32(header) & 0xFFFF == checksum:
            return not header[1] & NEXT_VOLUME
    return False


def _vint(data: bytes) -> tuple[int, bytes]:
    """Return the integer at the start of ``data``, seven bits a byte and the lowest first, and what follows."""
    number = 0
    for place in range(10):
        number |= (data[place] & 0x7F) << 7 * place
        if not data[place] & 0x80:
            return number, data[place + 1 :]
    raise IndexError

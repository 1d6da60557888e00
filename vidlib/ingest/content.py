"""What arrived, by its content: a web page instead of a file, an archive that was cut off."""

import struct
import zipfile
from pathlib import Path, PurePath

from vidlib.errors import RefusedInput
from vidlib.ingest.formats import archive_format
from vidlib.text import printable

HEAD_BYTES = 1024
PAGES = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<!-")
XML = b"<?xml"
ARCHIVE_SUFFIXES = frozenset({".zip", ".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz"})
SEVENZIP_HEADER = struct.Struct("<6sBBLQQL")  # 7zFormat.txt: signature, version, CRC, offset, size and CRC of the index


def check_head(head: bytes) -> None:
    """Raise RefusedInput if a file begins as a web page or an error message does, not as anything delivered."""
    text = head[:HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(PAGES) or (text.startswith(XML) and (b"<html" in text or b"<error>" in text)):
        raise RefusedInput(
            "a web page came instead of a file: the link has expired, wants a password, or opens only in a browser; "
            "open it there"
        )
    if text.startswith(b"{") and b'"error' in text:
        raise RefusedInput(f"an error message came instead of a file: {printable(text[:120], ' ')}")


def check_whole(path: Path, name: str) -> None:
    """Raise RefusedInput unless ``path``, to be called ``name``, may be a whole delivery.

    Only what is quick to see: `extract` and `convert` look at every byte.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise RefusedInput("an empty file came")
    check_head(head)
    known = archive_format(path)
    if known is None and PurePath(name).suffix.lower() in ARCHIVE_SUFFIXES:
        raise RefusedInput(f"it is called {name} but is no archive; it begins with {head[:16]!r}")
    if known and known.name == "ZIP" and not zipfile.is_zipfile(path):
        raise RefusedInput("the archive is cut off: the list of files at the end of a ZIP is missing")
    if known and known.name == "7z" and path.stat().st_size < _sevenzip_size(head):
        raise RefusedInput("the archive is cut off: the list of files at the end of a 7z is missing")


def _sevenzip_size(head: bytes) -> int:
    """How long a 7z file says that it is, in bytes."""
    if len(head) < SEVENZIP_HEADER.size:
        return SEVENZIP_HEADER.size
    *_, offset, size, _ = SEVENZIP_HEADER.unpack_from(head)
    return SEVENZIP_HEADER.size + offset + size

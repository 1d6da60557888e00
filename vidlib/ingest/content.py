"""Checks of a downloaded file by its content: a web page instead of a file, an incomplete archive."""

import re
import struct
import zipfile
from pathlib import Path, PurePath

from vidlib.errors import RefusedInput
from vidlib.ingest.formats import archive_format
from vidlib.media.signatures import not_a_video
from vidlib.media.suffixes import is_video_name
from vidlib.text import printable

HEAD_BYTES = 1024
PAGES = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<!-")
XML = b"<?xml"
BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
# fmt: off
ARCHIVE_SUFFIXES = frozenset({
    ".7z", ".ace", ".arj", ".bz2", ".cab", ".gz", ".lha", ".lz", ".lzh", ".rar", ".tar", ".tbz", ".tbz2", ".tgz",
    ".txz", ".tzst", ".xz", ".zip", ".zipx", ".zst",
})
# fmt: on
ARCHIVE_PART = re.compile(r"\.(r\d\d|z\d\d|\d{3})", re.IGNORECASE)
"""The suffixes of further parts: .r00, .z01, .001."""

SEVENZIP_HEADER = struct.Struct("<6sBBLQQL")
"""Signature, version, CRC, then offset, size and CRC of the index (7zFormat.txt)."""


def check_head(head: bytes) -> None:
    """Raise RefusedInput if a file begins like a web page or an error message."""
    text = head[:HEAD_BYTES].replace(b"\0", b"")  # also UTF-16
    for mark in BYTE_ORDER_MARKS:
        text = text.removeprefix(mark)
    text = text.lstrip().lower()
    if text.startswith(PAGES) or (text.startswith(XML) and (b"<html" in text or b"<error>" in text)):
        raise RefusedInput(
            "a web page came instead of a file: the link has expired, needs a password, or works only in a browser; "
            "open it there"
        )
    if text.startswith(b"{") and b'"error' in text:
        raise RefusedInput(f"an error message came instead of a file: {printable(text[:120], ' ')}")


def check_complete(path: Path, name: str) -> None:
    """Raise RefusedInput unless ``path``, which will be called ``name``, may be a complete file.

    These checks are quick. The steps extract and convert later read every byte.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise RefusedInput("an empty file came")
    check_head(head)
    if is_video_name(name) and not_a_video(path) == "a text":
        raise RefusedInput(f"a text came instead of a video; it begins with {printable(head[:60].strip(), ' ')!r}")
    known = archive_format(path)
    if known is None and has_archive_name(name):
        raise RefusedInput(f"its name is {name} but it is not an archive; it begins with {head[:16]!r}")
    if known and known.name == "ZIP" and not zipfile.is_zipfile(path):
        raise RefusedInput("the archive is cut off: the list of files at the end of a ZIP is missing")
    if known and known.name == "7z" and path.stat().st_size < _sevenzip_size(head):
        raise RefusedInput("the archive is cut off: the list of files at the end of a 7z is missing")


def has_archive_name(name: str) -> bool:
    """Return whether a file of this name should be an archive.

    >>> has_archive_name("Job.ZIP"), has_archive_name("job.r00"), has_archive_name("clip.mp4")
    (True, True, False)
    """
    suffix = PurePath(name).suffix.lower()
    return suffix in ARCHIVE_SUFFIXES or ARCHIVE_PART.fullmatch(suffix) is not None


def _sevenzip_size(head: bytes) -> int:
    """Return the size of a 7z file in bytes according to its header."""
    if len(head) < SEVENZIP_HEADER.size:
        return SEVENZIP_HEADER.size
    *_, offset, size, _ = SEVENZIP_HEADER.unpack_from(head)
    return SEVENZIP_HEADER.size + int(offset) + int(size)

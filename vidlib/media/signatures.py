"""The first bytes of files that are certainly no videos, so that FFmpeg need not open each document of a delivery."""

from pathlib import Path

HEAD_BYTES = 512

TEXT_BYTES = frozenset({7, 8, 9, 10, 12, 13, 27, *range(0x20, 0x7F), *range(0x80, 0x100)})
"""The bytes of text in UTF-8 or an older encoding, as file(1) knows them."""

SIGNATURES = {
    "an image": (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"II*\0", b"MM\0*", b"BM", b"8BPS", b"\0\0\1\0"),
    "a document": (b"%PDF-", b"{\\rtf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1", b"SQLite format 3\0"),
    "a sound file": (b"ID3", b"fLaC", b"FORM", b"MThd", b"#!AMR"),
    "a program": (b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe"),
}
"""What a file is that begins with one of these bytes (the sources are the formats' specifications and file(1))."""

STILL_BRANDS = (b"heic", b"heix", b"heif", b"mif1", b"avif", b"crx ", b"jp2 ", b"jxl ")
"""The brands of images in the container of MP4 (ISO/IEC 23008-12, 10.2; AV1 Image File Format, 6)."""


def not_a_video(path: Path) -> str | None:
    """Return what ``path`` is if its first bytes show that it is no video, such as ``an image``; otherwise None.

    Raises OSError if the file cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        return "an empty file"
    for what, beginnings in SIGNATURES.items():
        if head.startswith(beginnings):
            return what
    if head[4:8] == b"ftyp" and head[8:12] in STILL_BRANDS:
        return "an image"
    if head.startswith(b"RIFF") and head[8:12] in (b"WAVE", b"WEBP"):
        return "a sound file" if head[8:12] == b"WAVE" else "an image"
    return "a text" if TEXT_BYTES.issuperset(head) else None

"""The archive formats: a table of their first bytes and of the functions that yield their members."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from vidlib.ingest.formats import rar, sevenzip, tar
from vidlib.ingest.formats import zip as pkzip
from vidlib.ingest.formats.limits import Quota
from vidlib.ingest.formats.member import Member

HEAD_BYTES = 512


@dataclass(frozen=True)
class Format:
    """An archive format: its name, the bytes at ``offset`` that identify it, and the function that reads it."""

    name: str
    magic: tuple[bytes, ...]
    members: Callable[[Path, Quota], Generator[Member, None, None]]
    offset: int = 0

    def fits(self, head: bytes) -> bool:
        """Return whether a file that begins with ``head`` has this format."""
        return head[self.offset :].startswith(self.magic)


FORMATS = (
    Format("ZIP", (b"PK\x03\x04", b"PK\x05\x06"), pkzip.members),
    Format("7z", (b"7z\xbc\xaf\x27\x1c",), sevenzip.members),
    Format("RAR", (b"Rar!\x1a\x07",), rar.members),
    Format("TAR, gzip", (b"\x1f\x8b",), tar.gzipped),
    Format("TAR, bzip2", (b"BZh",), tar.bzipped),
    Format("TAR, xz", (b"\xfd7zXZ\x00",), tar.xzipped),
    Format("TAR, zstd", (b"\x28\xb5\x2f\xfd",), tar.zstandard),
    Format("TAR", (b"ustar",), tar.plain, offset=257),
)


def archive_format(path: Path) -> Format | None:
    """Return the format of the archive ``path`` by its first bytes, whatever its name, or None for another file."""
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    return next((known for known in FORMATS if known.fits(head)), None)

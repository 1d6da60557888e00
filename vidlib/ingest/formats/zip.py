"""ZIP, read with `zipfile`, or with 7-Zip if `zipfile` cannot."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path

from vidlib.errors import ArchiveError
from vidlib.ingest.formats import sevenzip
from vidlib.ingest.formats.limits import MIB, Quota
from vidlib.ingest.formats.member import CHUNK_BYTES, Damaged, Kind, Member, checked

ENCRYPTED, UTF8 = 0x1, 0x800  # bits of a member's flags, APPNOTE.TXT 4.4.4
REPARSE_POINT = 0x400  # a link of any kind, in the attributes of Windows
ENTRY = b"PK\x01\x02"  # begins an entry of the directory
EXTRA_HEADER = struct.Struct("<HH")  # of each extra field: its id and size, APPNOTE.TXT 4.5.1
UNICODE_PATH, UNICODE_PATH_HEADER = 0x7075, struct.Struct("<BL")  # version and CRC of the name, APPNOTE.TXT 4.6.9
LOCAL_HEADER_BYTES = 30
MAX_DIRECTORY_BYTES = 32 * MIB

READ_HERE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Methods that zipfile reads in pieces. With bzip2 and LZMA it uses as much memory as the archive asks for."""

UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
)
"""What zipfile raises for damaged or unknown data."""


def members(archive: Path, quota: Quota) -> Generator[Member, None, None]:
    """Yield the members of a ZIP in the order of its directory.

    7-Zip reads a ZIP without a directory (it was cut off), and one with methods that zipfile lacks (Windows uses
    Deflate64 for files over 2 GB) or does not limit.
    """
    with _Guarded(archive) as file:
        try:
            opened = file.opened(quota)
        except UNREADABLE as error:
            yield from sevenzip.members(archive, quota, "zip")
            raise Damaged(f"its directory cannot be read ({error}), so more members may be lost") from error
        infos = opened.infolist()
        _check(infos, opened.start_dir, quota)
        if any(info.compress_type not in READ_HERE for info in infos):
            yield from sevenzip.members(archive, quota, "zip")
            return
        for info in infos:
            yield Member(_name(info), _kind(info), partial(_chunks, opened, info))


class _Guarded(io.FileIO):
    """A file with a limit for a single read: zipfile reads the whole directory, whatever size it claims."""

    _quota: Quota | None = None

    def opened(self, quota: Quota) -> zipfile.ZipFile:
        """Return the ZIP with its directory; raises ArchiveError if that has too many entries."""
        self._quota = quota
        directory = zipfile.ZipFile(self)
        self._quota = None
        return directory

    def read(self, size: int | None = -1) -> bytes:
        """Read like a file; raises ArchiveError for more than MAX_DIRECTORY_BYTES at once."""
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise ArchiveError(f"hostile directory: it claims {size} bytes")
        data = super().read(size)
        if self._quota:  # before zipfile creates an object for each
            self._quota.check_members(data.count(ENTRY))
        return data


def _check(infos: list[zipfile.ZipInfo], directory_start: int, quota: Quota) -> None:
    if any(info.flag_bits & ENCRYPTED for info in infos):
        raise ArchiveError("encrypted; ask for it without a password")
    quota.check_members(len(infos))
    quota.check_bytes(sum(info.file_size for info in infos))
    # overlapping members fit any amount into a small file; Python 3.11.7 does not check
    starts = sorted(infos, key=lambda info: info.header_offset)
    for info, following in pairwise([*(_span(info) for info in starts), (directory_start, 0)]):
        if info[1] > following[0]:
            raise ArchiveError("hostile: its members overlap; or it is one part of a ZIP in several parts")


def _span(info: zipfile.ZipInfo) -> tuple[int, int]:
    """Return where the header of a member starts, and where its bytes end at the earliest."""
    return info.header_offset, info.header_offset + LOCAL_HEADER_BYTES + info.compress_size


def _name(info: zipfile.ZipInfo) -> str | bytes:
    if info.flag_bits & UTF8:
        return info.orig_filename
    raw = info.orig_filename.encode("cp437")
    return _unicode_path(info.extra, raw) or raw


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Return the name in the Info-ZIP Unicode Path extra field, unless that belongs to another name than ``raw``."""
    while len(extra) >= EXTRA_HEADER.size:
        kind, size = EXTRA_HEADER.unpack_from(extra)
        body, extra = extra[EXTRA_HEADER.size : EXTRA_HEADER.size + size], extra[EXTRA_HEADER.size + size :]
        if kind == UNICODE_PATH and len(body) == size > UNICODE_PATH_HEADER.size:
            version, crc = UNICODE_PATH_HEADER.unpack_from(body)
            if (version, crc) == (1, zlib.crc32(raw)):
                with suppress(UnicodeDecodeError):
                    return body[UNICODE_PATH_HEADER.size :].decode()
    return None


def _kind(info: zipfile.ZipInfo) -> Kind:
    mode = info.external_attr >> 16  # Unix tools keep st_mode there, others leave zeros
    if info.orig_filename.endswith(("/", "\\")) or stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode) or info.external_attr & REPARSE_POINT:
        return "link"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "device"


def _chunks(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    def read() -> Iterator[bytes]:
        with opened.open(info) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    try:
        yield from checked(read(), info.file_size, crc=None)  # zipfile compares the checksum
    except UNREADABLE as error:
        raise Damaged(str(error)) from error

"""TAR, plain or compressed, read as a stream from front to back."""

import bz2
import gzip
import lzma
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from vidlib.errors import ArchiveError
from vidlib.ingest.formats.limits import MIB, Quota
from vidlib.ingest.formats.member import CHUNK_BYTES, Damaged, Kind, Member, checked
from vidlib.ingest.formats.xz import Xz

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_HEADER_BYTES = 64 * 1024  # tarfile reads an extended header whole, and takes time that grows with its square
MAX_HEADERS_BYTES = MIB  # all headers of one member, with the map of a sparse one
MAX_GLOBAL_BYTES = 4096  # tarfile copies the fields of global headers for every member
BLOCK_BYTES = 64 * 1024  # what is decompressed at once, and lost at once where that fails
OVERHEAD_BYTES = 4096  # headers and padding of one member, generously

# what tarfile raises on crafted or broken headers, and the decompressors on broken data
BAD_HEADER = (tarfile.TarError, ValueError, LookupError, ArithmeticError, RecursionError)
BAD_DATA = (OSError, zlib.error, lzma.LZMAError, zstd.ZstdError)
NOT_MORE = ("Not a gzipped file", "Unknown frame descriptor")  # of bytes behind a sound end, by gzip and zstd
MAX_EMPTY_READS = 8  # tarfile would go on, for hours, to where a header says that the next one is

Reading = Callable[[], AbstractContextManager[None]]


def members(open_stream: Callable[[Path], BinaryIO], archive: Path, quota: Quota) -> Iterator[Member]:
    """The members of the TAR that ``open_stream(archive)`` reads, in order."""
    with open_stream(archive) as stream:
        metered = _Metered(stream, quota)
        reading = _reading_plain if open_stream is _open_plain else _reading_compressed
        tar = _open_tar(metered)
        while info := _next(tar, reading):
            if info.sparse is not None:
                quota.check_bytes(info.size)  # a few bytes may stand for terabytes
            tar.members.clear()  # tarfile keeps them all, with their headers
            name = info.name.encode("utf-8", "surrogateescape")
            yield Member(name, _kind(info), partial(_chunks, tar, info, reading))
        # the checksum of all that was compressed comes at the very end, behind what tarfile reads
        while metered.read(CHUNK_BYTES):
            pass


_open_plain = partial(open, mode="rb")

plain = partial(members, _open_plain)
gzipped = partial(members, gzip.open)
bzipped = partial(members, bz2.open)
xzipped = partial(members, Xz)
zstandard = partial(members, zstd.open)


def _open_tar(stream: "_Metered") -> tarfile.TarFile:
    """Read the first header; raises ArchiveError if it is none."""
    options = {"bufsize": BLOCK_BYTES, "tarinfo": _Header, "encoding": "utf-8", "errors": "surrogateescape"}
    try:
        return tarfile.open(fileobj=stream, mode="r|", **options)
    except (*BAD_HEADER, Damaged) as error:
        raise ArchiveError(f"holds no TAR that can be read: {error}") from error


class _Header(tarfile.TarInfo):
    """A header that is checked more strictly than tarfile does."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> "_Header":
        """tarfile takes a damaged header, and a missing end mark, for the end of the archive: say so instead."""
        try:
            with _source(tar).header():
                return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:
            raise
        except (tarfile.EmptyHeaderError, tarfile.TruncatedHeaderError) as error:
            raise Damaged("cut short; what follows is lost") from error
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"damaged header: {error}") from error

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        """tarfile's documented place for a subclass to step in before it acts on a header."""
        extended = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
        long_name = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
        if self.size < 0 or (self.type in extended + long_name and self.size > MAX_HEADER_BYTES):
            raise ArchiveError(f"hostile header: it says that it is {self.size} bytes long")
        if self.type == tarfile.XGLTYPE:
            _source(tar).global_header(self.size)
        return super()._proc_member(tar)


def _source(tar: tarfile.TarFile) -> "_Metered":
    """What `_open_tar` gave to tarfile."""
    return tar.fileobj.fileobj


class _Metered:
    """A stream whose every byte counts, also those that no file keeps: a bomb may hide between members."""

    def __init__(self, stream: BinaryIO, quota: Quota):
        self._stream, self._quota, self._n_bytes = stream, quota, 0
        self._n_global = self._n_empty = 0
        self._header_from: int | None = None

    def read(self, size: int) -> bytes:
        """Raises Damaged at an end that comes too early, ArchiveError for data that are not what was compressed."""
        try:
            data = self._stream.read1(size)  # `read` would lose what comes before damage
        except EOFError as error:
            raise Damaged("cut short; what follows is lost") from error
        except BAD_DATA as error:
            if not self._n_bytes or not any(words in str(error) for words in NOT_MORE):
                raise _no_file_is_safe(error) from error
            data = b""
        self._n_bytes += len(data)
        self._n_empty += not data
        if self._n_empty > MAX_EMPTY_READS:
            raise Damaged("cut short; what follows is lost")
        self._quota.check_bytes(self._n_bytes - MIB - OVERHEAD_BYTES * self._quota.members)
        if self._header_from is not None and self._n_bytes - self._header_from > MAX_HEADERS_BYTES + BLOCK_BYTES:
            raise ArchiveError(f"hostile header: that of one member is longer than {MAX_HEADERS_BYTES} bytes")
        return data

    @contextmanager
    def header(self) -> Iterator[None]:
        """While the header of one member is read, with those that stand before it and are read inside."""
        outer = self._header_from
        self._header_from = self._n_bytes if outer is None else outer
        try:
            yield
        finally:
            self._header_from = outer

    def global_header(self, n_bytes: int) -> None:
        """Count a header that says something of all members behind it."""
        self._n_global += n_bytes
        if self._n_global > MAX_GLOBAL_BYTES:
            raise ArchiveError(f"hostile header: it says more than {MAX_GLOBAL_BYTES} bytes of every member")


def _no_file_is_safe(error: Exception) -> ArchiveError:
    """Decompressors notice damage late, at worst at the very end, when every file may have been hit."""
    return ArchiveError(
        f"its data are damaged, or ask for too much memory ({error}), and TAR has no checksums that tell which files "
        "are whole; ask for it again"
    )


@contextmanager
def _reading_plain() -> Iterator[None]:
    try:
        yield
    except BAD_HEADER as error:
        raise Damaged(f"damaged or cut ({error}); what follows is lost") from error


@contextmanager
def _reading_compressed() -> Iterator[None]:
    """What does not fit in a decompressed TAR was decompressed wrongly, and so, perhaps, was what came before."""
    try:
        yield
    except BAD_HEADER as error:
        raise _no_file_is_safe(error) from error


def _next(tar: tarfile.TarFile, reading: Reading) -> tarfile.TarInfo | None:
    with reading():
        return tar.next()


def _chunks(tar: tarfile.TarFile, info: tarfile.TarInfo, reading: Reading) -> Iterator[bytes]:
    def read() -> Iterator[bytes]:
        file = tar.extractfile(info)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk

    with reading():
        yield from checked(read(), info.size, crc=None)


def _kind(info: tarfile.TarInfo) -> Kind:
    if info.isreg():
        return "file"
    if info.isdir():
        return "folder"
    return "link" if info.issym() or info.islnk() else "device"

"""TAR, plain or compressed, read as one stream from start to end."""

import bz2
import gzip
import lzma
import sys
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

from vidlib.errors import ArchiveError
from vidlib.ingest.formats.limits import MIB, Quota
from vidlib.ingest.formats.member import CHUNK_BYTES, Damaged, Kind, Member, checked
from vidlib.ingest.formats.xz import Xz

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAGIC = b"ustar"
MAX_HEADER_BYTES = 64 * 1024  # tarfile reads an extended header at once, in time that grows with its square
MAX_HEADERS_BYTES = MIB  # all headers of one member, with the map of a sparse one
MAX_GLOBAL_BYTES = 4096  # tarfile copies the fields of global headers for every member
BLOCK_BYTES = 64 * 1024  # decompressed at once, and lost at once after damage
OVERHEAD_BYTES = 4096  # headers and padding of one member, generously

# errors of tarfile for crafted or damaged headers, and of decompressors for damaged data
BAD_HEADER = (tarfile.TarError, ValueError, LookupError, ArithmeticError, RecursionError)
BAD_DATA = (OSError, zlib.error, lzma.LZMAError, zstd.ZstdError)
NOT_MORE = ("Not a gzipped file", "Unknown frame descriptor")  # messages of gzip and zstd for bytes after an intact end
MAX_EMPTY_READS = 8  # tarfile would read on for hours to the next header that a header claims

header_errors: Any = tarfile
"""tarfile with the errors of headers, which typeshed lacks."""

Reading = Callable[[], AbstractContextManager[None]]


class Stream(Protocol):
    """A decompressed stream."""

    def read1(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""
        ...


Open = Callable[[Path], AbstractContextManager[Stream]]


def members(open_stream: Open, archive: Path, quota: Quota) -> Generator[Member, None, None]:
    """Yield the members of the TAR that ``open_stream(archive)`` reads, in order."""
    with open_stream(archive) as stream:
        metered = _Metered(stream, quota)
        reading = _reading_plain if open_stream is _open_plain else _reading_compressed
        tar = _open_tar(metered)
        while info := _next(tar, reading):
            if info.sparse is not None:
                quota.check_bytes(info.size)  # a few bytes may claim terabytes
            tar.members.clear()  # type: ignore[attr-defined]  # tarfile stores them all, with their headers
            name = info.name.encode("utf-8", "surrogateescape")
            yield Member(name, _kind(info), partial(_chunks, tar, info, reading))
        # the checksum of the compressed data comes at the very end, after the last byte that tarfile reads
        follows = False
        while rest := cast("Any", tar.fileobj).read(CHUNK_BYTES):
            follows = follows or MAGIC in rest
        if follows:
            raise Damaged("another TAR follows its end, as after cat a.tar b.tar; only the first was unpacked")


def _open_plain(path: Path) -> AbstractContextManager[Stream]:
    return open(path, "rb")


plain = partial(members, _open_plain)
gzipped = partial(members, gzip.GzipFile)
bzipped = partial(members, bz2.BZ2File)
xzipped = partial(members, Xz)
zstandard = partial(members, zstd.ZstdFile)


def _open_tar(stream: "_Metered") -> tarfile.TarFile:
    """Open the TAR and read its first header; raises ArchiveError if it is invalid."""
    fileobj = cast("Any", stream)  # tarfile only calls its `read`
    try:
        return tarfile.open(
            fileobj=fileobj,
            mode="r|",
            bufsize=BLOCK_BYTES,
            tarinfo=_Header,
            encoding="utf-8",
            errors="surrogateescape",
        )
    except (*BAD_HEADER, Damaged) as error:
        raise ArchiveError(f"does not contain a readable TAR: {error}") from error


class _Header(tarfile.TarInfo):
    """A header with stricter checks than those of tarfile."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> "_Header":
        """Raise Damaged for a damaged header or a missing end mark, which tarfile reads as the end of the archive."""
        try:
            with _source(tar).header():
                return super().fromtarfile(tar)
        except header_errors.EOFHeaderError:
            raise
        except (header_errors.EmptyHeaderError, header_errors.TruncatedHeaderError) as error:
            raise Damaged("cut short; what follows is lost") from error
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"damaged header: {error}") from error

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        """Check a header before tarfile acts on it: its documentation names this method for subclasses."""
        extended = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
        long_name = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
        if self.size < 0 or (self.type in extended + long_name and self.size > MAX_HEADER_BYTES):
            raise ArchiveError(f"hostile header: it claims {self.size} bytes")
        if self.type == tarfile.XGLTYPE:
            _source(tar).global_header(self.size)
        return cast("tarfile.TarInfo", super()._proc_member(tar))  # type: ignore[misc]  # typeshed lacks it


def _source(tar: tarfile.TarFile) -> "_Metered":
    """Return the stream that `_open_tar` gave to tarfile."""
    return cast("_Metered", cast("Any", tar.fileobj).fileobj)


class _Metered:
    """A stream that counts every byte, also those outside files: a bomb may hide between members."""

    def __init__(self, stream: Stream, quota: Quota):
        self._stream, self._quota, self._n_bytes = stream, quota, 0
        self._n_global = self._n_empty = 0
        self._header_from: int | None = None

    def read(self, size: int) -> bytes:
        """Read at most ``size`` bytes; raises Damaged at an early end, and ArchiveError for damaged data."""
        try:
            data = self._stream.read1(size)  # `read` would lose the bytes before the damage
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
            raise ArchiveError(f"hostile header: one member has a header of more than {MAX_HEADERS_BYTES} bytes")
        return data

    @contextmanager
    def header(self) -> Iterator[None]:
        """Count the bytes of the header of one member, with the extended headers that are read inside."""
        outer = self._header_from
        self._header_from = self._n_bytes if outer is None else outer
        try:
            yield
        finally:
            self._header_from = outer

    def global_header(self, n_bytes: int) -> None:
        """Count a header that applies to all members after it."""
        self._n_global += n_bytes
        if self._n_global > MAX_GLOBAL_BYTES:
            raise ArchiveError(f"hostile header: it applies more than {MAX_GLOBAL_BYTES} bytes to every member")


def _no_file_is_safe(error: Exception) -> ArchiveError:
    """Return an error for damage in a compressed TAR: decompressors notice it late, when any file may be damaged."""
    return ArchiveError(
        f"its data are damaged or need too much memory ({error}), and TAR has no checksums that tell which files "
        "are intact; ask for it again"
    )


@contextmanager
def _reading_plain() -> Iterator[None]:
    try:
        yield
    except BAD_HEADER as error:
        raise Damaged(f"damaged or cut ({error}); what follows is lost") from error


@contextmanager
def _reading_compressed() -> Iterator[None]:
    """Refuse the whole archive: if decompression produced an invalid header, it may have damaged earlier files."""
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
        while file and (chunk := file.read(CHUNK_BYTES)):
            yield chunk

    with reading():
        yield from checked(read(), info.size, crc=None)


def _kind(info: tarfile.TarInfo) -> Kind:
    if info.isreg():
        return "file"
    if info.isdir():
        return "folder"
    return "link" if info.issym() or info.islnk() else "device"

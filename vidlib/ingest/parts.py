"""Partial files of downloads: ``<name>.part``, and beside it a hidden JSON file that describes the whole file."""

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, Self
from urllib.parse import unquote, urlsplit

from vidlib.errors import DownloadFailed
from vidlib.files import fsync, write_json
from vidlib.ingest.names import safe_name
from vidlib.ingest.urls import FILE_NAME, handle, key_of

SYNC_BYTES = 32 << 20
"""A partial file is synced to the disk after this many new bytes."""

READ_BYTES = 1 << 20


@dataclass(frozen=True)
class RemoteInfo:
    """What a server told about a file in its first answer; later answers must agree with it.

    ``address`` is that of the file, redacted. ``total`` is its size in bytes, or None if unknown. The names
    of the fields are keys in the JSON file.
    """

    address: str
    etag: str | None = None
    modified: str | None = None
    total: int | None = None
    name: str | None = None

    @property
    def validator(self) -> str | None:
        """The value for If-Range (RFC 9110, 13.1.5): a strong ETag, otherwise the date of the last change."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


@dataclass
class PartialFile:
    """The bytes of a file so far, with their running SHA-256. `open_part` opens one.

    Of its ``size`` bytes, ``synced`` survive a power cut.
    """

    path: Path
    file: IO[bytes]
    about: RemoteInfo | None = None
    size: int = 0
    synced: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    finished: bool = False

    @property
    def can_be_resumed(self) -> bool:
        """Whether a later attempt can request the rest: the server must be able to say that the file is the same."""
        return bool(self.size and self.about and self.about.validator)

    @property
    def info_file(self) -> Path:
        """The JSON file beside the partial file."""
        return self.path.with_name(f".{self.path.name}.json")

    def restart(self, about: RemoteInfo | None) -> None:
        """Drop all bytes; the next ones belong to the file ``about``, or to one that is not known yet."""
        self.file.seek(0)
        self.file.truncate()
        self.about, self.size, self.synced, self.digest = about, 0, 0, hashlib.sha256()
        self._write_info()

    def write(self, chunk: bytes) -> None:
        """Append bytes; they outlive this process at once."""
        self.file.write(chunk)
        self.file.flush()  # else a killed process loses what its buffer held, 128 KiB from Python 3.14 on
        self.digest.update(chunk)
        self.size += len(chunk)

    def sync(self) -> None:
        """Sync the bytes to the disk, so that they survive a power cut."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.synced = self.size
        self._write_info()

    def finish(self, name: str) -> Path:
        """Give the complete file its name in the same folder, with a number if the name is taken."""
        self.sync()
        target = _renamed(self.path, name)
        self.finished = True
        self.info_file.unlink(missing_ok=True)
        fsync(target.parent)
        return target

    def delete(self) -> None:
        """Remove the partial file and its JSON file."""
        self.path.unlink(missing_ok=True)
        self.info_file.unlink(missing_ok=True)

    def resume(self, check: Callable[[], None]) -> Self:
        """Read what an earlier process left, as far as it is certain to be on the disk; returns itself."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            info = json.loads(self.info_file.read_text())
            size = os.fstat(self.file.fileno()).st_size
            # after a restart of the machine, bytes that were not synced may be missing
            n_bytes = size if info["boot"] == _boot_id() else min(size, int(info["synced"]))
            if info["about"]:
                self.about = RemoteInfo(**info["about"])
                self._hash(n_bytes, check)
        self.file.truncate(self.size)
        self.file.seek(self.size)
        self.synced = self.size
        return self

    def _hash(self, n_bytes: int, check: Callable[[], None]) -> None:
        """Read the first ``n_bytes`` into the digest."""
        self.file.seek(0)
        while self.size < n_bytes and (chunk := self.file.read(min(READ_BYTES, n_bytes - self.size))):
            check()
            self.digest.update(chunk)
            self.size += len(chunk)

    def _write_info(self) -> None:
        about = asdict(self.about) if self.about else None
        write_json(self.info_file, {"about": about, "synced": self.synced, "boot": _boot_id()})


@contextmanager
def open_part(folder: Path, link: str, check: Callable[[], None] = lambda: None) -> Iterator[PartialFile]:
    """Open the partial file of ``link`` in ``folder``, as an earlier process left it or empty, and lock it.

    ``check`` is called while existing bytes are read, and may raise. A file that no later attempt can continue is
    removed at the end. Raises DownloadFailed while another process uses it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / part_name(link)
    with _open_own(path) as file:
        _lock(file, path)
        part = PartialFile(path, file).resume(check)
        try:
            yield part
        finally:
            if not (part.finished or part.can_be_resumed):
                part.delete()


def _open_own(path: Path) -> IO[bytes]:
    """Open or create a regular file of this user.

    Anything else under the name, such as a link that another user put there, is removed and not followed.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with suppress(OSError):  # such as ELOOP at a symbolic link
        fd = os.open(path, flags, 0o666)
        state = os.fstat(fd)
        if stat.S_ISREG(state.st_mode) and state.st_nlink == 1 and state.st_uid == os.geteuid():
            return os.fdopen(fd, "r+b")
        os.close(fd)
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, flags | os.O_EXCL, 0o666), "r+b")


def delete_part(folder: Path, link: str) -> bool:
    """Remove the partial file of ``link`` unless another process uses it. Returns whether it was removed."""
    if not (folder / part_name(link)).exists():
        return False
    try:
        with open_part(folder, link) as part:
            part.delete()
            return True
    except DownloadFailed:
        return False


def _lock(file: IO[bytes], path: Path) -> None:
    """Lock the file against other processes until it is closed; raises DownloadFailed if one has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):  # otherwise it was renamed or removed meanwhile
            return
    except OSError as error:
        raise DownloadFailed(f"{path}: another process downloads it now") from error
    raise DownloadFailed(f"{path}: another process has just downloaded it")


def part_name(link: str) -> str:
    """Return the name of the partial file of ``link``: readable, and different for every link.

    >>> part_name("https://example.org/Film%201.zip")
    'Film 1.zip.035bcb96.part'
    """
    return f"{label_of(link)}.{key_of(link)[:8]}.part"


def label_of(link: str) -> str:
    """Return a name for messages and tables: that of the file, or the handle of a link that does not show one.

    >>> label_of("https://example.org/a/film.zip?x=1"), label_of("https://example.org/d/5c1f")
    ('film.zip', 'link-bf10073c1762')
    """
    name = urlsplit(link.strip()).path.rpartition("/")[2]
    return name_of(link) if FILE_NAME.fullmatch(name) else handle(link)


def name_of(link: str) -> str:
    """Return a safe file name from the path of a link.

    >>> name_of("https://example.org/a/Film%2F1.zip?x=1"), name_of("https://example.org/")
    ('1.zip', 'download')
    """
    return safe_name(unquote(urlsplit(link).path).rstrip("/").rpartition("/")[2] or "download")


def _renamed(path: Path, name: str) -> Path:
    """Rename ``path`` to ``name``, with a number if needed; it never replaces an existing file."""
    wanted = path.with_name(name)
    for number in count(1):
        target = wanted if number == 1 else wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        try:
            os.link(path, target)
        except FileExistsError:
            continue
        except OSError:  # the file system has no hard links
            if target.exists():
                continue
            os.rename(path, target)
            return target
        path.unlink()
        return target
    raise AssertionError("unreachable")


def _boot_id() -> str:
    """Return the identifier of this start of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"

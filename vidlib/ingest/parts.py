"""Files that are still arriving: ``<name>.part``, and beside it a note of what it is a part of."""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, Self
from urllib.parse import unquote, urlsplit

from vidlib.errors import DownloadFailed
from vidlib.files import fsync, sha256_text, write_json
from vidlib.ingest.names import safe_name
from vidlib.ingest.urls import normalized

SYNC_BYTES = 32 << 20
"""How much may arrive before it is made to survive a power cut."""

READ_BYTES = 1 << 20


@dataclass(frozen=True)
class RemoteInfo:
    """What a server said of a file when its first bytes came: what the rest has to agree with.

    ``address`` is where it came from, without parameters; ``total`` is in bytes, None where it was not said.
    """

    address: str
    etag: str | None = None
    modified: str | None = None
    total: int | None = None
    name: str | None = None

    @property
    def validator(self) -> str | None:
        """What If-Range takes (RFC 9110, 13.1.5): a strong ETag, else the date of the last change."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


@dataclass
class PartialFile:
    """The bytes of a file so far; the SHA-256 is taken as they come. `open_part` makes one."""

    path: Path
    file: IO[bytes]
    about: RemoteInfo | None = None
    size: int = 0
    synced: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def info_file(self) -> Path:
        return self.path.with_name(f".{self.path.name}.json")

    def restart(self, about: RemoteInfo | None) -> None:
        """Forget all bytes; what comes now belongs to ``about``, or is not known yet."""
        self.file.seek(0)
        self.file.truncate()
        self.about, self.size, self.synced, self.digest = about, 0, 0, hashlib.sha256()
        self._write_info()

    def write(self, chunk: bytes) -> None:
        self.file.write(chunk)
        self.digest.update(chunk)
        self.size += len(chunk)

    def sync(self) -> None:
        """Make what is there survive a power cut."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.synced = self.size
        self._write_info()

    def finish(self, name: str) -> Path:
        """Give the file its name, in the same folder; a number is added to one that is taken."""
        self.sync()
        target = _renamed(self.path, name)
        self.info_file.unlink(missing_ok=True)
        fsync(target.parent)
        return target

    def delete(self) -> None:
        """Remove the file and its note: nothing of it is of use."""
        self.path.unlink(missing_ok=True)
        self.info_file.unlink(missing_ok=True)

    def _write_info(self) -> None:
        about = asdict(self.about) if self.about else None
        write_json(self.info_file, {"about": about, "synced": self.synced, "boot": _boot()})

    def resume(self, check: Callable[[], None]) -> Self:
        """Read what an earlier process left; it is kept as far as it is known to be on the disk."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            note = json.loads(self.info_file.read_text())
            size = os.fstat(self.file.fileno()).st_size
            # the memory of a machine that went down took some of the file with it
            kept = size if note["boot"] == _boot() else min(size, int(note["synced"]))
            if note["about"]:
                self.about = RemoteInfo(**note["about"])
                self._read(kept, check)
        self.file.truncate(self.size)
        self.file.seek(self.size)
        self.synced = self.size
        return self

    def _read(self, kept: int, check: Callable[[], None]) -> None:
        self.file.seek(0)
        while self.size < kept and (chunk := self.file.read(min(READ_BYTES, kept - self.size))):
            check()
            self.digest.update(chunk)
            self.size += len(chunk)


@contextmanager
def open_part(folder: Path, link: str, check: Callable[[], None] = lambda: None) -> Iterator[PartialFile]:
    """The part of what ``link`` leads to, in ``folder``: as an earlier process left it, or empty.

    ``check`` is called while it is read. Raises DownloadFailed while another process works on it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / part_name(link)
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
        _lock(file, path)
        part = PartialFile(path, file).resume(check)
        try:
            yield part
        finally:
            if not part.size:
                part.delete()


def delete_part(folder: Path, link: str) -> bool:
    """Remove what arrived of ``link``; whether there was anything. What another process works on is left alone."""
    if not (folder / part_name(link)).exists():
        return False
    try:
        with open_part(folder, link) as part:
            part.delete()
            return True
    except DownloadFailed:
        return False


def _lock(file: IO[bytes], path: Path) -> None:
    """Keep other processes from working on the file, for as long as it is open."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):  # else it got its name, or was removed, meanwhile
            return
    except OSError as error:
        raise DownloadFailed(f"{path}: another process downloads it now") from error
    raise DownloadFailed(f"{path}: another process has just downloaded it")


def part_name(link: str) -> str:
    """What the part of ``link`` is called: readable, and another one for every link.

    >>> part_name("https://example.org/Film%201.zip")
    'Film 1.zip.035bcb96.part'
    """
    return f"{name_of(link)}.{sha256_text(normalized(link))[:8]}.part"


def name_of(link: str) -> str:
    """A safe file name from the path of a link.

    >>> name_of("https://example.org/a/Film%2F1.zip?x=1"), name_of("https://example.org/")
    ('1.zip', 'download')
    """
    return safe_name(unquote(urlsplit(link).path).rstrip("/").rpartition("/")[2] or "download")


def _renamed(path: Path, name: str) -> Path:
    """Rename ``path`` to ``name``, or that with a number; what is there already is never replaced."""
    wanted = path.with_name(name)
    for number in count(1):
        target = wanted if number == 1 else wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        try:
            os.link(path, target)
        except FileExistsError:
            continue
        except OSError:  # a file system without hard links
            if target.exists():
                continue
            os.rename(path, target)
            return target
        path.unlink()
        return target
    raise AssertionError("unreachable")


def _boot() -> str:
    """This start of this machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"

"""Files that are complete or absent: atomic writes, verified copies, folders that appear by rename."""

import ctypes
import errno
import hashlib
import json
import os
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from filelock import BaseFileLock, FileLock, SoftFileLock
from pydantic import BaseModel, ConfigDict

from vidlib.errors import BrokenOutput

TMP_PREFIX = ".tmp-"
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h
CLOCK_REALTIME_COARSE = 5  # linux/time.h: the clock of a file's times

COARSEST_NS = 2_000_000_000
"""Nanoseconds between two times of a file on the coarsest file system, FAT."""

UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK})
"""Errors of a file system that lacks an operation."""

SWAP = ".swap"
"""The end of a folder's name between two renames of `replace_folder`."""

MAX_DIGESTS = 4096
"""Files whose SHA-256 a process remembers."""


@contextmanager
def atomic_write(path: Path, mode: str = "w", *, private: bool = False, **open_options: Any) -> Iterator[IO]:
    """Give a file to write to. It becomes ``path`` when the block ends without an error, and disappears otherwise.

    A ``private`` file can be read by this user alone; the umask decides about any other.
    """
    if "b" not in mode:
        open_options = {"encoding": "utf-8", **open_options}
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp = _name_beside(path)
    try:
        with open(tmp, mode.replace("w", "x"), opener=_private if private else None, **open_options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(tmp, path)
    finally:
        tmp.unlink(missing_ok=True)
    fsync(path.parent)


def _name_beside(target: Path) -> Path:
    """A temporary name beside ``target``. Temporary files of dead processes for the same target are removed.

    A process of another machine counts as dead here; it would lose a name that it needs for a moment only.
    """
    mark = sha256_text(target.name)[:12]
    for stale in stale_temp_files(target.parent, TMP_PREFIX, f"*-{mark}"):
        stale.unlink(missing_ok=True)
    return target.with_name(f"{TMP_PREFIX}{os.getpid()}-{os.urandom(4).hex()}-{mark}")


def stale_temp_files(folder: Path, prefix: str, rest: str = "*") -> Iterator[Path]:
    """Files in ``folder`` that dead processes of this machine left behind.

    Their names are ``prefix``, the process id, ``-``, and any text; ``rest`` is a pattern for all after the prefix.
    """
    for path in folder.glob(f"{prefix}{rest}"):
        if not Path(f"/proc/{path.name.removeprefix(prefix).split('-')[0]}").exists():
            yield path


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def write_text(path: Path, text: str, *, private: bool = False) -> Path:
    """Write ``text`` to ``path``, atomically; see `atomic_write`."""
    with atomic_write(path, newline="", private=private) as file:
        file.write(text)
    return path


def write_json(path: Path, value: Any, *, indent: int | None = 2, private: bool = False) -> Path:
    """Write ``value`` to ``path`` as UTF-8 JSON, atomically; NaN is refused. See `atomic_write`."""
    separators = (",", ": ") if indent else (",", ":")
    return write_text(
        path,
        json.dumps(value, indent=indent, separators=separators, ensure_ascii=False, allow_nan=False) + "\n",
        private=private,
    )


def canonical_json(value: Any) -> str:
    """JSON with one spelling for one value: sorted keys, no spaces.

    >>> canonical_json({"b": 1, "a": [2]})
    '{"a":[2],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits. A process reads an unchanged file once, whatever its names."""
    with open(path, "rb") as file:
        state = FileState.from_stat(os.fstat(file.fileno()))
        if digest := _digests.get(state):
            return digest
        settled = state.is_settled()
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if settled and state == FileState.from_stat(os.fstat(file.fileno())):
            remember_sha256(state, digest)
    return digest


class FileState(NamedTuple):
    """Identity and times of a file. They change whenever its bytes do, once the file `is_settled`.

    ``ctime_ns`` reveals a change after which somebody restored ``mtime_ns``, as ``cp -p`` and ``rsync -t`` do.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def from_stat(cls, stat: os.stat_result) -> "FileState":
        return cls(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)

    def is_settled(self) -> bool:
        """Whether a change from now on gets another time: two writes within one tick of the clock get the same."""
        is_coarse = self.ctime_ns % 1_000_000_000 == 0
        now_ns = time.clock_gettime_ns(CLOCK_REALTIME_COARSE)
        return max(self.mtime_ns, self.ctime_ns) + (COARSEST_NS if is_coarse else 0) < now_ns


_digests: dict[FileState, str] = {}
_digests_lock = threading.Lock()


def known_sha256(state: FileState) -> str | None:
    """The SHA-256 that this process remembers for a file in this state."""
    return _digests.get(state)


def remember_sha256(state: FileState, digest: str) -> None:
    """Have `sha256` answer ``digest`` for a file in this state without reading it."""
    with _digests_lock:
        _digests[state] = digest
        while len(_digests) > MAX_DIGESTS:
            del _digests[next(iter(_digests))]


@contextmanager
def _same_bytes(source: Path, target: Path) -> Iterator[None]:
    """Carry the known SHA-256 of ``source`` over to ``target``, which the block makes of it by rename or hard link.

    Both change ``ctime_ns`` of the file, but not its bytes.
    """
    before = FileState.from_stat(source.stat())
    yield
    after = FileState.from_stat(target.stat())
    if before[:-1] == after[:-1] and (digest := _digests.get(before)):
        remember_sha256(after, digest)


class FileRecord(BaseModel):
    """Size in bytes and SHA-256 of a file at the time when it was written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int
    sha256: str

    @classmethod
    def from_file(cls, path: Path) -> "FileRecord":
        """Record the file as it is now."""
        return cls(size=path.stat().st_size, sha256=sha256(path))

    def check(self, path: Path) -> None:
        """Raise BrokenOutput unless ``path`` is a file with this size and SHA-256."""
        if not path.is_file():
            raise BrokenOutput(f"{path} is missing")
        if path.stat().st_size != self.size or sha256(path) != self.sha256:
            raise BrokenOutput(f"{path} differs from its record: the file was changed or cut")


def fsync(path: Path) -> None:
    """Write a file's bytes, or a folder's names, to the disk, so that they survive a power cut.

    Some file systems (SMB, FUSE) cannot do so for a folder; its names are as safe there as they can be.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in UNSUPPORTED or not stat.S_ISDIR(os.fstat(fd).st_mode):
            raise
    finally:
        os.close(fd)


def publish_folder(tmp: Path, final: Path) -> Path:
    """Rename the folder ``tmp`` to ``final``, after writing everything in it to the disk.

    Raises FileExistsError if ``final`` exists and is not empty; ``tmp`` then stays as it is.
    """
    fsync_tree(tmp)
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(tmp, final)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise
        raise FileExistsError(f"{final} exists already") from error
    fsync(final.parent)
    return final


def replace_folder(new: Path, final: Path, kept: Path) -> Path:
    """Put the folder ``new`` in the place of ``final``; the previous folder stays as ``kept``.

    All three have one parent. ``final`` exists at every moment, except on file systems that cannot exchange two names
    (NFS, FAT): there it is absent between two renames.
    """
    fsync_tree(new)
    os.rename(new, kept)  # the exchange then puts the previous folder under this name in one step
    try:
        _exchange(kept, final)
    except OSError:
        os.rename(kept, new)
        raise
    fsync(final.parent)
    return final


def finish_replacement(final: Path, kept_pattern: str) -> None:
    """Complete a `replace_folder` that was killed between two renames.

    ``kept_pattern`` is a glob pattern for the names that previous folders of ``final`` have.
    """
    for spare in final.parent.glob(f"{kept_pattern}{SWAP}"):
        kept = spare.with_name(spare.name.removesuffix(SWAP))
        if not final.exists() and kept.exists():
            os.rename(kept, final)
        if not kept.exists():
            os.rename(spare, kept)


def fsync_tree(folder: Path) -> None:
    """Write a folder and everything in it to the disk, so that it survives a power cut."""
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink():
            fsync(path)
    fsync(folder)


def _exchange(first: Path, second: Path) -> None:
    """Swap two names, in one step where the file system can."""
    try:
        _rename_exchange(first, second)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        spare = first.with_name(f"{first.name}{SWAP}")
        os.rename(second, spare)
        try:
            os.rename(first, second)
        except OSError:
            os.rename(spare, second)
            raise
        os.rename(spare, first)


def _rename_exchange(first: Path, second: Path) -> None:
    """renameat2(2) with RENAME_EXCHANGE, which Python does not offer."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(second))


@contextmanager
def sole_writer(root: Path) -> Iterator[None]:
    """Hold the lock of the folder ``root``, so that this process alone writes there.

    Files named ``.tmp-*`` belong to the holder: those of crashed processes are removed before the block, those that
    remain after it. The lock ends with the process that holds it.
    """
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root):
        try:
            _remove_unfinished(root)
            yield
        finally:
            _remove_unfinished(root)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold a lock of the system; on a file system without locks (some NFS and SMB), a file stands for it."""
    lock: BaseFileLock = FileLock(root / ".lock")
    try:
        lock.acquire()
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        lock = SoftFileLock(root / ".lock-held")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _remove_unfinished(root: Path) -> None:
    for path in root.glob(f"{TMP_PREFIX}*"):
        with suppress(FileNotFoundError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def copy_verified(source: Path, target: Path) -> Path:
    """Copy ``source`` to ``target`` atomically, after reading the copy back from the disk.

    Raises BrokenOutput, and leaves ``target`` as it was, if the copy differs from ``source``.
    """
    record = FileRecord.from_file(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp = _name_beside(target)
    try:
        shutil.copyfile(source, tmp)
        with open(tmp, "rb") as copy:
            os.fsync(copy.fileno())
            os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # compare with the disk, not with memory
        record.check(tmp)
        with _same_bytes(tmp, target):
            os.replace(tmp, target)
    finally:
        tmp.unlink(missing_ok=True)
    fsync(target.parent)
    return target


def move_file(source: Path, target: Path) -> Path:
    """Move ``source`` to ``target``: by rename, or by a verified copy if ``target`` is on another disk."""
    try:
        with _same_bytes(source, target):
            os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_verified(source, target)
        source.unlink()
    return target


def link_or_copy(source: Path, target: Path) -> Path:
    """Give ``source`` a second name ``target`` atomically: a hard link, or a copy where the file system has none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp = _name_beside(target)
    try:
        with _same_bytes(source, target):
            try:
                os.link(source.resolve(), tmp)  # link(2) would give the second name to a symbolic link itself
            except OSError:
                shutil.copyfile(source, tmp)
                fsync(tmp)
            os.replace(tmp, target)
    finally:
        tmp.unlink(missing_ok=True)  # rename(2) of two names of one file does nothing, and keeps both
    fsync(target.parent)
    return target


def sha256_text(text: str) -> str:
    """SHA-256 of a text in UTF-8, 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

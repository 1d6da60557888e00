"""Files that are whole or not there: atomic writes, checked copies, folders that appear by rename."""

import ctypes
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict

from vidlib.errors import BrokenOutput

TMP_PREFIX = ".tmp-"
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


@contextmanager
def atomic_write(path: Path, mode: str = "w", **open_options: Any) -> Iterator[IO]:
    """A file to write to that becomes ``path`` when the block ends without an error, and disappears otherwise."""
    if "b" not in mode:
        open_options = {"encoding": "utf-8", **open_options}
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp = _name_beside(path)
    try:
        with open(tmp, mode.replace("w", "x"), **open_options) as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(tmp, path)
    finally:
        tmp.unlink(missing_ok=True)
    fsync(path.parent)


def _name_beside(target: Path) -> Path:
    """A name for what is to become ``target``; what processes that are dead left under such a name is removed.

    A process of another machine is taken for dead here; it would lose a name that it needs for a moment only.
    """
    mark = sha256_text(target.name)[:12]
    for left_over in stale_temp_files(target.parent, TMP_PREFIX, f"*-{mark}"):
        left_over.unlink(missing_ok=True)
    return target.with_name(f"{TMP_PREFIX}{os.getpid()}-{os.urandom(4).hex()}-{mark}")


def stale_temp_files(folder: Path, prefix: str, rest: str = "*") -> Iterator[Path]:
    """What lies in ``folder`` under names ``prefix``, process number, ``-`` and what the pattern ``rest`` matches, of
    processes of this machine that are gone.
    """
    for left_over in folder.glob(f"{prefix}{rest}"):
        if not Path(f"/proc/{left_over.name.removeprefix(prefix).split('-')[0]}").exists():
            yield left_over


def write_text(path: Path, text: str) -> Path:
    """Write ``text`` to ``path``, atomically."""
    with atomic_write(path, newline="") as file:
        file.write(text)
    return path


def write_json(path: Path, value: Any, *, indent: int | None = 2) -> Path:
    """Write ``value`` to ``path`` as UTF-8 JSON, atomically; NaN is refused."""
    separators = (",", ": ") if indent else (",", ":")
    return write_text(
        path, json.dumps(value, indent=indent, separators=separators, ensure_ascii=False, allow_nan=False) + "\n"
    )


def canonical_json(value: Any) -> str:
    """JSON with one spelling for one value: sorted keys, no spaces.

    >>> canonical_json({"b": 1, "a": [2]})
    '{"a":[2],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits; a file that did not change is read once per process."""
    stat = path.stat()
    return _sha256_of(str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _sha256_of(path: str, inode: int, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FileRecord(BaseModel):
    """What a file was when it was written: its size in bytes and its SHA-256."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "FileRecord":
        """The record of the file as it is now."""
        return cls(size=path.stat().st_size, sha256=sha256(path))

    def check(self, path: Path) -> None:
        """Raise BrokenOutput, naming ``path``, unless that is a file with this size and SHA-256."""
        if not path.is_file():
            raise BrokenOutput(f"{path} is missing")
        if path.stat().st_size != self.size or sha256(path) != self.sha256:
            raise BrokenOutput(f"{path} is not the file that was left there: it was changed or cut")


def fsync(path: Path) -> None:
    """Make what a file holds, or which names a folder has, survive a power cut."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def publish_folder(tmp: Path, final: Path) -> Path:
    """Make the folder ``tmp`` appear as ``final``: everything in it is on disk before the name is.

    Raises FileExistsError if ``final`` is there already and not empty; ``tmp`` is then left alone.
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
    """Make the folder ``new`` appear as ``final``; the folder that ``final`` was stays, as ``kept``.

    All three lie in one folder. ``final`` is there at every moment, except on file systems that cannot exchange two
    names (NFS, FAT), where it is missing between two renames.
    """
    fsync_tree(new)
    os.rename(new, kept)  # under this name from the start: what the exchange puts there is where it belongs
    try:
        _exchange(kept, final)
    except OSError:
        os.rename(kept, new)
        raise
    fsync(final.parent)
    return final


def fsync_tree(folder: Path) -> None:
    """Make a folder and all that is in it survive a power cut."""
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink():
            fsync(path)
    fsync(folder)


def _exchange(one: Path, other: Path) -> None:
    """Swap two names; in one step where the file system can."""
    try:
        _rename_exchange(one, other)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise
        spare = one.with_name(f"{one.name}.swap")
        os.rename(other, spare)
        try:
            os.rename(one, other)
        except OSError:
            os.rename(spare, other)
            raise
        os.rename(spare, one)


def _rename_exchange(one: Path, other: Path) -> None:
    """renameat2(2) with RENAME_EXCHANGE, which Python has no name for."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(other))


@contextmanager
def sole_writer(root: Path) -> Iterator[None]:
    """Nobody else who asks for it writes into the folder ``root`` meanwhile.

    What is called ``.tmp-*`` there belongs to the holder: what others left behind by crashing is removed before, and
    what remains is removed after. The lock ends with the process that holds it.
    """
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".lock"):
        try:
            _remove_unfinished(root)
            yield
        finally:
            _remove_unfinished(root)


def _remove_unfinished(root: Path) -> None:
    for path in root.glob(f"{TMP_PREFIX}*"):
        with suppress(FileNotFoundError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def copy_verified(source: Path, target: Path) -> Path:
    """Make ``target`` a copy of ``source``, atomically, after reading the copy back from the disk.

    Raises BrokenOutput, leaving ``target`` as it was, if what comes back is not what ``source`` holds.
    """
    record = FileRecord.of(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp = target.with_name(f"{TMP_PREFIX}{sha256_text(target.name)[:12]}")
    try:
        shutil.copyfile(source, tmp)
        with open(tmp, "rb") as copy:
            os.fsync(copy.fileno())
            os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # compare with the disk, not with memory
        record.check(tmp)
        os.replace(tmp, target)
    finally:
        tmp.unlink(missing_ok=True)
    fsync(target.parent)
    return target


def move_file(source: Path, target: Path) -> Path:
    """Make ``source`` become ``target``: renamed, or copied, verified and removed where that lies on another disk."""
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_verified(source, target)
        source.unlink()
    return target


def link_or_copy(source: Path, target: Path) -> Path:
    """Give ``source`` a second name ``target``: a hard link, or a copy where the file system has none. Atomic."""
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp = _name_beside(target)
    try:
        try:
            os.link(source.resolve(), tmp)  # link(2) gives a second name to a symbolic link itself
        except OSError:
            shutil.copyfile(source, tmp)
            fsync(tmp)
        os.replace(tmp, target)
    finally:
        tmp.unlink(missing_ok=True)  # rename() of two names of one file does nothing, and leaves both
    fsync(target.parent)
    return target


def sha256_text(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

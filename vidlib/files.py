"""Files that are whole or not there: atomic writes, checksums, folders that appear by rename."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

TMP_PREFIX = ".tmp-"


@contextmanager
def atomic_write(path: Path, mode: str = "w", **open_options: Any) -> Iterator[IO]:
    """A file to write to that becomes ``path`` when the block ends without an error, and disappears otherwise."""
    if "b" not in mode:
        open_options = {"encoding": "utf-8", **open_options}
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(mode, dir=path.parent, prefix=TMP_PREFIX, delete=False, **open_options) as file:
        try:
            yield file
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        except BaseException:
            os.unlink(file.name)
            raise
    os.replace(file.name, path)
    fsync(path.parent)


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
    for path in sorted(tmp.rglob("*")):
        if not path.is_symlink():
            fsync(path)
    fsync(tmp)
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(tmp, final)
    except OSError as error:
        raise FileExistsError(f"{final} exists already") from error
    fsync(final.parent)
    return final


def link_or_copy(source: Path, target: Path) -> Path:
    """Give ``source`` a second name ``target``: a hard link, or a copy where the file system has none. Atomic."""
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp = target.with_name(f"{TMP_PREFIX}{os.getpid()}-{sha256_text(target.name)[:12]}")
    tmp.unlink(missing_ok=True)
    try:
        os.link(source, tmp)
    except OSError:
        shutil.copyfile(source, tmp)
        fsync(tmp)
    os.replace(tmp, target)
    # rename() of two names of one file does nothing, and leaves both
    tmp.unlink(missing_ok=True)
    fsync(target.parent)
    return target


def sha256_text(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

"""The delivery: one folder per project with the files for the editor. It changes in one step and loses no file."""

import errno
import os
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from glob import escape
from pathlib import Path
from shutil import disk_usage

from vidlib.errors import BrokenOutput
from vidlib.files import (
    TMP_PREFIX,
    FileRecord,
    copy_verified,
    finish_replacement,
    link_or_copy,
    publish_folder,
    replace_folder,
    sole_writer,
    write_text,
)
from vidlib.progress import Report, quiet
from vidlib.results.archive import stamp


def deliver(root: Path, project: str, files: Mapping[str, Path], now: datetime, report: Report = quiet) -> Path:
    """Copy ``files`` into the folder ``root/project``; ``files`` maps a relative path to a source file.

    A folder that holds these files already stays as it is. Otherwise a new folder replaces it as a whole and keeps its
    other files. The old folder remains as ``<project>.previous-<stamp>`` and shares unchanged files with the new one
    by hard links, where the file system has them. Raises BrokenOutput if a copy differs from its source, and OSError
    before the first copy if there is too little space. Then, and after a crash, the old delivery remains in place.
    """
    final = root / project
    wanted = {name: FileRecord.from_file(path) for name, path in files.items()}
    with sole_writer(root):
        finish_replacement(final, f"{escape(project)}.previous-*")
        if not (names := differing(final, wanted)):
            return final
        _check_space(root, sum(wanted[name].size for name in names))
        staged = root / f"{TMP_PREFIX}{project}"
        if final.exists():
            _link_tree(final, staged, without={final / name for name in names})
        for done, name in enumerate(names, start=1):
            copy_verified(files[name], staged / name)
            report(done, len(names))
        if changed := differing(staged, wanted):  # a file that did not change was copied where links are impossible
            raise BrokenOutput(f"{staged / changed[0]} differs from its source; check the disk of {root}")
        if final.exists():
            return replace_folder(staged, final, kept=_free_name(root, project, now))
        return publish_folder(staged, final)


def check_root(root: Path, setting: str) -> None:
    """Raise BrokenOutput if ``root`` cannot be made because the folder above it is missing, as on a disk that is gone.

    ``setting`` is the name of the setting with its path.
    """
    if not root.is_dir() and not root.parent.is_dir():
        raise BrokenOutput(f"{root} does not exist, nor does the folder above it; mount its disk, or correct {setting}")


def _check_space(root: Path, n_bytes: int) -> None:
    free = disk_usage(root).free
    if free < n_bytes:
        needed = f"{os.strerror(errno.ENOSPC)}: {n_bytes:,} bytes are needed, {free:,} are free"
        raise OSError(errno.ENOSPC, needed, str(root))


def _link_tree(source: Path, target: Path, without: Collection[Path]) -> None:
    """Give every file below ``source`` but those ``without`` a second name below ``target``.

    Nothing is set that a file system may refuse, such as permissions.
    """
    target.mkdir()
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_symlink():
            copy.symlink_to(path.readlink())
        elif path.is_dir():
            copy.mkdir()
        elif path not in without:
            link_or_copy(path, copy)


def add(root: Path, project: str, name: str, text: str) -> Path:
    """Write one more file into the delivered folder of ``project``, atomically; the other files stay as they are."""
    file = root / project / name
    with sole_writer(root):
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            write_text(file, text)
    return file


def differing(folder: Path, wanted: Mapping[str, FileRecord]) -> list[str]:
    """The names of the files that are missing in ``folder`` or have other content."""
    return [name for name, record in wanted.items() if not _holds(folder / name, record)]


def _holds(path: Path, record: FileRecord) -> bool:
    try:
        record.check(path)
    except BrokenOutput:
        return False
    return True


def _free_name(root: Path, project: str, now: datetime) -> Path:
    while (kept := root / f"{project}.previous-{stamp(now)}").exists():
        now += timedelta(seconds=1)
    return kept


def successor(folder: Path) -> Path | None:
    """The delivery that took the place of ``folder``; None where it is no previous one, or where there is none now.

    >>> successor(Path("delivery/Spring")) is None
    True
    """
    name, previous, _ = folder.name.partition(".previous-")
    newer = folder.with_name(name)
    return newer if previous and newer.is_dir() else None

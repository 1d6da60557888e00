"""The delivery: one folder per project with the files for the editor. It changes in one step and loses no file."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from shutil import copytree

from vidlib.errors import BrokenOutput
from vidlib.files import (
    TMP_PREFIX,
    FileRecord,
    copy_verified,
    link_or_copy,
    publish_folder,
    replace_folder,
    sole_writer,
)
from vidlib.progress import Report, quiet
from vidlib.results.archive import stamp


def deliver(root: Path, project: str, files: Mapping[str, Path], now: datetime, report: Report = quiet) -> Path:
    """Copy ``files`` into the folder ``root/project``; ``files`` maps a relative path to a source file.

    A folder that holds these files already stays as it is. Otherwise a new folder replaces it as a whole and keeps its
    other files. The old folder remains as ``<project>.previous-<stamp>`` and shares unchanged files with the new one
    by hard links. Raises BrokenOutput if a copy differs from its source; then, and after a crash or on a full disk, the
    old delivery remains in place.
    """
    final = root / project
    wanted = {name: FileRecord.of(path) for name, path in files.items()}
    with sole_writer(root):
        if not differing(final, wanted):
            return final
        staged = root / f"{TMP_PREFIX}{project}"
        if final.exists():
            copytree(final, staged, symlinks=True, copy_function=_link)
        names = differing(staged, wanted)
        for done, name in enumerate(names, start=1):
            copy_verified(files[name], staged / name)
            report(done, len(names))
        if final.exists():
            return replace_folder(staged, final, kept=_free_name(root, project, now))
        return publish_folder(staged, final)


def differing(folder: Path, wanted: Mapping[str, FileRecord]) -> list[str]:
    """The names of the files that are missing in ``folder`` or have other content."""
    return [name for name, record in wanted.items() if not _holds(folder / name, record)]


def _holds(path: Path, record: FileRecord) -> bool:
    try:
        record.check(path)
    except BrokenOutput:
        return False
    return True


def _link(source: str, target: str) -> None:
    link_or_copy(Path(source), Path(target))


def _free_name(root: Path, project: str, now: datetime) -> Path:
    while (kept := root / f"{project}.previous-{stamp(now)}").exists():
        now += timedelta(seconds=1)
    return kept

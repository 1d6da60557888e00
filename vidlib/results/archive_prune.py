"""Removal of superseded entries from the results archive, when a person asks for it."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from vidlib.files import TMP_PREFIX, fsync, sole_writer
from vidlib.results import archive_entry, archive_index
from vidlib.results.archive import newest_first
from vidlib.results.archive_entry import Entry


@dataclass(frozen=True)
class Superseded:
    """An ``entry`` that a ``newer`` one of the same video supersedes."""

    entry: Entry
    newer: Entry


def superseded(
    entries: Collection[Entry],
    now: datetime,
    *,
    kept: int = 1,
    older_than: timedelta = timedelta(0),
    in_use: Collection[Path] = (),
) -> list[Superseded]:
    """The entries that may be removed, oldest first.

    Entries supersede each other if they have one delivered file and one original file. The ``kept`` newest of a video
    (at least one) stay. So do entries without checksums, those in the folders ``in_use``, those that are not
    ``older_than``, and those with a result that the newest lacks.
    """
    groups: dict[tuple[str, str | None], list[Entry]] = {}
    for entry in entries:
        if entry.has_checksums:
            groups.setdefault((entry.metadata.video_hash, entry.metadata.source_hash), []).append(entry)
    removable = []
    for group in groups.values():
        newest, *_ = ordered = newest_first(group)
        for entry in ordered[max(1, kept) :]:
            is_old = now - entry.metadata.created_at >= older_than
            if is_old and entry.folder not in in_use and entry.results.keys() <= newest.results.keys():
                removable.append(Superseded(entry, newest))
    return sorted(removable, key=lambda pair: pair.entry.metadata.created_at)


@dataclass(frozen=True)
class Removed:
    """A removed ``entry``, or the ``problem`` for which it stays."""

    entry: Entry
    problem: str | None = None


def prune(root: Path, removable: Collection[Superseded]) -> Iterator[Removed]:
    """Remove entries, and yield each.

    An entry stays if the newer one is damaged: then it may be the only sound result. It disappears at once or not at
    all.
    """
    problems: dict[Path, str] = {}  # of the newer entries
    with sole_writer(root):
        for pair in removable:
            newer = pair.newer.folder
            if newer not in problems:
                problems[newer] = str(next(archive_entry.damages(pair.newer), ""))
            if problems[newer]:
                yield Removed(pair.entry, f"the newer entry is damaged: {problems[newer]}")
                continue
            _remove(root, pair.entry.folder)
            yield Removed(pair.entry)
        _forget(root, [pair.entry.folder for pair in removable])


def _remove(root: Path, folder: Path) -> None:
    """Rename a folder to a name that the next writer removes, then remove it."""
    doomed = root / f"{TMP_PREFIX}pruned-{folder.name}"
    with suppress(FileNotFoundError):
        os.rename(folder, doomed)
        shutil.rmtree(doomed)
        fsync(folder.parent)
    with suppress(OSError):  # other videos of the project
        folder.parent.rmdir()


def _forget(root: Path, folders: Collection[Path]) -> None:
    if (root / archive_index.INDEX).is_file():
        with archive_index.opened(root) as index:
            for folder in folders:
                if not folder.exists():
                    index.forget(folder)

"""The results archive: it stores the results of a video by content, so that a renamed file finds them again.

    ROOT/<project> <stamp>/<video hash>/metadata.json
                                        <stem>_scenes.csv, <stem>_audio.json, <stem>_tracking.json, ...

The video hash is the SHA-256 of the delivered file, which the editor holds. The metadata also hold the source hash, the
SHA-256 of the original file. Either hash finds the results. An entry never changes; only `vidlib.results.archive_prune`
removes one, when a person asks for it. `vidlib.results.archived_report` keeps the report in it, which is made later.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from vidlib.errors import BrokenOutput
from vidlib.files import TMP_PREFIX, FileRecord, copy_verified, fsync, publish_folder, sole_writer
from vidlib.results import archive_entry
from vidlib.results.archive_entry import COPIED, METADATA, Entry, Metadata
from vidlib.results.delivered_media import DeliveredMedia
from vidlib.results.exports import shots_json
from vidlib.results.naming import ARCHIVED, PUBLISHED

__all__ = ["METADATA", "Entry", "Metadata", "ResultSet", "find", "put", "restore", "stamp", "verify"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ResultSet:
    """One video, its ``results``, by their names in `ARCHIVED`, and the properties of the delivered ``video``."""

    source: Path
    video: Path
    stem: str
    results: Mapping[str, Path]
    media: DeliveredMedia | None = None

    @classmethod
    def from_video(cls, source: Path, video: Path, stem: str, results: Mapping[str, Path]) -> Self:
        """As the constructor, with the properties that the file ``video`` has, if its shots are among the results."""
        file = results.get("shots_json")
        media = DeliveredMedia.probe(video, shots_json.read(file)[-1].span.stop) if file else None
        return cls(source, video, stem, results, media)


def put(root: Path, project: str, video: ResultSet, now: datetime) -> Entry:
    """Store the results of ``video`` in a folder stamped ``now`` (UTC), and return the entry.

    If the archive holds the same sound results in any project, it returns that entry instead. The whole entry appears
    at once or not at all. Raises BrokenOutput if a copy differs from its source.
    """
    metadata = _describe(video, now)
    with sole_writer(root):
        for entry in _newest_first(root.glob(f"*/{metadata.video_hash}/{METADATA}")):
            if entry.metadata.same_results(metadata) and _is_sound(entry):
                return entry
        staged = Entry(root / f"{TMP_PREFIX}{metadata.video_hash}", metadata)
        for name, path in video.results.items():
            copy_verified(path, staged.folder / f"{video.stem}{ARCHIVED[name]}")
        verify(staged)
        metadata.write(staged.folder)
        folder = publish_folder(staged.folder, _free_folder(root, project, metadata.video_hash, now))
        fsync(root)
    return archive_entry.read(folder)


def find(root: Path, sha256: str) -> list[Entry]:
    """Every entry whose delivered or original file has this SHA-256, newest first.

    Damaged metadata are logged and left out. `vidlib.results.archive_index` answers more questions, and faster.
    """
    entries = _newest_first(root.glob(f"*/*/{METADATA}"))
    return [entry for entry in entries if sha256 in (entry.metadata.video_hash, entry.metadata.source_hash)]


def verify(entry: Entry) -> None:
    """Raise BrokenOutput with the name of the file if a file of the entry is missing or changed.

    An entry of another tool has no checksums, so its files only have to exist.
    """
    for name, record in entry.metadata.files.items():
        record.check(entry.folder / name)
    for name in archive_entry.missing_copies(entry):
        raise BrokenOutput(f"{entry.folder / name} is missing")


def restore(entry: Entry, to_dir: Path, stem: str) -> tuple[Path, ...]:
    """Copy the results beside a video with the present name ``stem``, and return the written files.

    Results that only the archive keeps are not copied. Each file replaces an older one of its name. Raises BrokenOutput
    before the first write if the entry is not sound.
    """
    verify(entry)
    results = {name: path for name, path in entry.results.items() if name in PUBLISHED}
    targets = {to_dir / f"{stem}{PUBLISHED[name]}": path for name, path in results.items()}
    return tuple(copy_verified(path, target) for target, path in targets.items())


def _describe(video: ResultSet, now: datetime) -> Metadata:
    return Metadata(
        video_path=str(video.source),
        video_stem=video.stem,
        video_hash=FileRecord.from_file(video.video).sha256,
        created_at=now,
        copied={key: name in video.results for key, name in COPIED.items()},
        source_hash=FileRecord.from_file(video.source).sha256,
        files={f"{video.stem}{ARCHIVED[name]}": FileRecord.from_file(path) for name, path in video.results.items()},
        media=video.media,
    )


def _free_folder(root: Path, project: str, video_hash: str, now: datetime) -> Path:
    """A free folder ``<project> <stamp>/<video hash>``; the stamp moves on by seconds while it is taken."""
    while (folder := root / f"{project} {stamp(now)}" / video_hash).exists():
        now += timedelta(seconds=1)
    return folder


def stamp(time: datetime) -> str:
    """Format a time for a folder name: sortable and without colons, which Windows refuses.

    >>> stamp(datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC))
    '2026-11-22T090507Z'
    """
    return f"{time.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"


def _newest_first(paths: Iterable[Path]) -> list[Entry]:
    entries = []
    for path in paths:
        try:
            entries.append(archive_entry.read(path.parent))
        except BrokenOutput as error:
            log.warning("an archive entry is ignored: %s", error)
    return newest_first(entries)


def newest_first(entries: Iterable[Entry]) -> list[Entry]:
    """Sort entries: the newest first, and those of one time by their folders."""
    by_folder = sorted(entries, key=lambda entry: entry.folder)
    return sorted(by_folder, key=lambda entry: entry.metadata.created_at, reverse=True)


def _is_sound(entry: Entry) -> bool:
    try:
        verify(entry)
    except BrokenOutput as error:
        log.warning("the archive is damaged: %s", error)
        return False
    return True

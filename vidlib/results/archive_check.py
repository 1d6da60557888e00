"""The check of a whole results archive: every byte of every entry, or of a part of them, against the metadata."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vidlib.errors import BrokenOutput, UsageError
from vidlib.files import sha256_text
from vidlib.progress import Report, quiet
from vidlib.results import archive_entry, archive_index, archived_report
from vidlib.results.archive_entry import METADATA, Damage, Entry
from vidlib.text import path_text


@dataclass(frozen=True)
class Subset:
    """Part ``number`` of ``parts`` (both from 1) of an archive. An entry always belongs to the same part."""

    number: int = 1
    parts: int = 1

    @classmethod
    def parse(cls, text: str) -> "Subset":
        """Read ``1/7``; raises UsageError for anything else.

        >>> Subset.parse("1/7")
        Subset(number=1, parts=7)
        """
        number, _, parts = text.partition("/")
        if not (number.isascii() and parts.isascii() and number.isdigit() and parts.isdigit()) or not (
            1 <= int(number) <= int(parts)
        ):
            raise UsageError(f"{text!r} is no part of an archive; expected a number and the number of parts, as in 1/7")
        return cls(int(number), int(parts))

    def __contains__(self, folder: Path) -> bool:
        name = f"{path_text(Path(folder.parent.name))}/{path_text(Path(folder.name))}"
        return int(sha256_text(name)[:8], 16) % self.parts == self.number - 1


@dataclass
class Check:
    """The damages, and how much was checked. The entries in ``unrecorded`` have no checksums: their files exist."""

    entries: int = 0
    n_bytes: int = 0
    damages: list[Damage] = field(default_factory=list)
    unrecorded: list[Path] = field(default_factory=list)


def check(root: Path, subset: Subset = Subset(), report: Report = quiet) -> Check:
    """Check the entries of ``subset``; ``report`` counts bytes. Raises UsageError if there is no archive.

    The index, where there is one, knows entries that disappeared as a whole.
    """
    if not root.is_dir():
        raise UsageError(f"the archive {path_text(root)} does not exist; check VIDLIB_ARCHIVE_DIR and its disk")
    result = Check()

    def unreadable(folder: Path, error: OSError) -> None:
        result.damages.append(Damage(folder, ".", f"cannot be read: {error.strerror}"))

    entries: list[Entry] = []
    for folder, stat in archive_index.entry_folders(root, unreadable):
        if folder in subset:
            result.entries += 1
            entries += _readable(folder, stat is None, result.damages)
    total = sum(entry.n_bytes + archived_report.n_bytes(entry) for entry in entries)

    def progress(n_bytes: int) -> None:
        result.n_bytes += n_bytes
        report(result.n_bytes, total)

    for entry in entries:
        result.damages += archive_entry.damages(entry, progress)
        result.damages += archived_report.damages(entry, progress)
        if not entry.has_checksums:
            result.unrecorded.append(entry.folder)
    result.damages += [
        Damage(folder, METADATA, "is missing with its whole entry, which the index knows")
        for folder in _gone(root)
        if folder in subset
    ]
    report(total, total)
    return result


def _readable(folder: Path, missing: bool, damages: list[Damage]) -> Iterator[Entry]:
    """Yield the entry in ``folder``, or add to ``damages`` why it cannot be read."""
    try:
        yield archive_entry.read(folder)
    except BrokenOutput as error:
        problem = "is missing" if missing else str(error).removeprefix(f"{folder / METADATA} ")
        damages.append(Damage(folder, METADATA, problem))


def _gone(root: Path) -> list[Path]:
    if not (root / archive_index.INDEX).is_file():
        return []
    with archive_index.opened(root) as index:
        return index.gone()

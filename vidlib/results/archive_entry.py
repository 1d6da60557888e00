"""One entry of the results archive: its folder, its ``metadata.json``, and the damage that it may have.

Metadata come from disks, backups and other tools. They are data, never trusted: `read` refuses those that are damaged,
too large, or name files outside their folder.
"""

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from vidlib.errors import BrokenOutput
from vidlib.files import FileRecord, canonical_json, sha256_text, write_json
from vidlib.results.delivered_media import DeliveredMedia
from vidlib.results.naming import ARCHIVED, REPORT_FOLDER

METADATA = "metadata.json"
COPIED = {"scenes": "shots_csv", "audio": "audio_json", "tracking": "tracking_json"}
"""Maps a key of ``copied`` in the metadata to the name of the result in `ARCHIVED`."""

MAX_METADATA_BYTES = 4 << 20
"""A larger ``metadata.json`` is refused; real ones have about 2 kB."""

BLOCK_BYTES = 1 << 20
SYSTEM_FILES = frozenset({"Thumbs.db", "desktop.ini"})
"""Files that file managers leave in any folder; so do hidden files."""


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("expected a time in the years 1 to 9999") from error


def _plain(name: str) -> str:
    if not name or "/" in name or "\0" in name or name in (".", ".."):
        raise ValueError("expected the plain name of a file")
    return name


PlainName = Annotated[str, AfterValidator(_plain)]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-fA-F]{64}$", to_lower=True)]


class Metadata(BaseModel):
    """``metadata.json``. Entries of other tools lack ``source_hash`` and ``files``; unknown keys are ignored.

    ``media`` are the properties of the delivered file; entries of version 0.1 lack them.

    ``checksum`` is the SHA-256 of the other keys as canonical JSON; entries of version 0.1 lack it.
    """

    model_config = ConfigDict(frozen=True)

    video_path: str
    video_stem: PlainName
    video_hash: Sha256
    created_at: Annotated[datetime, AfterValidator(_in_utc)]
    copied: dict[str, bool] = {}
    source_hash: Sha256 | None = None
    files: dict[PlainName, FileRecord] = {}
    media: DeliveredMedia | None = None
    checksum: str | None = None

    def same_results(self, other: "Metadata") -> bool:
        """Whether both describe one video and the same bytes, under any stem."""
        return (self.source_hash, self._contents()) == (other.source_hash, other._contents())

    def _contents(self) -> dict[str, FileRecord]:
        return {name.removeprefix(self.video_stem): record for name, record in self.files.items()}

    def write(self, folder: Path) -> None:
        """Write ``metadata.json`` into ``folder``, with its checksum."""
        document = self.model_dump(mode="json", exclude={"checksum"})
        write_json(folder / METADATA, document | {"checksum": _checksum(document)})


@dataclass(frozen=True)
class Entry:
    """The results of one video at one time."""

    folder: Path
    metadata: Metadata

    @property
    def results(self) -> dict[str, Path]:
        """The existing files, by their names in `ARCHIVED`."""
        paths = {name: self.folder / f"{self.metadata.video_stem}{suffix}" for name, suffix in ARCHIVED.items()}
        return {name: path for name, path in paths.items() if _is_file(path)}

    @property
    def has_checksums(self) -> bool:
        """Whether the metadata record each file; those of other tools do not."""
        return bool(self.metadata.files)

    @property
    def n_bytes(self) -> int:
        """The size of the recorded files, in bytes; of an entry without checksums, that of the existing files."""
        if self.has_checksums:
            return sum(record.size for record in self.metadata.files.values())
        return sum(path.stat().st_size for path in self.results.values())


def read(folder: Path) -> Entry:
    """The entry in ``folder``; raises BrokenOutput, with the reason, unless it has sound metadata."""
    try:
        return Entry(folder, Metadata.model_validate_json(_metadata_bytes(folder)))
    except OSError as error:
        raise BrokenOutput(f"{folder / METADATA} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        raise BrokenOutput(f"{folder / METADATA} is damaged: {f'{key}: ' if key else ''}{problem['msg']}") from error


def _metadata_bytes(folder: Path) -> bytes:
    """The bytes of ``metadata.json``; a FIFO or a device is refused before it is opened, as it may block."""
    path = folder / METADATA
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise BrokenOutput(f"{path} is no regular file")
    if state.st_size > MAX_METADATA_BYTES:
        raise BrokenOutput(f"{path} has {state.st_size} bytes; expected at most {MAX_METADATA_BYTES}")
    return path.read_bytes()


@dataclass(frozen=True)
class Damage:
    """A ``file`` of the entry in ``folder``, and its ``problem`` in words."""

    folder: Path
    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.folder / self.file} {self.problem}"


Progress = Callable[[int], None]
"""Called with the number of bytes that were read since the last call."""


def damages(entry: Entry, progress: Progress = lambda _: None) -> Iterator[Damage]:
    """Yield each damage of an entry, after reading every byte of it from the disk.

    An entry of another tool has no checksums, so its files only have to exist.
    """
    for file, problem in _metadata_problems(entry):
        yield Damage(entry.folder, file, problem)
    for name, record in entry.metadata.files.items():
        if changed := file_problem(entry.folder / name, record, progress):
            yield Damage(entry.folder, name, changed)
    for name in missing_copies(entry):
        if name not in entry.metadata.files:
            yield Damage(entry.folder, name, "is missing")
    for name in _unknown_files(entry):
        yield Damage(entry.folder, name, "is not in the metadata: the file was added")


def missing_copies(entry: Entry) -> list[str]:
    """The missing files among those that ``copied`` promises."""
    names = [name for key, name in COPIED.items() if entry.metadata.copied.get(key)]
    return [f"{entry.metadata.video_stem}{ARCHIVED[name]}" for name in names if name not in entry.results]


def _metadata_problems(entry: Entry) -> Iterator[tuple[str, str]]:
    if entry.folder.name.lower() != entry.metadata.video_hash:
        yield METADATA, f"describes another video: {entry.metadata.video_hash}"
    try:
        data = _metadata_bytes(entry.folder)
        document = json.loads(data)
    except (OSError, BrokenOutput, ValueError, RecursionError) as error:
        yield METADATA, f"cannot be read: {error}"
        return
    if "checksum" in document:
        others = {key: value for key, value in document.items() if key != "checksum"}
        if document["checksum"] != _checksum(others) or data != rendered(document):
            yield METADATA, "differs from its checksum: the file was changed"
    elif entry.has_checksums and (unknown := document.keys() - Metadata.model_fields.keys()):
        yield METADATA, f"has unknown keys: {', '.join(sorted(unknown))}: the file was changed"


def _checksum(document: dict[str, Any]) -> str:
    try:
        return sha256_text(canonical_json(document))
    except (ValueError, RecursionError):  # NaN, which vidlib never writes, or an unpaired surrogate
        return ""


def rendered(document: dict[str, Any]) -> bytes:
    """The bytes that `vidlib.files.write_json` writes."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode(errors="surrogatepass")


def file_problem(path: Path, record: FileRecord, progress: Progress) -> str | None:
    """How a file differs from its record, after reading every byte of it from the disk; None if it does not."""
    try:
        if not path.is_file():
            return "is missing"
        size = path.stat().st_size
        if size != record.size:
            return f"has {size} bytes, {record.size} expected: the file was cut or changed"
        return None if _sha256_on_disk(path, progress) == record.sha256 else "differs from its SHA-256: bytes changed"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _sha256_on_disk(path: Path, progress: Progress) -> str:
    """SHA-256 of the bytes on the disk: neither this process nor the system may answer from memory."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            progress(len(block))
    return digest.hexdigest()


def _unknown_files(entry: Entry) -> list[str]:
    """Files in the folder that the metadata do not name; other tools may store more than they record."""
    if not entry.has_checksums:
        return []
    known = {METADATA, REPORT_FOLDER, *entry.metadata.files}
    names = sorted(os.listdir(entry.folder))  # noqa: PTH208
    return [name for name in names if name not in known | SYSTEM_FILES and not name.startswith(".")]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False

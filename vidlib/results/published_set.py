"""The results beside a video: a set that one set of parameters made, replaced as a whole.

    film.csv  film.rttm  film_audio.json  film_tracking.json  film_tracking.parquet
    film_results.json       names the parameters, the finished steps and the SHA-256 of each file

A set is replaced in two phases. All new files are linked into a hidden folder, which gets its name by a rename. From
then on the replacement happens, also after a kill: the next call moves the files to their names and the record last.
"""

from collections.abc import Mapping
from pathlib import Path
from shutil import rmtree
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vidlib.errors import BrokenOutput
from vidlib.files import (
    TMP_PREFIX,
    FileRecord,
    fsync,
    link_or_copy,
    move_file,
    publish_folder,
    sha256_text,
    sole_writer,
    write_json,
)
from vidlib.results.naming import PUBLISHED, RECORD

PENDING = ".publishing-"
"""The name of a folder with a set that replaces another one: this prefix and a digest of the place."""


class PublishedSet(BaseModel):
    """The record of a set.

    ``steps`` maps each finished step to its folder below WORK, ``<sha256>/<step>-<fingerprint>``. ``params`` are the
    parameters of every step of a video, also of those that have not run. ``files`` maps the end of a file's name, such
    as ``.csv``, to its size and SHA-256. ``corrections`` are the ids of the decisions of people that the results have.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    video: str
    sha256: str
    variant: str | None = None
    complete: bool
    params: dict[str, dict[str, Any]]
    steps: dict[str, str]
    files: dict[str, FileRecord]
    corrections: tuple[str, ...] = Field((), exclude_if=lambda ids: not ids)


def step_id(folder: Path) -> str:
    """How a record names the ``folder`` of a finished step.

    >>> step_id(Path("workspace/work/0123456789abcdef/scenes-0123456789ab"))
    '0123456789abcdef/scenes-0123456789ab'
    """
    return f"{folder.parent.name}/{folder.name}"


def read(folder: Path, stem: str) -> PublishedSet | None:
    """The record beside the video ``stem`` in ``folder``; None if there is no readable one."""
    try:
        return PublishedSet.model_validate_json(_beside(folder, stem, RECORD).read_bytes())
    except (OSError, ValidationError):
        return None


def is_intact(folder: Path, stem: str, record: PublishedSet) -> bool:
    """Whether the files of ``record`` lie beside the video, unchanged."""
    try:
        for suffix, file in record.files.items():
            file.check(_beside(folder, stem, suffix))
    except (BrokenOutput, OSError):
        return False
    return True


def replace(root: Path, folder: Path, stem: str, record: PublishedSet, files: Mapping[str, Path]) -> None:
    """Put ``files``, by the ends of their names, beside the video ``stem`` in ``folder``, and remove the previous set.

    ``root`` contains ``folder`` and holds the lock. Raises OSError before the first change if there is no space left.
    """
    pending = _pending(root, folder, stem)
    with sole_writer(root):
        _finish(pending, folder, stem)
        staged = root / f"{TMP_PREFIX}{pending.name.removeprefix(PENDING)}"
        for suffix, file in files.items():
            link_or_copy(file, staged / f"set{suffix}")
        write_json(staged / f"set{RECORD}", record.model_dump(mode="json"))
        _beside(folder, stem, "").parent.mkdir(parents=True, exist_ok=True)
        publish_folder(staged, pending)
        _finish(pending, folder, stem)


def finish_replacement(root: Path, folder: Path, stem: str) -> None:
    """Complete the replacement of a set that a process began before it was killed."""
    pending = _pending(root, folder, stem)
    if pending.exists():
        with sole_writer(root):
            _finish(pending, folder, stem)


def _pending(root: Path, folder: Path, stem: str) -> Path:
    return root / f"{PENDING}{sha256_text(f'{folder.relative_to(root)}/{stem}')[:12]}"


def _finish(pending: Path, folder: Path, stem: str) -> None:
    """Move the files of ``pending`` to their names; the record is the last one, so that a kill changes no decision."""
    record = pending / f"set{RECORD}"
    if record.exists():
        new = PublishedSet.model_validate_json(record.read_bytes())
        previous = read(folder, stem)
        for suffix in new.files:
            staged = pending / f"set{suffix}"
            if staged.exists():
                _rename(staged, _beside(folder, stem, suffix))
        for suffix in (previous.files if previous else {}).keys() & set(PUBLISHED.values()) - new.files.keys():
            _beside(folder, stem, suffix).unlink(missing_ok=True)
        _rename(record, _beside(folder, stem, RECORD))
        fsync(_beside(folder, stem, RECORD).parent)
    rmtree(pending, ignore_errors=True)


def _rename(staged: Path, target: Path) -> None:
    """Give ``staged`` the name ``target``. Two names of one file would both stay, see rename(2)."""
    if target.exists() and staged.samefile(target):
        staged.unlink()
    else:
        move_file(staged, target)


def _beside(folder: Path, stem: str, suffix: str) -> Path:
    return folder / f"{stem}{suffix}"

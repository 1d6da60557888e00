"""What a path that somebody names is: an archive, a folder or a single video; and the project that it becomes."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from vidlib import media
from vidlib.errors import RefusedInput, UsageError, VidlibError
from vidlib.files import canonical_json, link_or_copy, sha256, sha256_text, sole_writer, write_json
from vidlib.ingest import archives, names
from vidlib.ingest.urls import mended
from vidlib.runner.links import Link, Place

# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".3gp", ".asf", ".avi", ".dv", ".flv", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts",
    ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv",
})
# fmt: on
RECORD = "project.json"


@dataclass(frozen=True)
class Project:
    """One delivery: ``folder`` is PROJECTS/<name>, ``docs`` in it holds the files and beside them their results."""

    name: str
    sha256: str
    folder: Path

    @property
    def docs(self) -> Path:
        return docs_of(self.folder.parent, self.folder.name)


@dataclass(frozen=True)
class ProjectVideo:
    """One video of a project; ``stem`` (with sub-folders, unique in the project) is what its results are called."""

    path: Path
    stem: Path
    sha256: str

    @property
    def name(self) -> str:
        return self.path.name


def docs_of(root: Path, name: str) -> Path:
    """Where the project ``name`` below ``root`` keeps its files and their results."""
    return root / name / "docs"


def is_archive(path: Path) -> bool:
    """Whether the content of ``path`` is that of an archive, whatever it is called."""
    return path.is_file() and archives.archive_format(path) is not None


def check_path(path: Place) -> Place:
    """``path``, absolute; raises UsageError if nothing is there or it cannot be read, RefusedInput as `check_name`.

    Whether a link leads anywhere is not asked here; one that is none is refused.
    """
    if isinstance(path, Link):
        return Link(mended(path))
    check_name(path)
    if not path.exists():
        raise UsageError(f"{path} does not exist; expected an archive, a video or a project folder")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{path} cannot be read by this user; check its permissions")
    return path.absolute()


def check_name(path: Path) -> None:
    """Raise RefusedInput for a name that is not UTF-8: neither the history nor a notebook can hold it."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(path).decode(errors="replace")
        raise RefusedInput(f"{shown!r}: a name must be UTF-8; rename the file and ask again") from error


def content_sha256(path: Path) -> str:
    """What identifies a project: the SHA-256 of a file, or of the names and contents of the videos in a folder."""
    if path.is_file():
        return sha256(path)
    listing = {str(video.relative_to(path)): sha256(video) for video in find_videos(path)}
    return sha256_text(canonical_json(listing))


def open_project(path: Path, sha256_: str, root: Path) -> Project:
    """The project below ``root`` of the content ``sha256_``, named after ``path``.

    The same content gets the same project again; another content of the same name gets one of its own.
    """
    base = names.safe_name(path.stem.removesuffix(".tar") if path.is_file() else path.name)
    source = os.fsencode(path).decode(errors="replace")
    with sole_writer(root):
        for name in (base, f"{base}-{sha256_[:8]}"):
            project = Project(name, sha256_, root / name)
            if not any(project.folder.glob("[!.]*")):  # new, or left by a process that was killed right here
                write_json(project.folder / RECORD, {"name": name, "sha256": sha256_, "source": source})
            if reopen_project(project.folder) == project:
                return project
    raise UsageError(f"{root / base} and {project.folder} are taken by other files; move one of them away")


def reopen_project(folder: Path) -> Project | None:
    """The project that lies in ``folder``, or None if that is no folder of a project."""
    record = folder / RECORD
    if not record.is_file():
        return None
    known = json.loads(record.read_text(encoding="utf-8"))
    return Project(known["name"], known["sha256"], folder)


def publish_files(project: Project, root: Path, files: Iterable[Path]) -> None:
    """Show the extracted ``files``, which lie under ``root``, in the project's folder: hard links where possible."""
    for file in files:
        target = project.docs / file.relative_to(root)
        if not (target.is_file() and target.stat().st_size == file.stat().st_size):
            link_or_copy(file, target)


def find_videos(folder: Path) -> list[Path]:
    """The files below ``folder`` that are called like videos, sorted; hidden ones are left out."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def duration_s(video: Path) -> float | None:
    """How long a video says it is; None for one that says nothing, or is none: a step will say so."""
    try:
        return media.probe(video).duration_s or None
    except (VidlibError, OSError):
        return None


def videos_of(paths: Iterable[Path], root: Path) -> list[ProjectVideo]:
    """``paths`` below ``root`` as the videos of one project, each with a stem that is safe and that no other has.

    Raises RefusedInput as `check_name`.
    """
    videos, taken = [], set()
    for path in paths:
        check_name(path)
        stem = next(stem for stem in _stems(path.relative_to(root)) if str(stem).casefold() not in taken)
        taken.add(str(stem).casefold())
        videos.append(ProjectVideo(path, stem, sha256(path)))
    return videos


def _stems(relative: Path) -> Iterator[Path]:
    """What the results of a video may be called: ``clip``, or beside another clip of that name ``clip_mov``, ..."""
    safe = Path(*map(names.safe_name, relative.parts))
    yield safe.with_suffix("")
    flat = safe.name.replace(".", "_")
    yield safe.with_name(flat)
    yield from (safe.with_name(f"{flat}-{number}") for number in count(2))

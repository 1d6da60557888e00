"""What a path that somebody names is: an archive, a folder or a single video; and the project that it becomes."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from vidlib.errors import UsageError, VidlibError
from vidlib.files import canonical_json, link_or_copy, sha256, sha256_text, sole_writer, write_json
from vidlib.ingest import archives, names
from vidlib.ingest.urls import cleaned
from vidlib.media.probe import probe_video
from vidlib.runner.sources import Link, Source
from vidlib.runner.utf8_paths import lossy_text, with_utf8_name
from vidlib.settings import Settings, plain_folder
from vidlib.text import path_text

# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".3gp", ".asf", ".avi", ".dv", ".flv", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts",
    ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv",
})
# fmt: on
RECORD = "project.json"


@dataclass(frozen=True)
class Project:
    """One delivery: ``folder`` is PROJECTS/<name>, ``docs`` below it holds the files and beside them their results."""

    name: str
    sha256: str
    folder: Path
    docs: Path


@dataclass(frozen=True)
class ProjectVideo:
    """One video of a project; ``stem`` (with sub-folders, unique in the project) is what its results are called."""

    path: Path
    stem: Path
    sha256: str

    @property
    def name(self) -> str:
        return self.path.name


def docs_folder(settings: Settings, name: str) -> Path:
    """Where the project ``name`` keeps its files and their results: as when it was begun, whatever is set by now."""
    folder = settings.projects / name
    project = reopen_project(folder)
    return project.docs if project else folder / settings.docs_folder


def project_name(path: Path, settings: Settings) -> str:
    """What the project of ``path`` is called: as that is, or what the pattern of the settings finds in it."""
    name = path.name if path.is_dir() else path.stem.removesuffix(".tar")
    found = re.search(settings.project_name_pattern, name) if settings.project_name_pattern else None
    groups = found.groups() if found else ()
    return names.safe_name(next((group for group in groups if group and group.strip()), name))


def is_archive(path: Path) -> bool:
    """Whether the content of ``path`` is that of an archive, whatever it is called."""
    return path.is_file() and archives.archive_format(path) is not None


def check_path(path: Source, settings: Settings) -> Source:
    """``path``, absolute, under a name that is UTF-8; raises UsageError if nothing is there or it cannot be read.

    Whether a link leads anywhere is not asked here; one that is none is refused.
    """
    if isinstance(path, Link):
        return Link(cleaned(path))
    if not path.exists():
        raise UsageError(f"{path_text(path)} does not exist; expected an archive, a video or a project folder")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{path_text(path)} cannot be read by this user; check its permissions")
    return with_utf8_name(path.absolute(), settings)


def content_sha256(path: Path) -> str:
    """What identifies a project: the SHA-256 of a file, or of the names and contents of the videos in a folder."""
    if path.is_file():
        return sha256(path)
    listing = {path_text(video.relative_to(path)): sha256(video) for video in find_videos(path)}
    return sha256_text(canonical_json(listing))


def open_project(path: Path, sha256_: str, settings: Settings, *, unpacked: bool = False) -> Project:
    """The project of the content ``sha256_``, named after ``path``.

    The same content gets the same project again; another content of the same name gets one of its own. What is
    ``unpacked`` into its project gets that under any name.
    """
    root, base = settings.projects, project_name(path, settings)
    candidates = [root / base, root / f"{base}-{sha256_[:8]}"]
    source = path_text(path)
    with sole_writer(root):
        if known := _of_content(sha256_, candidates) or (unpacked and _of_content(sha256_, _projects_in(root))):
            return known
        for folder in candidates:
            if not any(folder.glob("[!.]*")):  # new, or left by a process that was killed right here
                record = {"name": folder.name, "sha256": sha256_, "source": source, "docs": settings.docs_folder}
                write_json(folder / RECORD, record)
                return Project(folder.name, sha256_, folder, folder / settings.docs_folder)
    raise UsageError(f"{candidates[0]} and {candidates[1]} are taken by other files; move one of them away")


def _projects_in(root: Path) -> Iterator[Path]:
    return (record.parent for record in sorted(root.glob(f"*/{RECORD}")))


def _of_content(sha256_: str, folders: Iterable[Path]) -> Project | None:
    """The first project among ``folders`` of this content, still under its name: others find it by that."""
    found = filter(None, map(reopen_project, folders))
    return next((known for known in found if (known.sha256, known.name) == (sha256_, known.folder.name)), None)


def reopen_project(folder: Path) -> Project | None:
    """The project that lies in ``folder``, or None if that is no folder of a project."""
    record = folder / RECORD
    if not record.is_file():
        return None
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        name, sha256_ = known["name"], known["sha256"]
        docs = folder / plain_folder(known.get("docs", "docs"))  # those that were begun long ago do not say
    except (ValueError, KeyError, TypeError, AttributeError):  # it is some other program's
        return None
    # a folder may come from outside with a record in it, which is not to lead anywhere else
    return Project(name, sha256_, folder, docs) if names.split_name(name) == (name,) else None


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
        return probe_video(video).duration_s or None
    except (VidlibError, OSError):
        return None


def project_videos(paths: Iterable[Path], root: Path, settings: Settings) -> list[ProjectVideo]:
    """``paths`` below ``root`` as the videos of one project, each with a stem that is safe and that no other has."""
    videos, taken = [], set()
    for path in paths:
        relative = Path(lossy_text(path.relative_to(root)))
        stem = next(stem for stem in _stems(relative) if str(stem).casefold() not in taken)
        taken.add(str(stem).casefold())
        videos.append(ProjectVideo(with_utf8_name(path, settings), stem, sha256(path)))
    return videos


def _stems(relative: Path) -> Iterator[Path]:
    """What the results of a video may be called: ``clip``, or beside another clip of that name ``clip_mov``, ..."""
    safe = Path(*map(names.safe_name, relative.parts))
    yield safe.with_suffix("")
    flat = safe.name.replace(".", "_")
    yield safe.with_name(flat)
    yield from (safe.with_name(f"{flat}-{number}") for number in count(2))

"""Projects: the folder, the name and the identity that a delivered archive, folder or video gets."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from vidlib.errors import UsageError, VidlibError
from vidlib.files import canonical_json, link_or_copy, sha256, sha256_text, sole_writer, write_json
from vidlib.ingest import names
from vidlib.ingest.formats import archive_format
from vidlib.ingest.urls import cleaned
from vidlib.media.probe import probe_video
from vidlib.runner.delivery_files import find_videos
from vidlib.runner.sources import Link, Source
from vidlib.runner.utf8_paths import lossy_text, with_utf8_name
from vidlib.setting_types import plain_folder
from vidlib.settings import Settings
from vidlib.text import path_text

RECORD = "project.json"
"""The file in the folder of a project that identifies it; it counts only where `open_project` writes it."""

SHA256 = re.compile("[0-9a-f]{64}")

VARIANTS = "variants"
"""The folder of a project with the results of variants, a folder for each name."""


@dataclass(frozen=True)
class Project:
    """One delivery: ``folder`` is PROJECTS/<name>, and ``docs`` below it holds the files with their results."""

    name: str
    sha256: str
    folder: Path
    docs: Path


@dataclass(frozen=True)
class ProjectVideo:
    """One video of a project. ``stem`` names its results: it includes sub-folders and is unique in the project."""

    path: Path
    stem: Path
    sha256: str

    @property
    def name(self) -> str:
        return self.path.name


def docs_folder(settings: Settings, name: str) -> Path:
    """Return the folder of the files and results of project ``name``.

    For an existing project this is the folder that it began with, even if VIDLIB_DOCS_FOLDER has changed since.
    """
    folder = settings.projects / name
    project = reopen_project(folder, settings)
    return project.docs if project else folder / settings.docs_folder


def results_folder(settings: Settings, name: str, variant: str | None = None) -> Path:
    """Return the folder for results of project ``name``: that of its files, or one for each ``variant``."""
    return settings.projects / name / VARIANTS / variant if variant else docs_folder(settings, name)


def check_variant(name: str) -> str:
    """Return the ``name`` of a variant; raises UsageError unless it is a plain name of a folder."""
    if "/" in name or names.safe_name(name) != name:
        raise UsageError(f"--variant {name!r}: expected a plain name, such as threshold-0.9")
    return name


def project_name(path: Path, settings: Settings) -> str:
    """Return the project name for ``path``: the match of VIDLIB_PROJECT_NAME_PATTERN, or the name without suffix."""
    name = path.name if path.is_dir() else path.stem.removesuffix(".tar")
    match = re.search(settings.project_name_pattern, name) if settings.project_name_pattern else None
    groups = match.groups() if match else ()
    return names.safe_name(next((group for group in groups if group and group.strip()), name))


def is_archive(path: Path) -> bool:
    """Return whether the content of ``path`` is an archive, whatever its name."""
    return path.is_file() and archive_format(path) is not None


def check_path(path: Source, settings: Settings) -> Source:
    """Return a path as absolute and with a name in UTF-8, or a link in its cleaned form.

    Raises UsageError if nothing is at the path, if this user cannot read it, and for the workspace itself, whose
    results are videos too. Raises RefusedInput for a malformed link. It sends nothing to the host of a link.
    """
    if isinstance(path, Link):
        return Link(cleaned(path))
    if not path.exists():
        raise UsageError(f"{path_text(path)} does not exist; expected an archive, a video or a project folder")
    if not os.access(path, os.R_OK):
        raise UsageError(f"this user cannot read {path_text(path)}; check its permissions")
    if path.resolve() == settings.workspace.resolve():
        raise UsageError(
            f"{path_text(path)} is the workspace, and its results are videos too; expected the videos to process, "
            f"or the folder {settings.inbox.name} in it"
        )
    return with_utf8_name(path.absolute(), settings)


def content_sha256(path: Path, workspace: Path | None = None) -> str:
    """Return the identity of a project: the SHA-256 of a file, or of the names and contents of videos in a folder.

    A ``workspace`` in the folder does not count.
    """
    if path.is_file():
        return sha256(path)
    listing = {path_text(video.relative_to(path)): sha256(video) for video in find_videos(path, workspace)}
    return sha256_text(canonical_json(listing))


def open_project(path: Path, sha256_: str, settings: Settings, *, unpacked: bool = False) -> Project:
    """Return the project with the content ``sha256_``; a new one is named after ``path``.

    The same content always gets the same project. Different content with the same name gets a project of its own.
    Content that was ``unpacked`` into a project finds it under any name. Raises UsageError if other files occupy both
    possible folders.
    """
    root, base = settings.projects, project_name(path, settings)
    candidates = [root / base, root / f"{base}-{sha256_[:8]}"]
    source = path_text(path)
    with sole_writer(root):
        folders = [*candidates, *(_projects_in(root) if unpacked else ())]
        if known := _with_content(sha256_, folders, settings):
            return known
        for folder in candidates:
            if not any(folder.glob("[!.]*")):  # it is new, or a process was killed between mkdir and the record
                record = {"name": folder.name, "sha256": sha256_, "source": source, "docs": settings.docs_folder}
                write_json(folder / RECORD, record)
                return Project(folder.name, sha256_, folder, folder / settings.docs_folder)
    raise UsageError(f"{candidates[0]} and {candidates[1]} contain other files; move one of them away")


def _projects_in(root: Path) -> Iterator[Path]:
    return (record.parent for record in sorted(root.glob(f"*/{RECORD}")))


def _with_content(sha256_: str, folders: Iterable[Path], settings: Settings) -> Project | None:
    """Return the first project with this content in ``folders``, unless its folder was renamed."""
    for folder in folders:
        record = _read_record(folder / RECORD)
        if record and (record["sha256"], record["name"]) == (sha256_, folder.name):
            return reopen_project(folder, settings)
    return None


def reopen_project(folder: Path, settings: Settings) -> Project | None:
    """Return the project in ``folder``, or None if it is not the folder of a project.

    A record anywhere but directly below PROJECTS came with a delivery, and does not count. The project has the name of
    its folder, whatever name the record gives: otherwise its results could go to another project.
    """
    folder = folder.absolute()
    if not folder.parent.is_dir() or folder.parent.resolve() != settings.projects.resolve():
        return None
    if (record := _read_record(folder / RECORD)) is None:
        return None
    return Project(folder.name, record["sha256"], folder, folder / record["docs"])


def _read_record(file: Path) -> dict[str, str] | None:
    """Return name, SHA-256 and folder of files of a project, or None for a file of another program."""
    if not file.is_file():
        return None
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        name, sha256_ = known["name"], known["sha256"]
        docs = plain_folder(known.get("docs", "docs"))  # records of the first versions have no "docs"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not (isinstance(name, str) and isinstance(sha256_, str) and SHA256.fullmatch(sha256_)):
        return None
    return {"name": name, "sha256": sha256_, "docs": docs}


def publish_files(project: Project, root: Path, files: Iterable[Path]) -> None:
    """Publish the extracted ``files`` below ``root`` in the project's folder, as hard links where possible."""
    for file in files:
        target = project.docs / file.relative_to(root)
        if not (target.is_file() and target.stat().st_size == file.stat().st_size):
            link_or_copy(file, target)


def duration_s(video: Path) -> float | None:
    """Return the duration of a video in seconds, or None if the file does not tell or is no video.

    It raises nothing: a later step reports the problem with its reason.
    """
    try:
        return probe_video(video).duration_s or None
    except (VidlibError, OSError):
        return None


def project_videos(paths: Iterable[Path], root: Path, settings: Settings) -> list[ProjectVideo]:
    """Return ``paths`` below ``root`` as the videos of one project, each with a safe and unique stem."""
    videos: list[ProjectVideo] = []
    taken: set[str] = set()
    for path in paths:
        relative = Path(lossy_text(path.relative_to(root)))
        stem = next(stem for stem in _stems(relative) if str(stem).casefold() not in taken)
        taken.add(str(stem).casefold())
        videos.append(ProjectVideo(with_utf8_name(path, settings), stem, sha256(path)))
    return videos


def _stems(relative: Path) -> Iterator[Path]:
    """Yield stems for the results of a video: ``clip``, then ``clip_mov``, ``clip_mov-2``, … if others have it."""
    safe = Path(*map(names.safe_name, relative.parts))
    yield safe.with_suffix("")
    flat = safe.name.replace(".", "_")
    yield safe.with_name(flat)
    yield from (safe.with_name(f"{flat}-{number}") for number in count(2))

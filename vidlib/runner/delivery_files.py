"""The files of a delivery: which of them are videos, and why the others are not processed.

The content decides. A file with the suffix of a video counts as one even if it is damaged: its steps then report how.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vidlib.errors import MediaError, RefusedInput
from vidlib.files import TMP_PREFIX, write_json
from vidlib.ingest.content import has_archive_name
from vidlib.ingest.formats import archive_format
from vidlib.ingest.names import is_litter
from vidlib.media.probe import probe_video
from vidlib.media.signatures import not_a_video
from vidlib.media.suffixes import is_video_name
from vidlib.results.naming import PUBLISHED, RECORD
from vidlib.text import one_line, path_text

FILE_NAME = "left_out.json"

MAX_CHARS = 300
"""The longest name and the longest reason."""

MOST_NAMED = 20
"""The most files that a report, or the summary of a run, names as not processed."""


@dataclass(frozen=True)
class LeftOut:
    """A file of a delivery that is not processed: its printable path in the delivery, and the reason."""

    path: str
    reason: str


def find_videos(folder: Path, workspace: Path | None = None) -> list[Path]:
    """Return the videos below ``folder``, sorted, without hidden files and folders.

    A ``workspace`` in the folder does not count: its results are videos too.
    """
    return [path for path in _files(folder, workspace) if reason_against(path, folder) is None]


def left_out(folder: Path, stems: Iterable[Path] = (), workspace: Path | None = None) -> list[LeftOut]:
    """Return the files below ``folder`` that are not processed, sorted, without those that systems leave there.

    The results of the videos with these ``stems`` and a ``workspace`` in the folder do not count either.
    """
    results = {f"{stem}{suffix}" for stem in stems for suffix in (*PUBLISHED.values(), RECORD)}
    files = ((path_text(path.relative_to(folder)), reason_against(path, folder)) for path in _files(folder, workspace))
    return [
        LeftOut(one_line(name, MAX_CHARS), one_line(reason, MAX_CHARS))
        for name, reason in files
        if reason and name not in results
    ]


def first_names(files: Iterable[LeftOut], n_shown: int = 5) -> str:
    """Return the first files with their reasons, for a message: ``a.txt (it is a text), b.jpg (it is an image)``."""
    texts = [f"{file.path} ({file.reason})" for file in files]
    more = f" and {len(texts) - n_shown} more" if len(texts) > n_shown else ""
    return ", ".join(texts[:n_shown]) + more


def record(run_folder: Path, delivery: str, files: Sequence[LeftOut]) -> None:
    """Record the ``files`` of a delivery that a run leaves out, for `recorded`. The folder is RUNS/<run id>."""
    others = {name: known for name, known in recorded(run_folder).items() if name != delivery}
    if files or others:
        document = {name: [asdict(file) for file in known] for name, known in {**others, delivery: files}.items()}
        write_json(run_folder / FILE_NAME, document)


def recorded(run_folder: Path) -> dict[str, list[LeftOut]]:
    """Return the files that a run left out, ``{delivery: files}``."""
    try:
        document = json.loads((run_folder / FILE_NAME).read_bytes())
        return {name: [LeftOut(**file) for file in files] for name, files in document.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        return {str(run_folder / FILE_NAME): [LeftOut(FILE_NAME, f"it cannot be read: {error}")]}


def check_video(file: Path) -> None:
    """Raise RefusedInput, with the reason, if the ``file`` is neither a video nor called like one."""
    if reason := reason_against(file, file.parent):
        raise RefusedInput(f"{path_text(Path(file.name))}: {reason}; expected a video or an archive")


def reason_against(path: Path, folder: Path) -> str | None:
    """Return why the file ``path`` below ``folder`` is no video, or None if it is one."""
    if any(part.startswith(".") for part in path.relative_to(folder).parts):
        return "it is hidden"
    try:
        if not path.is_file():
            return "it is no regular file, or a link to nothing"
        return None if is_video_name(path.name) else _reason_by_content(path)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _reason_by_content(path: Path) -> str | None:
    if known := archive_format(path):
        return f"it is an archive ({known.name}) inside the delivery; to process it, run it by itself"
    if what := not_a_video(path):
        reason: str | None = f"it is {what}"
    else:
        reason = _problem(path)
    if reason and has_archive_name(path.name):
        return "its name is that of an archive, but it cannot be read as one; ask for it again"
    return reason


def _problem(path: Path) -> str | None:
    try:
        probe_video(path)
    except MediaError as error:
        return str(error).replace(f"{path.name!r} is", "it is", 1)
    return None


def _files(folder: Path, workspace: Path | None) -> list[Path]:
    """Return everything below ``folder`` that is no folder, sorted, without what systems and vidlib leave there."""
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    if workspace and folder in workspace.parents:
        paths = (path for path in paths if not path.is_relative_to(workspace))
    return sorted(path for path in paths if not is_litter(path.name) and not path.name.startswith(TMP_PREFIX))

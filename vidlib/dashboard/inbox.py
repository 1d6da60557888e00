"""The inbox as plain data: what has arrived, and which of it a run has processed already."""

import hashlib
import os
from collections.abc import Hashable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from vidlib.dashboard.wording import readable
from vidlib.errors import UsageError
from vidlib.ingest.arrivals import may_be_delivery
from vidlib.runner.store import overview
from vidlib.runner.store.models import Run
from vidlib.runner.store.runs import History
from vidlib.runner.utf8_paths import is_utf8


def arrived(folder: Path) -> list[Path]:
    """The archives, videos and folders in the inbox, by name, without hidden and incomplete files."""
    paths = sorted(folder.iterdir(), key=lambda path: path.name.casefold()) if folder.is_dir() else []
    return [path for path in paths if may_be_delivery(path.name)]


def marker(folder: Path) -> Hashable:
    """A value that changes with the files of the inbox, also while one grows."""
    found = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                about = entry.stat()
                found.append((entry.name, about.st_size, about.st_mtime_ns))
    return frozenset(found)


def key_of(path: Path) -> str:
    """A name of a file for the browser. Names of files may hold any byte, and JSON may not."""
    return hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]


def chosen(folder: Path, keys: list[str]) -> list[Path]:
    """The files with these keys; raises UsageError where one is gone, and without any."""
    by_key = {key_of(path): path for path in arrived(folder)}
    if not keys:
        raise UsageError("Select one or more files of the inbox first.")
    if any(key not in by_key for key in keys):
        raise UsageError("A selected file is not in the inbox any more. Select again.")
    return [by_key[key] for key in keys]


def inbox_json(folder: Path, history: History) -> dict[str, Any]:
    """The inbox for the page: ``{"folder": ..., "files": [...]}``; times are seconds since 1970, sizes bytes."""
    paths = arrived(folder)
    processed = overview.last_runs_of(history, [str(path) for path in paths if is_utf8(path)])
    return {"folder": readable(str(folder)), "files": [row for path in paths for row in _row(path, processed)]}


def _row(path: Path, processed: dict[str, Run]) -> Iterator[dict[str, Any]]:
    with suppress(FileNotFoundError):  # the file was removed since the folder was listed
        about = path.stat()
        run = processed.get(str(path))
        yield {
            "key": key_of(path),
            "name": readable(path.name),
            "bytes": None if path.is_dir() else about.st_size,
            "modified": about.st_mtime,
            "run": run and {"id": run.id, "status": run.status, "at": run.started_at},
            "changed": bool(run and about.st_mtime > run.started_at),
        }

"""Builds the shelf of reports: every video of the history with the figures of its newest report."""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from vidlib.results.shelf_html import Entry, write_shelf
from vidlib.runner import report_run
from vidlib.runner.store import library
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps.report import PAGE, SUMMARY_FILE
from vidlib.text import plain_message, printable
from vidlib.timeline import seconds

SHELF = "index.html"

MAX_PROBLEM_CHARS = 200

SUMMARY = TypeAdapter(dict[str, Any])
"""Reads ``report.json`` without its types: in half the time, and also those of other versions."""


def build(history: History, settings: Settings, folder: Path | None = None) -> tuple[Path, int]:
    """Write the shelf into ``folder`` (default: that of the runs); returns its page and the number of videos."""
    folder = folder or settings.runs
    entries = list(shelf_entries(history, settings, folder))
    return write_shelf(folder / SHELF, entries, time.time(), settings.language), len(entries)


def shelf_entries(history: History, settings: Settings, folder: Path) -> Iterable[Entry]:
    """An entry for each video, from the newest run that reports on it; links start in ``folder``."""
    places = report_run.folders(settings.runs, library.report_tasks(history))
    problems = library.problems(history)
    for video in library.known_videos(history):
        page = places[video.report] / PAGE
        yield Entry(
            name=printable(video.name, " "),
            project=printable(video.project, " "),
            sha256=video.sha256,
            at=video.at,
            state=video.state,
            problem=plain_message(problems.get((video.run, video.source), ""))[:MAX_PROBLEM_CHARS],
            href=quote(os.fsencode(os.path.relpath(page, folder))) if page.is_file() else None,
            **figures(video.folder),
        )


def figures(folder: str | None) -> Mapping[str, Any]:
    """The figures of an `Entry` from the ``folder`` of a report; none where it is gone or of an earlier version."""
    try:
        summary = SUMMARY.validate_json((Path(folder) / SUMMARY_FILE).read_bytes()) if folder else {}
        shares = {share["name"]: share["share"] for share in summary.get("coverage", ())}
        counted = {
            name: summary.get(key) for name, key in (("shots", "shots"), ("speakers", "voices"), ("people", "people"))
        }
        return {
            "duration_s": float(seconds(summary["n_frames"])) if summary.get("n_frames") else None,
            "talk_s": summary.get("talk_s"),
            "faces": summary.get("face_coverage"),
            "known": shares.get("Known speakers"),
            "doubts": summary.get("n_doubts"),
            **{name: None if rows is None else len(rows) for name, rows in counted.items()},
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}

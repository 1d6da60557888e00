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
from vidlib.runner.store.models import ACTIVE
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps.report import PAGE, SUMMARY_FILE
from vidlib.text import plain_message, printable
from vidlib.timeline import seconds

SHELF = "index.html"

WORST = ("failed", "refused", "cancelled", "interrupted")
"""States of a task that decide about its video, the worst first."""

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
    reports = history.video_reports()
    places = report_run.folders(settings.runs, reports)
    problems = _problems(history)
    newest = {report.sha256 or report.source: report for report in reports}
    for report in newest.values():
        state, problem = problems.get((report.run_id, report.source), ("", ""))
        if not state:
            state = "running" if report.status in ACTIVE else report.status
        page = places[report.id] / PAGE
        yield Entry(
            name=printable(report.label, " "),
            project=printable(report.project, " "),
            sha256=report.sha256,
            at=report.finished_at or report.started_at or 0.0,
            state=state,
            problem=plain_message(problem)[:MAX_PROBLEM_CHARS],
            href=quote(os.fsencode(os.path.relpath(page, folder))) if page.is_file() else None,
            **_figures(Path(report.folder) / SUMMARY_FILE if report.folder else None),
        )


def _problems(history: History) -> dict[tuple[str, str], tuple[str, str]]:
    """The worst state of a task of each run and source, and its error."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for run_id, source, status, error in history.unfinished_steps(WORST):
        key = run_id, source
        if key not in found or WORST.index(status) < WORST.index(found[key][0]):
            found[key] = status, error or ""
    return found


def _figures(file: Path | None) -> Mapping[str, Any]:
    """What the shelf shows of a report; nothing where the report is gone or of an earlier version."""
    try:
        summary = SUMMARY.validate_json(file.read_bytes()) if file else {}
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

"""The content of a notification: the JSON document of a run, its subject line and its text for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from vidlib.runner.run_result import RunResult
from vidlib.text import one_line

Payload = Mapping[str, Any]
"""The JSON document of a run, as `payload` returns it."""

FAILED = frozenset({"failed", "refused"})
MAX_VIDEOS = 50
"""The text lists at most this many videos that are not done."""

MAX_LINE_CHARS = 500


def payload(result: RunResult, error: str | None = None) -> Payload:
    """Return `RunResult.as_json`; with ``error``, which ended the whole run, its status is ``failed``."""
    return result.as_json() | ({"status": "failed", "error": error} if error else {})


def subject(run: Payload) -> str:
    """Return a run in one line.

    >>> subject({"run": "R1", "status": "partial", "videos": [{"status": "failed"}, {"status": "done"}]})
    'vidlib run R1: partial (1 of 2 videos failed)'
    """
    statuses = [video["status"] for video in run["videos"]]
    total = f"{len(statuses)} video{'' if len(statuses) == 1 else 's'}"
    failed = sum(status in FAILED for status in statuses)
    unfinished = len(statuses) - failed - statuses.count("done")
    counts = [f"{count} {outcome}" for count, outcome in ((failed, "failed"), (unfinished, "not finished")) if count]
    # the first count names the total: 1 of 12 videos failed, 3 not finished
    summary = ", ".join([counts[0].replace(" ", f" of {total} ", 1), *counts[1:]] if counts else [])
    return f"vidlib run {run['run']}: {run['status']} ({summary or total})"


def text(run: Payload) -> str:
    """Return a run as text: first the videos that are not done, with errors and reports, then the projects."""
    lines = [subject(run), ""]
    if run.get("error"):
        lines += [f"The run stopped with an error: {_line(run['error'])}", ""]
    unfinished = [video for video in run["videos"] if video["status"] != "done"]
    for video in unfinished[:MAX_VIDEOS]:
        lines += _video_lines(video)
    if len(unfinished) > MAX_VIDEOS:
        lines.append(f"and {len(unfinished) - MAX_VIDEOS} more")
    lines += _left_out_lines(run.get("left_out", ()))
    if run.get("projects"):
        lines += ["", "Projects:", *(f"  {_line(project['path'])}" for project in run["projects"])]
    return "\n".join([*lines, "", f"For details, run: vidlib status {run['run']}"]) + "\n"


def _video_lines(video: Mapping[str, Any]) -> list[str]:
    link = f" {video['link']}" if video.get("link") else ""
    lines = [f"{video['status']}: {_line(video['path'] + link)}"]
    if video.get("error"):
        lines.append(f"  {_line(video['error'])}")
    if report := video.get("outputs", {}).get("report"):
        lines.append(f"  report: {_line(report)}")
    return lines


def _left_out_lines(files: Sequence[Mapping[str, str]]) -> list[str]:
    if not files:
        return []
    lines = [f"  {_line(file['path'])}: {_line(file['reason'])}" for file in files[:MAX_VIDEOS]]
    more = [f"  and {len(files) - MAX_VIDEOS} more"] if len(files) > MAX_VIDEOS else []
    return ["", "Not processed:", *lines, *more]


def _line(foreign_text: str) -> str:
    return one_line(foreign_text, MAX_LINE_CHARS)

"""Everything that was found in a workspace, as pandas tables: for analysts' notebooks.

The newest report of each video says what was found in it; its tracking table holds every face of every frame.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from vidlib.results.naming import finished, subject_folder
from vidlib.results.summary import Summary

if TYPE_CHECKING:
    import pandas as pd


def reports(work: Path) -> list[Summary]:
    """The newest report of each video whose steps lie in the folder ``work``, by project and name."""
    newest: dict[str, Summary] = {}
    for file in _oldest_first(work, f"*/{finished('report')}/report.json"):
        with suppress(ValidationError):  # an earlier version wrote it
            summary = Summary.read(file)
            newest[summary.sha256] = summary
    return sorted(newest.values(), key=lambda summary: (summary.project, summary.video))


def videos(found: Iterable[Summary]) -> "pd.DataFrame":
    """A row for each video: how long it is and how much was found in it; empty where a step did not finish."""
    import pandas as pd

    names = ("project", "video", "duration_s", "speech_s", "face_coverage", "sha256")
    counted = {"shots": "shots", "speakers": "voices", "face_tracks": "faces", "objects": "objects"}
    rows = []
    for one in found:
        row = {name: getattr(one, name) for name in names}
        row |= {name: None if (listed := getattr(one, what)) is None else len(listed) for name, what in counted.items()}
        rows.append(row | {"unfinished": ", ".join(step.name for step in (*one.problems, *one.waiting))})
    return pd.DataFrame(rows, columns=[*names[:-1], *counted, "unfinished", "sha256"])


def shots(found: Iterable[Summary]) -> "pd.DataFrame":
    """A row for each shot: frames count from 0, ``stop`` is not included."""
    return _table(found, "shots", "number", "start", "stop", "length_s", "boundary", "confidence")


def voices(found: Iterable[Summary]) -> "pd.DataFrame":
    """A row for each speaker: seconds of talk, and in how many turns."""
    return _table(found, "voices", "speaker", "talk_s", "n_turns")


def faces(found: Iterable[Summary]) -> "pd.DataFrame":
    """A row for each face track: its voice, its first frame (from 0), and how long it is seen and speaks."""
    return _table(found, "faces", "track_id", "speaker", "first_frame", "seen_s", "speaking_s")


def steps(found: Iterable[Summary]) -> "pd.DataFrame":
    """A row for each step of each video: what it ran on, and how long it took."""
    return _table(found, "steps", "name", "status", "engine", "device", "fallback", "seconds")


def frames(found: Iterable[Summary], work: Path, columns: Sequence[str]) -> "pd.DataFrame":
    """These columns of each video's newest tracking table (frames count from 1): a row for each track in each frame."""
    import pandas as pd

    parts = []
    for one in found:
        for file in _oldest_first(subject_folder(work, one.sha256), f"{finished('tracking')}/tracking.parquet")[-1:]:
            parts.append(pd.read_parquet(file, columns=list(columns)).assign(project=one.project, video=one.video))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*columns, "project", "video"])


def _table(found: Iterable[Summary], what: str, *names: str) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        [
            (one.project, one.video, *(getattr(row, name) for name in names))
            for one in found
            for row in getattr(one, what) or ()
        ],
        columns=["project", "video", *names],
    )


def _oldest_first(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern), key=lambda file: file.stat().st_mtime_ns)

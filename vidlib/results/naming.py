"""Names of result files beside a video and in the archive, and of the folders of its steps."""

import re
from pathlib import Path

PUBLISHED = {
    "shots_csv": ".csv",
    "audio_json": "_audio.json",
    "tracking_json": "_tracking.json",
    "tracking_parquet": "_tracking.parquet",
    "rttm": ".rttm",
    "captions": ".vtt",
    "subtitles": ".srt",
}
"""Suffix of each result beside its video, after the stem. Scripts of editors look for these names."""

RECORD = "_results.json"
"""Suffix of the file beside a video that says which results lie there; see `vidlib.results.published_set`."""

OPTIONAL = frozenset({"captions", "subtitles", "words"})
"""Results that may be missing although every step succeeded: words need speech, and weights that are optional."""

ARCHIVED = PUBLISHED | {
    "shots_csv": "_scenes.csv",
    "shots_json": "_shots.json",
    "people": "_people.json",
    "words": "_words.parquet",
}
"""Suffix of each result in the archive, after the stem. Those that `PUBLISHED` lacks lie in the archive only."""

CORRECTIONS = "corrections"
"""The result in the archive that no step leaves: the decisions of people that the others have."""

ARCHIVED |= {CORRECTIONS: "_corrections.json"}

DELIVERED = PUBLISHED | {"people": ARCHIVED["people"]}
"""Suffix of each result beside its video in a delivery, after the stem."""

DELIVERED_REPORT = "_report.html"
"""Suffix of the report beside its video in a delivery."""

REPORT_FOLDER = "report"
"""Folder of the report in an entry of the archive; see `vidlib.results.archived_report`."""

FINGERPRINT_DIGITS = 12
"""Number of hex digits of the fingerprint in the name of a step folder."""


def subject_folder(work: Path, sha256: str) -> Path:
    """The folder of the steps of the video or project with this SHA-256."""
    return work / sha256[:16]


def folder_name(step: str, fingerprint: str) -> str:
    """The name of the folder of a finished ``step``.

    >>> folder_name("scenes", "0123456789abcdef" * 4)
    'scenes-0123456789ab'
    """
    return f"{step}-{fingerprint[:FINGERPRINT_DIGITS]}"


def is_finished_name(name: str) -> bool:
    """Whether a folder has the name of a finished step.

    >>> is_finished_name("scenes-0123456789ab"), is_finished_name("scenes-0123456789ab.failed-1")
    (True, False)
    """
    return re.fullmatch(rf"[a-z]+-[0-9a-f]{{{FINGERPRINT_DIGITS}}}", name) is not None


def finished(step: str) -> str:
    """A glob pattern for the folders of a finished ``step``; the name of a failed attempt is longer.

    >>> finished("scenes").count("[0-9a-f]")
    12
    """
    return f"{step}-{'[0-9a-f]' * FINGERPRINT_DIGITS}"

"""What the results of a video are called: after its stem, beside it and in the archive; and where its steps lie."""

from pathlib import Path

PUBLISHED = {
    "shots_csv": ".csv",
    "audio_json": "_audio.json",
    "tracking_json": "_tracking.json",
    "tracking_parquet": "_tracking.parquet",
    "rttm": ".rttm",
    "captions": ".vtt",
}
"""Each result beside its video: ``<stem>`` and this. Editors' scripts look for these names."""

OPTIONAL = frozenset({"captions"})
"""Results that a video may lack though every step did its work: what is said, where no engine understands it."""

ARCHIVED = PUBLISHED | {"shots_csv": "_scenes.csv"}
"""Each result in the archive: ``<stem>`` and this."""

FINGERPRINT_DIGITS = 12
"""Hex digits of the fingerprint in the name of a step's folder."""


def subject_folder(work: Path, sha256: str) -> Path:
    """Where the steps of the video or project with this SHA-256 lie."""
    return work / sha256[:16]


def finished(step: str) -> str:
    """A pattern for the folders that hold a finished ``step``; the name of a failed attempt goes on.

    >>> finished("scenes").count("[0-9a-f]")
    12
    """
    return f"{step}-{'[0-9a-f]' * FINGERPRINT_DIGITS}"

"""Archives the results of a processed video by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from vidlib.api import correcting
from vidlib.api.video import Video
from vidlib.corrections import store
from vidlib.errors import UsageError
from vidlib.files import sha256
from vidlib.results import archive
from vidlib.results.finding import index
from vidlib.results.naming import CORRECTIONS
from vidlib.settings import Settings


@dataclass(frozen=True)
class Archived:
    """The entry of the results; ``known`` is true if the archive held it already."""

    entry: archive.Entry
    known: bool


def put(video: Video, settings: Settings, project: str | None = None) -> Archived:
    """Archive the newest complete results of ``video``, and return their entry.

    ``project`` is by default that of the results. Raises UsageError without complete results or without the original
    file, and BrokenOutput if a result is damaged.
    """
    from vidlib.steps import ARCHIVED, VIDEO_STEPS

    if not video.has_results(VIDEO_STEPS):
        raise UsageError(f"{video.name} has no complete results; process it first: vidlib run {video.path or 'VIDEO'}")
    results = video.results(*VIDEO_STEPS)
    for step, manifest in results.manifests.items():
        manifest.check(results.folders[step])
    if video.path is None or not video.path.is_file() or sha256(video.path) != video.sha256:
        raise UsageError(f"the original of {video.name} is not at {video.path}; name the file by its present path")
    named = {result: file for step, result, output in ARCHIVED if (file := results.file(step, output))}
    delivered = results.needed_file("convert", "video")
    now = datetime.now(UTC)
    with TemporaryDirectory() as folder:
        if decided := correcting.applied_corrections(video, results):
            named[CORRECTIONS] = store.snapshot(Path(folder) / "corrections.json", video.sha256, decided)
        result_set = archive.ResultSet.from_video(video.path, delivered, Path(results.name).stem, named)
        entry = archive.put(settings.archive, project or results.project, result_set, now)
    index.refresh(settings.archive)
    return Archived(entry, known=entry.metadata.created_at != now)

"""What came of a run that Python code started."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from vidlib.api.results import VideoResults
from vidlib.api.video import Video
from vidlib.settings import Settings

if TYPE_CHECKING:
    from vidlib.runner.run_result import RunResult, VideoResult


class Run:
    """A finished run: ``status`` is done, partial (some videos failed), failed, refused or cancelled.

    ``videos`` are the videos with the results of this run; ``errors`` says, by path, what went wrong.
    """

    def __init__(self, settings: Settings, result: "RunResult"):
        self.id, self.status, self.result = result.run, result.status, result
        self.videos = tuple(
            _video(settings, result.run, video, video.sha256) for video in result.videos if video.sha256
        )
        self.errors = {video.subject: video.error for video in result.videos if video.error}

    def __repr__(self) -> str:
        return f"Run({self.id!r}, {self.status}, {len(self.videos)} videos)"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(video.path.name)}</td><td>{video.status}</td><td>{escape(video.error or '')}</td></tr>"
            for video in self.result.videos
        )
        return f"<div>run {self.id}: <b>{self.status}</b></div><table>{rows}</table>"


def _video(settings: Settings, run: str, video: "VideoResult", sha256: str) -> Video:
    path = Path(video.path)
    folders = {step: done.folder for step, done in video.steps.items() if done.status == "done" and done.folder}
    return Video(settings, sha256, path.name, path, VideoResults(path.name, sha256, "", run, folders))

"""What came of a run: of each step, of each video, and of the whole; and how that is said in JSON and exit codes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidlib.errors import Cancelled, RefusedInput, StepFailed, VidlibError
from vidlib.steps.base import StepOutputs

OUTPUTS = {
    "shots": "shots_csv",
    "audio": "audio_json",
    "tracking_json": "tracking_json",
    "tracking_parquet": "tracking_parquet",
    "report": "report",
}
"""``{name in the JSON of a run: name of the result}``"""
REFUSALS = {error.__name__ for error in (RefusedInput, *RefusedInput.__subclasses__())}


@dataclass
class StepResult:
    """One step of one video: ``status`` is done, failed, refused, skipped or cancelled."""

    status: str
    folder: Path | None = None
    seconds: float = 0.0
    cached: bool = False
    error: str | None = None
    notebook: Path | None = None

    def as_json(self) -> dict[str, Any]:
        found = {
            "status": self.status,
            "folder": str(self.folder) if self.folder else None,
            "seconds": round(self.seconds, 3),
            "cached": self.cached,
        }
        return found | ({"error": self.error} if self.error else {})


@dataclass
class VideoResult:
    """One video, or an archive that gave none: its steps in order, and where its results are."""

    path: Path
    sha256: str | None = None
    steps: dict[str, StepResult] = field(default_factory=dict)
    left: dict[str, StepOutputs] = field(default_factory=dict)
    outputs: dict[str, Path] = field(default_factory=dict)
    problem: str | None = None
    problem_status: str = "failed"

    @property
    def status(self) -> str:
        """The worst that happened to it."""
        seen = {step.status for step in self.steps.values()} | ({self.problem_status} if self.problem else set())
        return next((bad for bad in ("cancelled", "refused", "failed", "skipped") if bad in seen), "done")

    @property
    def error(self) -> str | None:
        """What went wrong first."""
        return self.problem or next((step.error for step in self.steps.values() if step.error), None)

    @property
    def first_failed(self) -> str | None:
        """The step that went wrong first."""
        return next((name for name, step in self.steps.items() if step.error), None)

    def fail(self, error: Exception) -> None:
        """Note a problem that belongs to no step."""
        self.problem, self.problem_status = str(error), status_of(error)

    def as_json(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "sha256": self.sha256,
            "status": self.status,
            "steps": {name: step.as_json() for name, step in self.steps.items()},
            "outputs": {name: str(self.outputs[key]) if key in self.outputs else None for name, key in OUTPUTS.items()},
            "error": self.error,
        }


@dataclass
class RunResult:
    """A whole run; ``executed`` counts the steps that were not there already."""

    run: str
    videos: list[VideoResult] = field(default_factory=list)
    projects: list[dict[str, Any]] = field(default_factory=list)
    cancelled: bool = False

    @property
    def status(self) -> str:
        """done, partial (some videos failed), failed (all did), refused (all were), or cancelled."""
        if self.cancelled:
            return "cancelled"
        seen = {video.status for video in self.videos}
        if seen <= {"done"}:
            return "done"
        if "done" in seen:
            return "partial"
        return "refused" if seen == {"refused"} else "failed"

    @property
    def exit_code(self) -> int:
        codes = {"done": 0, "cancelled": Cancelled.exit_code, "refused": RefusedInput.exit_code}
        return codes.get(self.status, VidlibError.exit_code)

    @property
    def executed(self) -> int:
        steps = [step for video in self.videos for step in video.steps.values()]
        return sum(not step.cached for step in steps if step.status != "skipped")

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "status": self.status,
            "videos": [video.as_json() for video in self.videos],
            "projects": self.projects,
        }


def status_of(error: Exception) -> str:
    """How a step or a video that ended with ``error`` is called."""
    if isinstance(error, Cancelled):
        return "cancelled"
    if isinstance(error, RefusedInput) or (isinstance(error, StepFailed) and error.kind in REFUSALS):
        return "refused"
    return "failed"

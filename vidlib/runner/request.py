"""The request of a run, in a form that the history keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from vidlib.params import ParamSet
from vidlib.runner.sources import Source, parse_source
from vidlib.runner.store.models import Run
from vidlib.steps import PARAMS, STEPS, VIDEO_STEPS


@dataclass(frozen=True)
class Request:
    """The ``paths`` to process (archives, videos, folders or links), the params of every step, and the ``steps``.

    Empty ``steps`` means all steps. The steps that a named step needs run as well. ``force`` runs the named steps again
    although they are done. The results of a ``variant`` are kept apart under that name, and are not delivered. Only the
    ``videos`` with these SHA-256 are processed (empty: all).
    """

    paths: Sequence[Source]
    params: ParamSet
    steps: frozenset[str] = frozenset()
    force: bool = False
    variant: str | None = None
    videos: frozenset[str] = frozenset()

    @classmethod
    def from_run(cls, run: Run) -> Self:
        """The request of a run in the history."""
        asked = run.asked
        paths = [parse_source(path) for path in run.paths]
        return cls(
            paths,
            ParamSet(PARAMS, asked["layers"]),
            frozenset(asked["steps"]),
            asked["force"],
            asked.get("variant"),  # runs of earlier versions have neither this nor the next one
            frozenset(asked.get("videos", ())),
        )

    def as_json(self) -> dict[str, Any]:
        """The request without its paths, in the form that `from_run` reads."""
        asked = {"layers": self.params.layers, "steps": sorted(self.steps), "force": self.force}
        return asked | {"variant": self.variant, "videos": sorted(self.videos)}

    def wants(self, step: str) -> bool:
        if step == "finalize" and self.variant:
            return False
        return not self.steps or step in self.steps

    def wants_video(self, sha256: str) -> bool:
        return not self.videos or sha256 in self.videos

    def video_steps(self) -> list[str]:
        """The steps for each video, in order: the named steps and those that they need."""
        needed = set(self.steps) or set(VIDEO_STEPS)
        for name in reversed(VIDEO_STEPS):
            if name in needed:
                needed |= STEPS[name].needs
        return [name for name in VIDEO_STEPS if name in needed]

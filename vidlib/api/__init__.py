"""What analysts import: videos, workspaces, runs, and what differs between two results. See `vidlib`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidlib.api.comparison import Comparison, compare
from vidlib.api.evaluation import evaluate
from vidlib.api.finished_run import Run
from vidlib.api.video import Video
from vidlib.api.workspace import Paths, Workspace

if TYPE_CHECKING:
    from vidlib.player.widget import Player

__all__ = ["Comparison", "Run", "Video", "Workspace", "compare", "evaluate", "open", "run", "show"]


def open(video: str | Path | Video) -> Video:
    """The video at a path, or the one of that name, SHA-256 or beginning of a SHA-256, in the default workspace.

    Results are found by content, whatever the file is called. Raises UsageError, listing the candidates, where several
    videos fit or none does.
    """
    return video if isinstance(video, Video) else Workspace().open(video)


def run(
    paths: Paths,
    *,
    profile: str | Path | Sequence[str | Path] = (),
    set: Mapping[str, object] | None = None,
    steps: Sequence[str] = (),
    force: bool = False,
    variant: str | None = None,
    jobs: int | None = None,
    workspace: str | Path | None = None,
) -> Run:
    """Process archives, videos, folders or links, from download to report; what is done is not done again.

    ``paths`` may contain ``*``; ``profile`` names a YAML file or one of params/; ``set`` are parameters, as
    ``{"scenes.threshold": 0.4}``; ``steps`` are done with those that they need (default: all); ``force`` repeats them.
    ``jobs`` is the number of tasks side by side (default: one a core).

    The results of a ``variant`` lie apart under that name: ``vidlib.open(video).variant(name)``. Without a name,
    results replace those beside the video as a whole, if they are of the same steps or more.

    A video that fails does not stop the others: see ``status`` and ``errors`` of the run. Raises UsageError for a path,
    profile, parameter or step that does not exist, before anything is done.
    """
    return Workspace(workspace).run(
        paths, profile=profile, set=set, steps=steps, force=force, variant=variant, jobs=jobs
    )


def show(video: str | Path | Video) -> "Player":
    """The player of a video, for a notebook: picture, faces, and lanes on one time axis (docs/player.md)."""
    return open(video).show()

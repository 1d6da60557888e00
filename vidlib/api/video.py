"""One video and its results, as analysts see it."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from vidlib.api import archived
from vidlib.api.results import STEP_OF, VideoResults, current, table
from vidlib.errors import Cancelled, RefusedInput, UsageError, VidlibError
from vidlib.results import frames
from vidlib.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    from vidlib.api.correcting import Preview
    from vidlib.corrections.actions import Correction
    from vidlib.params import ParamSet
    from vidlib.player.widget import Player
    from vidlib.results.exports.otio_json import Editor
    from vidlib.runner.request import Request
    from vidlib.runner.run_result import RunResult
    from vidlib.runner.variants import Variant


class Video:
    """A video, known by the SHA-256 of its bytes: its results as DataFrames, pictures and files.

    A property looks up the newest results of the video, in the workspace and then in the archive. Where there are none,
    it runs the missing steps, with a progress bar. They get the parameters of the results that are there, else the
    defaults. Frames count from 0 and ``stop`` is not included. docs/tables.md lists the columns of each table. Results
    that were read once stay the same: `vidlib.open` looks again.

    The video of a run (``run.videos``) has the results of that run and no other.
    """

    def __init__(
        self,
        settings: Settings,
        sha256: str,
        name: str,
        path: Path | None,
        results: VideoResults | None = None,
    ):
        """``path`` is where the file was last seen; ``results`` are those of one run, else they are looked up."""
        self.sha256, self.name, self.path = sha256, name, path
        self.settings = settings
        self._results = results
        self.of_run = results is not None
        """Whether the results are those of one run."""

    @property
    def shots(self) -> "pd.DataFrame":
        """A row for each shot."""
        return self._table("shots")

    @property
    def turns(self) -> "pd.DataFrame":
        """A row for each turn of a speaker."""
        return self._table("turns")

    @property
    def tracks(self) -> "pd.DataFrame":
        """A row for each face or object in each frame."""
        return self._table("tracks")

    @property
    def blendshapes(self) -> "pd.DataFrame":
        """A row for each face in each frame: MediaPipe's 52 blendshapes."""
        return self._table("blendshapes")

    @property
    def people(self) -> "pd.DataFrame":
        """A row for each person who is seen."""
        return self._table("people")

    @property
    def words(self) -> "pd.DataFrame":
        """A row for each word or caption; none where no engine transcribed the speech."""
        return self._table("words")

    @property
    def review(self) -> "pd.DataFrame":
        """A row for each result that a person should check and has not checked, what matters most first."""
        from vidlib.api import correcting

        return correcting.unchecked(self, self._table("review"))

    @property
    def corrections(self) -> "pd.DataFrame":
        """A row for each correction that a person recorded, in order: id, action, fields, by, at, state, reason.

        ``state`` is applied, pending (the next run applies it), does not fit (with the reason), or undone.
        """
        from vidlib.api import correcting

        return correcting.table(self)

    def correct(self, action: str, **fields: Any) -> "Correction":
        """Record a decision of a person, which the next run applies and later analyses keep.

        ``action`` and its fields are those of docs/use/correct.md, such as ``correct("add_cut", frame=100)`` or
        ``correct("name", speaker="SPEAKER_01", name="Anna Weber")``. Frames count from 0, ``stop`` is not included.
        Raises UsageError for a decision that does not fit the results, or where there are none.
        """
        from vidlib.api import correcting

        return correcting.correct(self, action, fields)

    def undo(self, id: str | None = None) -> "Correction":
        """Take back the correction with this ``id``, by default the last one that counts; raises UsageError for none.

        The next run finds the results of before.
        """
        from vidlib.corrections import store

        return store.undo(self.settings.corrections, self.sha256, self.settings.person, id)

    def apply_corrections(self) -> list[str]:
        """Run the steps that corrections changed, and those after them; returns the former, empty if there are none."""
        from vidlib.api import correcting
        from vidlib.steps import VIDEO_STEPS

        if (results := self.results_at_hand()) and (steps := correcting.steps_to_run(self)):
            complete = results.folders.keys() >= set(VIDEO_STEPS)
            self._analyse(() if complete else results.folders)
            self._results = self._looked_up()
            return steps
        return []

    def preview(self) -> "Preview":
        """The results as they will be when the next run has applied all corrections, without a run."""
        from vidlib.api import correcting

        return correcting.preview(self)

    def all_corrections(self) -> "list[Correction]":
        """All corrections, also undone ones; raises BrokenOutput where their file is damaged."""
        from vidlib.corrections import store

        return store.read(self.settings.corrections, self.sha256)

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of its variants: results with other values, which `vidlib.run` made with ``variant=``."""
        from vidlib.runner import queries
        from vidlib.runner.variants import variants_of

        with queries.opened(self.settings) as history:
            return tuple(variant.name for variant in variants_of(history, self.settings, self.sha256))

    def variant(self, name: str) -> "Video":
        """The video with the results of a variant and no other; raises UnknownName, with the known names."""
        found = self._find_variant(name)
        folders = found.folders(self.settings.work)
        results = VideoResults(self.name, self.sha256, found.project, found.run, folders)
        return Video(self.settings, self.sha256, self.name, self.path, results)

    def promote(self, variant: str) -> None:
        """Put a variant in the place of the results beside the video, and deliver it.

        Steps that the variant lacks run first, with its values. Raises UnknownName for a variant that does not exist.
        """
        from vidlib.api.process import process

        self._check_done(process(self.promotion(variant), self.settings))
        self._results = None if not self.of_run else self._results

    def promotion(self, variant: str) -> "Request":
        """The request that `promote` processes."""
        return self._find_variant(variant).promotion()

    def _find_variant(self, name: str) -> "Variant":
        from vidlib.runner import queries
        from vidlib.runner.variants import find_variant

        with queries.opened(self.settings) as history:
            return find_variant(history, self.settings, self.sha256, name)

    @property
    def report(self) -> Path:
        """The HTML page that reports all results; runs all steps where there is none."""
        from vidlib.steps import VIDEO_STEPS

        if not self.of_run and not self.has_results(VIDEO_STEPS):
            self._analyse(())
            self._results = self._looked_up()
        if (page := self._report_page()) is None:
            raise VidlibError(f"{self.name} has no report, although it was processed; see: vidlib status")
        return page

    def frame(self, number: int, *, overlay: bool = False) -> "np.ndarray":
        """Frame ``number`` of the 25 fps video as (height, width, 3) uint8 RGB.

        ``overlay`` draws the box and name of each track, bold while it speaks. Raises UsageError for a frame that the
        video does not have.
        """
        from vidlib.api import pictures

        results = self.results("convert", *(("tracking",) if overlay else ()))
        return pictures.frame(results, number, overlay=overlay)

    def timeline(self) -> "Figure":
        """A figure of shots, speakers and faces on one time axis."""
        from vidlib.api import pictures

        return pictures.timeline(self.results("convert", "scenes", "tracking"))

    def show(self) -> "Player":
        """The player, for a notebook: picture, faces and lanes on one time axis, and corrections (docs/player.md)."""
        from vidlib.api import playing

        return playing.player(self)

    def export(
        self,
        format: str,
        path: str | Path,
        *,
        media_root: str | None = None,
        start_tc: str | None = None,
        handles: int = 0,
        editor: "Editor" = "resolve",
        aspect: str | None = None,
    ) -> Path:
        """Write the results as ``format`` to ``path``, and return the file.

        A ``path`` that is a folder gets a file named after the video. The others are choices of a timeline. The
        editor's machine has the delivered video in the folder ``media_root``. The timeline begins at ``start_tc``
        (``HH:MM:SS:FF``), with ``handles`` frames before and after each shot. ``editor`` is the program that OTIO is
        for, and ``aspect`` the shape of a reframed video (``W:H``).

        Raises UnknownName for a format that does not exist, VidlibError for one that this video has no results for.
        """
        from vidlib.api.export_source import Source
        from vidlib.api.exporting import Options, check, find_format, steps_of, write

        options = Options(media_root=media_root, start_tc=start_tc, handles=handles, editor=editor, aspect=aspect)
        chosen = find_format(format)
        check([chosen], options)
        places = (self.path,) if self.path else ()
        source = Source(self.results(*steps_of(chosen, options)), self.settings, places)
        target, name = Path(path), PurePosixPath(source.stem).name
        return write(chosen, [source], name, target / f"{name}{chosen.suffix}" if target.is_dir() else target, options)

    def _repr_html_(self) -> str:
        from vidlib.api import pictures

        return pictures.describe(self.name, self.sha256, self._looked_up())

    def __repr__(self) -> str:
        return f"Video({self.name!r}, sha256={self.sha256[:12]!r})"

    def _table(self, name: str) -> "pd.DataFrame":
        if self.of_run or self.has_results(STEP_OF[name]):
            return frames.to_pandas(table(self.results(*STEP_OF[name]), name))
        # the archive may still hold the table of finished work that was removed
        rows = archived.table(self.settings.archive, self.sha256, name)
        return frames.to_pandas(table(self.results(*STEP_OF[name]), name) if rows is None else rows)

    def results(self, *steps: str) -> VideoResults:
        """Results of the video, of these ``steps`` at least; runs those that are missing."""
        if self.of_run and self._results:
            return self._results.with_steps(steps)
        if not self.has_results(steps):
            self._analyse(steps)
        if not self.has_results(steps) or self._results is None:
            raise VidlibError(f"{self.name} has no results, although it was processed; see: vidlib status")
        return self._results.with_steps(steps)

    def results_at_hand(self) -> VideoResults | None:
        """The results that are there; nothing runs."""
        self.has_results(())
        return self._results

    def has_results(self, steps: Iterable[str]) -> bool:
        """Whether results of all these ``steps`` are there, so that nothing has to run."""
        if self._results is None or not self._results.folders.keys() >= set(steps):
            self._results = self._looked_up()
        return self._results is not None and self._results.folders.keys() >= set(steps)

    def _looked_up(self) -> VideoResults | None:
        """The newest results; the same ones for the video of a run."""
        from vidlib.runner import queries
        from vidlib.steps import VIDEO_STEPS

        if self.of_run:
            return self._results
        with queries.opened(self.settings) as history:
            return current(history.finished_steps(VIDEO_STEPS, self.sha256))

    def _report_page(self) -> Path | None:
        """The report of the run that the results are of; else the newest one, unless the video is that of a run."""
        from vidlib.runner import queries, report_run

        run = self._results.run if self._results else None
        with queries.opened(self.settings) as history:
            tasks = history.results(["report"], sha256=self.sha256, run_id=run if self.of_run else None)
            for task in sorted(tasks, key=lambda task: task.run_id == run, reverse=True):
                folder = report_run.folder_of(self.settings.runs, task, history.tasks(task.run_id))
                if (page := folder / "report.html").is_file():
                    return page
        return None

    def _analyse(self, steps: Iterable[str]) -> None:
        """Run ``steps`` (none: all) with the parameters of the results that are there, by default with the defaults.

        Raises RefusedInput, Cancelled or VidlibError, with the message of the step, where it does not succeed.
        """
        from vidlib.api.process import process
        from vidlib.runner.request import Request

        if self.path is None or not self.path.is_file():
            raise UsageError(
                f"{self.name} has no results of {', '.join(steps) or 'all steps'}, and its file is not at {self.path}; "
                "open it by the path that it has now"
            )
        self._check_done(process(Request([self.path], self._params(), frozenset(steps)), self.settings))

    def _check_done(self, result: "RunResult") -> None:
        if result.status == "done":
            return
        reasons = "; ".join(filter(None, (video.error for video in result.videos))) or f"the run is {result.status}"
        error_type = {"cancelled": Cancelled, "refused": RefusedInput}.get(result.status, VidlibError)
        raise error_type(f"{self.name}: {reasons}; see: vidlib status {result.run}")

    def _params(self) -> "ParamSet":
        """The parameters of the run that the results are of, so that new results belong to them; else the defaults."""
        from vidlib.params import read_params
        from vidlib.runner import queries
        from vidlib.runner.request import Request
        from vidlib.steps import PARAMS

        if self._results is None:
            return read_params(PARAMS)
        with queries.opened(self.settings) as history:
            return Request.from_run(history.run(self._results.run)).params

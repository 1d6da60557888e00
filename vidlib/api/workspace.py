"""All videos of a workspace: opened by name or content, processed, and asked in SQL."""

import inspect
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidlib import settings as settings_module
from vidlib.api.finished_run import Run
from vidlib.api.results import VideoResults, all_complete, parts_of, small_table, video_row
from vidlib.api.video import Video
from vidlib.errors import UsageError, did_you_mean
from vidlib.files import sha256
from vidlib.results import frames
from vidlib.settings import PACKAGE
from vidlib.text import sha256_start

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

    from vidlib.api.casting import Cast
    from vidlib.runner.store.models import Video as VideoRecord
    from vidlib.runner.store.runs import History

Paths = str | Path | Sequence[str | Path]

TABLES = ("videos", "shots", "turns", "words", "tracks", "people", "review")
"""The tables of a workspace."""

MOST_LISTED = 8
"""Candidates or names that a message lists."""


class Workspace:
    """A folder with finished work: its videos, and tables over all of them.

    The tables hold one complete set of results for each video: that of the newest run in which all steps finished.
    Every table has the columns ``video`` and ``sha256``; docs/tables.md lists the others.
    """

    def __init__(self, path: str | Path | None = None):
        """The workspace in the folder ``path``; by default that of the settings (VIDLIB_WORKSPACE)."""
        self.settings = settings_module.settings() if path is None else settings_module.load(workspace=path)

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.settings.workspace

    def open(self, video: str | Path | Video) -> Video:
        """The video at a path, or the one of that name, stem, SHA-256 or beginning of a SHA-256.

        A file is recognised by its content, whatever it is called. Raises UsageError, listing the candidates, where
        several videos fit or none does.
        """
        if isinstance(video, Video):
            return video
        if not str(video):
            raise UsageError("no video is named; expected a file, a name or a SHA-256")
        path = Path(video).expanduser()
        if path.is_dir():
            raise UsageError(f"{str(path)!r} is a folder; expected a video. Process its videos with vidlib.run")
        return self._by_content(path.absolute()) if path.is_file() else self._by_name(str(video))

    def result(self, name: str | Path) -> "Run | Video | Path":
        """What ``name`` means: a folder with results, a run by its id, a variant as ``VIDEO@VARIANT``, or a video."""
        from vidlib.runner import queries
        from vidlib.runner.run_result import result_of

        if Path(name).is_dir():
            return Path(name)
        with queries.opened(self.settings) as history, suppress(UsageError):
            run = history.run(str(name))
            return Run(self.settings, result_of(run, history.tasks(run.id), self.settings))
        video, at, variant = str(name).rpartition("@")
        if at and not Path(name).exists():
            return self.open(video).variant(variant)
        return self.open(name)

    def run(
        self,
        paths: Paths,
        *,
        profile: str | Path | Sequence[str | Path] = (),
        set: Mapping[str, object] | None = None,
        steps: Sequence[str] = (),
        force: bool = False,
        variant: str | None = None,
        jobs: int | None = None,
    ) -> Run:
        """Process archives, videos, folders or links; see `vidlib.run`."""
        from vidlib.api.process import process, request_for

        request = request_for(self.settings, paths, profile, set, steps, force, variant)
        return Run(self.settings, process(request, self.settings, jobs))

    def plan(
        self,
        paths: Paths,
        *,
        profile: str | Path | Sequence[str | Path] = (),
        set: Mapping[str, object] | None = None,
        steps: Sequence[str] = (),
        force: bool = False,
        variant: str | None = None,
    ) -> "pd.DataFrame":
        """What `run` would do with the same arguments: a row for each step of each video, with reason and seconds.

        ``does`` is run, done, keep (other results beside the video are not replaced) or unknown.
        """
        import pandas as pd

        from vidlib.api.process import request_for
        from vidlib.runner import dry_run

        request = request_for(self.settings, paths, profile, set, steps, force, variant)
        return pd.DataFrame(dry_run.plan(request, self.settings).rows)

    def params(
        self, *, profile: str | Path | Sequence[str | Path] = (), set: Mapping[str, object] | None = None
    ) -> "pd.DataFrame":
        """Every parameter of the analysis: its value with ``profile`` and ``set``, default, range, unit and meaning."""
        import pandas as pd

        from vidlib.api.process import param_set
        from vidlib.steps.param_list import list_params

        return pd.DataFrame(list_params(param_set(self.settings, profile, set).for_project()))

    def retry(
        self, run: str, *, video: str | None = None, step: str | None = None, jobs: int | None = None
    ) -> Run | None:
        """Try again what failed in a run, or one ``video`` or ``step`` of it.

        The answer is None if the run still runs: it does the work itself. Raises UsageError where it cannot help.
        """
        from vidlib.api.process import retry

        result = retry(run, self.settings, video, step, jobs)
        return Run(self.settings, result) if result else None

    def cancel(self, run: str, *, video: str | None = None, step: str | None = None) -> None:
        """Cancel a running run, or only one ``video`` or ``step`` of it. Finished steps keep their results."""
        with self._history() as history:
            history.request_cancel(run, video, step)

    def log(self, run: str, *, video: str | None = None, step: str | None = None) -> "pd.DataFrame":
        """A row for each line in the log of a run, or of one ``video`` or ``step`` of it, also while it runs.

        The columns are ``at`` (UTC), ``level`` (info, notice, warning, error, stdout or stderr), ``text``, ….
        """
        from vidlib.api.run_tables import log_table

        return log_table(self.settings, run, video, step)

    def steps(self, run: str) -> "pd.DataFrame":
        """A row for each step of each video in a run: ``progress`` in [0, 1], ``remaining_s`` (NaN: not known), …."""
        from vidlib.api.run_tables import step_table

        return step_table(self.settings, run)

    def videos(self) -> "pd.DataFrame":
        """A row for each video with complete results."""
        return self._frame("videos")

    def shots(
        self,
        *,
        person: str | int | None = None,
        speaker: str | None = None,
        says: str | None = None,
        faces: int | None = None,
        smile: float | None = None,
        min_s: float | None = None,
        max_s: float | None = None,
        framing: str | None = None,
        silent: bool | None = None,
        object: str | None = None,
        name: str | None = None,
        project: str | None = None,
        date: str | None = None,
    ) -> "pd.DataFrame":
        """A row for each shot of each video; with conditions, for each archived shot that fulfils all of them.

        The conditions are those of `find`: ``smile`` and ``min_s`` are the least, ``max_s`` the greatest value.
        """
        from vidlib.api import finding

        texts = {"person": person, "speaker": speaker, "says": says, "framing": framing, "object": object}
        texts |= {"name": name, "project": project, "date": date}
        conditions = finding.conditions_of(silent=silent, faces=faces, smile=smile, min_s=min_s, max_s=max_s, **texts)
        return finding.table(self.settings, conditions) if conditions else self._frame("shots")

    def find(self, question: str = "", *, limit: int | None = None, like: str | Path | None = None) -> "pd.DataFrame":
        """A row for each archived shot that fulfils a question in the language of ``vidlib find``.

        For example ``person:"A. Martin" says:budget smile>0.4 len>3s``; docs/use/find.md explains each condition.
        ``limit`` is the most rows. ``like`` is a picture, or a moment as ``VIDEO@TIMECODE``, of somebody of the cast
        who has to be seen. Raises UsageError for a question that cannot be read, and for ``like`` without a cast.
        """
        from vidlib.api import finding

        return finding.find(self.settings, question, limit, [] if like is None else [self.cast.like(str(like))])

    @property
    def cast(self) -> "Cast":
        """People across videos, as somebody confirmed them; off until its purpose is set (docs/privacy.md)."""
        from vidlib.api.casting import Cast

        return Cast(self)

    def library(self, search: str = "", *, sort: str = "-date", limit: int | None = None) -> "pd.DataFrame":
        """A row for each video that the history or the archive knows, whatever became of it.

        ``search`` has terms such as ``name:interview state:failed person:SPEAKER_01 says:budget date:2026-11``; text
        alone is looked for in all of it. ``sort`` is date, name, project or state, with a minus for the reverse.
        Columns: ``video``, ``sha256``, ``project``, ``state``, ``at`` (end of the newest run, UTC), ``run``,
        ``archived``, and ``places``, the first frames with what was looked for. Raises UsageError for terms that cannot
        be read.
        """
        from vidlib.api import library

        answer = library.Library(self.settings).search(search, sort=sort, limit=limit, update=True)
        return library.table(answer.videos)

    def turns(self) -> "pd.DataFrame":
        """A row for each turn of a speaker in each video; labels of speakers are those of one video."""
        return self._frame("turns")

    def words(self) -> "pd.DataFrame":
        """A row for each word or caption of each video."""
        return self._frame("words")

    def people(self) -> "pd.DataFrame":
        """A row for each person in each video."""
        return self._frame("people")

    def review(self) -> "pd.DataFrame":
        """A row for each result that a person should check."""
        return self._frame("review")

    def checked_items(self, video: str | Path | Video | None = None) -> list[dict[str, Any]]:
        """How often each kind of item to check was really wrong, by the corrections of one video, or of all.

        Each row has the ``kind``, how many were ``checked`` and ``wrong``, the ``share``, and what the confidences
        ``expected``. The last one counts the corrections that no item had asked for.
        """
        from vidlib.api import correcting

        return correcting.how_often_wrong(self.settings, None if video is None else [self.open(video)])

    def tracks(self, columns: Sequence[str] = ()) -> "pd.DataFrame":
        """A row for each face or object in each frame of each video.

        ``columns`` are read beside ``video`` and ``sha256``, blendshapes too; by default all but the blendshapes. An
        hour of video has about 100,000 rows: `sql` summarises any number of videos without loading them.
        """
        known = frames.columns_of("tracks", workspace=True)
        names = [column.name for column in known]
        for name in columns:
            if name not in names:
                raise UsageError(f"{name!r} is no column of tracks;{did_you_mean(name, names)} see docs/tables.md")
        first = [column.name for column in frames.VIDEO]
        chosen = [*first, *(name for name in columns if name not in first)]
        if not columns:
            chosen = [*first, *(column.name for column in frames.TABLES["tracks"])]
        return self.sql(f"SELECT {', '.join(chosen)} FROM tracks ORDER BY sha256, frame, track_id")

    def sql(self, query: str, params: Sequence[object] | Mapping[str, object] | None = None) -> "pd.DataFrame":
        """The rows that DuckDB finds for one SELECT over the tables `TABLES`.

        ``params`` are the values of ``?`` or ``$name`` in the query. Only the columns that the query names are read
        from disk, and rows pass through memory in parts. The query can neither write nor reach other files. Raises
        UsageError for a query that DuckDB refuses.
        """
        from vidlib.api.sql import select

        rows = select(query, params, {name: self._reader(name) for name in TABLES})
        if len(rows) <= 1:  # nothing was found, or a count of it
            self._warn_if_empty()
        return rows

    def _repr_html_(self) -> str:
        from vidlib.api import pictures

        videos = self._table("videos").to_pylist()
        return pictures.list_videos(videos, "" if videos else self._emptiness())

    def __repr__(self) -> str:
        n_videos = len(self._results())
        return f"Workspace({str(self.path)!r}): {f'{n_videos} videos' if n_videos else self._emptiness()}"

    def _emptiness(self) -> str:
        """Why all tables are empty, and what to do."""
        return (
            f"{self.path} has no video with complete results; process one with vidlib.run, or name another workspace: "
            "vidlib.Workspace(FOLDER), or VIDLIB_WORKSPACE in the environment"
        )

    def _frame(self, name: str) -> "pd.DataFrame":
        table = self._table(name)
        if not len(table):
            self._warn_if_empty()
        return frames.to_pandas(table)

    def _warn_if_empty(self) -> None:
        """Warn, at the line that called vidlib, that a table is empty because the workspace is."""
        if not self._results():
            callers = [Path(call.filename) for call in inspect.stack(context=0)]
            outside = next((n for n, file in enumerate(callers) if not file.is_relative_to(PACKAGE)), 0)
            warnings.warn(self._emptiness(), stacklevel=outside + 1)

    def _reader(self, name: str) -> Any:
        return lambda: self._dataset() if name == "tracks" else self._table(name)

    def _history(self) -> "AbstractContextManager[History]":
        """The history of the workspace: runs, tasks and events; a context manager."""
        from vidlib.runner import queries

        return queries.opened(self.settings)

    def _results(self) -> list[VideoResults]:
        with self._history() as history:
            return list(all_complete(history))

    def _table(self, name: str) -> "pa.Table":
        """A small table over all videos."""
        import pyarrow as pa

        columns = frames.schema(name, workspace=True)
        if name == "videos":
            paths = {video.sha256: video.path for video in self._known()}
            rows = parts_of(self._results(), lambda results: video_row(results, paths.get(results.sha256, "")))
            return pa.Table.from_pylist(list(rows), columns)
        parts = list(parts_of(self._results(), lambda results: _with_video(results, name, columns)))
        return pa.concat_tables(parts) if parts else columns.empty_table()

    def _dataset(self) -> "ds.Dataset":
        """The tracking tables of all videos: read where, and as far as, a query needs them."""
        from vidlib.api.sql import tracks_dataset

        return tracks_dataset(self._results())

    def _known(self) -> "list[VideoRecord]":
        with self._history() as history:
            return history.videos()

    def _by_content(self, path: Path) -> Video:
        from vidlib.results import archive_index
        from vidlib.runner import projects

        digest = sha256(path)
        known = {video.sha256 for video in self._known()}
        if digest not in known:
            # an editor holds the delivered file: the archive knows which one it was made of
            sources = [entry.metadata.source_hash for entry in archive_index.entries_of(self.settings.archive, digest)]
            if source := next((source for source in sources if source in known), None):
                return Video(self.settings, source, path.name, self._by_name(source).path)
            if projects.is_archive(path):
                raise UsageError(f"{str(path)!r} is an archive; expected a video. Process it with vidlib.run")
        return Video(self.settings, digest, path.name, path)

    def _by_name(self, text: str) -> Video:
        known = self._known()
        digits = sha256_start(text)
        for fits in (
            [video for video in known if video.name == text],
            [video for video in known if Path(video.name).stem == text],
            [video for video in known if digits and video.sha256.startswith(digits)],
        ):
            if len(fits) > 1:
                shown = ", ".join(f"{video.sha256[:12]} ({video.path})" for video in fits[:MOST_LISTED])
                more = f" and {len(fits) - MOST_LISTED} more" if len(fits) > MOST_LISTED else ""
                raise UsageError(f"{text!r} fits {len(fits)} videos: {shown}{more}; name one by its SHA-256 or path")
            if fits:
                return Video(self.settings, fits[0].sha256, fits[0].name, Path(fits[0].path))
        names = [video.name for video in known]
        listed = ", ".join(names[:MOST_LISTED]) + (", …" if len(names) > MOST_LISTED else "")
        raise UsageError(
            f"there is no video {text!r}: no such file, and no video of that name or SHA-256 in {self.path};"
            f"{did_you_mean(text, names)} known: {listed or 'none'}"
        )


def _with_video(results: VideoResults, name: str, columns: "pa.Schema") -> "pa.Table":
    """The table ``name`` of one video, with the columns that say which video it is."""
    import pyarrow as pa

    table = small_table(results, name)
    for place, value in enumerate((results.name, results.sha256)):
        table = table.add_column(place, columns.field(place), pa.repeat(pa.scalar(value, pa.string()), len(table)))
    return table

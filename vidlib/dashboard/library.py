"""The page *Library*: every video that the history or the archive knows, and one of them at a glance."""

import threading
import time
from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from vidlib.api import library, playing
from vidlib.api.comparison import compare
from vidlib.api.finished_run import Run
from vidlib.api.video import Video
from vidlib.api.workspace import Workspace
from vidlib.dashboard import glance
from vidlib.dashboard.pages import Actions, Context, Query, number
from vidlib.dashboard.results import result_url
from vidlib.dashboard.wording import readable
from vidlib.errors import UsageError, VidlibError
from vidlib.results.finding import index
from vidlib.runner import report_run, shelf
from vidlib.runner.store import library as store
from vidlib.runner.store.runs import History
from vidlib.steps.report import PAGE
from vidlib.timeline import smpte

ROWS = 50
"""Videos that the page shows at once."""

READ_EVERY_S = 10.0
"""Seconds between two looks at the history while it changes: a run changes it twice a second."""

INDEX_EVERY_S = 60.0
"""Seconds between two looks for changes of the archive that no run of this workspace made."""

CHANGES_SHOWN = 100
"""The most changes of a kind between two results."""


class Library:
    """All videos, and the one on display. The query has ``text``, ``state``, ``sort``, ``from``, and ``video``."""

    name = "library"

    def __init__(self, context: Context):
        self.context = context
        self.actions: Actions = {}
        self.questions: Actions = {"compare": self.compare}
        self._videos = library.Library(context.settings)
        self._shown: tuple[Query, int, int] | None = None
        self._parts: dict[str, Any] = {}
        self._indexed_at = -INDEX_EVERY_S
        self._n_indexed = 0
        self._indexing: threading.Thread | None = None

    def marker(self) -> Hashable:
        """Changes now and then, so that `view` looks again, and once the index of the archive is up to date."""
        return int(time.monotonic() // READ_EVERY_S), self._indexing is not None and self._indexing.is_alive()

    def view(self, history: History, query: Query) -> dict[str, Any]:
        """The parts ``list`` and ``video``; as of the last look, unless the query changed or it was long ago."""
        self._update_index()
        shown = dict(query), int(time.monotonic() // READ_EVERY_S), self._n_indexed
        if shown != self._shown:
            self._parts = {"list": self._list(history, query), "video": self._video(history, query)}
            self._shown = shown
        return self._parts

    def _update_index(self) -> None:
        """Bring the index of the archive up to date in the background; thousands of new entries take minutes."""
        if time.monotonic() - self._indexed_at < INDEX_EVERY_S or (self._indexing and self._indexing.is_alive()):
            return
        self._indexed_at = time.monotonic()
        self._indexing = threading.Thread(target=self._index, daemon=True)
        self._indexing.start()

    def wait_for_index(self) -> None:
        """Wait until the index of the archive is up to date, for programs that ask the page once."""
        if self._indexing:
            self._indexing.join()

    def _index(self) -> None:
        try:
            with index.opened(self.context.settings.archive):
                self._n_indexed += 1
        except (VidlibError, OSError) as error:
            self.context.problem(str(error))

    def _list(self, history: History, query: Query) -> dict[str, Any]:
        text, state = query.get("text", ""), query.get("state", "")
        start = number(query.get("from", ""))
        order = query.get("sort") or "-date"
        empty: dict[str, Any] = {"total": 0, "from": 0, "per_page": ROWS, "rows": [], "states": {}}
        try:
            answer = self._videos.search(text, state=state, sort=order, start=start, limit=ROWS)
        except UsageError as error:
            return empty | {"problem": self.context.translated(str(error))}
        counts = {"total": answer.total, "from": start, "states": answer.states}
        indexing = self._indexing is not None and self._indexing.is_alive()
        return empty | counts | {"rows": self._rows(history, answer.videos), "problem": None, "indexing": indexing}

    def _rows(self, history: History, videos: list[library.LibraryVideo]) -> list[dict[str, Any]]:
        """The videos as rows of the page, with figures and links."""
        runs = {video.known.run for video in videos if video.known}
        places = report_run.folders(self.context.settings.runs, store.report_tasks(history, runs))
        problems = store.problems(history, runs)
        players = store.with_steps(history, [video.sha256 for video in videos], playing.STEPS)
        return [self._row(video, places, problems, video.sha256 in players) for video in videos]

    def _row(
        self,
        video: library.LibraryVideo,
        places: Mapping[int, Path],
        problems: Mapping[tuple[str, str], str],
        has_player: bool,
    ) -> dict[str, Any]:
        known = video.known
        page = places[known.report] / PAGE if known else None
        problem = problems.get((known.run, known.source), "") if known else ""
        figures = _figures(known.folder) if known and known.folder else {}
        return {
            "sha256": video.sha256,
            "name": readable(video.name),
            "project": readable(video.project),
            "at": video.at,
            "state": video.state,
            "run": known.run if known else None,
            "archived": video.entry is not None,
            "problem": self.context.translated(problem) if problem else "",
            "report": result_url("runs", self.context.settings.runs, page) if page and page.is_file() else None,
            "player": has_player,
            "figures": dict(figures),
            "places": [
                {"frame": place.frame, "time": smpte(place.frame), "text": readable(place.text)}
                for place in video.places
            ],
            "n_places": video.n_places,
        }

    def _video(self, history: History, query: Query) -> dict[str, Any] | None:
        """The video on display, at a glance; None without one."""
        if not (sha256 := query.get("video")):
            return None
        if not (video := self._videos.by_content(sha256)):
            return {"sha256": sha256, "unknown": True}
        results = store.results_of(history, sha256, playing.STEPS)
        (row,) = self._rows(history, [video])
        folder = video.known.folder if video.known else None
        about = glance.of_report(folder, self.context.words) if folder else {}
        return row | about | {"results": glance.results_json(results)}

    def compare(self, sha256: str, a: str, b: str) -> dict[str, Any]:
        """What changed between the results of a video in the runs ``a`` and ``b``."""
        workspace = Workspace(self.context.settings.workspace)
        changes = compare(_result(workspace, a, sha256), _result(workspace, b, sha256))
        kinds = [glance.changes_json(name, rows, CHANGES_SHOWN) for name, rows in changes.tables().items()]
        return {"kinds": kinds, "missing": [self.context.translated(text) for text in changes.missing]}


@lru_cache(maxsize=4096)
def _figures(folder: str) -> Mapping[str, Any]:
    return shelf.figures(folder)  # a folder of a finished step never changes


def _result(workspace: Workspace, run_id: str, sha256: str) -> Video:
    """The results of a video in one run."""
    run = workspace.result(run_id)
    videos = run.videos if isinstance(run, Run) else ()
    if not (found := next((video for video in videos if video.sha256 == sha256), None)):
        raise UsageError(f"run {run_id} has no results of this video")
    return found

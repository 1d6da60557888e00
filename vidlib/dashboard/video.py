"""The page *Video*: the player of one video, and its newest report."""

import re
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from vidlib.api import Workspace, playing
from vidlib.dashboard import roles
from vidlib.dashboard.pages import Actions, Context, Query
from vidlib.dashboard.results import result_url
from vidlib.dashboard.wording import readable
from vidlib.errors import UsageError, VidlibError
from vidlib.runner import report_run
from vidlib.runner.store.runs import History
from vidlib.setting_types import Language
from vidlib.steps.report import PAGE

if TYPE_CHECKING:
    from vidlib.player.widget import Player


class Video:
    """The player of the video that the query names by its ``sha256``. Nothing is analysed for it."""

    name = "video"

    def __init__(self, context: Context):
        self.context = context
        self.actions: Actions = {}
        self.questions: Actions = {}
        self._shown: tuple[str, Language] | None = None
        self._player: Player | None = None

    def marker(self) -> Hashable:
        """Nothing but the history and the query changes the page."""
        return None

    def view(self, history: History, query: Query) -> dict[str, Any]:
        """The part ``video``: its ``name``, the ``model`` of the player in the browser, and its ``report``."""
        sha256 = query.get("sha256", "")
        try:
            name = self._open(sha256)
        except (VidlibError, OSError) as error:
            return {"video": {"error": self.context.translated(str(error)), "model": None}}
        return {
            "video": {
                "name": readable(name),
                "model": self._player and self._player.model_id,
                "error": None,
                "sha256": sha256,
                "report": self._report(history, sha256),
            }
        }

    def _open(self, sha256: str) -> str:
        """Let the player show this video, and return its name; raises VidlibError where it cannot."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise UsageError("This address names no video. Open the player from a run or from the library.")
        video = Workspace(self.context.settings.workspace).open(sha256)
        wished = sha256, self.context.words.language
        if self._shown != wished:
            self.close()
            if not video.has_results(playing.STEPS):
                raise UsageError(f"{video.name} has no results of {', '.join(playing.STEPS)} yet.")
            self._player = playing.player(video, roles.may_change(), self.context.words.language)
            self._shown = wished
        return video.name

    def _report(self, history: History, sha256: str) -> str | None:
        """The address of its newest report."""
        for task in history.reports(sha256)[:1]:
            folder = report_run.folders(self.context.settings.runs, history.tasks(task.run_id))[task.id]
            return result_url("runs", self.context.settings.runs, folder / PAGE)
        return None

    def close(self) -> None:
        """Forget the player on display."""
        if self._player is not None:
            self._player.close()
        self._player = self._shown = None

"""Which process of a test run takes the next file: one that has made or imported before what the file needs.

Networks of the engines, the template of the kernels, that of commands (see `tests.runner.processes`), a PostgreSQL
server, a dashboard and a browser take seconds to make, and each process makes its own: files with the same need are
best left to one process.
"""

from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

LONG = (
    "runner/test_resume.py",
    "engines/speech/test_speech.py",
    "runner/test_pipeline.py",
    "dashboard/test_browser.py",
)
"""The longest file of each need. They begin first, so that none is left when all other tests are done."""

NEEDS = {
    "networks": ("engines/", "steps/tracking/", "steps/audio/", "steps/test_scenes.py"),
    "kernels": (
        "api/test_notebooks.py",
        "api/test_run.py",
        "cli/test_commands.py",
        "evaluation/test_notebook.py",
        "notebooks/",
        "results/test_report_html.py",
        "runner/execution/test_task.py",
        "runner/kernels/",
        "runner/test_delivery_files.py",
        "runner/test_hostile_names.py",
        "runner/test_pipeline.py",
        "runner/test_sources.py",
        "steps/finalize/test_delivery.py",
        "test_earlier_workspace.py",
    ),
    "commands and postgresql": (
        "cli/test_archive.py",
        "cli/test_downloads.py",
        "runner/downloads/",
        "runner/execution/test_workers.py",
        "runner/store/",
        "runner/test_resume.py",
    ),
    "browser": ("dashboard/", "player/", "results/test_pages_in_a_browser.py"),
}
"""What takes seconds to make, and the beginnings of the paths, from here, of the files that need it."""


def need_of(file: str) -> str | None:
    """What the file at a path from here needs; None for most."""
    return next((need for need, paths in NEEDS.items() if file.startswith(paths)), None)


class ByNeed(LoadFileScheduling):
    """As ``--dist loadfile``: a file stays in one process. Among the next ones, a process prefers those of its needs.

    Then come files without a need and those whose need nobody has met yet, and last those that others prefer.
    """

    def _assign_work_unit(self, node: "WorkerController") -> None:
        own = self._met(node)
        others = {need for other in self.nodes if other is not node for need in self._met(other)}

        def rank(file: str) -> int:
            need = need_of(file.removeprefix("tests/"))
            return 0 if need in own else 2 if need in others else 1

        self.workqueue.move_to_end(min(self.workqueue, key=rank), last=False)
        super()._assign_work_unit(node)

    def _met(self, node: "WorkerController") -> set[str]:
        """The needs of all files that a process was given so far."""
        return {need for file in self.assigned_work[node] if (need := need_of(file.removeprefix("tests/")))}

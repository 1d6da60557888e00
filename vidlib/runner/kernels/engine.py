"""The entry point of the Papermill engine ``vidlib``, which runs notebooks in warm kernels.

Papermill imports this module whenever somebody imports Papermill (see pyproject.toml). It therefore loads nothing else
of vidlib and changes nothing; the work begins in `client` when the engine executes a notebook. Nothing else may import
this module.
"""

from typing import Any

from papermill.engines import Engine, NotebookExecutionManager


class VidlibEngine(Engine):
    """Papermill's engine ``vidlib``: runs a Python notebook in a warm kernel of this process."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any) -> None:
        """Run the notebook of ``nb_man``; `vidlib.runner.kernels.client.execute` documents the options."""
        from vidlib.runner.kernels.client import execute

        execute(nb_man, kernel_name, **options)

"""Runs one step notebook through Papermill; its result is published whole, or nothing of it is."""

import contextvars
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidlib import errors, progress
from vidlib.errors import BrokenOutput, ParamError, SettingError, StepFailed, VidlibError, did_you_mean
from vidlib.files import TMP_PREFIX, fsync_tree, publish_folder, replace_folder
from vidlib.runner.kernels.executed import finish_notebook
from vidlib.runner.read_only import make_read_only, remove_folder
from vidlib.runner.scheduling.plan import Planned
from vidlib.runner.step_log import StepLog
from vidlib.settings import Settings
from vidlib.settings import settings as current_settings
from vidlib.steps.base import SCRATCH, StepOutputs
from vidlib.text import plain_message

if TYPE_CHECKING:
    from vidlib.runner.kernels.pool import Kernel, KernelPool

KINDS = {"DeadKernelError": "WorkerLost", "MemoryError": "OutOfMemory", "OutOfMemoryError": "OutOfMemory"}
"""Errors of other libraries, and the error of vidlib that means the same."""


SENTENCES = {
    "DeadKernelError": "its process died; the usual cause is too little memory",
    "CellTimeoutError": "it took longer than VIDLIB_STEP_TIMEOUT_S allows",
}
"""What errors of notebooks mean whose own message speaks of kernels and cells."""

UNEXPECTED = "it broke off with an unexpected error: {reason}; the executed notebook shows where"
"""What an error means that is not one of vidlib."""


class StepMonitor:
    """Stops a step while it runs: `stop` from any thread ends its kernel and makes `run_step` raise.

    ``tmp`` is the working folder of the step and ``kernel`` its kernel; both are None while no step runs. What the step
    prints goes to ``log``, if there is one.
    """

    def __init__(self, log: StepLog | None = None) -> None:
        self.log = log
        self.error: VidlibError | None = None
        self.tmp: Path | None = None
        self.kernel: Kernel | None = None
        self._lock = threading.Lock()

    def stop(self, error: VidlibError) -> None:
        """End the step and all its processes at once; `run_step` raises the first ``error``."""
        with self._lock:
            if self.error is None:
                self.error = error
                if self.kernel:
                    self.kernel.kill()

    def check(self) -> None:
        """Raise the error with which the step was stopped, if it was."""
        if self.error:
            raise self.error

    @contextmanager
    def over(self, tmp: Path, kernel: "Kernel") -> Iterator[None]:
        """Let `stop` end this kernel while the block runs."""
        with self._lock:
            self.check()
            self.tmp, self.kernel = tmp, kernel
        try:
            yield
        finally:
            with self._lock:
                self.tmp = self.kernel = None


@dataclass(frozen=True)
class Placement:
    """Where a notebook runs: in one of ``kernels`` (None: the default pool), on ``cores`` (None: all), on a ``gpu``."""

    kernels: "KernelPool | None" = None
    cores: Sequence[int] | None = None
    gpu: int | None = None


def run_step(
    planned: Planned,
    *,
    force: bool = False,
    placement: Placement = Placement(),
    monitor: StepMonitor | None = None,
    publishing: Callable[[], AbstractContextManager[None]] = nullcontext,
    settings: Settings | None = None,
) -> tuple[StepOutputs, bool]:
    """Execute the notebook of a planned step and publish its folder, read-only; returns its outputs and True.

    A step that is finished already is not executed, unless with ``force``: the second value is then False. The folder
    gets its name inside the context ``publishing``, which raises if another process owns the step by now. A failed
    attempt is kept as ``<folder>.failed-N`` with its notebook, a damaged result as ``<folder>.broken-N``. Raises
    StepFailed, ParamError, or the error with which ``monitor`` was stopped. ``settings`` default to those of the
    process.
    """
    monitor, settings = monitor or StepMonitor(), settings or current_settings()
    planned.folder.parent.mkdir(parents=True, exist_ok=True)
    if not force and (outputs := _finished_outputs(planned)):
        return outputs, False
    tmp, scratch = _create_tmp(planned.folder), settings.workspace / SCRATCH
    try:
        with _failures_kept(planned, tmp, monitor, scratch):
            # in a context of its own: Jupyter keeps its event loop there, and Dask gives all lanes that of its worker
            contextvars.Context().run(_execute, planned, tmp, monitor, placement, settings)
        _finish(planned, tmp, scratch, publishing)
    finally:
        remove_folder(tmp)  # it still exists if the step was stopped or may not be published
    return planned.step.outputs(planned.folder), True


def _finished_outputs(planned: Planned) -> StepOutputs | None:
    """The outputs of a finished step; a damaged result is moved aside."""
    if not planned.folder.exists():
        return None
    try:
        return planned.step.outputs(planned.folder)
    except BrokenOutput:
        planned.folder.rename(_numbered(planned.folder, "broken"))
        return None


def _create_tmp(final: Path) -> Path:
    """Create an empty working folder beside ``final``, and remove those of processes that are gone."""
    for stale in final.parent.glob(f"{TMP_PREFIX}{final.name}-*"):
        remove_folder(stale)
    # a kernel may outlive its killed owner by a moment and still write to its old folder
    tmp = final.with_name(f"{TMP_PREFIX}{final.name}-{os.urandom(4).hex()}")
    tmp.mkdir()
    return tmp


def _execute(planned: Planned, tmp: Path, monitor: StepMonitor, placement: Placement, settings: Settings) -> None:
    from vidlib.jupyter_import import papermill
    from vidlib.runner.kernels.pool import default_pool

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # `_failures_kept` raises the errors that it logs
    notebook = settings.notebooks_dir / planned.step.notebook
    values = _parameters(planned, tmp)
    check_parameters(notebook, values)
    try:
        with (placement.kernels or default_pool()).acquire(placement.gpu) as kernel, monitor.over(tmp, kernel):
            papermill.execute_notebook(
                str(notebook),
                str(tmp / planned.step.notebook),
                parameters=values,
                engine_name="vidlib",
                kernel_name="python3",
                progress_bar=False,
                execution_timeout=int(settings.step_timeout_s),
                kernel=kernel,
                cores=placement.cores and list(placement.cores),
                **_streams(monitor.log),
            )
    finally:
        if monitor.log:
            monitor.log.close()
        _close_event_loop()


def _streams(log: StepLog | None) -> dict[str, Any]:
    """The options with which Papermill writes what the notebook prints into a log."""
    return {"stdout_file": log.stream("stdout"), "stderr_file": log.stream("stderr")} if log else {}


@contextmanager
def _failures_kept(planned: Planned, tmp: Path, monitor: StepMonitor, scratch: Path) -> Iterator[None]:
    """Turn any error of a notebook or its kernel into a failed attempt that people can look at."""
    try:
        yield
    except (ParamError, SettingError):
        raise
    except Exception as error:  # every library in a kernel can raise errors of its own
        monitor.check()
        kind, reason = _describe(error)
        raise _keep_failed(planned, tmp, scratch, reason, kind) from error
    monitor.check()


def _describe(error: Exception) -> tuple[str, str]:
    """The class of an error, and a sentence about it; the message of a foreign error alone may be one word."""
    from vidlib.jupyter_import import PapermillExecutionError

    kind, message = type(error).__name__, str(error)
    if isinstance(error, PapermillExecutionError):
        kind, message = error.ename, error.evalue
    if kind in SENTENCES:
        return kind, SENTENCES[kind]
    return kind, message if hasattr(errors, kind) else UNEXPECTED.format(reason=f"{kind}: {message}")


def _close_event_loop() -> None:
    """Close the event loop that Papermill opened for this thread; nothing else would close it."""
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    if not loop.is_running():
        loop.close()


def _finish(planned: Planned, tmp: Path, scratch: Path, publishing: Callable[[], AbstractContextManager[None]]) -> None:
    """Publish the folder of a notebook that ran to its end, if its outputs keep the promises of the step."""
    try:
        planned.step.outputs(tmp)
    except BrokenOutput as error:
        raise _keep_failed(planned, tmp, scratch, str(error), "BrokenOutput") from error
    finish_notebook(tmp / planned.step.notebook, tmp, planned.folder, scratch)
    if planned.step.page:
        from vidlib.results.report_html import write_page

        write_page(tmp / planned.step.notebook, tmp / planned.step.page)
    fsync_tree(tmp)  # before `publishing` makes others wait
    make_read_only(tmp)
    with publishing():
        if not planned.folder.exists():
            publish_folder(tmp, planned.folder)
            return
        replaced = tmp.with_name(f"{tmp.name}-replaced")
        replace_folder(tmp, planned.folder, kept=replaced)
    remove_folder(replaced)


def check_parameters(notebook: Path, values: dict[str, Any]) -> None:
    """Raise ParamError unless the notebook's `parameters` cell has exactly these names; Papermill would only warn."""
    from vidlib.jupyter_import import papermill

    if not notebook.is_file():
        raise SettingError(
            f"the step notebook {notebook} is missing; VIDLIB_NOTEBOOKS_DIR must name the folder that has it"
        )
    known = papermill.inspect_notebook(str(notebook))
    for name in values.keys() - known.keys():
        raise ParamError(f"{notebook.name}: it has no parameter {name!r};{did_you_mean(name, known)}")
    for name in known.keys() - values.keys():
        raise ParamError(f"{notebook.name}: its parameter {name!r} is neither an input nor a param of its step")


def _parameters(planned: Planned, tmp: Path) -> dict[str, Any]:
    inputs = planned.step.module.Inputs(**planned.inputs, out_dir=tmp)
    return {**inputs.model_dump(mode="json"), **planned.params.model_dump(mode="json")}


def _keep_failed(planned: Planned, tmp: Path, scratch: Path, reason: str, kind: str) -> StepFailed:
    """Keep the folder of a failed attempt beside the place of the result; returns the error to raise."""
    (tmp / progress.PROGRESS_FILE).unlink(missing_ok=True)
    for half_written in tmp.rglob(f"{TMP_PREFIX}*"):
        half_written.unlink(missing_ok=True)
    kept = _numbered(planned.folder, "failed")
    notebook, reason = planned.step.notebook, plain_message(reason)
    has_notebook = (tmp / notebook).is_file()
    if has_notebook:
        with suppress(OSError, ValueError):  # a full disk, or half a notebook: the failure itself counts
            finish_notebook(tmp / notebook, tmp, kept, scratch, failure=reason)
    tmp.rename(kept)
    return StepFailed(planned.step.name, reason, str(kept / notebook) if has_notebook else None, KINDS.get(kind, kind))


def _numbered(folder: Path, suffix: str) -> Path:
    """The first free ``<folder>.<suffix>-N``, N from 1."""
    taken = {path.name for path in folder.parent.glob(f"{folder.name}.{suffix}-*")}
    number = next(n for n in range(1, len(taken) + 2) if f"{folder.name}.{suffix}-{n}" not in taken)
    return folder.with_name(f"{folder.name}.{suffix}-{number}")

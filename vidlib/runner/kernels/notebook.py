"""Runs one step notebook through Papermill, so that its result appears whole or not at all."""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidlib import progress
from vidlib.errors import BrokenOutput, ParamError, SettingError, StepFailed, VidlibError, did_you_mean
from vidlib.files import TMP_PREFIX, fsync_tree, publish_folder, replace_folder, write_text
from vidlib.runner.scheduling.plan import Planned
from vidlib.settings import settings
from vidlib.steps.base import StepOutputs

if TYPE_CHECKING:
    from vidlib.runner.kernels.pool import Kernel, KernelPool

KINDS = {"DeadKernelError": "WorkerLost", "MemoryError": "OutOfMemory", "OutOfMemoryError": "OutOfMemory"}
"""What we call errors that other libraries have names of their own for."""


class Watch:
    """Stands by while a step runs, and can stop it: `stop` from any thread makes `run_step` raise.

    ``tmp`` is the folder that the step works in, ``kernel`` what it runs in, while it does.
    """

    def __init__(self) -> None:
        self.error: VidlibError | None = None
        self.tmp: Path | None = None
        self.kernel: Kernel | None = None
        self._lock = threading.Lock()

    def stop(self, error: VidlibError) -> None:
        """End the step and all its processes at once; the first ``error`` given is why."""
        with self._lock:
            if self.error is None:
                self.error = error
                if self.kernel:
                    self.kernel.kill()

    def check(self) -> None:
        """Raise what the step was stopped for, if it was."""
        if self.error:
            raise self.error

    @contextmanager
    def over(self, tmp: Path, kernel: "Kernel") -> Iterator[None]:
        """While the block runs this is what `stop` ends."""
        with self._lock:
            self.check()
            self.tmp, self.kernel = tmp, kernel
        try:
            yield
        finally:
            with self._lock:
                self.tmp = self.kernel = None


@dataclass(frozen=True)
class Seat:
    """Where a notebook runs: in one of ``kernels`` (None: of this process' own), on ``cores``, with a GPU ``gpu``."""

    kernels: "KernelPool | None" = None
    cores: Sequence[int] | None = None
    gpu: int | None = None


def run_step(
    planned: Planned,
    *,
    force: bool = False,
    seat: Seat = Seat(),
    watch: Watch | None = None,
    publishing: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[StepOutputs, bool]:
    """Execute the notebook of a planned step and publish its folder: what it left, and whether that was done here.

    It was not where it is there already; ``force`` does it again all the same. The folder gets its name inside
    ``publishing``, which raises where somebody else has the right to. A failed attempt is kept beside as
    ``<folder>.failed-N`` with its notebook. Raises StepFailed, ParamError, or what ``watch`` stopped it for.
    """
    watch = watch or Watch()
    planned.folder.parent.mkdir(parents=True, exist_ok=True)
    if not force and (outputs := _sound(planned)):
        return outputs, False
    tmp = _fresh_folder(planned.folder)
    try:
        with _failures_kept(planned, tmp, watch):
            _execute(planned, tmp, watch, seat)
        _finish(planned, tmp, publishing)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)  # nothing is left of it unless it was stopped
    return planned.step.outputs(planned.folder), True


def _sound(planned: Planned) -> StepOutputs | None:
    """What the finished step left; what stands there damaged is moved aside."""
    if not planned.folder.exists():
        return None
    try:
        return planned.step.outputs(planned.folder)
    except BrokenOutput:
        planned.folder.rename(_numbered(planned.folder, "broken"))
        return None


def _fresh_folder(final: Path) -> Path:
    """An empty working folder beside ``final``; those that dead processes left behind are removed."""
    for left_over in final.parent.glob(f"{TMP_PREFIX}{final.name}-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    # a kernel that outlives its killed owner by a moment may still write to the folder it was given
    tmp = final.with_name(f"{TMP_PREFIX}{final.name}-{os.urandom(4).hex()}")
    tmp.mkdir()
    return tmp


def _execute(planned: Planned, tmp: Path, watch: Watch, seat: Seat) -> None:
    from vidlib.jupyter_import import papermill
    from vidlib.runner.kernels.pool import default_pool

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it calls an error is raised here
    notebook = settings().notebooks_dir / planned.step.notebook
    values = _parameters(planned, tmp)
    check_parameters(notebook, values)
    try:
        with (seat.kernels or default_pool()).acquire(seat.gpu) as kernel, watch.over(tmp, kernel):
            papermill.execute_notebook(
                str(notebook),
                str(tmp / planned.step.notebook),
                parameters=values,
                engine_name="vidlib",
                kernel_name="python3",
                progress_bar=False,
                execution_timeout=int(settings().step_timeout_s),
                kernel=kernel,
                cores=seat.cores and list(seat.cores),
            )
    finally:
        _close_event_loop()


@contextmanager
def _failures_kept(planned: Planned, tmp: Path, watch: Watch) -> Iterator[None]:
    """Make of whatever a notebook or its kernel raises a failed attempt that people can look at."""
    from vidlib.jupyter_import import PapermillExecutionError

    try:
        yield
    except (ParamError, SettingError):
        raise
    except Exception as error:  # a kernel can die in as many ways as there are libraries in it
        watch.check()
        kind, reason = type(error).__name__, str(error)
        if isinstance(error, PapermillExecutionError):
            kind, reason = error.ename, error.evalue
        elif not isinstance(error, VidlibError):
            reason = f"{kind}: {reason}"
        raise _failed(planned, tmp, reason, kind) from error
    watch.check()


def _close_event_loop() -> None:
    """Papermill keeps an event loop for the thread that it ran in, and nobody would close that when the thread ends."""
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    if not loop.is_running():
        loop.close()


def _finish(planned: Planned, tmp: Path, publishing: Callable[[], AbstractContextManager[None]]) -> None:
    """Publish the folder of a notebook that ran to its end, if it left what its step promises."""
    try:
        planned.step.outputs(tmp)
    except BrokenOutput as error:
        raise _failed(planned, tmp, str(error), "BrokenOutput") from error
    notebook = tmp / planned.step.notebook
    # readers of the notebook look for the files where they will be, not where they were made
    write_text(notebook, notebook.read_text(encoding="utf-8").replace(str(tmp), str(planned.folder)))
    fsync_tree(tmp)  # before the others have to wait
    with publishing():
        if not planned.folder.exists():
            publish_folder(tmp, planned.folder)
            return
        replaced = tmp.with_name(f"{tmp.name}-replaced")
        replace_folder(tmp, planned.folder, kept=replaced)
    shutil.rmtree(replaced, ignore_errors=True)


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


def _failed(planned: Planned, tmp: Path, reason: str, kind: str) -> StepFailed:
    """Keep a failed attempt beside the place where its result would be."""
    (tmp / progress.PROGRESS_FILE).unlink(missing_ok=True)
    for half_written in tmp.rglob(f"{TMP_PREFIX}*"):
        half_written.unlink(missing_ok=True)
    kept = _numbered(planned.folder, "failed")
    tmp.rename(kept)
    notebook = kept / planned.step.notebook
    return StepFailed(planned.step.name, reason, str(notebook) if notebook.is_file() else None, KINDS.get(kind, kind))


def _numbered(folder: Path, what: str) -> Path:
    """The first free ``<folder>.<what>-N``, N from 1."""
    taken = {path.name for path in folder.parent.glob(f"{folder.name}.{what}-*")}
    number = next(n for n in range(1, len(taken) + 2) if f"{folder.name}.{what}-{n}" not in taken)
    return folder.with_name(f"{folder.name}.{what}-{number}")

"""Runs one step notebook through Papermill, so that its result appears whole or not at all."""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from filelock import FileLock, Timeout

from vidlib import progress
from vidlib.errors import BrokenOutput, Cancelled, ParamError, SettingError, StepFailed, did_you_mean
from vidlib.files import TMP_PREFIX, publish_folder, replace_folder, write_text
from vidlib.runner.plan import Planned
from vidlib.runner.repeating import repeating
from vidlib.settings import settings
from vidlib.steps.base import StepOutputs

POLL_S = 0.3
KERNEL_START_S = 300
"""A kernel starts in a second, and in a minute where the machine has ten times more to do than it can."""

END_WITHIN_S = 5.0


def run_step(
    planned: Planned,
    *,
    force: bool = False,
    on_progress: Callable[[float], None] = lambda fraction: None,
    stop: threading.Event | None = None,
) -> tuple[StepOutputs, bool]:
    """Execute the notebook of a planned step and publish its folder: what it left, and whether that was done here.

    It was not where another process finished the same step while this one waited for it; ``force`` does it again all
    the same. ``on_progress`` is given the fraction done; ``stop`` ends the work when it is set. A failed attempt is
    kept beside as ``<folder>.failed-N`` with its notebook. Raises StepFailed, ParamError, or Cancelled.
    """
    stop = stop or threading.Event()
    planned.folder.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(planned, stop):
        if not force and (outputs := _sound(planned)):
            return outputs, False
        tmp = _fresh_folder(planned.folder)
        _execute(planned, tmp, on_progress, stop)
        _finish(planned, tmp)
        return planned.step.outputs(planned.folder), True


@contextmanager
def _only_one(planned: Planned, stop: threading.Event) -> Iterator[None]:
    """Let one process at a time work on a step of a video; the lock goes with the process that holds it."""
    lock = FileLock(planned.folder.parent / f".{planned.step.name}.lock")
    try:
        lock.acquire(cancel_check=stop.is_set)
    except Timeout as error:
        raise Cancelled(f"stopped while another process worked on {planned.step.name!r}") from error
    try:
        yield
    finally:
        lock.release()


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
    step = final.name.rsplit("-", 1)[0]
    for left_over in final.parent.glob(f"{TMP_PREFIX}{step}-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    # a kernel that outlives its killed runner by a second may still write to the folder it was given
    tmp = final.with_name(f"{TMP_PREFIX}{final.name}-{os.getpid()}")
    tmp.mkdir()
    return tmp


def _execute(planned: Planned, tmp: Path, on_progress: Callable[[float], None], stop: threading.Event) -> None:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it calls an error is raised here
    notebook = settings().notebooks_dir / planned.step.notebook
    values = _parameters(planned, tmp)
    check_parameters(notebook, values)
    try:
        with _watched(tmp, on_progress, stop), TemporaryDirectory(prefix="vidlib-") as sockets:
            papermill.execute_notebook(
                str(notebook),
                str(tmp / planned.step.notebook),
                parameters=values,
                kernel_name="python3",
                progress_bar=False,
                start_timeout=KERNEL_START_S,
                execution_timeout=int(settings().step_timeout_s),
                config=_own_sockets(sockets),
                extra_arguments=["--log-level=50"],  # a kernel that is shut down calls that an error
            )
    except PapermillExecutionError as error:
        _check_not_stopped(stop, tmp)
        raise _failed(planned, tmp, error.evalue, error.ename) from error
    except Exception as error:  # a kernel can die in as many ways as there are libraries in it
        _check_not_stopped(stop, tmp)
        raise _failed(planned, tmp, f"{type(error).__name__}: {error}", type(error).__name__) from error
    _check_not_stopped(stop, tmp)


def _own_sockets(folder: str) -> Any:
    """A kernel that is spoken to through files only this user can open; a TCP port is there for the whole machine."""
    from traitlets.config import Config

    return Config(KernelManager={"transport": "ipc", "ip": f"{folder}/kernel"})


def _finish(planned: Planned, tmp: Path) -> None:
    """Publish the folder of a notebook that ran to its end, if it left what its step promises."""
    try:
        planned.step.outputs(tmp)
    except BrokenOutput as error:
        raise _failed(planned, tmp, str(error), "BrokenOutput") from error
    notebook = tmp / planned.step.notebook
    # readers of the notebook look for the files where they will be, not where they were made
    write_text(notebook, notebook.read_text(encoding="utf-8").replace(str(tmp), str(planned.folder)))
    if not planned.folder.exists():
        publish_folder(tmp, planned.folder)
        return
    replaced = tmp.with_name(f"{tmp.name}-replaced")
    replace_folder(tmp, planned.folder, kept=replaced)
    shutil.rmtree(replaced, ignore_errors=True)


def check_parameters(notebook: Path, values: dict[str, Any]) -> None:
    """Raise ParamError unless the notebook's `parameters` cell has exactly these names; Papermill would only warn."""
    import papermill

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


def _watched(tmp: Path, on_progress: Callable[[float], None], stop: threading.Event) -> AbstractContextManager[None]:
    """While the block runs, pass on what the step reports, and end its processes once ``stop`` is set."""
    said = None

    def watch_step() -> None:
        nonlocal said
        if stop.is_set():
            end_children()
        elif (fraction := progress.read(tmp)) not in (None, said):
            on_progress(fraction)
            said = fraction

    return repeating(watch_step, POLL_S)


def end_children(within_s: float = END_WITHIN_S) -> None:
    """End every process that this one started, and all that those started."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.terminate()
    _, alive = psutil.wait_procs(children, timeout=within_s)
    for child in alive:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(alive, timeout=within_s)


def _check_not_stopped(stop: threading.Event, tmp: Path) -> None:
    if stop.is_set():
        shutil.rmtree(tmp, ignore_errors=True)
        raise Cancelled("stopped as asked")


def _failed(planned: Planned, tmp: Path, reason: str, kind: str) -> StepFailed:
    """Keep a failed attempt beside the place where its result would be."""
    (tmp / progress.PROGRESS_FILE).unlink(missing_ok=True)
    kept = _numbered(planned.folder, "failed")
    tmp.rename(kept)
    notebook = kept / planned.step.notebook
    return StepFailed(planned.step.name, reason, str(notebook) if notebook.is_file() else None, kind)


def _numbered(folder: Path, what: str) -> Path:
    """The first free ``<folder>.<what>-N``, N from 1."""
    taken = {path.name for path in folder.parent.glob(f"{folder.name}.{what}-*")}
    number = next(n for n in range(1, len(taken) + 2) if f"{folder.name}.{what}-{n}" not in taken)
    return folder.with_name(f"{folder.name}.{what}-{number}")

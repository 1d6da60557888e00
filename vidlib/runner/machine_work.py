"""What this machine works on: the processes of its runs, with their kernels and the steps that they execute."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from vidlib.runner import run_progress
from vidlib.runner.store import identity
from vidlib.runner.store.models import Run, Task
from vidlib.runner.store.runs import History

MAX_RUNS = 50
"""Running runs that are looked at."""

TEMPLATE = "vidlib.runner.kernels.template_main"
"""What the command line of the template names, and that of the kernels, which are its forks."""


@dataclass(frozen=True)
class RunningStep:
    """A step that a lane executes now; ``remaining_s`` is None where it is not known."""

    run: str
    video: str
    step: str
    progress: float
    started_at: float
    remaining_s: float | None


@dataclass(frozen=True)
class WorkingProcess:
    """A process that executes steps, one in each lane in use.

    ``memory_bytes`` is that of the process and all its children (resident; shared pages count for each), ``kernels``
    the number of its kernels. Both are None for a process of another machine.
    """

    host: str
    pid: int
    runs: tuple[str, ...]
    steps: tuple[RunningStep, ...]
    memory_bytes: int | None
    kernels: int | None


def working_processes(history: History, now: float | None = None) -> list[WorkingProcess]:
    """The processes that drive a run or execute a step of one, those of this machine first."""
    owners: dict[str, tuple[list[str], list[RunningStep]]] = {}
    for run in history.runs(MAX_RUNS, "running"):
        owners.setdefault(run.owner, ([], []))[0].append(run.id)
        for owner, step in _running_steps(history, run, now or time.time()):
            owners.setdefault(owner, ([], []))[1].append(step)
    found = [_process(owner, runs, steps) for owner, (runs, steps) in owners.items()]
    return sorted(found, key=lambda process: (process.kernels is None, process.host, process.pid))


def _running_steps(history: History, run: Run, now: float) -> list[tuple[str, RunningStep]]:
    tasks = history.tasks(run.id)
    running = [task for task in tasks if task.status == "running" and task.worker]
    if not running:
        return []
    progress = run_progress.measure(tasks, run_progress.read_forecast(history, run), now).tasks
    return [(task.worker or "", _step(task, progress[task.id].remaining_s)) for task in running]


def _step(task: Task, remaining_s: float | None) -> RunningStep:
    return RunningStep(task.run_id, task.label, task.step, task.progress, task.started_at or 0.0, remaining_s)


def _process(owner: str, runs: Sequence[str], steps: Sequence[RunningStep]) -> WorkingProcess:
    host, pid = identity.host_of(owner), identity.pid_of(owner)
    here = identity.alive(owner, time.time()) and host == identity.host_of(identity.this_process())
    memory, kernels = _tree(pid) if here else (None, None)
    return WorkingProcess(host, pid, tuple(runs), tuple(steps), memory, kernels)


def _tree(pid: int) -> tuple[int | None, int | None]:
    """The memory of a process with its children, and the number of its kernels."""
    try:
        process = psutil.Process(pid)
        tree = [process, *process.children(recursive=True)]
    except psutil.Error:
        return None, None
    memory = kernels = 0
    for one in tree:
        with suppress(psutil.Error):
            memory += one.memory_info().rss
            parent = one.parent()
            kernels += _is_template(one) and parent is not None and _is_template(parent)
    return memory, kernels


def _is_template(process: psutil.Process) -> bool:
    return any(TEMPLATE in argument for argument in process.cmdline())

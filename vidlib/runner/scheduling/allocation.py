"""Divides a machine among tasks: one task alone gets all cores, several get a part each, together never more than all.

A lane is a worker slot: it executes one task at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vidlib.runner.scheduling.retries import ALONE_AFTER
from vidlib.runner.store.models import Task

ON_ONE_CORE = frozenset({"download", "extract", "reduce", "finalize", "report"})
"""Steps that a second core makes no faster."""


@dataclass(frozen=True)
class Capacity:
    """What an executor can use at once: lanes, CPU cores in all and for one task, and GPUs."""

    lanes: int
    cores: int
    max_cores_per_task: int
    gpus: int


@dataclass(frozen=True)
class Allocation:
    """What one task gets: cores, and perhaps a GPU. While a task runs ``alone``, no other task begins."""

    task_id: int
    cores: int
    gpu: bool = False
    alone: bool = False


def allocate(
    ready: Sequence[Task], capacity: Capacity, current: Sequence[Allocation], more_come: bool = False
) -> list[Allocation]:
    """Choose the ``ready`` tasks that begin now, beside the ``current`` allocations, and what each of them gets.

    Tasks begin in their order, as far as lanes, cores and GPUs go. A second task of a video only gets cores that the
    first tasks of all videos cannot use. A task that ran out of memory before runs alone. With ``more_come``, each task
    gets no more cores than if all lanes had a task.
    """
    if more_come and capacity.lanes:
        fair = max(1, min(capacity.max_cores_per_task, capacity.cores // capacity.lanes))
        capacity = replace(capacity, max_cores_per_task=fair)
    if any(allocation.alone for allocation in current):
        return []
    if lonely := next((task for task in ready if task.error_type in ALONE_AFTER), None):
        return [] if current else [Allocation(lonely.id, cores=1, alone=True)]
    # two steps of one video side by side leave cores idle once the shorter one is done
    first_of_video = {(task.project, task.label): task.id for task in reversed(ready)}
    first_ids = set(first_of_video.values())
    chosen = _allocate_in_order([task for task in ready if task.id in first_ids], capacity, current)
    others = [task for task in ready if task.id not in first_ids]
    return [*chosen, *_allocate_in_order(others, capacity, [*current, *chosen])]


def _allocate_in_order(ready: Sequence[Task], capacity: Capacity, current: Sequence[Allocation]) -> list[Allocation]:
    """Choose tasks in their order while there is a lane, a core and, if needed, a GPU for each."""
    lanes = capacity.lanes - len(current)
    cores = capacity.cores - sum(allocation.cores for allocation in current)
    gpus = capacity.gpus - sum(allocation.gpu for allocation in current)
    chosen: list[tuple[Task, bool]] = []
    for task in ready:
        gpu = capacity.gpus > 0 and task.params.get("device") in ("auto", "cuda")
        if len(chosen) < min(lanes, cores) and gpus >= gpu:
            chosen.append((task, gpu))
            gpus -= gpu
    return _divide_cores(chosen, cores, capacity.max_cores_per_task)


def _divide_cores(chosen: Sequence[tuple[Task, bool]], cores: int, max_per_task: int) -> list[Allocation]:
    """Divide ``cores`` evenly among tasks, each with its wish for a GPU. Others get what a task cannot use."""
    allocations = []
    # tasks for one core come first, so that the others share what these leave
    for index, (task, gpu) in enumerate(sorted(chosen, key=lambda choice: choice[0].step not in ON_ONE_CORE)):
        fair = cores // (len(chosen) - index)
        n_cores = 1 if task.step in ON_ONE_CORE else max(1, min(fair, max_per_task))
        allocations.append(Allocation(task.id, n_cores, gpu))
        cores -= n_cores
    return allocations

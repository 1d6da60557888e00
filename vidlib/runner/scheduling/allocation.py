"""Who gets how much of a machine: one task alone gets all cores, many get a part each, together never more than all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vidlib.runner.scheduling.retries import CAREFULLY
from vidlib.runner.store.models import Task

ON_ONE_CORE = frozenset({"download", "extract", "reduce", "finalize", "report"})
"""Steps that a second core makes no faster."""


@dataclass(frozen=True)
class Room:
    """How much can be done at once: tasks, CPU cores (in all, and for one task), GPUs."""

    lanes: int
    cores: int
    cores_of_one: int
    gpus: int


@dataclass(frozen=True)
class Share:
    """What a task was given: cores, and whether a GPU; ``alone``: nothing else beside it."""

    task_id: int
    cores: int
    gpu: bool = False
    alone: bool = False


def divide(ready: Sequence[Task], room: Room, taken: Sequence[Share], more_come: bool = False) -> list[Share]:
    """Which of the ``ready`` tasks begin now, beside those that have ``taken`` a share, and with how much.

    In their order, as many as there are lanes, cores and GPUs for; but a second task of a video only on cores that the
    first tasks of all videos cannot use. A task that ran out of memory before runs alone. Where ``more_come``, each
    gets no more cores than if all lanes had work already.
    """
    if more_come and room.lanes:
        room = replace(room, cores_of_one=max(1, min(room.cores_of_one, room.cores // room.lanes)))
    if any(share.alone for share in taken):
        return []
    if careful := next((task for task in ready if task.kind in CAREFULLY), None):
        return [] if taken else [Share(careful.id, cores=1, alone=True)]
    firsts = {(task.project, task.subject): task for task in reversed(ready)}
    first_ids = {task.id for task in firsts.values()}
    begun: list[Share] = []
    # two steps of one video side by side leave cores idle once the shorter one is done
    for first in (True, False):
        turn = [task for task in ready if (task.id in first_ids) is first]
        begun += _begin(turn, room, [*taken, *begun])
    return begun


def _begin(ready: Sequence[Task], room: Room, taken: Sequence[Share]) -> list[Share]:
    """As many of the tasks as there is still room for, with all of the cores that they can use."""
    lanes = room.lanes - len(taken)
    cores = room.cores - sum(share.cores for share in taken)
    gpus = room.gpus - sum(share.gpu for share in taken)
    begin: list[tuple[Task, bool]] = []
    for task in ready:
        gpu = room.gpus > 0 and task.params.get("device") in ("auto", "cuda")
        if len(begin) < min(lanes, cores) and gpus >= gpu:
            begin.append((task, gpu))
            gpus -= gpu
    return _with_cores(begin, cores, room.cores_of_one)


def _with_cores(begin: Sequence[tuple[Task, bool]], cores: int, most: int) -> list[Share]:
    """Split ``cores`` among the tasks that begin; what one cannot use is left to the others."""
    shares = []
    left = cores
    # those that want little first, so that the others know what is left
    for place, (task, gpu) in enumerate(sorted(begin, key=lambda item: item[0].step not in ON_ONE_CORE)):
        fair = left // (len(begin) - place)
        given = 1 if task.step in ON_ONE_CORE else max(1, min(fair, most))
        shares.append(Share(task.id, given, gpu))
        left -= given
    return shares

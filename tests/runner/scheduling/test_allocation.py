"""How a machine is divided among tasks: never more than there is, and none of it idle while there is work for it."""

from hypothesis import given
from hypothesis import strategies as st

from vidlib.runner.scheduling.allocation import ON_ONE_CORE, Allocation, Capacity, allocate
from vidlib.runner.store.models import Task

STEPS = ("convert", "scenes", "audio", "tracking", "reduce", "report")


def task(number: int, step: str = "tracking", label: str | None = None, **values) -> Task:
    values = {"params": {}, **values}
    return Task(id=number, step=step, project="news", label=label or f"clip{number}.mp4", **values)


def machine(cores: int, lanes: int | None = None, gpus: int = 0) -> Capacity:
    return Capacity(lanes or cores, cores, cores, gpus)


def test_one_task_gets_all_cores_and_many_get_one_each():
    assert allocate([task(1)], machine(8), []) == [Allocation(1, 8)]
    assert allocate([task(n) for n in range(20)], machine(8), []) == [Allocation(n, 1) for n in range(8)]
    assert sorted(allocate([task(1), task(2)], machine(8), []), key=lambda s: s.task_id) == [
        Allocation(1, 4),
        Allocation(2, 4),
    ]


def test_the_steps_of_one_video_take_turns_on_all_cores_and_those_of_two_share_them():
    sound, picture = task(1, "audio", "a.mp4"), task(2, "scenes", "a.mp4")
    assert allocate([sound, picture], machine(8), []) == [Allocation(1, 8)]
    assert allocate([sound, picture, task(3, "audio", "b.mp4")], machine(8), []) == [Allocation(1, 4), Allocation(3, 4)]
    assert allocate([sound, picture], Capacity(2, 16, 8, 0), []) == [Allocation(1, 8), Allocation(2, 8)]  # two machines
    assert allocate([picture], machine(8), [Allocation(1, 4)]) == [Allocation(2, 4)]


def test_the_first_of_many_leaves_cores_for_those_that_come():
    assert allocate([task(1)], machine(8, lanes=2), [], more_come=True) == [Allocation(1, 4)]
    assert allocate([task(2)], machine(8, lanes=2), [Allocation(1, 4)], more_come=True) == [Allocation(2, 4)]
    assert allocate([task(1)], machine(2, lanes=4), [], more_come=True) == [Allocation(1, 1)]
    assert allocate([task(1)], Capacity(0, 0, 0, 0), [], more_come=True) == []


def test_cores_that_a_step_cannot_use_go_to_other_steps():
    shares = {share.task_id: share.cores for share in allocate([task(1), task(2, "report")], machine(8), [])}
    assert shares == {1: 7, 2: 1}


def test_lanes_limit_the_tasks_at_a_time_on_any_number_of_cores():
    assert len(allocate([task(n) for n in range(5)], machine(8, lanes=2), [])) == 2
    assert allocate([task(1)], machine(8, lanes=1), [Allocation(9, 1)]) == []


def test_a_gpu_works_for_one_task_and_the_others_wait_for_it():
    wants = [task(n, params={"device": "auto"}) for n in range(3)]
    cpu_only = task(9, params={"device": "cpu"})
    assert {(s.task_id, s.gpu) for s in allocate([*wants, cpu_only], machine(8, gpus=1), [])} == {(0, True), (9, False)}
    assert {s.task_id for s in allocate(wants, machine(8, gpus=1), [Allocation(7, 2, gpu=True)])} == set()
    assert all(not share.gpu for share in allocate(wants, machine(8), []))


def test_a_task_that_ran_out_of_memory_runs_alone_on_one_core_without_a_gpu():
    big = task(2, params={"device": "auto"}, error_type="OutOfMemory")
    ready = [task(1), big, task(3)]
    assert allocate(ready, machine(8, gpus=1), [Allocation(9, 1)]) == []
    alone = allocate(ready, machine(8, gpus=1), [])
    assert alone == [Allocation(2, 1, gpu=False, alone=True)]
    assert allocate([task(1)], machine(8), alone) == []


@given(
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from("abcdef")), min_size=1, max_size=30),
    taken=st.lists(st.integers(1, 4), max_size=6),
    cores=st.integers(1, 32),
    lanes=st.integers(1, 16),
)
def test_never_more_than_there_is_and_nothing_idle_while_there_is_work(steps, taken, cores, lanes):
    before = [Allocation(1000 + n, share) for n, share in enumerate(taken)]
    shares = allocate([task(n, *step) for n, step in enumerate(steps)], machine(cores, lanes), before)
    free_cores, free_lanes = max(0, cores - sum(taken)), max(0, lanes - len(taken))
    used = sum(share.cores for share in shares)
    assert used <= free_cores
    assert len(shares) <= free_lanes
    assert used == free_cores or len(shares) == min(len(steps), free_lanes)
    assert all(share.cores == 1 for share in shares if steps[share.task_id][0] in ON_ONE_CORE)
    videos = {video for _, video in steps}
    assert len({steps[share.task_id][1] for share in shares}) >= min(len(videos), len(shares))
    if free_lanes and any(steps[share.task_id][0] not in ON_ONE_CORE for share in shares):
        assert used == free_cores

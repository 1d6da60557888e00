"""Killed, out of room or unable to write: the next run ends where an undisturbed one would have, and does no more.

A few points of what `make soak` tries by the hundred; see docs/how/soak.md.
"""

import os
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests import sample_media
from tests.soak import batch, disk, faults, small, verdict
from tests.soak.batch import Batch, Trial
from tests.soak.kills import Kill, Redo, appears, kill_at, kill_when
from tests.soak.verdict import Tally
from vidlib.machine import commands

pytestmark = pytest.mark.slow

OPTIONS = ("--steps", "convert,scenes", "--set", "scenes.engine=pyscenedetect")
STEPS = ("convert", "scenes", "report")


@pytest.fixture(scope="module")
def clip(plain_step_notebooks: None, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """A clip of 30 frames per second, which convert has to encode, in runs without figures."""
    return Batch((sample_media.clip(tmp_path_factory.mktemp("clip") / "clip.mp4", fps="30"),), OPTIONS, jobs=1)


@pytest.fixture(scope="module")
def wanted(clip: Batch, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What an undisturbed run publishes."""
    return batch.undisturbed(clip, tmp_path_factory.mktemp("undisturbed") / "workspace")


@pytest.fixture
def hanging(tmp_path: Path) -> dict[str, str]:
    """An environment in which ffmpeg hangs when it works first, and says so by the file ``hangs`` beside it."""
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    real, hangs = commands.find_program("ffmpeg"), program.with_name("hangs")
    works = f'*-progress*) [ -e "{hangs}" ] || {{ touch "{hangs}"; exec sleep 600; }};;'
    program.write_text(f'#!/bin/sh\ncase "$*" in {works} esac\nexec "{real}" "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:{os.environ['PATH']}"}


def driver(family: Sequence[psutil.Process]) -> psutil.Process:
    return family[0]


def kernel(family: Sequence[psutil.Process]) -> psutil.Process:
    return first(family, lambda process: "kernel" in " ".join(process.cmdline()))


def encoder(family: Sequence[psutil.Process]) -> psutil.Process:
    return first(family, lambda process: process.name() in ("ffmpeg", "sleep"))


def first(family: Sequence[psutil.Process], matches: Callable[[psutil.Process], bool]) -> psutil.Process:
    """The first process that matches. Others of the family may end while they are looked at."""
    for process in family:
        with suppress(psutil.NoSuchProcess):
            if matches(process):
                return process
    raise LookupError(f"none of {family} matches")


def test_a_driver_that_is_killed_repeatedly_repeats_only_interrupted_steps(clip, wanted, hanging, tmp_path):
    trial, tally = Trial(clip, tmp_path / "workspace", wanted), Tally("driver")
    encoding = Kill(appears(tmp_path, "bin/hangs"), driver, "while ffmpeg works")
    assert kill_when(trial, [encoding], **hanging)
    assert kill_at(trial, "vidlib.runner.execution.task:publish", 1, resuming=True)  # published, and nobody was told
    assert kill_at(trial, "vidlib.results.published_set:move_file", 1, resuming=True)  # half of a set has its names
    trial.judged(resuming=True, tally=tally)
    assert tally.clean, tally.problems


def test_killed_children_cost_only_their_own_steps(clip, wanted, hanging, tmp_path):
    trial, tally = Trial(clip, tmp_path / "workspace", wanted), Tally("children")
    encoding = Kill(appears(tmp_path, "bin/hangs"), encoder, "ffmpeg")
    detecting = Kill(appears(trial.workspace, "work/*/.tmp-scenes-*"), kernel, "the kernel of scenes")
    assert kill_when(trial, [encoding, detecting], **hanging)
    trial.judged(resuming=False, tally=tally)
    assert tally.clean, tally.problems


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict, dict[str, str]]:
    """What the smallest work needs, how often it makes each system call, and what it publishes undisturbed."""
    if problem := faults.why_not():
        pytest.skip(problem)
    folder = tmp_path_factory.mktemp("work")
    place = small.prepare(folder / "place")
    counts = faults.counted(folder, place)
    return place, counts, verdict.published(folder / "counting" / "workspace")


@pytest.mark.parametrize(("kind", "call"), [("EIO", "pwrite64"), ("SIGKILL", "rename")])
def test_a_failed_or_last_system_call_leaves_nothing_half_done(work, kind, call, tmp_path):
    place, counts, wanted_of_it = work
    every = [fault for fault in faults.all_of(kind, counts) if fault.call == call]
    tally = faults.try_all([random.Random(1).choice(every)], wanted_of_it, tmp_path, place)
    assert tally.clean, tally.problems


def test_a_full_disk_is_reported_in_one_line_and_the_next_run_continues(clip, wanted, tmp_path):
    if problem := disk.why_not():
        pytest.skip(problem)
    tally = Tally("disk")
    code = disk.full_disk(clip, wanted, Redo(tmp_path, STEPS), tmp_path / "disk", room=200_000, tally=tally)
    assert code == 1
    assert tally.clean, tally.problems

"""Kills any process of a run, at random instants and at chosen ones."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import psutil

from tests.soak.batch import LIMIT_S, Batch, Started, Trial, scratch, seeded
from tests.soak.dying import die_at
from tests.soak.verdict import Tally
from tests.waiting import wait_until

INSTANTS = (
    "vidlib.runner.intake:projects.open_project",
    "vidlib.results.published_set:replace",
    "vidlib.results.published_set:_finish",
    "vidlib.results.published_set:move_file",
    "vidlib.runner.projects:write_json",
    "vidlib.runner.store.runs:History.add_tasks",
    "vidlib.runner.store.queue:claim",
    "vidlib.runner.store.queue:acquire_lease",
    "vidlib.runner.execution.task:run_step",
    "vidlib.runner.kernels.notebook:fsync_tree",
    "vidlib.runner.kernels.notebook:publish_folder",
    "vidlib.runner.store.queue:release_lease",
    "vidlib.runner.execution.task:publish",
    "vidlib.files:os.replace",
    "vidlib.files:fsync",
    "vidlib.runner.execution.task:_record_success",
    "vidlib.runner.store.queue:finish",
    "vidlib.runner.store.runs:History.finish_run",
)
"""Calls in the process that drives a run, each just before an important write."""

APPEARING = (
    "work/*/.tmp-extract-*",
    "work/*/.tmp-convert-*",
    "work/*/.tmp-convert-*/*.mp4",
    "work/*/.tmp-scenes-*",
    "work/*/.tmp-scenes-*/*.json",
    "work/*/.tmp-finalize-*",
    "work/*/.tmp-report-*",
    "work/*/convert-*",
    "work/*/scenes-*",
    "projects/*/docs/*.csv",
    "archive/.tmp-*",
    "archive/*/*",
    "delivery/.tmp-*",
    "delivery/*",
)
"""Files and folders of a workspace that appear when a part of the work begins or ends."""

CLOCK_S = 20.0
"""Random instants lie within so many seconds of the start of a run."""


@dataclass(frozen=True)
class Redo:
    """Which steps every trial does anew, the others being there from an undisturbed run in ``source``."""

    source: Path
    steps: tuple[str, ...] = ("convert", "scenes", "finalize", "report")


@dataclass(frozen=True)
class Kill:
    """Kill the process of a run that ``whom`` chooses, once ``when`` is true; ``said`` names the instant."""

    when: Callable[[], object]
    whom: Callable[[Sequence[psutil.Process]], psutil.Process]
    said: str


def kills(batch: Batch, wanted: dict[str, str], redo: Redo, folder: Path, points: int, rng: random.Random) -> Tally:
    """Kill ``points`` times, up to three times in a row, and compare after each row."""
    tally, number = Tally("kills"), count(1)
    while tally.points < points:
        with scratch(folder / f"kills {next(number)}", tally) as place:
            trial = Trial(batch, seeded(place / "workspace", redo.source, redo.steps), wanted)
            for _ in range(min(rng.randint(1, 3), points - tally.points)):
                tally.points += _kill_once(trial, rng)
            trial.judged(rng.random() < 0.5, tally)
    return tally


def _kill_once(trial: Trial, rng: random.Random) -> bool:
    """Kill a process at some instant; returns False if the run had ended before."""
    resuming = rng.random() < 0.5
    if rng.random() < 0.4:
        place, number = rng.choice(INSTANTS), rng.randint(1, 6)
        return kill_at(trial, place, number, resuming)
    if rng.random() < 0.5:
        pattern = rng.choice(APPEARING)
        when, said = appears(trial.workspace, pattern), f"when {pattern} appears"
    else:
        seconds = rng.uniform(0.5, CLOCK_S)
        when, said = after(seconds), f"after {seconds:.1f} s"
    return kill_when(trial, [Kill(when, lambda family: _any_of(family, rng), said)], resuming)


def kill_at(trial: Trial, place: str, number: int, resuming: bool = False) -> bool:
    """Have the process that drives the run die at the ``number``-th call of ``place``; whether it came so far."""
    run = trial.begin(resuming, first=partial(die_at, place, number))
    trial.disturbed(run, f"call {number} of {place}")
    return run.process.returncode == -9


def kill_when(trial: Trial, kills: Sequence[Kill], resuming: bool = False, **env: str) -> bool:
    """Kill processes of one run, one after the other; whether the run was not over before."""
    run = trial.begin(resuming, **env)
    victims = []
    try:
        for kill in kills:
            wait_until(lambda kill=kill: kill.when() or run.process.poll() is not None, LIMIT_S)
            victims.append(_killed(run, kill.whom))
    except BaseException:
        run.end()
        raise
    where = "; ".join(f"{kill.said}: {victim or 'over before'}" for kill, victim in zip(kills, victims, strict=True))
    # of another process than the driver, the driver gives back what it did, and may try again itself
    trial.disturbed(run, where, spare=sum(victim not in (None, "driver") for victim in victims))
    return None not in victims


def _killed(run: Started, whom: Callable[[Sequence[psutil.Process]], psutil.Process]) -> str | None:
    """Kill one process of the run; what it was."""
    try:
        driver = psutil.Process(run.process.pid)
        family = [driver, *driver.children(recursive=True)]
        victim = whom(family)
        name = "driver" if victim == driver else " ".join(victim.cmdline()[:4])[-60:]
        victim.kill()
    except psutil.NoSuchProcess:
        return None
    return name


def _any_of(family: Sequence[psutil.Process], rng: random.Random) -> psutil.Process:
    """The driver in one of three times, else any process."""
    return family[0] if rng.random() < 1 / 3 else rng.choice(family)


def after(seconds: float) -> Callable[[], bool]:
    """True once so much time has passed: an instant that was drawn by lot."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def appears(workspace: Path, pattern: str) -> Callable[[], bool]:
    """True once something of that name is there that was not there before."""
    known = set(workspace.glob(pattern))
    return lambda: bool(set(workspace.glob(pattern)) - known)

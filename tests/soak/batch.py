"""A batch of tiny deliveries, processed by a real `vidlib run` in a workspace of its own, disturbed or undisturbed.

A workspace may start with most finished steps of an undisturbed one. Then nothing is slow, and the comparison still
covers every published file.
"""

import os
import shutil
import subprocess
import uuid
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import sample_media
from tests.runner.processes import Command
from tests.soak import verdict
from tests.soak.verdict import MARK, Record, Tally, Verdict

ROOT = Path(__file__).parents[2]
LIMIT_S = 280
"""Seconds after which a run counts as hanging."""


@dataclass(frozen=True)
class Batch:
    """Deliveries and the options they are processed with."""

    paths: tuple[Path, ...]
    options: tuple[str, ...] = ("--set", "scenes.engine=pyscenedetect")
    jobs: int = 2

    def run(self, workspace: Path) -> list[str]:
        """The arguments of vidlib that process it."""
        return ["run", *map(str, self.paths), "-w", str(workspace), "-j", str(self.jobs), *self.options]

    def resume(self, workspace: Path, run_id: str) -> list[str]:
        """The arguments of vidlib that go on with one of its runs."""
        return ["resume", run_id, "-w", str(workspace), "-j", str(self.jobs)]


@dataclass
class Started:
    """A running vidlib: its process, the mark of all processes that it starts, and the file of its error messages."""

    process: Command
    mark: str
    log: Path

    def ended(self) -> str | None:
        """Wait for the end of all its processes; returns a problem, or None."""
        try:
            self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.end()
            return f"hung: {self.said()}"
        left = verdict.still_alive(self.mark)
        if "Traceback" in (said := self.said()):
            left.append(f"a traceback: {said}")
        return "; ".join(left) or None

    def end(self) -> None:
        """Kill it and all processes that it started."""
        verdict.kill(verdict.alive(self.mark))
        self.process.kill()  # it carries no mark itself: it is the fork of a process without one
        self.process.wait()

    def said(self) -> str:
        """The end of what it wrote to stderr."""
        return self.log.read_text(errors="replace")[-1500:]


def tiny(folder: Path, n_clips: int = 1, n_frames: int = sample_media.N_FRAMES) -> Batch:
    """``n_clips`` clips of different content and an archive with one more."""
    folder.mkdir(parents=True, exist_ok=True)
    rates = ("30", "24", "50", "25")
    clips = [
        sample_media.clip(folder / f"clip {n}.mp4", n_frames=n_frames - 3 * n, cuts=(15 + 5 * n,), fps=rates[n % 4])
        for n in range(n_clips)
    ]
    packed = sample_media.clip(folder / "packed.mov", n_frames=n_frames - 8, cuts=(22,), fps="30")
    archive = folder / "delivery.zip"
    with zipfile.ZipFile(archive, "w") as package:
        package.write(packed, "reel/packed.mov")
    return Batch((*clips, archive))


def python_path() -> str:
    """PYTHONPATH for a process that imports the tests."""
    return os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))


def start(arguments: Sequence[str], folder: Path, first: Callable[[], object] | None = None, **env: str) -> Started:
    """Start vidlib with ``arguments``, in a session of its own, with temporary files in ``folder``.

    The process calls ``first`` before anything else.
    """
    mark = uuid.uuid4().hex
    tmp, log = folder / "tmp", folder / f"{mark}.log"
    tmp.mkdir(parents=True, exist_ok=True)
    given = {MARK: mark, "TMPDIR": str(tmp), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": python_path(), **env}
    return Started(Command(arguments, os.environ | given, err=log, first=first), mark, log)


def undisturbed(batch: Batch, workspace: Path) -> dict[str, str]:
    """Process ``batch`` in an empty workspace; what it published."""
    run = start(batch.run(workspace), workspace.parent)
    problem = run.ended()
    assert not problem, problem
    assert run.process.returncode == 0, run.said()
    return verdict.published(workspace)


def seeded(workspace: Path, source: Path, without: Sequence[str]) -> Path:
    """A new workspace with the finished steps of ``source``, all but those named."""
    for folder in (source / "work").glob("*/*-*"):
        if verdict.FINISHED.fullmatch(folder.name) and folder.name.partition("-")[0] not in without:
            shutil.copytree(folder, workspace / "work" / folder.parent.name / folder.name)
    return workspace


@dataclass
class Trial:
    """A workspace that is disturbed once or more often, and must end as if it had never been disturbed."""

    batch: Batch
    workspace: Path
    wanted: dict[str, str]
    cut: set[tuple[str, int]] = field(default_factory=set)
    spare: int = 0
    found: Verdict = field(default_factory=Verdict)
    where: list[str] = field(default_factory=list)
    _finished: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._finished = verdict.finished(self.workspace)

    def begin(self, resuming: bool, **how: object) -> Started:
        """Start the batch, or go on with its newest run, if that can be; ``how`` as for `start`."""
        runs = Record.read(self.workspace).runs
        going_on = resuming and runs and runs[-1][1] != "done"
        arguments = self.batch.resume(self.workspace, runs[-1][0]) if going_on else self.batch.run(self.workspace)
        return start(arguments, self.workspace.parent, **how)

    def disturbed(self, run: Started, where: str, spare: int = 0) -> None:
        """Note a disturbance that is over; ``spare`` steps that it cut left no trace, as their driver lives on."""
        self.where.append(where)
        if problem := run.ended():
            self.found.other.append(problem)
        self.cut |= verdict.cut_off(self.workspace)
        self.spare += spare
        self._notice()

    def _notice(self) -> None:
        """Check that finished steps did not change, and remember those that are finished now."""
        now = verdict.finished(self.workspace)
        self.found.add(verdict.redone(self._finished, now))
        self.found.add(verdict.half_done(self.workspace))
        self._finished = now

    def judged(self, resuming: bool, tally: Tally) -> None:
        """Finish the work undisturbed, and count the problems."""
        run = self.begin(resuming)
        if problem := run.ended():
            self.found.other.append(problem)
        if run.process.returncode:
            self.found.other.append(f"exit code {run.process.returncode}: {run.said()}")
        self._notice()
        record = Record.read(self.workspace)
        self.found.add(verdict.compare(self.wanted, verdict.published(self.workspace)))
        self.found.doubled += verdict.begun_too_often(record, self.cut, self.spare)
        self.found.other += verdict.unsettled(record) + verdict.left_over(self.workspace)
        tally.add(" | ".join(self.where), self.found)


@contextmanager
def scratch(folder: Path, tally: Tally) -> Iterator[Path]:
    """A folder that is there while the block runs, and is kept if that fails or adds a problem to the ``tally``.

    What never ends is a point with a problem, and the next trial goes on.
    """
    folder.mkdir(parents=True)
    known = len(tally.problems)
    try:
        yield folder
    except (TimeoutError, subprocess.TimeoutExpired) as error:
        tally.points += 1
        tally.add(folder.name, Verdict(other=[str(error)]))
    if len(tally.problems) == known:
        shutil.rmtree(folder, ignore_errors=True)

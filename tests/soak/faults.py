"""Faults: each write, fsync, rename, ... that work makes fails once, or is the last thing its process ever asks for.

By strace, which makes the system itself answer so; see `padding` for how exactly one call is hit.
"""

import json
import logging
import os
import random
import shutil
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tests.soak import small, verdict
from tests.soak.batch import ROOT, python_path, scratch
from tests.soak.padding import CALLS, COUNTING, FAILING, MILESTONE
from tests.soak.verdict import Record, Tally, Verdict

log = logging.getLogger("soak")

KINDS = {"ENOSPC": "error=ENOSPC", "EIO": "error=EIO", "SIGKILL": "signal=SIGKILL"}
NOWHERE = "nowhere fsync 0"
PLACES = ("driver", "kernel")
"""Where calls are made to fail: the process that does the task, and the kernel, in the order in which they begin."""


def why_not() -> str | None:
    """Why no fault can be injected here; None if it can."""
    if not shutil.which("strace"):
        return "strace is not installed; install it with: apt-get install strace"
    tried = subprocess.run(["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=fsync", "true"], capture_output=True)
    return f"strace may not trace here: {tried.stderr.decode().strip()[-200:]}" if tried.returncode else None


@dataclass(frozen=True)
class Fault:
    """The ``number``-th ``call``, from 1, of the ``place`` (driver or kernel) fails as ``kind`` says."""

    kind: str
    call: str
    place: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind} in {self.call} {self.number} of the {self.place}"


@dataclass
class Traced:
    """A `forking` process under strace, which fails one kind of call in one way."""

    process: subprocess.Popen
    trace: Path
    seen: int = 0

    def work(self, workspace: Path, padding: str) -> tuple[int, str, Verdict]:
        """Do the work once: its exit code, what it said, and what it left running."""
        mark = uuid.uuid4().hex
        log = workspace.parent / f"{mark}.log"
        log.parent.mkdir(exist_ok=True)
        asked = {"workspace": str(workspace), "mark": mark, "padding": padding, "log": str(log)}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        said = log.read_text(errors="replace")
        other = verdict.still_alive(mark)
        return answer["code"], said, Verdict(other=other)

    def injected(self) -> bool:
        """Whether a call was made to fail since this was asked last."""
        before, self.seen = self.seen, self.trace.read_text(errors="replace").count("(INJECTED)")
        return self.seen > before


@contextmanager
def traced(kind: str | None, call: str, folder: Path, place: Path) -> Iterator[Traced]:
    """A `forking` process in which each ``call`` with the number FAILING of its thread fails as ``kind`` says.

    Without a kind nothing fails; ``call`` may be several, with commas.
    """
    trace, tmp = folder / f"{uuid.uuid4().hex}.trace", folder / "tmp"
    tmp.mkdir(exist_ok=True)
    wrapper = ["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={call}", "-e", "signal=none"]
    # much faster, but where the kernel stops a call by a filter no signal gets through: ptrace(2), PTRACE_EVENT stops
    wrapper += [] if kind == "SIGKILL" else ["--seccomp-bpf"]
    wrapper += ["-e", f"inject={call}:{KINDS[kind]}:when={FAILING}"] if kind else []
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": python_path(), "TMPDIR": str(tmp)}
    command = [*wrapper, sys.executable, "-m", "tests.soak.forking", str(place)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=env, **pipes) as process:
        try:
            yield Traced(process, trace)
        finally:
            process.stdin.close()
            process.wait()


def counted(folder: Path, place: Path) -> dict[tuple[str, str], int]:
    """``{(call, driver or kernel): how often it is made}`` in work that nothing disturbs."""
    with traced(None, ",".join(CALLS), folder, place) as tracer:
        code, said, _ = tracer.work(folder / "counting" / "workspace", f"both {COUNTING} 0")
    assert code == 0, said
    order: list[str] = []
    counts: Counter[tuple[str, str]] = Counter()
    for line in tracer.trace.read_text(errors="replace").splitlines():
        thread, _, event = line.partition(" ")
        call = event.strip().partition("(")[0]
        if MILESTONE in event:
            order.append(thread)
        elif thread in order and call in CALLS:
            counts[call, PLACES[order.index(thread)]] += 1
    return dict(counts)


def all_of(kind: str, counts: dict[tuple[str, str], int]) -> list[Fault]:
    """Every fault of one kind; what cannot be removed is no write that fails, so ``unlink`` is only killed at."""
    return [
        Fault(kind, call, place, number)
        for (call, place), n in counts.items()
        for number in range(1, n + 1)
        if kind == "SIGKILL" or call != "unlink"
    ]


def faults(folder: Path, points: int | None, rng: random.Random) -> list[Tally]:
    """All faults, or ``points`` of each kind that are drawn by lot; a row of the table for each kind."""
    place = small.prepare(folder / "place")
    counts = counted(folder, place)
    wanted = verdict.published(folder / "counting" / "workspace")
    tallies = []
    for kind in KINDS:
        chosen = all_of(kind, counts)
        if points is not None and points < len(chosen):
            chosen = rng.sample(chosen, points)
        tallies.append(try_all(chosen, wanted, folder, place))
    return tallies


def try_all(chosen: Iterable[Fault], wanted: dict[str, str], folder: Path, place: Path) -> Tally:
    """Have each of these faults, all of one kind, happen to work in a workspace of its own."""
    by_call = sorted(chosen, key=lambda fault: (fault.call, fault.place, fault.number))
    tally = Tally(f"faults: {by_call[0].kind}")
    for call, group in groupby(by_call, key=lambda fault: fault.call):
        with traced(by_call[0].kind, call, folder, place) as tracer:
            for fault in group:
                with scratch(folder / f"{fault}", tally) as own:
                    _try(fault, wanted, own / "workspace", tracer, tally)
    return tally


def _try(fault: Fault, wanted: dict[str, str], workspace: Path, tracer: Traced, tally: Tally) -> None:
    """Work while ``fault`` happens, and once more; count what is wrong then."""
    code, said, found = tracer.work(workspace, f"{fault.place} {fault.call} {fault.number}")
    hit = code != 0 if fault.kind == "SIGKILL" else tracer.injected()
    if not hit:
        log.info("%s: there was no such call this time", fault)  # how often a run is looked at depends on its speed
        return
    tally.points += 1
    if "Traceback" in said:
        found.other.append(f"a traceback: {said[-1500:]}")
    half = verdict.half_done(workspace)
    before, cut = verdict.finished(workspace), verdict.cut_off(workspace)
    code, said, later = tracer.work(workspace, NOWHERE)
    if code or "Traceback" in said:
        found.other.append(f"exit code {code} without a fault: {said[-1500:]}")
    for verdict_ in (later, half, verdict.redone(before, verdict.finished(workspace))):
        found.add(verdict_)
    record = Record.read(workspace)
    found.add(verdict.compare(wanted, verdict.published(workspace)))
    # what fails in a process that lives on is given back, and begun again
    found.doubled += verdict.begun_too_often(record, cut, spare=int(not cut))
    found.other += verdict.unsettled(record) + verdict.left_over(workspace)
    tally.add(str(fault), found)

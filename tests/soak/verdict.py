"""Compares the state after a disturbance: published results, finished steps, numbers of attempts, leftover files.

It reads the disk, the database and the operating system, without any code of vidlib.
"""

import hashlib
import json
import logging
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.waiting import wait_until

MARK = "SOAK_MARK"
"""The variable that every process of one disturbed run inherits."""

PUBLISHED = ("projects", "delivery", "archive")
STAMP = re.compile(r" \d{4}-\d\d-\d\dT\d{6}Z$")
TIMES_OF_STEPS = re.compile(rb'data-label="(Seconds|per second of video)">[^<]*')
TELLING = ("finalize", "report")
"""Steps that leave where and when something was done."""

FINISHED = re.compile(r"[a-z]+-[0-9a-f]{12}")
GONE_S = 60

log = logging.getLogger("soak")


@dataclass
class Tally:
    """One row of the table: disturbed ``points`` and the numbers of problems; ``problems`` are their texts."""

    scenario: str
    points: int = 0
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.differing or self.problems)

    def add(self, where: str, verdict: "Verdict") -> None:
        """Count the problems after the disturbance ``where``."""
        self.lost += len(verdict.lost)
        self.doubled += len(verdict.doubled)
        self.differing += len(verdict.differing)
        log.info("%s %d: %s", self.scenario, self.points, where)
        for what in ("lost", "doubled", "differing", "other"):
            for said in getattr(verdict, what):
                self.problems.append(f"{where}: {what}: {said}")
                log.info("! %s: %s", what, said)


@dataclass
class Verdict:
    """The problems after a run that should have repaired everything; ``other`` are those that concern no result."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    def add(self, more: "Verdict") -> None:
        """Add the problems of another verdict."""
        self.lost += more.lost
        self.doubled += more.doubled
        self.differing += more.differing
        self.other += more.other


def published(workspace: Path) -> dict[str, str]:
    """``{file: its SHA-256}``: what people read in projects, delivery and archive, and what the steps of videos left.

    The archive's time stamps are left out of names and contents.
    """
    found = {}
    for folder in (workspace / "work").glob("*/*"):
        if FINISHED.fullmatch(folder.name) and folder.name.partition("-")[0] not in TELLING:
            for name in _recorded(folder):
                found[f"work/{folder.parent.name}/{folder.name}/{name}"] = _sha256(folder / name)
    for root in PUBLISHED:
        for path in sorted((workspace / root).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                parts = [STAMP.sub("", part) for part in path.relative_to(workspace).parts]
                name = "/".join(parts)
                found[f"{name} again" if name in found else name] = _content(path, workspace)
    return found


def _content(path: Path, workspace: Path) -> str:
    data = path.read_bytes()
    if path.name == "metadata.json":  # says when, and where the workspace is
        said = json.loads(data)
        for key in ("created_at", "checksum"):
            said.pop(key, None)
        data = json.dumps(said).replace(str(workspace), "").encode()
    elif path.parts[-2:] == ("report", "record.json"):  # has the checksum of the page below
        data = json.dumps(sorted(json.loads(data))).encode()
    elif path.name.endswith("_report.html"):  # says how long each step took
        data = TIMES_OF_STEPS.sub(b"", data)
    return hashlib.sha256(data).hexdigest()


def finished(workspace: Path) -> dict[str, tuple[int, str]]:
    """``{finished step's folder: what tells it from one that was made anew}``."""
    found = {}
    for manifest in (workspace / "work").glob("*/*/outputs.json"):
        folder = manifest.parent
        if FINISHED.fullmatch(folder.name):
            identity = (folder.stat().st_ino, hashlib.sha256(manifest.read_bytes()).hexdigest())
            found[f"{folder.parent.name}/{folder.name}"] = identity
    return found


@dataclass(frozen=True)
class Record:
    """What the history says: how often each step was ``begun``, and which beginnings, by number, are still ``held``.

    What a killed process held stays held in its name until somebody wants the same.
    """

    begun: dict[str, int]
    held: frozenset[tuple[str, int]]
    runs: list[tuple[str, str]]
    tasks: list[tuple[str, str, str, str]]

    @classmethod
    def read(cls, workspace: Path) -> "Record":
        """The history as it is now; an empty one where none was made yet."""
        file = workspace / "vidlib.sqlite"
        if not file.exists():
            return cls({}, frozenset(), [], [])
        with closing(sqlite3.connect(file, timeout=30)) as database:
            if not _rows(database, "SELECT 1 FROM sqlite_master WHERE name = 'leases'"):
                return cls({}, frozenset(), [], [])
            leases = _rows(database, "SELECT key, fence, owner FROM leases")
            runs = _rows(database, "SELECT id, status FROM runs ORDER BY started_at")
            tasks = _rows(database, "SELECT run_id, label, step, status FROM tasks ORDER BY id")
        begun = {key: fence for key, fence, _ in leases}
        return cls(begun, frozenset((key, fence) for key, fence, owner in leases if owner), runs, tasks)


def _rows(database: sqlite3.Connection, question: str) -> list[tuple]:
    return database.execute(question).fetchall()


def compare(wanted: dict[str, str], found: dict[str, str]) -> Verdict:
    """The published results that are missing, exist twice, or have other bytes."""
    return Verdict(
        lost=sorted(wanted.keys() - found.keys()),
        doubled=sorted(found.keys() - wanted.keys()),
        differing=sorted(name for name in wanted.keys() & found.keys() if wanted[name] != found[name]),
    )


def redone(before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]]) -> Verdict:
    """The steps that were finished ``before`` a disturbance and are lost or were made anew."""
    return Verdict(
        lost=[f"finished {key}" for key in sorted(before.keys() - after.keys())],
        doubled=[f"finished {key}" for key in sorted(before.keys() & after.keys()) if before[key] != after[key]],
    )


def half_done(workspace: Path) -> Verdict:
    """The finished steps whose files differ from their manifest."""
    wrong = []
    for folder in (workspace / "work").glob("*/*"):
        if FINISHED.fullmatch(folder.name):
            wrong += [f"half a result: {folder.name}/{name}" for name in _unsound(folder)]
    return Verdict(other=wrong)


def _unsound(folder: Path) -> list[str]:
    try:
        files = _recorded(folder)
    except (OSError, ValueError) as error:
        return [f"outputs.json: {error}"]
    return [name for name, record in files.items() if _sha256(folder / name) != record["sha256"]]


def _recorded(folder: Path) -> dict[str, dict]:
    return json.loads((folder / "outputs.json").read_bytes())["files"]


def _sha256(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def cut_off(workspace: Path) -> set[tuple[str, int]]:
    """The beginnings that a process, killed by now, held and did not bring to their end."""
    done = finished(workspace)
    return {(key, number) for key, number in Record.read(workspace).held if key not in done}


def begun_too_often(record: Record, cut: set[tuple[str, int]], spare: int) -> list[str]:
    """Steps that were begun once more than the beginnings that were ``cut`` explain; ``spare`` more may be."""
    causes = Counter(key for key, _ in cut)
    again = {key: n - 1 - causes[key] for key, n in record.begun.items() if n - 1 > causes[key]}
    return [f"begun again without a cause: {again}"] if sum(again.values()) > spare else []


def unsettled(record: Record) -> list[str]:
    """The runs and tasks that the history still calls active, and a last run that is not done."""
    going = [f"run {run} is {status}" for run, status in record.runs if status == "running"]
    going += [f"task {' '.join(task)}" for task in record.tasks if task[-1] in ("waiting", "running")]
    if record.runs and record.runs[-1][1] != "done":
        going.append(f"the last run is {record.runs[-1][1]}")
    return going


def left_over(workspace: Path) -> list[str]:
    """Unfinished files, anywhere in the workspace."""
    return sorted(str(path.relative_to(workspace)) for path in workspace.rglob(".tmp-*"))


def alive(mark: str) -> list[psutil.Process]:
    """The processes that carry ``mark``, by what the operating system says; those that have ended are left out."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def still_alive(mark: str) -> list[str]:
    """The processes that did not end by themselves; this function ends them."""
    try:
        wait_until(lambda: not alive(mark), GONE_S)
        return []
    except TimeoutError:
        left = alive(mark)
        said = [f"still alive: {_shown(process)}" for process in left]
        kill(left)
        return said


def _shown(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {' '.join(process.cmdline())[:120]}"
    except psutil.NoSuchProcess:
        return f"{process.pid}, gone since"


def kill(processes: Iterable[psutil.Process]) -> None:
    """End processes, unless they are gone already."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue

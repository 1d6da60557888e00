"""Full disks, real ones: the workspace lies on a tiny file system, and the run meets its end somewhere."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.soak.batch import Batch, Trial, scratch, seeded
from tests.soak.kills import Redo
from tests.soak.verdict import Tally

ROOMY = "size=256m"
STEP_BYTES = 4096


def why_not() -> str | None:
    """Why no file system can be mounted here; None if it can."""
    probe = Path(f"/tmp/soak-probe-{os.getpid()}")
    probe.mkdir()
    try:
        tried = _mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(probe))
        if tried.returncode:
            return f"mounting is not allowed: {tried.stderr.strip()}"
        subprocess.run(["umount", str(probe)], check=True)
        return None
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    finally:
        probe.rmdir()


def full_disks(
    batch: Batch, wanted: dict[str, str], source: Path, folder: Path, points: int, rng: random.Random
) -> Tally:
    """Run with ``points`` amounts of room, from none to nearly enough, then with enough, and compare."""
    tally, redo = Tally("full disks"), Redo(source)
    needed = _bytes_of(source) - _bytes_of(seeded(folder / "measured", source, redo.steps))
    shutil.rmtree(folder / "measured")
    for number in range(points):
        room = int(needed * (number + rng.random()) / points) // STEP_BYTES * STEP_BYTES
        with scratch(folder / f"disk {number}", tally) as place:
            full_disk(batch, wanted, redo, place, room, tally)
    return tally


def full_disk(batch: Batch, wanted: dict[str, str], redo: Redo, folder: Path, room: int, tally: Tally) -> int:
    """Run with ``room`` bytes left on the disk of the workspace, make room, run again, compare; the first exit code."""
    with mounted(folder / "workspace") as workspace:
        trial = Trial(batch, seeded(workspace, redo.source, redo.steps), wanted)
        _resize(workspace, f"size={_used(workspace) + room}")
        run = trial.begin(resuming=False)
        if problem := run.ended():
            trial.found.other.append(problem)
        _resize(workspace, ROOMY)  # SQLite cannot even read without room for a file beside its own
        trial.disturbed(run, f"{room} bytes of room", spare=len(redo.steps) * len(batch.paths))
        tally.points += 1
        trial.judged(resuming=room // STEP_BYTES % 2 == 0, tally=tally)
        return run.process.returncode


@contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """An empty file system of its own as ``folder``, while the block runs."""
    folder.mkdir(parents=True)
    done = _mount("-t", "tmpfs", "-o", ROOMY, "tmpfs", str(folder))
    assert done.returncode == 0, done.stderr
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _resize(folder: Path, size: str) -> None:
    done = _mount("-o", f"remount,{size}", str(folder))
    assert done.returncode == 0, done.stderr


def _mount(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *arguments], capture_output=True, text=True)


def _used(folder: Path) -> int:
    blocks = os.statvfs(folder)
    return (blocks.f_blocks - blocks.f_bfree) * blocks.f_frsize


def _bytes_of(*folders: Path) -> int:
    paths: Sequence[Path] = [path for folder in folders for path in folder.rglob("*")]
    return sum(path.stat().st_blocks * 512 for path in paths)

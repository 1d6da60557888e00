"""A history of runs that nobody made: rows of videos with all their steps, written at once."""

import random
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from vidlib.files import sha256_text
from vidlib.runner.store import identity
from vidlib.runner.store.models import Run, Task, Video
from vidlib.runner.store.runs import History

STEPS = ("convert", "scenes", "audio", "tracking", "reduce", "finalize", "report")
FIRST_AT = 1_767_268_800.0
"""2026-01-01 12:00 UTC."""

UNFINISHED = ("failed", "refused", "cancelled")


def compose(history: History, n_videos: int, *, per_run: int = 25, seed: int = 1) -> None:
    """Write ``n_videos`` into an empty history, ``per_run`` to a run; about one in ten did not finish.

    The videos are those of `composing.archive.compose`, by their names and SHA-256.
    """
    chance = random.Random(seed)
    numbers = range(n_videos)
    videos = [_video(number) for number in numbers]
    runs = [_run(number, per_run) for number in range((n_videos + per_run - 1) // per_run)]
    tasks = [task for number in numbers for task in _tasks(number, per_run, chance)]
    with history.writing() as session:
        session.execute(insert(Run), runs)
        session.execute(insert(Video), videos)
        session.execute(insert(Task), tasks)


def _at(number: int) -> float:
    return FIRST_AT + 25_200.0 * number


def _video(number: int) -> dict[str, Any]:
    name = f"clip {number:04}.mov"
    sha256 = sha256_text(f"source {number}")
    return {"sha256": sha256, "name": name, "path": f"/inbox/{name}", "first_seen_at": _at(number), "duration_s": 120.0}


def _run(number: int, per_run: int) -> dict[str, Any]:
    at = _at(number * per_run)
    return {
        "id": f"20260101-{number:06}-abcd",
        "status": "done",
        "paths": [f"/inbox/delivery {number}.zip"],
        "params": {},
        "asked": {},
        "owner": identity.this_process(),
        "heartbeat_at": at,
        "started_at": at,
        "finished_at": at + 3600,
        "cancel_requested": False,
        "error": None,
    }


def _tasks(number: int, per_run: int, chance: random.Random) -> list[dict[str, Any]]:
    video, at = _video(number), _at(number)
    broken = chance.choice(STEPS[:4]) if chance.random() < 0.1 else None
    end = chance.choice(UNFINISHED)
    common = {
        "run_id": f"20260101-{number // per_run:06}-abcd",
        "project": f"Project {number % 7}",
        "label": video["name"],
        "sha256": video["sha256"],
        "origin": video["path"],
        "source": video["path"],
        "stem": Path(video["name"]).stem,
        "params": {"engine": "auto", "threshold": 0.5, "device": "cpu"},
        "worker": identity.this_process(),
        "heartbeat_at": at,
        "progress": 1.0,
    }
    tasks = []
    for step in STEPS:
        status = end if step == broken else "done"
        error = f"{step} of {video['name']} did not finish" if step == broken else None
        times = {"started_at": at, "finished_at": at + 60.0}
        tasks.append(common | times | {"step": step, "status": status, "error": error})
    return tasks

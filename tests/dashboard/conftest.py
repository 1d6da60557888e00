"""A dashboard that really runs, and a history to show."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.dashboard.processes import processes_of
from tests.waiting import LIMIT_S, wait_until
from vidlib.runner.store.models import Run, Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings, load

STEPS = ("convert", "scenes", "audio", "tracking", "reduce")


@dataclass(frozen=True)
class Dashboard:
    """``vidlib dashboard`` on a free port: its address, the token that it printed, and the workspace it serves."""

    url: str
    token: str
    settings: Settings


@pytest.fixture(scope="package")
def dashboard(plain_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """One dashboard for the tests that need a server; nothing that it started is left after them.

    Its runs draw no figures.
    """
    yield from serving(tmp_path_factory.mktemp("dashboard") / "workspace", VIDLIB_NOTEBOOKS_DIR=str(plain_folder))


def serving(workspace: Path, **variables: str) -> Iterator[Dashboard]:
    """``vidlib dashboard`` for a workspace, with more settings; the token is empty where the settings have one."""
    command = [sys.executable, "-m", "vidlib", "dashboard", "--workspace", str(workspace), "--port", "0"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("VIDLIB_DASHBOARD")}
    env |= variables
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as server:
        url, _, token = next(line for line in server.stdout if "http" in line).split()[0].partition("?token=")
        yield Dashboard(url, token, load(workspace=workspace))
        server.terminate()
        assert server.wait(timeout=LIMIT_S) == 0
    wait_until(lambda: not processes_of(workspace))


@pytest.fixture
def history(workspace: Settings) -> Iterator[History]:
    with History(workspace.database) as opened:
        yield opened


@pytest.fixture
def planned(history: History, workspace: Settings) -> Callable[..., tuple[Run, dict[str, Task]]]:
    """``planned("clip.mp4")``: a run of this process for a file of the inbox, and its tasks by step, none begun."""

    def plan(name: str) -> tuple[Run, dict[str, Task]]:
        run = history.start_run([workspace.inbox / name], {})
        names = {"run_id": run.id, "project": Path(name).stem, "sha256": "ab" * 32}
        tasks = [Task(label=name, step=step, **names) for step in (*STEPS, "report")]
        tasks.append(Task(label=Path(name).stem, step="finalize", **names))
        return run, {task.step: task for task in history.add_tasks(tasks)}

    return plan

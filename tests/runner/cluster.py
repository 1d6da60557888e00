"""A Dask scheduler and workers as processes of their own, with one workspace and one history, for the tests."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import psutil

from tests import plain_notebooks
from tests.runner.processes import Command
from tests.waiting import LIMIT_S, wait_until
from vidlib import settings as settings_module
from vidlib.settings import Settings

WAITING = "import threading, pathlib\nwhile pathlib.Path({gate!r}).exists():\n    threading.Event().wait(0.05)"


@dataclass
class Cluster:
    """Begins processes that all work in ``folder`` and on the history at ``url``."""

    folder: Path
    url: str
    address: str = ""
    scheduler: subprocess.Popen | None = None
    workers: list[Command] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return settings_module.load(workspace=self.folder / "workspace", database_url=self.url)

    @property
    def gate(self) -> Path:
        """While this file exists, `convert` goes on and on."""
        return self.folder / "gate"

    def start_scheduler(self) -> None:
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        where = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file]
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", *where]
        with (self.folder / "scheduler.err").open("wb") as err:
            self.scheduler = subprocess.Popen(command, stdout=err, stderr=err, start_new_session=True)
        wait_until(lambda: file.exists() and file.read_text().endswith("}"))
        self.address = json.loads(file.read_text())["address"]

    def start_workers(self, wanted: int = 2) -> list[Command]:
        """Start workers until ``wanted`` live, and wait until all of them work."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < wanted:
            self.workers.append(self.vidlib(f"worker-{len(list(self.folder.glob('worker-*.out')))}", "worker"))
        for worker in self.workers:
            wait_until(lambda worker=worker: "works for" in self.said(worker) or worker.poll() is not None)
            assert worker.poll() is None, self.said(worker)
        return self.workers

    def vidlib(self, name: str, command: str, *args: str | Path) -> Command:
        """A process whose stdout and stderr are kept (see `said`)."""
        jobs = ["--jobs", "1"] if command == "worker" else []
        own = {"VIDLIB_WORKSPACE": str(self.folder / "workspace"), "VIDLIB_DATABASE_URL": self.url}
        env = {**os.environ, **own, "VIDLIB_NOTEBOOKS_DIR": str(self.folder / "notebooks")}
        out, err = self.folder / f"{name}.out", self.folder / f"{name}.err"
        process = Command([command, *map(str, args), "--scheduler", self.address, *jobs], env, out, err)
        process.name = name
        return process

    def said(self, process: Command, stream: str = "out") -> str:
        return (self.folder / f"{process.name}.{stream}").read_text()

    def result(self, process: Command) -> dict:
        """The JSON that a run printed at its end."""
        code = process.wait(LIMIT_S)
        assert code in (0, 1, 130), self.said(process, "err")
        return json.loads(self.said(process))

    def close(self) -> None:
        for process in filter(None, [*self.workers, self.scheduler]):
            end(process)


def end(process: subprocess.Popen | Command) -> None:
    """Kill a process with all that it started, and wait for it."""
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for child in family:
            if child.is_running():
                child.kill()


@contextmanager
def cluster(folder: Path, url: str) -> Iterator[Cluster]:
    """A cluster with a scheduler and no worker yet, whose notebook of `convert` waits at the gate."""
    plain_notebooks.write(folder / "notebooks")
    found = Cluster(folder, url)
    file = folder / "notebooks" / "03_convert.ipynb"
    notebook = nbformat.read(file, as_version=4)
    notebook.cells.insert(2, nbformat.v4.new_code_cell(WAITING.format(gate=str(found.gate))))
    nbformat.write(notebook, file)
    try:
        found.start_scheduler()
        yield found
    finally:
        found.close()

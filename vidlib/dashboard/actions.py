"""What the operators' page does: start a run or a download as a process of its own, and ask a run to stop."""

import secrets
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vidlib.ingest.urls import shown
from vidlib.runner.sources import place_of
from vidlib.runner.store.identity import pid_of
from vidlib.runner.store.models import Run
from vidlib.runner.store.runs import History
from vidlib.settings import Settings


@dataclass(frozen=True)
class Started:
    """What was started from this page: its process, the inbox names or link it works on, and where its words go."""

    process: subprocess.Popen
    names: tuple[str, ...]
    said: Path
    at: float = field(default_factory=time.time)

    def run_id(self, runs: Iterable[Run]) -> str | None:
        """Its run among ``runs``, or None before it is in the history."""
        # a process id is given again in time, but not to two runs since this one began
        mine = (run.id for run in runs if pid_of(run.owner) == self.process.pid and run.beat_at >= self.at)
        return next(mine, None)

    def ended(self) -> bool:
        """Whether its process is over; asking also lets the system forget a process that is."""
        return self.process.poll() is not None

    def last_words(self) -> str:
        """The last line that it said: why it ended before it came into the history."""
        lines = self.said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with code {self.process.returncode} and said nothing"


def start(settings: Settings, names: Sequence[str], profile: str | None) -> Started:
    """Start ``vidlib run`` for files of the inbox."""
    paths = [str(settings.inbox / Path(name).name) for name in names]
    profiles = ["--params", str(settings.params_dir / f"{profile}.yaml")] if profile else []
    return _launch(settings, names, "run", *profiles, "--", *paths)


def resume(settings: Settings, run: Run) -> Started:
    """Start ``vidlib resume`` for a run that is over, to do what it left undone."""
    return _launch(settings, [place_of(path).name for path in run.paths], "resume", run.id)


def download(settings: Settings, link: str) -> Started:
    """Start ``vidlib download`` for a link, whose file comes into the inbox."""
    return _launch(settings, [shown(link)], "download", "--", link)


def _launch(settings: Settings, names: Sequence[str], command: str, *args: str) -> Started:
    """Start a command of vidlib as a process of its own.

    It leads a session of its own: a kernel that ends, as it does when the page is closed, takes its group with it.
    """
    line = [sys.executable, "-m", "vidlib", command, "--workspace", str(settings.workspace), *args]
    logs = settings.workspace / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    said = logs / f"start-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}.log"
    at = time.time()
    with open(said, "wb") as log:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    return Started(process, tuple(names), said, at)


def cancel(settings: Settings, run_id: str) -> None:
    """Ask the process that owns a run, on whichever machine it is, to stop."""
    with History(settings.database) as history:
        history.request_cancel(run_id)


def profiles(settings: Settings) -> list[str]:
    """The names of the profiles that may be chosen, ``default`` first."""
    found = sorted(path.stem for path in settings.params_dir.glob("*.yaml"))
    return sorted(found, key=lambda name: name != "default")

"""What the operators' page does: start a run as a process of its own, and ask one to stop."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidlib.runner.history import History
from vidlib.settings import Settings


@dataclass(frozen=True)
class Started:
    """A run that was started from this page: its process, and the file that holds what it says on stderr."""

    process: subprocess.Popen
    said: Path

    def problem(self) -> str | None:
        """Why it ended before there was anything to show (wrong params, a file that went away), or None."""
        if self.process.poll() != 2:
            return None
        lines = self.said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "the run could not be started"


def start(settings: Settings, names: Sequence[str], profile: str | None) -> Started:
    """Start ``vidlib run`` for files of the inbox.

    It leads a session of its own: a kernel that ends, as it does when the page is closed, takes its group with it.
    """
    paths = [str(settings.inbox / Path(name).name) for name in names]
    profiles = ["--params", profile] if profile else []
    logs = settings.workspace / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    said = logs / "last-start.log"
    command = [sys.executable, "-m", "vidlib", "run", "--workspace", str(settings.workspace), *profiles, "--", *paths]
    with open(said, "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    return Started(process, said)


def cancel(settings: Settings, run_id: str) -> None:
    """Ask the process that owns a run, on whichever machine it is, to stop."""
    with History(settings.database) as history:
        history.request_cancel(run_id)


def profiles(settings: Settings) -> list[str]:
    """The names of the profiles that may be chosen, ``default`` first."""
    found = sorted(path.stem for path in settings.params_dir.glob("*.yaml"))
    return sorted(found, key=lambda name: name != "default")

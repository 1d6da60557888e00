"""The actions of the operators' page: they start a run or a download in its own process."""

import secrets
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vidlib.dashboard.before_run import Choice
from vidlib.ingest.urls import redacted
from vidlib.machine.interpreter import vidlib_command
from vidlib.runner.downloads import store
from vidlib.runner.sources import parse_source
from vidlib.runner.store.identity import pid_of
from vidlib.runner.store.models import Run
from vidlib.runner.store.runs import History
from vidlib.settings import Settings


@dataclass(frozen=True)
class StartedProcess:
    """A process that this page started, the inbox names or the link it works on, and its log file."""

    process: subprocess.Popen
    names: tuple[str, ...]
    log: Path
    at: float = field(default_factory=time.time)

    def run_id(self, runs: Iterable[Run]) -> str | None:
        """The id of its run in ``runs``, or None while the history does not hold it yet."""
        # the system reuses process ids, but not within the time since this process began
        own = (run.id for run in runs if pid_of(run.owner) == self.process.pid and run.heartbeat_at >= self.at)
        return next(own, None)

    def ended(self) -> bool:
        """Whether the process has ended. The call also collects its exit code, which frees its process id."""
        return self.process.poll() is not None

    def last_log_line(self) -> str:
        """The last line of the log: the reason why the process ended before the history held its run."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return (
            lines[-1] if lines else f"the process ended with exit code {self.process.returncode} and wrote no message"
        )


def start(settings: Settings, names: Sequence[str], choice: Choice) -> StartedProcess:
    """Start ``vidlib run`` for files of the inbox."""
    paths = [str(settings.inbox / Path(name).name) for name in names]
    return _launch(settings, names, "run", *choice.arguments(settings), "--", *paths)


def resume(settings: Settings, run: Run) -> StartedProcess:
    """Start ``vidlib resume`` for an ended run with unfinished steps."""
    return _launch(settings, [parse_source(path).name for path in run.paths], "resume", run.id)


def retry(settings: Settings, run: Run, video: str | None, step: str | None) -> StartedProcess:
    """Start ``vidlib retry`` for the failed steps of a run, or those of a ``video`` or a ``step``."""
    names = [f"--{name}={value}" for name, value in (("video", video), ("step", step)) if value is not None]
    return _launch(settings, [parse_source(path).name for path in run.paths], "retry", *names, run.id)


def download(settings: Settings, link: str) -> StartedProcess:
    """Start ``vidlib downloads get`` for a link. The file goes into the inbox.

    Every user of the machine can read the command line of a process, so it contains the handle of the link.
    """
    with History(settings.database) as history:
        known = store.find_or_add(history, link)
    return _launch(settings, [redacted(link)], "downloads get", "--", known.handle)


def _launch(settings: Settings, names: Sequence[str], command: str, *args: str) -> StartedProcess:
    """Start a command of vidlib in its own process and session.

    A kernel ends when its page is closed, and takes its process group along. The new session keeps the command alive.
    """
    line = vidlib_command(*command.split(), "--workspace", str(settings.workspace), *args)
    logs = settings.workspace / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log_file = logs / f"start-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}.log"
    at = time.time()
    with open(log_file, "wb") as log:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    return StartedProcess(process, tuple(names), log_file, at)

"""The page *Machine*: the load of the last hour, kernels and lanes, the disk, and the check of `vidlib doctor`."""

import json
import subprocess
import threading
import time
from collections.abc import Hashable
from dataclasses import asdict
from typing import Any

from vidlib.dashboard.pages import Actions, Context, Query
from vidlib.doctor import MIN_FREE_BYTES
from vidlib.machine import load_history
from vidlib.machine.interpreter import vidlib_command
from vidlib.runner.machine_work import WorkingProcess, working_processes
from vidlib.runner.store.runs import History

CHECK_TIMEOUT_S = 300
"""Seconds that the check may take; it imports torch, which takes long on a busy machine."""


class Machine:
    """The machine on which the dashboard runs. The check is a process of its own, because it imports much."""

    name = "machine"

    def __init__(self, context: Context):
        self.context = context
        self.actions: Actions = {}
        self.questions: Actions = {"check": self.check}
        self._file = load_history.file_in(context.settings.workspace / "logs")
        self._findings: list[dict[str, Any]] | None = None
        self._checked_at: float | None = None
        self._checking = False

    def marker(self) -> Hashable:
        """Changes with each sample of the load and each check."""
        return int(time.time() / load_history.EVERY_S), self._checking, self._checked_at

    def view(self, history: History, query: Query) -> dict[str, Any]:
        """The parts ``hour``, ``disk``, ``work`` and ``check``."""
        if self._findings is None:
            self.check()
        now = time.time()
        samples = load_history.read(self._file, now)
        newest = samples[-1] if samples else None
        return {
            "hour": {"now": now, "span": load_history.KEPT_S, "samples": [asdict(sample) for sample in samples]},
            "disk": newest
            and {
                "folder": str(self.context.settings.workspace),
                "free": newest.disk_total - newest.disk_used,
                "total": newest.disk_total,
                "needed": MIN_FREE_BYTES,
                "full_in_s": load_history.full_in_s(samples),
            },
            "work": [self._process_json(process) for process in working_processes(history, now)],
            "check": {"findings": self._findings_json(), "at": self._checked_at, "running": self._checking},
        }

    def check(self) -> None:
        """Begin the check of the machine, unless it runs."""
        if not self._checking:
            self._checking = True
            threading.Thread(target=self._check, name="check", daemon=True).start()

    def _check(self) -> None:
        command = vidlib_command("doctor", "--json", "--workspace", str(self.context.settings.workspace))
        try:
            # its exit code is 1 if something is missing
            answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=CHECK_TIMEOUT_S)
            self._findings = json.loads(answer.stdout)["findings"]
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            self._findings = self._findings or []
            self.context.problem(f"the check of the machine failed: {error}")
        finally:
            self._checked_at, self._checking = time.time(), False

    def _findings_json(self) -> list[dict[str, Any]] | None:
        """What the check found in the language of the page; None before the first check."""
        texts = ("name", "detail", "fix")
        return self._findings and [
            {"state": finding["state"]} | {name: self.context.translated(finding[name]) for name in texts}
            for finding in self._findings
        ]

    def _process_json(self, process: WorkingProcess) -> dict[str, Any]:
        return asdict(process) | {"here": process.kernels is not None}

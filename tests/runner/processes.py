"""Processes that need not import vidlib, which takes seconds: several that do the same, and commands of vidlib."""

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, Self

from tests.waiting import LIMIT_S
from vidlib import cli, settings
from vidlib.runner import pipeline  # noqa: F401 each process would import it
from vidlib.runner.downloads import store  # noqa: F401
from vidlib.runner.execution import dask_executor  # noqa: F401


def server() -> BaseContext:
    """Processes of this context are forks of one that has imported this module."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def at_once(n_processes: int, work: Callable[..., None], *args: Any) -> None:
    """Run ``work(number, together, *args)`` in processes that begin together; raises if one of them fails."""
    context = server()
    together = context.Barrier(n_processes, timeout=LIMIT_S)
    processes = [context.Process(target=work, args=(number, together, *args)) for number in range(n_processes)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * n_processes


class Command:
    """A command of vidlib in a process of its own, with the methods of `subprocess.Popen` that tests call.

    It runs in the environment ``env`` (default: that of this process), what it prints goes to the files ``out`` and
    ``err``, and it calls ``first`` before anything else. As a context, it waits for the end of the process.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str] = os.environ,
        out: Path = Path(os.devnull),
        err: Path = Path(os.devnull),
        first: Callable[[], object] | None = None,
    ) -> None:
        for file in (out, err):
            file.touch()
        self._process = server().Process(target=_run, args=(list(arguments), dict(env), out, err, first))
        self._process.start()
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float = LIMIT_S) -> int:
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("vidlib", timeout)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(arguments: list[str], env: dict[str, str], out: Path, err: Path, first: Callable[[], object] | None) -> None:
    os.setsid()
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY), number)
    os.environ.clear()
    os.environ.update(env)
    settings.settings.cache_clear()
    tempfile.tempdir = None  # which is in the environment
    sys.argv = ["vidlib", *arguments]
    if first:
        first()
    try:
        cli.main()
    finally:
        atexit._run_exitfuncs()  # a fork ends without them

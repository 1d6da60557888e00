"""Notification by a command: it gets the result, no secret and no shell, and ends at its time limit."""

import json
import subprocess
from pathlib import Path

import psutil

from tests.runner.notifications.programs import program
from tests.runner.notifications.runs import PARTIAL, result, video
from tests.waiting import wait_until
from vidlib.runner.notifications import notify
from vidlib.settings import Settings, load

SAVES_ITS_INPUT = """
import json, os, sys
with open("told.json", "w") as file:
    json.dump({"stdin": json.load(sys.stdin), "env": dict(os.environ)}, file)
print("this is not for the stdout of vidlib")
"""


def test_a_command_gets_the_result_and_no_secret(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("VIDLIB_NOTIFY_URL", "https://hooks.example/s3cret")
    monkeypatch.setenv("vidlib_smtp_url", "smtp://user:s3cret@mail.example")
    monkeypatch.setenv("VIDLIB_DASHBOARD_TOKEN", "s3cret")
    monkeypatch.setenv("VIDLIB_DATABASE_URL", "postgresql://vidlib:s3cret@db.example/vidlib")
    monkeypatch.setenv("VIDLIB_WORKSPACE", str(tmp_path))
    command = program(tmp_path / "two words.py", SAVES_ITS_INPUT)
    assert notify(PARTIAL, Settings.model_construct(notify_command=command)) == []
    told = json.loads(Path("told.json").read_text())
    assert told["stdin"] == PARTIAL
    assert told["env"].items() >= {"VIDLIB_RUN": PARTIAL["run"], "VIDLIB_STATUS": "partial"}.items()
    assert told["env"]["VIDLIB_WORKSPACE"] == str(tmp_path)
    assert "s3cret" not in json.dumps(told["env"])
    assert capfd.readouterr().out == ""


def test_no_shell_reads_the_command(tmp_path):
    command = program(tmp_path / "args.py", "import sys; open('args', 'w').write('|'.join(sys.argv[1:]))")
    assert notify(PARTIAL, load(notify_command=f"{command} '$HOME' `id` ; touch x")) == []
    assert Path("args").read_text() == "$HOME|`id`|;|touch|x"


def test_a_failed_command_is_one_line_with_its_last_message(tmp_path):
    command = program(tmp_path / "fails.py", "import sys; sys.exit('the pager is\\nout of order')")
    (problem,) = notify(PARTIAL, load(notify_command=command))
    assert problem.startswith("notification by command failed")
    assert problem.endswith("ended with code 1: the pager is | out of order")


def test_a_command_may_ignore_its_input():
    assert notify(result("failed", video("a" * 1_000_000, "failed")), load(notify_command="true")) == []


def test_a_command_that_takes_too_long_is_stopped_with_its_children(tmp_path, monkeypatch):
    source = """
import os, subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
with open("pids.tmp", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename("pids.tmp", "pids")
threading.Event().wait()
"""

    class Limited(subprocess.Popen):
        """Its time is over as soon as everything was started."""

        def wait(self, timeout: float | None = None) -> int:
            if timeout is not None:
                wait_until(Path("pids").exists)
                timeout = 0
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Limited)
    (problem,) = notify(PARTIAL, load(notify_command=program(tmp_path / "hangs.py", source)))
    assert "stopped at its time limit of 180 s" in problem
    pids = [int(pid) for pid in Path("pids").read_text().split()]
    wait_until(lambda: not any(map(_runs, pids)))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

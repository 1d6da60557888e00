"""The page *Machine* as plain data: what runs, the last hour, the disk, and the check."""

import json
import subprocess
import time
from pathlib import Path

from tests.waiting import wait_until
from vidlib.dashboard.machine import Machine
from vidlib.dashboard.pages import Context
from vidlib.localization import Localization
from vidlib.machine import load_history
from vidlib.machine.load import Disk, Load
from vidlib.runner.store import queue
from vidlib.runner.store.models import Run

CHECK = {
    "findings": [
        {"name": "ffmpeg", "state": "ok", "detail": "/usr/bin/ffmpeg", "fix": ""},
        {"name": "unar", "state": "optional", "detail": "missing:\nRAR", "fix": "install it: apt-get install unar"},
    ]
}


def page(workspace, monkeypatch, stdout: str = json.dumps(CHECK)) -> Machine:
    answer = subprocess.CompletedProcess((), 1, stdout.encode(), b"")
    monkeypatch.setattr("vidlib.dashboard.machine.subprocess.run", lambda *_, **__: answer)
    return Machine(Context(workspace, words=Localization("en")))


def test_the_page_shows_the_steps_of_each_process_with_its_memory(history, planned, workspace, monkeypatch):
    run, tasks = planned("clip.mp4")
    queue.claim(history, tasks["convert"].id)
    queue.heartbeat(history, tasks["convert"].id, progress=0.5)
    with history.writing() as session:  # a process of another machine
        session.add(Run(id="far", status="running", paths=[], params={}, asked={}, owner="other/x/7/1",
                        heartbeat_at=time.time(), started_at=time.time()))  # fmt: skip
    here, far = page(workspace, monkeypatch).view(history, {})["work"]
    assert (here["here"], here["runs"]) == (True, (run.id,))
    assert here["memory_bytes"] > 10_000_000
    assert [(step["video"], step["step"], step["progress"]) for step in here["steps"]] == [("clip.mp4", "convert", 0.5)]
    assert (far["host"], far["here"], far["memory_bytes"]) == ("other", False, None)


def test_the_page_shows_the_last_hour_and_the_disk(history, workspace, monkeypatch):
    shown = page(workspace, monkeypatch)
    assert (shown.view(history, {})["hour"]["samples"], shown.view(history, {})["disk"]) == ([], None)
    load = Load(50.0, 1, 2, (Disk(Path("/"), 3 * 10**9, 9 * 10**9),), ())
    load_history.record(load_history.file_in(workspace.workspace / "logs"), load, time.time())
    parts = shown.view(history, {})
    assert [(sample["cpu"], sample["memory"]) for sample in parts["hour"]["samples"]] == [(0.5, 0.5)]
    assert (parts["disk"]["free"], parts["disk"]["full_in_s"]) == (6 * 10**9, None)


def test_the_check_runs_once_and_on_request(history, workspace, monkeypatch):
    shown = page(workspace, monkeypatch)
    before = shown.marker()
    shown.view(history, {})
    wait_until(lambda: not shown.marker()[1])
    assert shown.marker() != before
    check = shown.view(history, {})["check"]
    assert [(one["name"], one["state"], one["detail"]) for one in check["findings"]] == [
        ("ffmpeg", "ok", "/usr/bin/ffmpeg"),
        ("unar", "optional", "missing: | RAR"),
    ]
    shown.context.words = Localization("fr")
    assert shown.view(history, {})["check"]["findings"][1]["fix"] == "à installer\xa0: apt-get install unar"


def test_a_check_that_fails_is_said(history, workspace, monkeypatch):
    shown, said = page(workspace, monkeypatch, stdout="no JSON"), []
    shown.context.problem = said.append
    shown.check()
    wait_until(lambda: said)
    assert "the check of the machine failed" in said[0]

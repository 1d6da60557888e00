"""Starting runs, as processes of their own."""

import os
from types import SimpleNamespace

import pytest

from tests.waiting import LIMIT_S
from vidlib.dashboard import actions
from vidlib.dashboard.before_run import Choice
from vidlib.ingest.urls import handle


@pytest.mark.slow
def test_a_run_leads_a_session_of_its_own_and_says_why_it_could_not_begin(workspace):
    started = actions.start(workspace, ["nothing.mp4"], Choice())
    assert os.getsid(started.process.pid) == started.process.pid
    assert started.process.wait(timeout=LIMIT_S) == 2
    assert started.ended()
    assert f"{workspace.inbox / 'nothing.mp4'} does not exist" in started.last_log_line()


@pytest.mark.slow
def test_what_is_started_lies_in_the_inbox(workspace):
    started = actions.start(workspace, ["../outside.mp4"], Choice("default"))
    started.process.wait(timeout=LIMIT_S)
    assert f"{workspace.inbox / 'outside.mp4'} does not exist" in started.last_log_line()


def test_a_started_run_is_known_by_its_process_and_not_by_an_older_one_of_the_same_number(tmp_path):
    started = actions.StartedProcess(SimpleNamespace(pid=7), ("a.mp4",), tmp_path / "said", at=100.0)
    old = SimpleNamespace(id="old", owner="host/place/7/1", heartbeat_at=50.0)
    other = SimpleNamespace(id="other", owner="host/place/8/2", heartbeat_at=101.0)
    mine = SimpleNamespace(id="mine", owner="host/place/7/3", heartbeat_at=101.0)
    assert started.run_id([other, old]) is None
    assert started.run_id([other, mine, old]) == "mine"


def test_the_command_line_of_a_download_does_not_contain_the_link(workspace):
    link = "https://h.example/hush/film.zip?rlkey=hush"
    started = actions.download(workspace, link)
    try:
        command = " ".join(started.process.args)
    finally:
        started.process.kill()
        started.process.wait()
    assert "hush" not in command
    assert handle(link) in command

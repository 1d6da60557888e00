"""What the night does with an inbox: the scripts that cron and systemd call, with the real command line behind them."""

import json
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vidlib.runner.store.runs import History
from vidlib.settings import REPOSITORY, Settings, settings

NIGHTLY = REPOSITORY / "deploy" / "nightly.py"
LONG_AGO_S = 3600
JUST_NOW_S = 10
IN_THE_FUTURE_S = -3600


@pytest.fixture
def inbox(workspace: Settings) -> Path:
    workspace.inbox.mkdir(parents=True)
    return workspace.inbox


@pytest.fixture
def arrived(inbox: Path) -> Callable[[str, float], Path]:
    """``arrived("a.mp4", age_s)``: a video in the inbox that last changed so many seconds ago."""

    def put(name: str, age_s: float) -> Path:
        path = inbox / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"a video, by its name")
        os.utime(path, (time.time() - age_s,) * 2)
        return path

    return put


@pytest.fixture
def night(workspace: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., tuple]:
    """``night(*options)``: exit code, stdout and stderr of the script, in this process."""

    def call(*options: str) -> tuple[int, str, str]:
        monkeypatch.chdir(Path.cwd())  # the script goes elsewhere
        monkeypatch.setattr(sys, "argv", [str(NIGHTLY), *options])
        settings.cache_clear()
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(NIGHTLY), run_name="__main__")
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call


@pytest.fixture
def listed(inbox: Path) -> Callable[[], list[str]]:
    """``listed()``: what the night would run, in this process."""
    deliveries = runpy.run_path(str(NIGHTLY))["deliveries"]
    return lambda: [str(path) for path in deliveries(inbox)]


def test_an_empty_inbox_is_no_failure_and_no_run(inbox, workspace, night):
    assert night() == (0, "", f"nightly: nothing to do in {inbox}\n")
    with History(workspace.database) as history:
        assert history.runs() == []


def test_an_inbox_that_is_not_there_is_a_failure(night):
    code, _, err = night()
    assert code == 2
    assert "its disk is mounted" in err


def test_a_wrong_setting_is_one_line(inbox, night, monkeypatch):
    monkeypatch.setenv("VIDLIB_MAX_FILES", "many")
    code, _, err = night()
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "VIDLIB_MAX_FILES='many'" in err


def test_what_has_arrived_is_run_in_the_order_of_names(arrived, night):
    found = [arrived(name, LONG_AGO_S) for name in ("-dash.mp4", "a b.mp4", "$(touch x).mov")]
    assert json.loads(night("--list")[1]) == sorted(map(str, found))


@pytest.mark.parametrize("name", [".hidden.mp4", "~film.mp4", "film.mp4.part", "notes.txt"])
def test_what_is_no_delivery_is_left_out(arrived, listed, name):
    arrived(name, LONG_AGO_S)
    assert listed() == []


def test_what_changed_just_now_waits_for_the_next_night(arrived, listed, capsys):
    arrived("film.mp4", JUST_NOW_S)
    assert listed() == []
    assert "'film.mp4' is still arriving" in capsys.readouterr().err


def test_a_folder_waits_for_the_last_of_its_files(arrived, listed):
    arrived("delivery/a.mp4", LONG_AGO_S)
    late = arrived("delivery/b.mp4.part", LONG_AGO_S)
    os.utime(late.parent, (0, 0))
    assert listed() == []
    late.rename(late.with_suffix(""))
    os.utime(late.parent, (0, 0))
    assert listed() == [str(late.parent)]
    os.utime(late.with_suffix(""))
    assert listed() == []


def test_a_camera_whose_clock_is_ahead_does_not_wait(arrived, listed):
    film = arrived("film.mp4", IN_THE_FUTURE_S)
    assert listed() == [str(film)]


@pytest.mark.slow
def test_the_exit_code_is_that_of_the_run(arrived, workspace):
    arrived("film.mp4", LONG_AGO_S)
    command = [sys.executable, NIGHTLY, "--params", "cpu", "--jobs", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    document = json.loads(done.stdout)
    assert (done.returncode, document["status"]) == (3, "refused")
    assert [Path(video["path"]).name for video in document["videos"]] == ["film.mp4"]

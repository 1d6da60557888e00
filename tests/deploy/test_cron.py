"""The crontab, and the script that makes cron send a mail exactly when something failed."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vidlib.settings import REPOSITORY

CRON = REPOSITORY / "deploy" / "cron"
LINES = (CRON / "vidlib.crontab").read_text().splitlines()
VARIABLES = dict(line.split("=", 1) for line in LINES if re.match(r"[A-Z_]+=", line))
ENTRIES = [line for line in LINES if re.match(r"[\d*@]", line)]
WHEN = re.compile(r"(@reboot|(?:[\d*/,-]+\s+){5})\s*(.*)")


def logged(log: Path, script: str) -> subprocess.CompletedProcess:
    command = [CRON / "logged.sh", log, "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_success_is_silent_and_in_the_log(tmp_path):
    done = logged(tmp_path / "logs" / "night.log", "echo out; echo err >&2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "logs" / "night.log").read_text().splitlines()[1:] == ["out", "err"]


@pytest.mark.parametrize(
    ("code", "means"),
    [(1, "some videos failed"), (2, "wrong usage"), (3, "refused input"), (75, "still running"), (130, "cancelled")],
)
def test_a_failure_says_what_its_exit_code_means(tmp_path, code, means):
    done = logged(tmp_path / "night.log", f"exit {code}")
    assert done.returncode == code
    assert done.stdout.startswith(f"exit code {code}: ")
    assert means in done.stdout


def test_a_failure_shows_the_end_of_its_own_output_and_of_no_other(tmp_path):
    logged(tmp_path / "night.log", "echo yesterday")
    done = logged(tmp_path / "night.log", "seq 1000; exit 1")
    assert done.stdout.splitlines()[-1] == "1000"
    assert len(done.stdout.splitlines()) < 50
    assert "yesterday" not in done.stdout


def test_a_command_that_is_missing_is_a_failure(tmp_path):
    done = subprocess.run([CRON / "logged.sh", tmp_path / "log", "/nowhere"], capture_output=True, check=False)
    assert done.returncode == 127


def test_cron_can_read_every_entry():
    assert len(ENTRIES) == 3
    for entry in ENTRIES:
        assert WHEN.fullmatch(entry)
        assert "%" not in entry  # to cron the end of the line


def test_the_inbox_is_run_at_ten():
    assert any(entry.startswith("0 22 * * *") and "deploy/nightly.py" in entry for entry in ENTRIES)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("flock"), reason="flock is not installed: apt-get install util-linux")
@pytest.mark.parametrize("entry", ENTRIES, ids=["night", "restart", "retain"])
def test_what_cron_runs_works_and_sends_no_mail_for_an_empty_inbox(entry, tmp_path):
    installed = tmp_path / "opt"
    installed.mkdir()
    (installed / "deploy").symlink_to(REPOSITORY / "deploy")
    (installed / ".venv").symlink_to(Path(sys.prefix))
    (tmp_path / "srv" / "inbox").mkdir(parents=True)
    places = {"/opt/vidlib": str(installed), "/srv/vidlib": str(tmp_path / "srv")}
    environment = {name: _moved(value, places) for name, value in VARIABLES.items()} | {"HOME": str(tmp_path)}
    command = _moved(WHEN.fullmatch(entry)[2], places)
    done = subprocess.run(
        [environment["SHELL"], "-c", command], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    log = tmp_path / "srv" / "logs" / re.search(r"\w+\.log", entry)[0]
    assert log.is_file()


def test_a_night_is_left_out_while_the_one_before_goes_on(tmp_path):
    words = shlex.split(ENTRIES[0])
    flock = words[words.index("flock") : words.index("$VIDLIB_WORKSPACE/.nightly.lock")]
    lock = tmp_path / "lock"
    held = subprocess.run([*flock, lock, *flock, lock, "true"], check=False)
    assert held.returncode == 75


def _moved(text: str, places: dict[str, str]) -> str:
    for old, new in places.items():
        text = text.replace(old, new)
    return text

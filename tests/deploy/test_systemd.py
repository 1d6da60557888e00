"""The units as systemd reads them: in a stub of a machine, with `systemd-analyze`."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from vidlib import cli
from vidlib.settings import REPOSITORY, Settings

UNITS = REPOSITORY / "deploy" / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
EXPOSURE = 1.5
"""What `systemd-analyze security` may find at most, from 0 (none) to 10."""
needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed: apt-get install systemd"
)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine with the units installed, the targets of this one, and vidlib's programs as empty files."""
    installed = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(UNITS, installed)
    targets = tmp_path / "usr" / "lib" / "systemd" / "system"
    targets.mkdir(parents=True)
    for target in Path("/lib/systemd/system").glob("*.target"):
        shutil.copy(target, targets, follow_symlinks=False)
    for program in ("vidlib", "python"):
        stub = tmp_path / "opt" / "vidlib" / ".venv" / "bin" / program
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.touch(mode=0o755)
    return tmp_path


def analyze(machine: Path, command: str, *arguments: str) -> subprocess.CompletedProcess:
    command_line = ["systemd-analyze", command, f"--root={machine}", *arguments]
    return subprocess.run(command_line, capture_output=True, text=True, check=False)


def lines_of(unit: str, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", (UNITS / unit).read_text(), re.MULTILINE)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_any_unit(machine):
    done = analyze(machine, "verify", "--man=no", *SERVICES, "vidlib-run.timer")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_a_program_that_is_missing_would_be_found(machine):
    (machine / "opt" / "vidlib" / ".venv" / "bin" / "vidlib").unlink()
    done = analyze(machine, "verify", "--man=no", "vidlib-watch.service")
    assert done.returncode != 0
    assert "not executable" in done.stderr


@needs_systemd
@pytest.mark.parametrize("service", SERVICES)
def test_little_is_exposed(machine, service):
    limit = f"--threshold={round(EXPOSURE * 10)}"
    done = analyze(machine, "security", "--offline=yes", "--no-pager", limit, service)
    assert done.returncode == 0, done.stdout


@needs_systemd
def test_the_drop_in_for_a_gpu_wins_over_the_hardening(machine):
    folder = machine / "etc" / "systemd" / "system" / "vidlib-run.service.d"
    folder.mkdir()
    shutil.copy(UNITS / "50-gpu.conf", folder)
    done = analyze(machine, "security", "--offline=yes", "--json=short", "vidlib-run.service")
    found = {row["json_field"]: row for row in json.loads(done.stdout)}
    assert not found["PrivateDevices"]["set"]
    assert "char-nvidia*:rw" in found["DeviceAllow"]["description"]


@needs_systemd
def test_the_night_begins_at_ten():
    (when,) = lines_of("vidlib-run.timer", "OnCalendar")
    done = subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, text=True, check=True)
    assert "22:00:00" in done.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_every_unit_calls_what_there_is(service):
    commands = typer.main.get_command(cli.app).commands
    (line,) = lines_of(service, "ExecStart")
    program, first, *others = line.removeprefix("/opt/vidlib/.venv/bin/").split()
    if program == "python":
        assert (REPOSITORY / first).is_file()
    else:
        assert program == "vidlib"
        assert first in commands and not commands[first].hidden
        assert first != "downloads" or others[0] in commands[first].commands


@pytest.mark.parametrize("service", SERVICES)
def test_a_cancelled_run_is_no_failed_unit_and_a_failed_one_is(service):
    if "dashboard" not in service:
        assert lines_of(service, "SuccessExitStatus") == ["130"]


def test_what_the_example_sets_are_settings():
    names = re.findall(r"^#?VIDLIB_(\w+)=", (REPOSITORY / "deploy" / "vidlib.env").read_text(), re.MULTILINE)
    assert names
    assert {name.lower() for name in names} <= Settings.model_fields.keys()

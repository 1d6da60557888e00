"""scripts/setup.sh beside programs that only write down how they were called."""

import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
RECORDER = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
"""
LDCONFIG = """#!/bin/sh
echo "libEGL.so.1 libGLESv2.so.2"
"""


@pytest.fixture
def machine(tmp_path):
    """A machine that has everything but the Python packages; calling it runs the script and returns what it called."""
    programs = dict.fromkeys(
        ("python", "pip", "uv", "vidlib", "ffmpeg", "ffprobe", "unar", "7zz", "apt-get", "sudo"), RECORDER
    )
    tools = tmp_path / "venv" / "bin"
    tools.mkdir(parents=True)
    for name, content in {**programs, "ldconfig": LDCONFIG}.items():
        (tools / name).write_text(content)
        (tools / name).chmod(0o755)
    calls = tmp_path / "calls"
    given = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "CALLS": str(calls)}

    def set_up(*programs: str, **variables: str) -> list[str]:
        calls.write_text("")
        environment = given | {"VENV": str(tools.parent), "PIP_FIND_LINKS": "/wheels"} | variables
        command = ["bash", REPOSITORY / "scripts" / "setup.sh", *programs]
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return calls.read_text().splitlines()

    set_up.tools = tools
    return set_up


def test_torch_comes_first_and_nothing_brings_its_dependencies(machine):
    installs = [call for call in machine() if call.startswith("uv pip install")]
    assert "torch==2.13.0" in installs[0]
    assert "requirements.lock" in installs[1]
    assert all("--no-deps" in call for call in installs)


def test_the_weights_are_fetched_once_everything_is_installed(machine):
    assert machine()[-1] == "vidlib models fetch"


def test_a_second_run_calls_nothing(machine):
    assert machine()
    assert machine() == []


def test_without_a_folder_of_wheels_torch_comes_from_the_cpu_index(machine):
    calls = machine(PIP_FIND_LINKS="")
    assert any("--index https://download.pytorch.org/whl/cpu torch==2.13.0" in call for call in calls)


def test_the_build_of_torch_that_somebody_chose_is_remembered(machine):
    chosen = machine(TORCH_ARGS="torch==2.13.0 --index https://example.org/cuda")
    assert any("--reinstall-package torch torch==2.13.0 --index https://example.org/cuda" in call for call in chosen)
    assert machine() == []


def test_root_installs_exactly_the_system_packages_that_are_missing(machine):
    (machine.tools / "ldconfig").write_text(RECORDER)
    (machine.tools / "id").write_text("#!/bin/sh\necho 0\n")
    (machine.tools / "id").chmod(0o755)
    installs = [call for call in machine("no-such-program") if call.startswith("apt-get install")]
    assert [call.split("--no-install-recommends ")[1] for call in installs] == ["libegl1 libgles2", "no-such-program"]


def test_others_are_told_the_line_and_get_the_python_part(machine):
    (machine.tools / "ldconfig").write_text(RECORDER)
    (machine.tools / "id").write_text("#!/bin/sh\necho 1000\n")
    (machine.tools / "id").chmod(0o755)
    calls = machine()
    assert not any(call.startswith(("apt-get", "sudo")) for call in calls)
    assert any("requirements.lock" in call for call in calls)

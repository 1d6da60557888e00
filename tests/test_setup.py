"""scripts/setup.sh beside programs that only record how they were called."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from vidlib import doctor
from vidlib.settings import REPOSITORY

RECORDER = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
"""
LDCONFIG = """#!/bin/sh
echo "libEGL.so.1 libGLESv2.so.2"
"""
INTERPRETER = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
case "$*" in
  *cp%d*) echo cp311 ;;
  *%d.%d*) echo "${VERSION:-3.11}" ;;
  "-m venv "*) cp -R "$TEMPLATE" "$3" ;;
esac
"""
BROKEN = """#!/bin/sh
echo "pyenv: $(basename "$0"): command not found" >&2
exit 127
"""
WITHOUT_VENV = """#!/bin/sh
case "$*" in *ensurepip*) exit 1 ;; esac
"""
PROGRAMS_OF_UNIX = (
    *("bash", "sh", "basename", "cat", "chmod", "cp", "env", "flock", "grep", "id", "ln", "mkdir", "rm"),
    *("sha256sum", "uname", "dirname"),
)


def write_program(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(content)
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path):
    """A machine that lacks only the Python packages. Calling it runs the script and returns the recorded calls."""
    tools = tmp_path / "venv" / "bin"
    for name in ("pip", "uv", "vidlib", "ffmpeg", "ffprobe", "unar", "7zz", "apt-get", "sudo"):
        write_program(tools / name, RECORDER)
    write_program(tools / "python", INTERPRETER)
    write_program(tools / "ldconfig", LDCONFIG)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl").touch()
    calls = tmp_path / "calls"
    given = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "CALLS": str(calls)}

    def set_up(*programs: str, **variables: str) -> list[str]:
        calls.write_text("")
        environment = given | {"VENV": str(tools.parent), "PIP_FIND_LINKS": str(wheels)} | variables
        command = ["bash", REPOSITORY / "scripts" / "setup.sh", *programs]
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return calls.read_text().splitlines()

    set_up.tools = tools
    return set_up


@pytest.fixture
def bare_machine(tmp_path) -> Callable[..., tuple[int, str, list[str]]]:
    """A machine without an environment, whose programs are those in ``bare_machine.programs``.

    Calling it runs the script there and returns the exit code, stderr and the recorded calls.
    """
    programs, template, calls = tmp_path / "programs", tmp_path / "template", tmp_path / "calls"
    programs.mkdir()
    for name in PROGRAMS_OF_UNIX:
        (programs / name).symlink_to(shutil.which(name))
    for name in ("ffmpeg", "ffprobe", "unar", "7zz", "apt-get"):
        write_program(programs / name, RECORDER)
    write_program(programs / "ldconfig", LDCONFIG)
    for name in ("pip", "uv", "vidlib"):
        write_program(template / "bin" / name, RECORDER)
    write_program(template / "bin" / "python", INTERPRETER)
    given = {"PATH": str(programs), "HOME": str(tmp_path), "CALLS": str(calls), "TEMPLATE": str(template)}

    def set_up(**variables: str) -> tuple[int, str, list[str]]:
        calls.write_text("")
        environment = given | {"VENV": str(tmp_path / "venv")} | variables
        command = [programs / "bash", REPOSITORY / "scripts" / "setup.sh"]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        return done.returncode, done.stderr, calls.read_text().splitlines()

    set_up.programs = programs
    return set_up


def test_the_newest_python_that_runs_makes_the_environment(bare_machine):
    for name, content in {"3.14": BROKEN, "3.13": WITHOUT_VENV, "3.12": INTERPRETER, "3.11": INTERPRETER}.items():
        write_program(bare_machine.programs / f"python{name}", content)
    code, stderr, calls = bare_machine()
    assert code == 0, stderr
    assert f"with {bare_machine.programs}/python3.12" in stderr
    assert any(call.startswith("python3.12 -m venv ") for call in calls)
    assert calls[-1] == "vidlib models fetch"


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_a_machine_without_python_3_11_is_set_up(bare_machine, version):
    write_program(bare_machine.programs / f"python{version}", INTERPRETER)
    code, stderr, calls = bare_machine(VERSION=version)
    assert code == 0, stderr
    assert not [call for call in calls if call.startswith("apt-get")]


def test_the_python_that_somebody_names_is_taken(bare_machine):
    write_program(bare_machine.programs / "python3.13", INTERPRETER)
    write_program(bare_machine.programs / "mine" / "python", INTERPRETER)
    assert f"with {bare_machine.programs}/mine/python" in bare_machine(PYTHON=f"{bare_machine.programs}/mine/python")[1]


def test_uv_brings_python_where_none_is_installed(bare_machine):
    uv = RECORDER + 'case "$1" in venv) for last; do :; done; cp -R "$TEMPLATE" "$last" ;; esac\n'
    write_program(bare_machine.programs / "uv", uv)
    code, stderr, calls = bare_machine(VERSION="3.13")
    assert code == 0, stderr
    assert "uv brings Python 3.13" in stderr
    assert any(call.startswith("uv venv ") and "--python 3.13" in call for call in calls)


def test_a_machine_without_python_and_uv_is_told_what_is_missing(bare_machine):
    code, stderr, _ = bare_machine()
    assert code == 1
    for part in ("no Python 3.11 to 3.14", "python3-venv", "https://docs.astral.sh/uv/", "PYTHON=/path/to/python"):
        assert part in stderr


def test_root_installs_the_venv_module_of_a_python_that_lacks_it(bare_machine):
    write_program(bare_machine.programs / "python3.13", WITHOUT_VENV)
    write_program(bare_machine.programs / "id", "#!/bin/sh\necho 0\n")
    assert any(call.endswith("--no-install-recommends python3.13-venv") for call in bare_machine()[2])


def test_an_environment_with_an_unsupported_python_is_named(bare_machine):
    write_program(bare_machine.programs / "python3.11", INTERPRETER)
    code, stderr, _ = bare_machine(VERSION="3.10")
    assert code == 1
    assert "has Python 3.10; expected 3.11 to 3.14" in stderr


def test_every_place_names_the_same_versions_of_python():
    script = (REPOSITORY / "scripts" / "setup.sh").read_text()
    versions = re.search(r"^PYTHONS=\((.*)\)", script, re.MULTILINE)[1].split()[::-1]
    last = int(versions[-1].split(".")[1])
    assert versions == [f"3.{minor}" for minor in range(11, last + 1)]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == f">={versions[0]},<3.{last + 1}"
    assert f"python_full_version < '3.{last + 1}'" in project["tool"]["uv"]["environments"][0]
    assert [f"{major}.{minor}" for major, minor in doctor.PYTHONS] == versions
    conda = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
    assert f"python >={versions[0]},<3.{last + 1}" in conda["dependencies"]


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


def test_a_wheel_of_torch_for_another_python_is_not_used(machine, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "torch-2.13.0+cpu-cp313-cp313-linux_x86_64.whl").touch()
    calls = machine(PIP_FIND_LINKS=str(folder))
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


def test_every_version_that_is_promised_to_work_is_tested():
    workflow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands[-2:] == ["make check", "make test"]


def test_the_hooks_of_git_use_the_programs_of_the_environment():
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    locked = {line.split("==")[0] for line in (REPOSITORY / "requirements.lock").read_text().splitlines()}
    programs = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks}
    assert programs == {"ruff", "nbstripout"}
    assert programs <= locked

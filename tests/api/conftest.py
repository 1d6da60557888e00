"""A small workspace with finished work, made by hand, and another one with a cast."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import finished, sample_media
from tests.cast import invented
from tests.cast.invented import ANNA, BERT, PICTURE
from vidlib import Workspace
from vidlib.cast import store
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


@pytest.fixture(scope="session")
def cast_folder(tmp_path_factory) -> Path:
    """Two finished videos; in each, person 1 is seen and heard as SPEAKER_00, and person 2 is seen."""
    folder = tmp_path_factory.mktemp("cast")
    chosen = load(workspace=folder / "workspace")
    for name in ("talk.mp4", "street.mp4"):
        video = sample_media.clip(folder / name, options=["-metadata", f"title={name}"])
        folders = finished.all_steps(chosen.work / sha256(video)[:16], video=video)
        finished.register(chosen, folders, video, project="news")
    return folder


@pytest.fixture
def cast_ws(cast_folder, monkeypatch) -> Iterator[Workspace]:
    """The workspace of `cast_folder`: the cast is on, and has collected both videos; nothing is decided yet.

    A1 is Anna and A2 is Bert in talk.mp4; A3 is Anna in street.mp4, a little changed.
    """
    values = {
        "WORKSPACE": str(cast_folder / "workspace"),
        "CAST_PURPOSE": "finding our presenters",
        "CAST_LEGAL_BASIS": "consent",
        "CAST_RETENTION_DAYS": "365",
        "CAST_KEY_FILE": str(cast_folder / "cast.key"),
        "OPERATOR": "Ada",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"VIDLIB_{name}", value)
    settings.cache_clear()
    ws = Workspace()
    for folder in (ws.settings.cast, ws.settings.corrections):
        shutil.rmtree(folder, ignore_errors=True)
    talk, street = cast_folder / "talk.mp4", cast_folder / "street.mp4"
    with store.opened(ws.settings) as opened, opened.writing() as connection:
        for one, video in (
            (invented.appearance(ANNA, heard=ANNA, project="news"), talk),
            (invented.appearance(BERT, number=2, project="news"), talk),
            (invented.appearance(ANNA, aside=0.2, heard=ANNA, project="news"), street),
        ):
            opened.add(connection, one.model_copy(update={"video": sha256(video), "name": video.name}), PICTURE)
    yield ws
    settings.cache_clear()

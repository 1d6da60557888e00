"""Fixtures of these tests."""

from pathlib import Path

import pytest

from tests import sample_media as made
from tests.steps.audio.listening import FakeEngines
from vidlib.steps.audio import engine_choice


@pytest.fixture
def fake(monkeypatch) -> FakeEngines:
    engine = FakeEngines()
    monkeypatch.setattr(engine_choice, "open_diarizer", engine.open)
    return engine


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """50 frames with a tone."""
    return made.clip(tmp_path_factory.mktemp("clip") / "clip.mp4")

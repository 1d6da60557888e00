"""Fixtures of these tests."""

import pytest

from tests.steps.finalize.delivering import RESULTS


@pytest.fixture
def home(tmp_path):
    """Two finished videos of one name in two folders, each with its results; bytes stand for the media."""
    for stem in ("A/clip", "B/clip"):
        folder = tmp_path / "work" / stem
        folder.mkdir(parents=True)
        for name in ("source", "video", *RESULTS):
            (folder / name).write_text(f"{name} of {stem}")
    return tmp_path

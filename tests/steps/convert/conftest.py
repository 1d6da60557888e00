"""Fixtures of these tests."""

from pathlib import Path

import pytest

from tests import sample_media
from tests.steps.convert.converting import converted
from vidlib.steps import convert


@pytest.fixture
def out_dir(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture(scope="package")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, convert.Outputs]:
    """Conversions that several tests look at: a clip that is ``kept``, and one at 24 fps that is ``encoded``."""
    folder = tmp_path_factory.mktemp("results")
    return {
        name: converted(sample_media.clip(folder / f"{name}.mp4", fps=fps), folder / name)
        for name, fps in (("kept", "25"), ("encoded", "24"))
    }

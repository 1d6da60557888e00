"""A reader that shares no code with the writers."""

from types import ModuleType

import pytest


@pytest.fixture
def otio() -> ModuleType:
    """OpenTimelineIO with its adapters, where this Python has it."""
    return pytest.importorskip("opentimelineio")

"""Models that serve several runs of a step."""

from collections.abc import Iterator

import pytest

from vidlib.engines.runtime import model_cache


@pytest.fixture(scope="module")
def warm_models() -> Iterator[None]:
    """Models stay open from one run of this module to the next, as in a warm kernel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_cache, "_cache", None)
        model_cache.keep_models()
        yield
        model_cache.drop_models()

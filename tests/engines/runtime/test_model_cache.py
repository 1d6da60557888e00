"""Models in a process that keeps them, and in one that does not."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vidlib.engines.runtime import model_cache
from vidlib.engines.runtime.model_cache import MAX_CACHED, drop_models, keep_models


class Shop:
    """Opens models, which are called by number, and remembers which are open."""

    def __init__(self):
        self.made, self.open = 0, set()

    @contextmanager
    def make(self) -> Iterator[int]:
        self.made += 1
        number = self.made
        self.open.add(number)
        try:
            yield number
        finally:
            self.open.remove(number)

    def use(self, key: object = "model") -> int:
        """Open a model and leave it; which one it was."""
        with model_cache.cached_model(key, self.make) as number:
            return number


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_an_ordinary_process_closes_each_model_after_its_use(shop):
    assert (shop.use(), shop.use(), shop.open) == (1, 2, set())


def test_a_warm_one_opens_it_once(shop, warm):
    assert (shop.use(), shop.use(), shop.open) == (1, 1, {1})


def test_keeping_twice_is_keeping_once(shop, warm):
    shop.use()
    keep_models()
    assert shop.use() == 1


def test_another_key_is_another_model(shop, warm):
    assert (shop.use(("a", 0.5)), shop.use(("a", 0.6)), shop.use(("a", 0.5))) == (1, 2, 1)


def test_two_users_at_once_never_share_one(shop, warm):
    with model_cache.cached_model("model", shop.make) as one, model_cache.cached_model("model", shop.make) as other:
        assert one != other
    assert len(shop.open) == 1


def test_a_model_whose_use_failed_is_closed_and_not_used_again(shop, warm):
    shop.use()
    with pytest.raises(ValueError, match="broken"), model_cache.cached_model("model", shop.make):
        raise ValueError("broken")
    assert shop.open == set()
    assert shop.use() == 2


def test_those_unused_for_longest_are_closed(shop, warm):
    for key in range(MAX_CACHED):
        shop.use(key)
    shop.use(0)
    shop.use("one more")
    assert len(shop.open) == MAX_CACHED
    assert shop.use(0) == 1
    assert shop.use(1) == MAX_CACHED + 2


def test_dropped_models_are_closed_and_the_next_one_is_kept_again(shop, warm):
    shop.use("a"), shop.use("b")
    drop_models()
    assert shop.open == set()
    assert (shop.use("a"), shop.use("a"), shop.open) == (3, 3, {3})


def test_a_model_that_cannot_be_opened_leaves_nothing_behind(shop, warm):
    @contextmanager
    def missing() -> Iterator[None]:
        raise FileNotFoundError("no weights")
        yield

    with pytest.raises(FileNotFoundError), model_cache.cached_model("model", missing):
        pass
    assert shop.use() == 1

"""One table for every kind of engine: names, devices, missing packages, and models that stay open."""

import importlib

import pytest

from vidlib.engines.registry import Engine, Registry
from vidlib.errors import EngineUnavailable, UnknownName

HERE = "tests.engines.test_registry"


class Counter:
    """An engine that counts from ``start``."""

    def __init__(self, start: int = 0):
        self.number = start

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.number = None


class NeedsMore:
    def __init__(self):
        importlib.import_module("package_that_nobody_has")


REGISTRY: Registry[Counter] = Registry(
    "counting engine",
    {
        "plain": Engine({"cpu": f"{HERE}:Counter"}, packages="numpy", weights=("abacus",)),
        "fast": Engine({"cpu": f"{HERE}:Counter", "cuda": f"{HERE}:Counter"}, "numpy", gpu_problem=lambda: "no card"),
        "incomplete": Engine({"cpu": f"{HERE}:NeedsMore"}, packages="abacus beads"),
        "absent": Engine({"cpu": "module_that_nobody_has:Counter"}, packages="abacus"),
    },
)


def test_an_engine_is_made_with_its_options_and_closed_at_the_end_of_the_block():
    with REGISTRY.open("plain", "cpu", 7) as counter:
        assert counter.number == 7
    assert counter.number is None


def test_a_warm_process_opens_one_model_for_equal_options(warm):
    with REGISTRY.open("plain", "cpu", 7) as first:
        pass
    with REGISTRY.open("plain", "cpu", 7) as again, REGISTRY.open("plain", "cpu", 8) as other:
        assert again is first
        assert other is not first


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownName, match=r"did you mean 'plain'.*known: absent, fast, incomplete, plain"):
        REGISTRY.open("plan", "cpu")
    with pytest.raises(UnknownName, match="is not a known counting engine"):
        REGISTRY["abacus"]


@pytest.mark.parametrize(("name", "remedy"), [("incomplete", "abacus beads"), ("absent", "abacus")])
def test_a_missing_package_is_reported_with_the_command_that_installs_it(name, remedy):
    message = f"counting engine '{name}' cannot run here: .*nobody_has.*pip install {remedy}"
    with pytest.raises(EngineUnavailable, match=message), REGISTRY.open(name, "cpu"):
        pass


def test_a_device_that_an_engine_cannot_use_is_refused():
    with pytest.raises(EngineUnavailable, match="'plain' cannot use device 'cuda'; expected 'cpu'"):
        REGISTRY.open("plain", "cuda")


def test_each_engine_says_what_keeps_it_from_the_gpu():
    assert (REGISTRY.uses_gpu("plain"), REGISTRY.uses_gpu("fast")) == (False, True)
    assert REGISTRY.gpu_problem("plain") == "counting engine 'plain' does not use a GPU"
    assert REGISTRY.gpu_problem("fast") == "no card"

"""Where work runs: the GPU is left once, for its own failures only, and that is said."""

import pytest

from vidlib.errors import EngineUnavailable, GpuFailed
from vidlib.machine import devices
from vidlib.machine.devices import Choice


def usable() -> None:
    """No problem: there is a GPU."""


def missing() -> str:
    return "there is no GPU"


class Work:
    """Work that fails on the GPU with ``error``."""

    def __init__(self, error: Exception | None = None):
        self.error, self.tried = error, []

    def __call__(self, device: str) -> str:
        self.tried.append(device)
        if device == "cuda" and self.error:
            raise self.error
        return f"done on {device}"


def test_work_stays_on_a_gpu_that_holds():
    assert devices.attempt("auto", work := Work(), usable) == ("done on cuda", Choice("cuda"))
    assert work.tried == ["cuda"]


def test_a_gpu_that_gives_up_is_left_once_and_the_reason_kept():
    work = Work(GpuFailed("out of memory"))
    assert devices.attempt("auto", work, usable) == ("done on cpu", Choice("cpu", "out of memory"))
    assert work.tried == ["cuda", "cpu"]


def test_a_gpu_that_was_asked_for_is_not_left():
    with pytest.raises(GpuFailed, match="out of memory"):
        devices.attempt("cuda", Work(GpuFailed("out of memory")), usable)


def test_another_error_is_no_reason_to_leave_the_gpu():
    work = Work(ValueError("a bug"))
    with pytest.raises(ValueError, match="a bug"):
        devices.attempt("auto", work, usable)
    assert work.tried == ["cuda"]


def test_the_cpu_never_looks_for_a_gpu():
    def looked() -> str:
        raise AssertionError("looked for a GPU")

    assert devices.attempt("cpu", Work(), looked) == ("done on cpu", Choice("cpu"))


def test_a_gpu_that_is_not_there_is_refused_with_the_reason():
    with pytest.raises(EngineUnavailable, match="there is no GPU"):
        devices.choose("cuda", missing)

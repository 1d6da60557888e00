"""Running one step notebook: its folder appears whole or not at all."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
import pytest

from tests.waiting import wait_until
from vidlib.errors import Cancelled, LeaseLost, ParamError, StepFailed
from vidlib.runner.kernels.notebook import Seat, Watch, run_step
from vidlib.runner.kernels.pool import KernelPool


def names(folder: Path) -> set[str]:
    """What lies in a folder, locks aside."""
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def test_a_finished_step_holds_its_files_its_manifest_and_its_executed_notebook(plan):
    planned = plan(n=4)
    outputs, executed = run_step(planned)
    assert executed
    assert json.loads(outputs.numbers.read_text()) == [0, 1, 2, 3]
    assert names(planned.folder.parent) == {planned.folder.name}
    assert names(planned.folder) == {"numbers.json", "outputs.json", "99_counting.ipynb"}
    text = (planned.folder / "99_counting.ipynb").read_text()
    assert str(planned.folder) in text
    assert ".tmp-" not in text


def test_a_step_that_is_done_is_planned_as_done_and_not_executed_again(plan):
    run_step(plan())
    again = plan()
    assert again.done
    assert again.reason == ""
    _, executed = run_step(again)
    assert not executed


def test_another_param_is_another_result_and_the_plan_says_what_differs(plan):
    run_step(plan(n=3))
    changed = plan(n=5)
    assert not changed.done
    assert changed.reason == "params.n: 3 -> 5"


def test_a_result_that_was_damaged_is_made_again_and_the_damaged_one_kept(plan):
    planned = plan()
    outputs, _ = run_step(planned)
    outputs.numbers.write_text("[]")
    damaged = plan()
    assert "numbers.json" in damaged.reason
    outputs, executed = run_step(damaged)
    assert executed
    assert json.loads(outputs.numbers.read_text()) == [0, 1, 2]
    assert names(planned.folder.parent) == {planned.folder.name, f"{planned.folder.name}.broken-1"}


def test_a_step_that_raises_leaves_no_result_but_its_notebook_beside_it(plan):
    planned = plan(mode="refuse")
    for attempt in (1, 2):
        with pytest.raises(StepFailed, match="no readable video") as failure:
            run_step(planned)
        kept = planned.folder.with_name(f"{planned.folder.name}.failed-{attempt}")
        assert failure.value.error_type == "MediaError"
        assert failure.value.notebook == str(kept / "99_counting.ipynb")
        assert any(
            output.output_type == "error"
            for cell in nbformat.read(failure.value.notebook, 4).cells
            for output in cell.get("outputs", ())
        )
    assert not planned.folder.exists()


def test_a_step_that_does_not_keep_its_promise_has_failed(plan):
    planned = plan(mode="lie")
    with pytest.raises(StepFailed, match="no numbers"):
        run_step(planned)
    assert not planned.folder.exists()


def test_a_kernel_that_dies_is_a_failed_step(plan):
    planned = plan(mode="die")
    with pytest.raises(StepFailed, match="died"):
        run_step(planned)
    assert names(planned.folder.parent) == {f"{planned.folder.name}.failed-1"}


def test_stopping_ends_the_kernel_and_leaves_nothing(plan, tmp_path):
    planned = plan(mode="wait")
    watch = Watch()

    def stop_once_it_works() -> None:
        wait_until(lambda: list((tmp_path / "home").glob(".tmp-*/started")))
        watch.stop(Cancelled("stopped as asked"))

    before = set(psutil.Process().children(recursive=True))
    with KernelPool(1) as kernels, ThreadPoolExecutor() as pool:
        stopping = pool.submit(stop_once_it_works)
        with pytest.raises(Cancelled):
            run_step(planned, seat=Seat(kernels), watch=watch)
        stopping.result()
        assert names(planned.folder.parent) == set()
    assert set(psutil.Process().children(recursive=True)) <= before


def test_a_result_that_may_not_be_published_leaves_nothing(plan):
    @contextmanager
    def refused() -> Iterator[None]:
        raise LeaseLost("another process took over")
        yield

    planned = plan()
    with pytest.raises(LeaseLost):
        run_step(planned, publishing=refused)
    assert names(planned.folder.parent) == set()


def test_force_makes_a_result_again_in_place_of_the_old_one(plan):
    planned = plan()
    run_step(planned)
    (planned.folder / "stray").touch()
    _, executed = run_step(planned, force=True)
    assert executed
    assert names(planned.folder) == {"numbers.json", "outputs.json", "99_counting.ipynb"}
    assert names(planned.folder.parent) == {planned.folder.name}


def test_what_a_dead_process_left_is_removed(plan, tmp_path):
    planned = plan()
    left = tmp_path / "home" / f".tmp-{planned.folder.name}-1"
    left.mkdir(parents=True)
    (left / "numbers.json").write_text("half")
    run_step(planned)
    assert not left.exists()


def test_a_notebook_without_a_parameter_that_the_step_has_is_refused(plan, counting_notebook):
    notebook = nbformat.read(counting_notebook, 4)
    notebook.cells[0].source = notebook.cells[0].source.replace("mode", "mood")
    nbformat.write(notebook, counting_notebook)
    with pytest.raises(ParamError, match="mo"):
        run_step(plan())

"""Running one step notebook: its folder is published whole and read-only, or not at all."""

import ctypes
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
import pytest

from tests.runner import counting
from tests.waiting import wait_until
from vidlib.errors import Cancelled, LeaseLost, ParamError, StepFailed
from vidlib.jupyter_import import papermill
from vidlib.runner.kernels.notebook import Placement, StepMonitor, run_step
from vidlib.runner.kernels.pool import KernelPool
from vidlib.settings import settings
from vidlib.steps.base import StepOutputs

pytestmark = pytest.mark.slow


def without_privileges() -> None:
    """Make modes count for root as well: capabilities CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (linux/capability.h)."""
    prctl = ctypes.CDLL(None).prctl
    for capability in (1, 2):
        prctl(24, capability)  # PR_CAPBSET_DROP in linux/prctl.h


def make_writable(folder: Path) -> None:
    """Undo the protection of a finished result, as somebody who damages it would."""
    for path in (folder, *folder.iterdir()):
        path.chmod(path.stat().st_mode | 0o200)


def names(folder: Path) -> set[str]:
    """The names in a folder, without locks."""
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def run_again(notebook: Path, **changes: object) -> StepOutputs:
    """Run All in JupyterLab, after a person changed these parameters: plain Papermill without parameters."""
    changed = nbformat.read(notebook, 4)
    for cell in changed.cells:
        for name, value in changes.items():
            cell.source = re.sub(f"^{name} = .*$", f"{name} = {value!r}", cell.source, flags=re.MULTILINE)
    papermill.execute_notebook(changed, None, progress_bar=False, cwd=str(notebook.parent))
    (out_dir,) = re.findall("^out_dir = '(.*)'", "\n".join(cell.source for cell in changed.cells), re.MULTILINE)
    return counting.STEP.outputs(Path(out_dir))


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


def test_a_finished_notebook_that_is_run_again_with_another_param_changes_no_finished_result(plan, workspace):
    planned = plan(n=4)
    run_step(planned)
    again = run_again(planned.folder / "99_counting.ipynb", n=2)
    assert json.loads(again.numbers.read_text()) == [0, 1]
    assert again.numbers.is_relative_to(workspace.workspace / "tmp")
    assert plan(n=4).done
    assert json.loads(plan(n=4).outputs.numbers.read_text()) == [0, 1, 2, 3]


def test_a_step_refuses_to_write_into_a_finished_result(plan):
    planned = plan(n=4)
    run_step(planned)
    with pytest.raises(ParamError, match=r"out_dir = .* holds a finished result"):
        counting.run(counting.Inputs(**planned.inputs, out_dir=planned.folder), counting.Params(n=2))
    assert json.loads(plan(n=4).outputs.numbers.read_text()) == [0, 1, 2, 3]


def test_a_result_that_holds_the_outputs_of_other_params_was_changed_and_is_made_again(plan, tmp_path):
    """Notebooks of version 0.1.0 wrote into their finished folder when somebody ran them again."""
    planned = plan(n=4)
    run_step(planned)
    counting.run(counting.Inputs(**planned.inputs, out_dir=tmp_path / "other"), counting.Params(n=2))
    make_writable(planned.folder)
    shutil.copytree(tmp_path / "other", planned.folder, dirs_exist_ok=True)
    changed = plan(n=4)
    assert not changed.done
    assert changed.damaged
    assert "was changed after it was finished" in changed.reason
    outputs, executed = run_step(changed)
    assert executed
    assert json.loads(outputs.numbers.read_text()) == [0, 1, 2, 3]
    assert plan(n=5).reason == "params.n: 4 -> 5"


def test_a_finished_result_is_read_only_but_a_source_that_it_links_is_not(plan, tmp_path):
    outputs, _ = run_step(plan(mode="link"))
    folder = outputs.numbers.parent
    writable = {path.name for path in [folder, *folder.iterdir()] if path.stat().st_mode & 0o222}
    assert writable == {"source.bin"}
    assert (tmp_path / "source.bin").stat().st_mode & 0o200


REPLACE = """
import os, sys, shutil
from pathlib import Path
from tests.runner import counting
from vidlib.files import link_or_copy
from vidlib.runner.kernels.notebook import run_step
from vidlib.runner.read_only import remove_folder
from vidlib.runner.scheduling.plan import plan_step

home, source = Path(sys.argv[1]), Path(sys.argv[1]).with_name("source.bin")
plan = lambda **params: plan_step(counting.STEP, source, {}, counting.Params(**params), home)
finished = plan()
outputs, _ = run_step(finished)
try:
    outputs.numbers.write_text("changed")
except PermissionError:
    print("files are read-only")
try:
    (finished.folder / "new").touch()
except PermissionError:
    print("folders are read-only")
link_or_copy(outputs.numbers, home.parent / "beside" / "numbers.json")
run_step(finished, force=True)
link_or_copy(outputs.numbers, home.parent / "beside" / "numbers.json")
finished.folder.chmod(0o755)
outputs.numbers.unlink()
finished.folder.chmod(0o555)
run_step(plan())
stale = home / f".tmp-{finished.folder.name}-dead"
shutil.copytree(finished.folder, stale)
run_step(plan(), force=True)
print(*sorted(path.name.partition(".")[2] for path in home.iterdir()))
remove_folder(home)
print(home.exists())
"""


def test_read_only_results_are_replaced_linked_and_removed_by_a_user_without_privileges(plan, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", REPLACE, str(tmp_path / "home")],
        preexec_fn=without_privileges,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["files are read-only", "folders are read-only", " broken-1", "False"]


def test_a_finished_step_is_planned_as_done_and_not_executed_again(plan):
    run_step(plan())
    again = plan()
    assert again.done
    assert again.reason == ""
    _, executed = run_step(again)
    assert not executed


def test_a_changed_param_gives_a_new_result_and_the_plan_names_the_difference(plan):
    run_step(plan(n=3))
    changed = plan(n=5)
    assert not changed.done
    assert changed.reason == "params.n: 3 -> 5"


def test_a_damaged_result_is_kept_aside_and_made_again(plan):
    planned = plan()
    outputs, _ = run_step(planned)
    make_writable(planned.folder)
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


def test_an_executed_notebook_says_how_to_run_it_again_and_where_the_results_go(plan, tmp_path):
    planned = plan(n=4)
    run_step(planned, settings=settings().model_copy(update={"workspace": tmp_path / "elsewhere"}))
    first, *others = nbformat.read(planned.folder / "99_counting.ipynb", 4).cells
    assert first.metadata.tags == ["notebook-only"]
    scratch = tmp_path / "elsewhere" / "tmp" / planned.folder.parent.name / "counting"
    assert f"The new results go to the scratch folder `{scratch}`" in first.source
    assert f"The finished result in `{planned.folder}` is read-only" in first.source
    assert any(f"out_dir = '{scratch}'" in cell.source for cell in others)


def test_a_failure_is_one_plain_sentence_in_the_error_and_on_top_of_the_notebook(plan):
    with pytest.raises(StepFailed) as failure:
        run_step(plan(mode="shout"))
    reason = failure.value.reason
    assert reason.startswith("it broke off with an unexpected error: RuntimeError: no luck | in the second line;")
    first, *others = nbformat.read(failure.value.notebook, 4).cells
    assert first.source.startswith(f"**This step failed:** `{reason}`")
    assert not [cell for cell in others if "papermill-error-cell-tag" in cell.metadata.get("tags", ())]
    assert ".tmp-" not in "".join(cell.source for cell in others)


def test_a_step_whose_outputs_break_a_promise_fails(plan):
    planned = plan(mode="lie")
    with pytest.raises(StepFailed, match="no numbers"):
        run_step(planned)
    assert not planned.folder.exists()


def test_a_kernel_that_dies_is_a_failed_step(plan):
    planned = plan(mode="die")
    with pytest.raises(StepFailed, match="its process died; the usual cause is too little memory"):
        run_step(planned)
    assert names(planned.folder.parent) == {f"{planned.folder.name}.failed-1"}


def test_stopping_ends_the_kernel_and_leaves_nothing(plan, tmp_path):
    planned = plan(mode="wait")
    monitor = StepMonitor()

    def stop_once_it_works() -> None:
        wait_until(lambda: list((tmp_path / "home").glob(".tmp-*/started")))
        monitor.stop(Cancelled("stopped as asked"))

    before = set(psutil.Process().children(recursive=True))
    with KernelPool(1) as kernels, ThreadPoolExecutor() as pool:
        stopping = pool.submit(stop_once_it_works)
        with pytest.raises(Cancelled):
            run_step(planned, placement=Placement(kernels), monitor=monitor)
        stopping.result()
        assert names(planned.folder.parent) == set()
    assert set(psutil.Process().children(recursive=True)) <= before


def test_a_result_without_permission_to_publish_leaves_nothing(plan):
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
    make_writable(planned.folder)
    (planned.folder / "stray").touch()
    _, executed = run_step(planned, force=True)
    assert executed
    assert names(planned.folder) == {"numbers.json", "outputs.json", "99_counting.ipynb"}
    assert names(planned.folder.parent) == {planned.folder.name}


def test_the_folder_of_a_dead_process_is_removed(plan, tmp_path):
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

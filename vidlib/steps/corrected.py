"""Steps whose results people correct: corrections are an input, applied to the result that the step has without them.

The result without corrections is read where it is finished already, so that a correction does not analyse a video
again; else it is made first. The bytes are the same in both cases.
"""

import functools
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import Field

from vidlib.corrections.actions import Decision
from vidlib.errors import BrokenOutput
from vidlib.files import TMP_PREFIX
from vidlib.progress import Report, quiet
from vidlib.results.naming import folder_name
from vidlib.steps.base import Manifest, Step, StepOutputs, fingerprint_of, location

Decisions = tuple[Decision, ...]


def corrections_input() -> Any:
    """An input: the decisions of people about the results of the step. It is no ingredient while there are none."""
    return Field((), description="decisions of people, see docs/use/correct.md", json_schema_extra={"added": True})


def uncorrected_input() -> Any:
    """An input: the folder of the finished result without corrections."""
    return location(
        "folder of the step's result without corrections; without it, the step makes that first", default=None
    )


class CorrectedOutputs(StepOutputs):
    """Outputs that people can correct."""

    unfit: dict[str, str] = Field(
        default_factory=dict,
        description="corrections that do not fit, by id, with the reason",
        exclude_if=lambda v: not v,
    )


Correct = Callable[[Any, Any], dict[str, Any]]
"""Makes the outputs that corrections change, of the inputs of a step and its outputs without corrections."""


def with_corrections(correct: Correct) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a step's ``run`` apply its input ``corrections`` with ``correct``; other outputs are carried over."""

    def decorate(run: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(run)
        def run_and_correct(inputs: Any, params: Any, *, report: Report = quiet) -> StepOutputs:
            if not inputs.corrections:
                return run(inputs, params, report=report)
            with _uncorrected(run, inputs, params, report) as (folder, outputs):
                changed = correct(inputs, outputs)
                carried = {
                    name: _carry(value, folder, inputs.out_dir) for name, value in outputs if name not in changed
                }
                return outputs.model_copy(update=carried | changed)

        return run_and_correct

    return decorate


@contextmanager
def _uncorrected(run: Callable[..., Any], inputs: Any, params: Any, report: Report) -> Iterator[tuple[Path, Any]]:
    """The folder and the outputs of the step without corrections; a folder that had to be made is removed again."""
    step = Step(sys.modules[run.__module__])
    plain = inputs.model_copy(update={"corrections": (), "uncorrected": None})
    if inputs.uncorrected is not None:
        with suppress(BrokenOutput):
            expected = fingerprint_of(step.ingredients(plain, params))
            if Manifest.read(inputs.uncorrected).fingerprint == expected:
                found = step.outputs(inputs.uncorrected)
                yield inputs.uncorrected, found
                return
    with TemporaryDirectory(prefix=TMP_PREFIX, dir=inputs.out_dir) as name:
        folder = Path(name)
        yield folder, run(plain.model_copy(update={"out_dir": folder}), params, report=report)


def _carry(value: Any, folder: Path, out_dir: Path) -> Any:
    """An output, with the files in ``folder`` copied to ``out_dir``."""
    if isinstance(value, tuple):
        return tuple(_carry(item, folder, out_dir) for item in value)
    if not isinstance(value, Path):
        return value
    target = out_dir / value.relative_to(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(value, target))


def uncorrected_folder(folder: Path) -> Path | None:
    """Where the result without corrections lies that the finished result in ``folder`` was made of; None for others."""
    manifest = Manifest.read(folder)
    if not manifest.corrections:
        return None
    ingredients = manifest.model_dump(mode="json", include={"step", "version", "params", "weights", "tools"})
    inputs = {name: value for name, value in manifest.inputs.items() if name != "corrections"}
    return folder.with_name(folder_name(manifest.step, fingerprint_of({**ingredients, "inputs": inputs})))


def corrections_of(folders: Iterable[Path]) -> set[str]:
    """The ids of the corrections that the results of finished steps have, without those that do not fit."""
    manifests = [Manifest.read(folder) for folder in folders]
    return {id for one in manifests for id in one.corrections} - {
        id for one in manifests for id in one.outputs.get("unfit", ())
    }

"""Decides which steps are done and which have to run, and why."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from vidlib.corrections.actions import Correction, for_step
from vidlib.errors import BrokenOutput
from vidlib.params import Frozen
from vidlib.results.naming import finished, folder_name
from vidlib.steps import STEPS
from vidlib.steps.base import Manifest, Step, StepOutputs, fingerprint_of

AGAIN = "asked for again"
"""The reason of a step that is done but was forced."""


@dataclass(frozen=True)
class Planned:
    """One step for one video or project: its inputs and params, and the ``folder`` of its result.

    ``outputs`` is the result of a step that is done; ``reason`` says why another one has to run. ``uncorrected`` is the
    plan of the step without the corrections of people, which is made first.
    """

    step: Step
    inputs: dict[str, Any]
    params: Frozen
    folder: Path
    reason: str
    outputs: StepOutputs | None = None
    uncorrected: "Planned | None" = None

    @property
    def done(self) -> bool:
        return self.outputs is not None

    @property
    def damaged(self) -> bool:
        """Whether there is a result that cannot be used: somebody changed it, or files are missing."""
        return not self.done and self.folder.exists()


def plan_step(
    step: Step,
    source: Path | None,
    done: Mapping[str, StepOutputs],
    params: Frozen,
    home: Path,
    corrections: Sequence[Correction] = (),
    **others: Any,
) -> Planned:
    """Plan ``step``, after the earlier steps in ``done``; ``home`` holds the folders of its video or project.

    ``corrections`` are the decisions of people that count; a step takes those that it applies.
    """
    if step.corrected and (decisions := for_step(corrections, step.name)):
        uncorrected = plan_step(step, source, done, params, home, **others)
        inputs = step.wire(source, done, out_dir=home, corrections=decisions, uncorrected=uncorrected.folder, **others)
        return replace(_plan(step, inputs, params, home), uncorrected=uncorrected)
    return _plan(step, step.wire(source, done, out_dir=home, **others), params, home)


def _plan(step: Step, inputs: BaseModel, params: Frozen, home: Path) -> Planned:
    ingredients = step.ingredients(inputs, params)
    folder = home / folder_name(step.name, fingerprint_of(ingredients))
    values = {name: value for name, value in inputs if name != "out_dir"}
    try:
        outputs = step.outputs(folder)
        return Planned(step, values, params, folder, "", outputs)
    except BrokenOutput as error:
        reason = str(error) if folder.exists() else why(step, ingredients, home)
        return Planned(step, values, params, folder, reason)


@dataclass(frozen=True)
class VideoStep:
    """One step in the plan of a video.

    A step that is done names its ``folder``. Another one will run for a ``reason``, or after the steps ``waits_for``.
    """

    name: str
    folder: Path | None = None
    reason: str = ""
    waits_for: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        return self.folder is not None


def plan_video(
    source: Path,
    home: Path,
    steps: Iterable[str],
    params: Mapping[str, Frozen],
    again: Collection[str] = (),
    corrections: Sequence[Correction] = (),
) -> list[VideoStep]:
    """Plan the ``steps`` of the file ``source``, in order; ``home`` holds the folders of its finished steps.

    A step whose inputs do not exist yet waits for the steps that make them. The steps in ``again`` run although they
    are done. ``corrections`` are the decisions of people that count.
    """
    planned_steps: list[VideoStep] = []
    done: dict[str, StepOutputs] = {}
    for name in steps:
        if missing := sorted(STEPS[name].needs - done.keys()):
            planned_steps.append(VideoStep(name, waits_for=tuple(missing)))
            continue
        planned = plan_step(STEPS[name], source, done, params[name], home, corrections)
        if planned.outputs is None or name in again:
            planned_steps.append(VideoStep(name, reason=planned.reason or AGAIN))
        else:
            done[name] = planned.outputs
            planned_steps.append(VideoStep(name, planned.folder))
    return planned_steps


def why(step: Step, ingredients: Mapping[str, Any], home: Path) -> str:
    """The difference between the newest finished result of ``step`` in ``home`` and the requested one."""
    last = newest(step, home)
    if last is None:
        return "it has not run for this input yet"
    return "; ".join(differences(last.model_dump(mode="json"), ingredients)) or "its result is gone"


def newest(step: Step, home: Path) -> Manifest | None:
    """The manifest of the latest finished result of ``step`` in ``home``; results changed since do not count."""
    manifests = []
    for folder in home.glob(finished(step.name)):
        with suppress(BrokenOutput):
            manifest = Manifest.read(folder)
            manifest.check_name(folder)
            manifests.append(manifest)
    return max(manifests, key=lambda manifest: manifest.finished_at, default=None)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line for each ingredient that changed, such as ``params.threshold: 0.5 -> 0.4``.

    >>> differences({"version": 1, "params": {"a": 1}}, {"version": 1, "params": {"a": 2, "b": 3}})
    ['params.a: 1 -> 2', 'params.b: nothing -> 3']
    """
    changes = []
    for kind in ("version", "params", "inputs", "weights", "tools"):
        before, after = old.get(kind), new.get(kind)
        if not isinstance(before, dict) or not isinstance(after, dict):
            before, after = {"": before}, {"": after}
        for name in before | after:
            if before.get(name) != after.get(name):
                key = f"{kind}.{name}".rstrip(".")
                changes.append(f"{key}: {_short(before.get(name))} -> {_short(after.get(name))}")
    return changes


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} entries" if len(value) != 1 else "1 entry"
    text = "nothing" if value is None else str(value)
    return f"{text[:12]}…" if len(text) > 40 else text

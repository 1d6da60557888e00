"""The steps, in the order in which a project and its videos go through them."""

from vidlib.steps import audio, convert, extract, finalize, reduce, report, scenes, tracking
from vidlib.steps.base import Step

STEPS = {step.name: step for step in map(Step, (extract, convert, scenes, audio, tracking, reduce, finalize, report))}
VIDEO_STEPS = ("convert", "scenes", "audio", "tracking", "reduce")
"""Those that are done for each video; `extract` and `finalize` are done once for a project, `report` comes last."""

PARAMS = {name: step.module.Params for name, step in STEPS.items()}

"""The steps, in the order in which a project and its videos go through them."""

from vidlib.steps import audio, convert, download, extract, finalize, reduce, report, scenes, tracking
from vidlib.steps.base import Step

ORDER = (download, extract, convert, scenes, audio, tracking, reduce, finalize, report)
STEPS = {step.name: step for step in map(Step, ORDER)}
VIDEO_STEPS = ("convert", "scenes", "audio", "tracking", "reduce")
"""Those that are done for each video; the first two and `finalize` are done once for a project, `report` comes last."""

PARAMS = {name: step.module.Params for name, step in STEPS.items()}

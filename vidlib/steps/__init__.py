"""The steps, in the order in which a project and its videos go through them."""

from vidlib.steps import audio, convert, download, extract, finalize, reduce, report, scenes, tracking
from vidlib.steps.base import Step

ORDER = (download, extract, convert, scenes, audio, tracking, reduce, finalize, report)
STEPS = {step.name: step for step in map(Step, ORDER)}
VIDEO_STEPS = ("convert", "scenes", "audio", "tracking", "reduce")
"""The steps of each video. `download`, `extract` and `finalize` run once for a project; `report` is the last one."""

PARAMS = {name: step.module.Params for name, step in STEPS.items()}

PUBLISHED = tuple((step.name, result, output) for step in STEPS.values() for result, output in step.published.items())
"""(step, result, output): which output editors find beside the video as which result of `vidlib.results.naming`.

The result of a later step replaces that of an earlier one. An optional output may be None.
"""

ARCHIVED = (
    *PUBLISHED,
    *((step.name, result, output) for step in STEPS.values() for result, output in step.archived.items()),
)
"""As `PUBLISHED`, with the outputs that only the archive keeps."""

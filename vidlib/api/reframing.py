"""The plan for another shape of a video, from its results and from what people decided."""

from collections.abc import Iterable

from vidlib.api.results import VideoResults
from vidlib.corrections.actions import Correction, SetFraming
from vidlib.results.exports import boxes, shots_json
from vidlib.results.reframing.bars import picture_areas
from vidlib.results.reframing.framing import Area, Reframed
from vidlib.results.reframing.plan import plan

STEPS = ("convert", "scenes", "tracking")
"""The steps that a plan needs."""


def reframe(results: VideoResults, aspect: tuple[int, int], corrections: Iterable[Correction] = ()) -> Reframed:
    """The plan of a video for ``aspect``, (width, height); ``corrections`` are the decisions of people that count."""
    facts = results.outputs("convert")
    size = facts["width"], facts["height"]
    shots = shots_json.read(results.needed_file("scenes", "shots"))
    groups = boxes.read_shots(results.needed_file("tracking", "tracks"))
    decisions = [one.decision for one in corrections if isinstance(one.decision, SetFraming)]
    framings = plan(shots, groups, _pictures(results, len(shots), size), aspect, decisions)
    return Reframed(aspect, size, tuple(shots), tuple(framings))


def _pictures(results: VideoResults, n_shots: int, size: tuple[int, int]) -> list[Area]:
    """The part of each shot without black bars, of the key frames that the tracking step left."""
    import numpy as np
    from PIL import Image

    files = [results.folders["tracking"] / name for name in results.outputs("tracking").get("key_frames", ())]
    stills = [np.asarray(Image.open(file).convert("RGB")) for file in files if file.is_file()]
    return picture_areas(stills, n_shots, *size)

"""``_reframe.json``: what is shown of each shot in another shape, for other programs.

``{"fps", "aspect", "width", "height", "shots": [{"shot" (from 1), "start", "stop", "kind", "why", "by", "picture":
[left, top, width, height], "window": [width, height], "top", "segments": [{"start", "stop", "keys": [[frame, centre],
…]}]}]}``; frames count from 0, ``stop`` is not included, positions are pixels of the delivered video.
"""

from dataclasses import asdict
from pathlib import Path

from vidlib.files import write_json
from vidlib.results.reframing.framing import Reframed
from vidlib.timeline import FPS


def write(path: Path, reframed: Reframed) -> Path:
    """Write the framing of each shot."""
    rows = [
        {
            "shot": number,
            "start": shot.span.start,
            "stop": shot.span.stop,
            "kind": framing.kind,
            "why": framing.why,
            "by": "person" if framing.by_person else "machine",
            "picture": framing.picture,
            "window": framing.window,
            "top": framing.top,
            "segments": [asdict(segment) for segment in framing.segments],
        }
        for number, (shot, framing) in enumerate(zip(reframed.shots, reframed.framings, strict=True), 1)
    ]
    width, height = reframed.size
    about = {"fps": int(FPS), "aspect": reframed.aspect, "width": width, "height": height}
    return write_json(path, about | {"shots": rows}, indent=None)

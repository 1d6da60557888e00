"""``_vertical.json``: where the vertical window stands in each shot, for other programs.

``{"fps", "width", "height", "window", "shots": [{"shot" (from 1), "start", "stop", "kind", "why", "keys": [[frame,
centre], …]}]}``; frames count from 0, positions are pixels of the delivered video.
"""

from collections.abc import Sequence
from pathlib import Path

from vidlib.files import write_json
from vidlib.results.vertical import Window, window_width
from vidlib.timeline import FPS, Shot


def write(path: Path, shots: Sequence[Shot], windows: Sequence[Window], size: tuple[int, int]) -> Path:
    """Write the ``windows`` of ``shots`` in a video of ``size``, (width, height)."""
    rows = [
        {
            "shot": number,
            "start": shot.span.start,
            "stop": shot.span.stop,
            "kind": window.kind,
            "why": window.why,
            "keys": window.keys,
        }
        for number, (shot, window) in enumerate(zip(shots, windows, strict=True), 1)
    ]
    width, height = size
    about = {"fps": int(FPS), "width": width, "height": height, "window": window_width(width, height)}
    return write_json(path, about | {"shots": rows}, indent=None)
